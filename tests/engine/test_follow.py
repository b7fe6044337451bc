"""A followed plan, candle by candle: each test draws its candles and says what must have happened."""

from dataclasses import replace
from datetime import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candles import Candles
from engine.follow import (
    Bar,
    Cancelled,
    Closed,
    Entered,
    EntryOrder,
    Expired,
    FollowRules,
    Happening,
    NotPossible,
    Phase,
    Plan,
    StopMoved,
    TargetReached,
    Track,
    bar_of,
    close_now,
    coast,
    move_stop,
    next_reach,
    next_touch,
    step,
    take_part,
)
from engine.timeframes import Timeframe
from engine.vocabulary import CloseReason, Direction, Target

HOUR = 3_600_000
START = 1_700_000_400_000 - 1_700_000_400_000 % HOUR
NO_SLIP = FollowRules(slippage_ratio=0.0)
LONG = Plan(
    Direction.LONG,
    entry=100.0,
    stop_loss=98.0,
    targets=(Target(1, 103.0, 0.4), Target(2, 106.0, 0.35), Target(3, 110.0, 0.25)),
    armed_ms=START,
    valid_until_ms=START + 24 * HOUR,
)


def bars(*rows: tuple[float, float, float, float]) -> list[Bar]:
    return [Bar(START + i * HOUR, START + (i + 1) * HOUR, *row) for i, row in enumerate(rows)]


Row = tuple[float, float, float, float]


def run(plan: Plan, *rows: Row, rules: FollowRules = NO_SLIP) -> tuple[Track, list[Happening]]:
    track, told = Track.waiting(plan), []
    for bar in bars(*rows):
        track, happenings = step(track, bar, rules)
        told += happenings
    return track, told


def kinds(told: list[Happening]) -> list[str]:
    return [type(h).__name__ for h in told]


def mirrored(plan: Plan) -> Plan:
    targets = tuple(target._replace(price=200.0 - target.price) for target in plan.targets)
    entry, stop = 200.0 - plan.entry, 200.0 - plan.stop_loss
    return replace(plan, direction=Direction.SHORT, entry=entry, stop_loss=stop, targets=targets)


