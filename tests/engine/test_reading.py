"""A reading: what was known at the close of one bar, not what came later and not what is too old."""

import math
from dataclasses import replace

import pytest

from engine.candles import Candles
from engine.chart import read_chart
from engine.detection_params import DetectionParams
from engine.kernel import window_is_equal
from engine.params import WindowParams
from engine.reading import Day, Reading
from engine.runner import INTERPRETED
from engine.setups import may_complete
from engine.timeframes import DAY_MS, HOUR_MS, WEEK_MS, Timeframe
from tests.drawing import Row, drawn
from tests.engine.market import MONDAY_MS, PARAMS, read, walk, with_noise_after

RULES = DetectionParams(disp_n=5, eq_tol=0.0, sweep_reclaim=3, tz="UTC", day_roll="00:00")


def reading(candles: Candles, last: int | None = None, **window: int) -> Reading:
    last = len(candles) - 1 if last is None else last
    return Reading(read_chart(candles, RULES, INTERPRETED), last, WindowParams(**window))


def daily_rows(*days: tuple[float, float, float], bars: int = 24) -> list[Row]:
    """Hourly rows of whole days given as (high, low, close): flat at the close but for one high and one low."""
    rows: list[Row] = []
    for high, low, close in days:
        rows += [(close, high, close, close), (close, close, low, close), *[(close,) * 4] * (bars - 2)]
    return rows


def hourly(rows: list[Row], start_ms: int = MONDAY_MS) -> Candles:
    return drawn(rows, Timeframe.H1, start_ms)


def pools(view: Reading, side: int) -> list[tuple[float, bool]]:
    return [(level, view.is_equal(bar, side)) for level, bar in view.pools(side)]


def answers(view: Reading) -> tuple[object, ...]:
    """What a reading says that does not number bars from the start of its chart."""
    lately = max(0, view.last - 12)
    raids = [view.last_raid(side, lately, view.last) for side in (1, -1)]
    return (
        view.bars,
        view.close,
        view.closed_at_ms,
        view.atr,
        view.trend,
        view.windows,
        view.daily_bias,
        may_complete(view),
        view.dealing_range(),
        view.equilibrium(),
        view.previous_day(),
        view.previous_week(view.closed_at_ms),
        view.volume_ratio(view.last),
        view.body_strength(view.last),
        [pools(view, side) for side in (1, -1)],
        [
            raid and (raid.level, raid.count, raid.depth, raid.is_sweep, raid.is_rejected, raid.is_equal)
            for raid in raids
        ],
        [(b.top, b.bottom, b.touched) for side in (1, -1) for b in view.live_blocks(side, 150)],
        [(g.top, g.bottom) for side in (1, -1) for g in view.live_gaps(side, view.last - 20)],
        [view.was_raided(side, lately) for side in (1, -1)],
        [view.was_answered(side, lately) for side in (1, -1)],
    )


def test_a_reading_of_the_whole_chart_says_what_its_prefix_says():
    for seed in range(3):
        candles = walk(seed, 500, holes=seed == 1)
        whole = read(candles)
        for bar in range(40, 500, 7):
            prefix = read(candles.window(bar + 1, bar + 1))

            assert answers(Reading(whole, bar, PARAMS.window)) == answers(Reading(prefix, bar, PARAMS.window))


def test_a_reading_is_not_moved_by_noise_after_its_bar():
    candles = walk(4, 400)
    for bar in range(60, 400, 17):
        noisy = read(with_noise_after(candles, bar, seed=bar))

        assert answers(Reading(noisy, bar, PARAMS.window)) == answers(Reading(read(candles), bar, PARAMS.window))


def test_where_the_kernel_proves_it_a_reading_of_the_whole_chart_says_what_its_window_says():
    proved = 0
    for seed in range(3):
        candles = walk(seed, 1200, holes=seed == 1)
        whole = read(candles)
        for bar in range(PARAMS.window.window_bars, 1200, 11):
            view = Reading(whole, bar, PARAMS.window)
            if window_is_equal(whole.findings, view.first, view.oldest):
                window = candles.window(bar + 1, PARAMS.window.window_bars)

                assert answers(view) == answers(Reading(read(window), len(window) - 1, PARAMS.window))
                proved += 1

    assert proved > 100


