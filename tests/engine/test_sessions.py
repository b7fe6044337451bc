"""The clock of the market: New York windows with summer time, trading days, and what they make of prices."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.candles import Candles
from engine.detect import detect, events
from engine.detection_params import NEW_YORK, DetectionParams
from engine.sessions import NewYork, local_minutes, sessions, trading_day, windows_at
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from tests.drawing import drawn, random_walk

FOREX = DetectionParams()
CRYPTO = replace(FOREX, tz="UTC", day_roll="00:00")


def at(text: str, zone: str = NEW_YORK) -> int:
    """The epoch ms of a local clock reading."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def flat(times: list[int], timeframe: Timeframe = Timeframe.H1) -> Candles:
    """Bars of one shape at the given times, each a little higher than the one before."""
    opens = [100.0 + 0.1 * position for position in range(len(times))]
    columns = (opens, [price + 1 for price in opens], [price - 1 for price in opens], opens)
    return Candles.checked("FLAT", timeframe, times, *columns, [1.0] * len(times))


def told(candles: Candles, *kinds: str, params: DetectionParams = FOREX) -> list[dict[str, object]]:
    return [event for event in events(candles, detect(candles, params)) if event["kind"] in kinds]


def names(text: str) -> list[str]:
    return sessions(flat([at(text)]), FOREX).names(0)


@pytest.mark.parametrize("day", ["2024-01-10", "2024-03-12", "2024-07-10", "2024-10-30", "2024-11-05"])
def test_windows_follow_the_new_york_clock_all_year(day: str):
    assert names(f"{day} 01:59") == ["judas"]
    assert names(f"{day} 02:00") == ["judas", "london_kz"]
    assert names(f"{day} 03:30") == ["judas", "london_kz", "sb_london"]
    assert names(f"{day} 05:00") == []
    assert names(f"{day} 07:00") == ["ny_kz"]
    assert names(f"{day} 10:00") == ["london_close_kz", "sb_am"]
    assert names(f"{day} 14:59") == ["sb_pm"]
    assert names(f"{day} 23:59") == ["asian_range"]


def test_the_windows_of_one_instant_are_those_of_the_whole_clock():
    hours = np.arange(at("2023-12-01"), at("2025-01-01"), HOUR_MS).tolist()
    clock = sessions(flat(hours), FOREX)

    assert [list(windows_at(hour)) for hour in hours] == [clock.names(bar) for bar in range(len(hours))]


@pytest.mark.parametrize("zone", [NEW_YORK, "UTC", "Asia/Kolkata"])
def test_the_clock_is_that_of_the_zone_at_every_hour_of_two_years(zone: str):
    hours = np.arange(at("2023-06-01"), at("2025-06-01"), HOUR_MS)
    info = ZoneInfo(zone)
    shown = [datetime.fromtimestamp(ms / 1000, info).replace(tzinfo=UTC).timestamp() // 60 for ms in hours.tolist()]

    assert local_minutes(hours, zone).tolist() == shown


def test_the_clock_changes_with_the_minute():
    spring = at("2024-03-10 03:00")

    before, after = local_minutes(np.array([spring - 1, spring]), NEW_YORK).tolist()

    assert after - before == 61


def test_a_forex_day_begins_at_17_new_york_and_sunday_evening_is_monday():
    friday, sunday, monday = at("2024-01-12 16:00"), at("2024-01-14 18:00"), at("2024-01-15 10:00")
    clock = sessions(flat([friday, sunday, monday]), FOREX)

    assert clock.days.of_bars(np.arange(3)).tolist() == [0, 1, 1]
    assert clock.weeks.of_bars(np.arange(3)).tolist() == [0, 1, 1]


def test_a_crypto_day_begins_at_midnight_utc():
    evening = at("2024-01-12 23:00", "UTC")
    clock = sessions(flat([evening, evening + HOUR_MS]), CRYPTO)

    assert clock.days.of_bars(np.arange(2)).tolist() == [0, 1]


def test_a_window_that_does_not_hold_the_whole_day_before_does_not_know_it():
    candles = flat([at("2024-01-09 22:00", "UTC") + hour * HOUR_MS for hour in range(60)])
    days = sessions(candles, CRYPTO).days

    assert days.before(1) is None
    assert days.before(2) == (candles.high[1], candles.low[0])
    assert days.before(30, since=1) == (candles.high[25], candles.low[2])
    assert days.before(30, since=2) is None


def test_previous_levels_are_told_from_the_first_bar_of_the_day():
    candles = flat([at("2024-01-10 12:00"), at("2024-01-10 17:00"), at("2024-01-11 12:00")])

    assert told(candles, "pdhl") == [
        {"kind": "pdhl", "known_at": 1, "pdh": 101.0, "pdl": 99.0},
        {"kind": "pdhl", "known_at": 2, "pdh": 101.0, "pdl": 99.0},
    ]


def test_the_asian_range_is_told_when_it_is_over():
    evening = [at("2024-01-10 19:00") + hour * HOUR_MS for hour in range(6)]

    assert told(flat(evening[:5]), "asian_range") == []
    assert told(flat(evening), "asian_range") == [
        {"kind": "asian_range", "known_at": 5, "high": pytest.approx(101.4), "low": pytest.approx(99.1), "bars": 4}
    ]


def test_a_judas_raid_happens_once_a_side():
    evening = drawn(
        [(10, 11, 9, 10)] * 4 + [(10, 10.5, 9.5, 10), (10, 12, 9.5, 10), (10, 13, 8, 8.5)],
        Timeframe.H1,
        at("2024-01-10 20:00"),
    )

    assert told(evening, "judas_raid") == [
        {"kind": "judas_raid", "known_at": 5, "dir": -1, "level": 11.0, "closed_back": True},
        {"kind": "judas_raid", "known_at": 6, "dir": 1, "level": 9.0, "closed_back": False},
    ]


def test_opening_gaps_are_of_the_week_on_sunday_and_of_the_day_else():
    times = [at("2024-01-12 16:00"), at("2024-01-14 18:00"), at("2024-01-15 16:00"), at("2024-01-15 18:00")]

    assert [(event["kind"], event["known_at"]) for event in told(flat(times), "nwog", "ndog")] == [
        ("nwog", 1),
        ("ndog", 3),
    ]
    assert told(flat(times), "nwog", "ndog", params=CRYPTO) == []


def test_a_midnight_open_is_told_on_every_new_york_date_that_opens_before_the_evening():
    opened = told(
        flat([at("2024-01-10 09:00"), at("2024-01-10 23:00"), at("2024-01-11 01:00"), at("2024-01-12 18:00")]),
        "midnight_open",
    )

    assert [event["known_at"] for event in opened] == [0, 2]


def test_a_bar_in_no_window_is_told_too():
    assert told(flat([at("2024-01-10 18:00")]), "windows") == [{"kind": "windows", "known_at": 0, "names": []}]


def test_days_and_dates_never_go_back_when_clocks_do():
    autumn = flat([at("2024-11-02 12:00") + 15 * minute * MINUTE_MS for minute in range(200)], Timeframe.M15)
    days = trading_day(local_minutes(autumn.open_ms, FOREX.tz), FOREX)

    assert np.all(np.diff(NewYork.of(autumn).date) >= 0)
    assert len(sessions(autumn, FOREX).days.high) == len(np.unique(days))


def test_many_years_are_one_look_up_a_segment():
    walk = random_walk(1, 4000, timeframe=Timeframe.D1)

    assert len(sessions(walk, FOREX).days.high) == len(np.unique(walk.open_ms // DAY_MS))