def mirror(row: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    o, h, low, c = row
    return 200.0 - o, 200.0 - low, 200.0 - h, 200.0 - c


def test_a_touch_of_the_entry_is_not_a_fill():
    track, told = run(LONG, (101, 102, 100, 101))

    assert told == []
    assert track.phase is Phase.WAITING


def test_a_trade_through_the_entry_fills_at_the_entry():
    _, told = run(LONG, (101, 102, 99.9, 101))

    assert told == [Entered(START + HOUR, 100.0)]


def test_an_open_below_the_entry_fills_at_the_real_price():
    _, told = run(LONG, (99.5, 100.5, 99.2, 100))

    assert told == [Entered(START + HOUR, 99.5)]


def test_entry_and_stop_in_one_candle_is_a_loss():
    track, told = run(LONG, (101, 101, 97.5, 98.5))

    assert told == [Entered(START + HOUR, 100.0), Closed(START + HOUR, 98.0, 1.0, CloseReason.STOP_LOSS)]
    assert track.phase is Phase.DONE


def test_a_candle_that_opens_beyond_the_stop_fills_and_stops_at_its_open():
    _, told = run(LONG, (97, 97.5, 96, 97))

    assert told == [Entered(START + HOUR, 97.0), Closed(START + HOUR, 97.0, 1.0, CloseReason.STOP_LOSS)]


def test_no_target_is_taken_in_the_candle_of_the_entry():
    track, told = run(LONG, (101, 104, 99.5, 103.5))

    assert told == [Entered(START + HOUR, 100.0, ambiguous=True)]
    assert track.phase is Phase.OPEN


def test_the_first_target_before_the_entry_cancels():
    track, told = run(LONG, (101, 103.5, 100.5, 103))

    assert told == [Cancelled(START + HOUR, "the first target came before the entry")]
    assert track.phase is Phase.DONE


def test_an_order_not_reached_in_time_expires_at_its_validity():
    _, told = run(LONG, *[(101, 102, 100.5, 101)] * 25)

    assert told == [Expired(START + 24 * HOUR)]


def test_stop_comes_before_target_inside_one_candle():
    _, told = run(LONG, (101, 101, 99.5, 100), (100, 104, 97, 103))

    assert told[1:] == [Closed(START + 2 * HOUR, 98.0, 1.0, CloseReason.STOP_LOSS, ambiguous=True)]


def test_a_gap_through_the_stop_is_booked_at_the_open():
    _, told = run(LONG, (101, 101, 99.5, 100), (96, 97, 95, 96))

    assert told[1:] == [Closed(START + 2 * HOUR, 96.0, 1.0, CloseReason.STOP_LOSS)]


def test_target_one_takes_its_share_and_moves_the_stop_to_break_even():
    track, told = run(LONG, (101, 101, 99.5, 101), (101, 103.5, 100.5, 103))

    assert told[1:] == [TargetReached(START + 2 * HOUR, 1, 103.0, 0.4), StopMoved(START + 2 * HOUR, 100.0)]
    assert track.stop == 100.0
    assert track.open_ratio == pytest.approx(0.6)


def test_after_target_one_the_moved_stop_is_held_against_the_same_candle():
    _, told = run(LONG, (101, 101, 99.5, 101), (101, 103.5, 99.9, 103))

    assert kinds(told[1:]) == ["TargetReached", "StopMoved", "Closed"]
    assert told[-1] == Closed(START + 2 * HOUR, 100.0, 0.6, CloseReason.BREAK_EVEN, ambiguous=True)


def test_all_targets_close_the_position_as_take_profit():
    track, told = run(LONG, (101, 101, 99.5, 101), (101, 111, 101, 110.5))

    assert kinds(told[1:]) == ["TargetReached", "StopMoved", "TargetReached", "TargetReached", "Closed"]
    assert told[-1] == Closed(START + 2 * HOUR, 110.0, 0.0, CloseReason.TAKE_PROFIT)
    assert track.mfe_r == pytest.approx(5.0)


def test_a_target_gapped_over_is_paid_at_the_open():
    _, told = run(LONG, (101, 101, 99.5, 101), (104, 104.5, 103.5, 104))

    assert told[1] == TargetReached(START + 2 * HOUR, 1, 104.0, 0.4)


def test_slippage_worsens_stops_and_market_entries_but_not_limit_fills():
    rules = FollowRules(slippage_ratio=0.01)
    _, told = run(LONG, (101, 101, 99.5, 100), (100, 100, 97, 97.5), rules=rules)
    _, at_market = run(LONG, (101, 102, 100.5, 101), rules=replace(rules, entry_order=EntryOrder.MARKET))

    assert told[0] == Entered(START + HOUR, 100.0)
    assert told[1].price == pytest.approx(98.0 * 0.99)
    assert at_market[0].price == pytest.approx(101 * 1.01)


def test_the_end_of_day_closes_by_the_wall_clock_of_its_zone():
    rules = replace(NO_SLIP, end_of_day=time(17, 0), end_of_day_zone="America/New_York")
    _, told = run(LONG, (101, 101, 99.5, 101), *[(101, 102, 100.5, 101.5)] * 30, rules=rules)

    [closed] = [h for h in told if isinstance(h, Closed)]
    assert closed.reason is CloseReason.EOD_CLOSE
    assert closed.at_ms % (24 * HOUR) == 22 * HOUR  # 17:00 in New York in November


def test_the_time_limit_closes_at_the_close_of_its_candle():
    rules = replace(NO_SLIP, max_hold_ms=3 * HOUR)
    _, told = run(LONG, (101, 101, 99.5, 101), *[(101, 102, 100.5, 101.5)] * 5, rules=rules)

    assert told[-1] == Closed(START + 4 * HOUR, 101.5, 1.0, CloseReason.TIME_LIMIT)


def test_excursions_are_measured_in_r_from_the_entry():
    track, _ = run(LONG, (101, 101, 99, 100.5), (100.5, 102, 99.5, 101))

    assert track.mae_r == pytest.approx(0.5)
    assert track.mfe_r == pytest.approx(1.0)


def test_closing_by_hand_closes_what_is_open_with_slippage():
    track, _ = run(LONG, (101, 101, 99.5, 101))

    done, closed = close_now(track, START + 2 * HOUR, 102.0, CloseReason.MANUAL, FollowRules(slippage_ratio=0.01))

    assert closed == Closed(START + 2 * HOUR, pytest.approx(100.98), 1.0, CloseReason.MANUAL)
    assert done.phase is Phase.DONE


def test_only_an_open_position_can_be_closed_by_hand():
    with pytest.raises(NotPossible, match="Only an open position"):
        close_now(Track.waiting(LONG), START, 100.0, CloseReason.MANUAL, NO_SLIP)


FILLED = (101.0, 101.0, 99.5, 101.0)


def test_a_part_taken_leaves_less_to_every_later_target():
    track, _ = run(LONG, FILLED, (101, 103.5, 101, 103))
    track, taken = take_part(track, START + 2 * HOUR, 103.0, 0.5, FollowRules(slippage_ratio=0.01))
    assert (taken.share_ratio, taken.price) == (pytest.approx(0.3), pytest.approx(101.97))

    track, told = step(track, Bar(START + 2 * HOUR, START + 3 * HOUR, 103, 111, 103, 111), NO_SLIP)
    shares = [happening.share_ratio for happening in told if isinstance(happening, TargetReached)]
    assert shares == pytest.approx([0.175, 0.125])
    assert track.phase is Phase.DONE


@pytest.mark.parametrize("part_ratio", [0.0, 1.0, -0.1, 1.5])
def test_a_part_is_neither_nothing_nor_all(part_ratio: float):
    track, _ = run(LONG, FILLED)

    with pytest.raises(NotPossible, match="less than all"):
        take_part(track, START + HOUR, 101.0, part_ratio, NO_SLIP)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [(99.0, CloseReason.STOP_LOSS), (100.0, CloseReason.BREAK_EVEN), (100.5, CloseReason.TRAILING_STOP)],
)
def test_a_moved_stop_is_named_after_what_it_keeps(stop: float, reason: CloseReason):
    track, _ = run(LONG, FILLED)
    track, moved = move_stop(track, START + HOUR, stop)
    assert moved == StopMoved(START + HOUR, stop)

    _, [closed] = step(track, Bar(START + HOUR, START + 2 * HOUR, 101, 101, 98.5, 99), NO_SLIP)
    assert closed == Closed(START + 2 * HOUR, stop, 1.0, reason)