def test_where_it_is_proved_a_chart_told_since_a_bar_says_what_the_whole_window_says():
    proved = others_say_otherwise = 0
    for seed in range(3):
        candles = walk(seed, 900, holes=seed == 1)
        for end in range(PARAMS.window.window_bars, 901, 7):
            window = candles.window(end, PARAMS.window.window_bars)
            last, whole = len(window) - 1, read(window)
            for memory_bars, lead in ((150, 100), (150, 50), (15, 50), (15, 5)):
                since, params = last + 1 - memory_bars - lead, replace(PARAMS.window, memory_bars=memory_bars)
                late = read(window, since)
                view, plain = (Reading(chart, last, params) for chart in (late, whole))
                if window_is_equal(late.findings, since, view.oldest):
                    assert answers(view) == answers(plain)
                    proved += 1
                else:
                    others_say_otherwise += answers(view) != answers(plain)

    assert proved > 200
    assert others_say_otherwise > 0


def test_a_judas_raid_is_looked_for_in_the_bars_it_is_asked_of():
    candles = walk(2, 900)
    raids = read(candles).judas_raids
    found = 0
    for bar, direction, level in zip(raids.bar.tolist(), raids.direction.tolist(), raids.level.tolist(), strict=True):
        view = Reading(read(candles), bar + 3, PARAMS.window)
        raid = view.last_judas_raid(direction, bar)
        later = raids.bar[(raids.bar > bar) & (raids.bar <= bar + 3) & (raids.direction == direction)]
        if not later.size:
            assert raid is not None
            assert (raid.index, raid.level, raid.side) == (bar, level, -direction)
            assert view.last_judas_raid(direction, bar + 1) is None
            found += 1

    assert found > 10


def test_memory_reaches_back_so_many_bars_and_no_further():
    high_at_bar_three: list[Row] = [(100, 100.5 + (i == 3), 99.5, 100) for i in range(30)]
    candles = hourly(high_at_bar_three)

    assert pools(reading(candles, memory_bars=27), 1) == [(101.5, False)]
    assert pools(reading(candles, memory_bars=26), 1) == []


def test_a_raided_pool_is_gone():
    rows: list[Row] = [(100, 100.5 + (i == 3), 99.5, 100) for i in range(10)]
    raided = [*rows, (100, 101.6, 99.5, 100)]

    assert pools(reading(hourly(raided), last=9), 1) == [(101.5, False)]
    assert pools(reading(hourly(raided), last=10), 1) == []


def test_equal_highs_are_named_once_the_second_is_known():
    rows: list[Row] = [(100, 101.5 if i in (3, 8) else 100.5, 99.5, 100) for i in range(14)]

    assert pools(reading(hourly(rows), last=9), 1) == [(101.5, False)]
    assert pools(reading(hourly(rows), last=10), 1) == [(101.5, True), (101.5, True)]


def test_a_raid_tells_the_outermost_level_and_how_many_pools_went():
    rows: list[Row] = [(100, {3: 102.0, 8: 101.0}.get(i, 100.5), 99.5, 100) for i in range(12)]
    raid = reading(hourly([*rows, (100, 102.5, 99.5, 100)])).last_raid(1, 0, 12)

    assert (raid.index, raid.level, raid.count, raid.depth) == (12, 102.0, 2, 0.5)
    assert raid.is_sweep


def test_a_run_is_rejected_only_once_a_close_is_back():
    rows: list[Row] = [(100, 100.5 + (i == 3), 99.5, 100) for i in range(10)]
    candles = hourly([*rows, (100, 102, 99.5, 101.8), (101.8, 102, 99.5, 100)])

    assert not reading(candles, last=10).last_raid(1, 0, 10).is_rejected
    assert reading(candles, last=11).last_raid(1, 0, 11).is_rejected
    assert not reading(candles, last=11).last_raid(1, 0, 11).is_sweep


def test_a_gap_lives_until_a_close_goes_through_it():
    rows: list[Row] = [(100, 100.5, 99.5, 100)] * 12
    leap: list[Row] = [(100, 103, 100, 103), (103, 104, 102, 103), (103, 104, 101, 103), (103, 103, 100, 100.2)]
    candles = hourly([*rows, *leap])

    for last in (13, 14):  # the second of these bars comes back into the gap, and closes beyond it again
        assert [(gap.index, gap.bottom, gap.top) for gap in reading(candles, last).live_gaps(1, 0)] == [(12, 100.5, 102)]
    assert list(reading(candles, 15).live_gaps(1, 0)) == []
    assert list(reading(candles, 14).live_gaps(1, 13)) == []


def test_the_previous_day_is_the_finished_one():
    candles = hourly(daily_rows((110, 90, 100), (112, 95, 101)))

    assert reading(candles, last=22).previous_day() is None
    assert reading(candles, last=23).previous_day() == Day(110, 90, 100)  # the close of the day's last bar ends it
    assert reading(candles, last=46).previous_day() == Day(110, 90, 100)
    assert reading(candles, last=47).previous_day() == Day(112, 95, 101)
    assert reading(candles, last=47).previous_day(2) == Day(110, 90, 100)


def test_a_day_that_the_window_does_not_hold_whole_is_not_told():
    candles = hourly(daily_rows((110, 90, 100), (112, 95, 101)))

    assert reading(candles, window_bars=48, memory_bars=40).previous_day(2) == Day(110, 90, 100)
    assert reading(candles, window_bars=47, memory_bars=40).previous_day(2) is None


def test_a_series_that_begins_in_the_middle_of_a_day_does_not_tell_that_day():
    candles = hourly(daily_rows((110, 90, 100), (112, 95, 101)), MONDAY_MS + HOUR_MS)

    assert reading(candles, last=30).previous_day() is None


def test_days_without_candles_are_passed_by():
    first, second = hourly(daily_rows((110, 90, 100))), hourly(daily_rows((112, 95, 101)), MONDAY_MS + 3 * DAY_MS)
    joined = Candles.checked(
        "X",
        Timeframe.H1,
        [*first.open_ms, *second.open_ms],
        *([*getattr(first, name), *getattr(second, name)] for name in ("open", "high", "low", "close", "volume")),
    )

    assert reading(joined, last=30).previous_day() == Day(110, 90, 100)


def test_the_previous_week_ends_on_sunday_night():
    candles = hourly(daily_rows(*[(110 + day, 90 - day, 100) for day in range(8)]))

    assert reading(candles, last=7 * 24 - 2).previous_week(MONDAY_MS + WEEK_MS - HOUR_MS) is None
    assert reading(candles, last=7 * 24 - 1).previous_week(MONDAY_MS + WEEK_MS) == Day(116, 84, 100)


@pytest.mark.parametrize(
    ("earlier", "later", "bias"),
    [
        ((110, 90, 100), (115, 95, 111), 1),
        ((110, 90, 100), (105, 85, 89), -1),
        ((110, 90, 100), (112, 95, 100), -1),
        ((110, 90, 100), (108, 85, 100), 1),
        ((110, 90, 100), (112, 85, 100), 0),
        ((110, 90, 100), (109, 91, 100), 0),
    ],
)
def test_the_daily_bias_follows_the_close_beyond_or_the_one_side_raided(earlier, later, bias: int):
    assert reading(hourly(daily_rows(earlier, later))).daily_bias == bias


def test_the_daily_bias_needs_two_days():
    assert reading(hourly(daily_rows((110, 90, 100)))).daily_bias is None


def test_volume_is_held_against_the_twenty_bars_before():
    candles = hourly([(100, 101, 99, 100)] * 21)

    assert reading(candles).volume_ratio(20) == 1.0
    assert reading(candles).volume_ratio(19) is None


def test_missing_volume_is_no_volume():
    candles = Candles.checked(
        "X", Timeframe.H1, [MONDAY_MS + i * HOUR_MS for i in range(30)], *[[100.0] * 30] * 4, [math.nan] * 30
    )

    assert reading(candles).volume_ratio(25) is None


def test_strength_is_the_body_over_the_mean_range_of_the_bars_before():
    rows: list[Row] = [*[(100.0, 101.0, 99.0, 100.0)] * 6, (100, 105, 99.5, 104)]

    assert reading(hourly(rows)).body_strength(6) == 2.0
    assert reading(hourly(rows)).body_strength(3) is None


def test_there_is_no_dealing_range_before_both_swings_are_known():
    rows: list[Row] = [(100, 100.5 + (i == 3), 99.5 - (i == 6), 100) for i in range(10)]

    assert reading(hourly(rows), last=7).dealing_range() is None
    assert reading(hourly(rows), last=8).dealing_range() == (98.5, 101.5)
    assert reading(hourly(rows), last=8).equilibrium() == 100.0


def test_session_windows_are_new_york_time():
    candles = hourly([(100, 101, 99, 100)] * 24)

    assert "ny_kz" in reading(candles, last=13).windows  # 13:00 UTC is 08:00 in New York in January
    assert "ny_kz" not in reading(candles, last=20).windows