@pytest.mark.parametrize(("stop", "why"), [(97.0, "towards profit"), (98.0, "towards profit"), (101.0, "hit at once")])
def test_a_stop_is_moved_towards_profit_alone_and_never_to_where_price_is(stop: float, why: str):
    track, _ = run(LONG, FILLED)

    with pytest.raises(NotPossible, match=why):
        move_stop(track, START + HOUR, stop)


def test_the_first_target_does_not_move_a_better_stop_back():
    track, _ = run(LONG, FILLED)
    track, _ = move_stop(track, START + HOUR, 100.5)

    track, told = step(track, Bar(START + HOUR, START + 2 * HOUR, 101, 104, 101, 104), NO_SLIP)
    assert (track.stop, kinds(told)) == (100.5, ["TargetReached"])


@pytest.mark.parametrize("plan", [LONG, None])
def test_a_price_in_profit_is_reached_by_a_touch(plan: Plan | None):
    turned = (lambda row: row) if plan else mirror
    rows = [turned(row) for row in ((101, 101, 99.5, 101), (101, 102.4, 101, 102), (102, 102.5, 101, 102))]
    track, _ = run(plan or mirrored(LONG), rows[0])
    times = START + HOUR * np.arange(3, dtype=np.int64)
    candles = Candles.checked("X", Timeframe.parse("1h"), times, *np.array(rows, float).T, np.ones(3))

    assert next_reach(track, candles, 1, 3, 102.5 if plan else 97.5) == 2
    assert next_reach(track, candles, 1, 2, 102.5 if plan else 97.5) == 2
    assert next_reach(track, candles, 1, 3, 102.6 if plan else 97.4) == 3


row = st.tuples(*[st.integers(940, 1140)] * 4).map(
    lambda p: (p[0] / 10, max(p) / 10, min(p) / 10, p[3] / 10),
)


@given(st.lists(row, min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_a_short_is_the_mirror_image_of_a_long(rows):
    _, long = run(LONG, *rows)
    _, short = run(mirrored(LONG), *map(mirror, rows))

    assert kinds(long) == kinds(short)
    assert [200 - getattr(h, "price", 100) for h in short] == pytest.approx([getattr(h, "price", 100) for h in long])


@given(st.lists(row, min_size=1, max_size=60), st.sampled_from([None, 7 * HOUR]))
@settings(max_examples=150, deadline=None)
def test_jumping_from_touch_to_touch_equals_walking_every_candle(rows, max_hold_ms):
    rules = replace(NO_SLIP, max_hold_ms=max_hold_ms)
    columns = np.array(rows, float).T
    times = START + HOUR * np.arange(len(rows), dtype=np.int64)
    candles = Candles.checked("X", Timeframe.parse("1h"), times, *columns, np.ones(len(rows)))
    jumped, told, at = Track.waiting(LONG), [], 0
    while at < len(rows):
        touch = next_touch(jumped, candles, at, len(rows), rules)
        jumped = coast(jumped, candles, at, touch)
        if touch < len(rows):
            jumped, happenings = step(jumped, bar_of(candles, touch), rules)
            told += happenings
        at = touch + 1
    walked, expected = run(LONG, *rows, rules=rules)

    assert told == expected
    assert jumped == walked
