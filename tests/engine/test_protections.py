"""Protections: each locks at its limit and not below it, for its time and not longer, and can be lifted."""

from dataclasses import replace

import pytest

from engine.params import ProtectionParams
from engine.protections import Lock, LockKind, TradeEnd, locks_at, lookback_ms
from engine.timeframes import DAY_MS, HOUR_MS
from tests.times import ms

NOON_MS = ms("2026-01-07T12:00")
NEVER = 10**6
QUIET = ProtectionParams(
    stop_guard_stops=NEVER, drawdown_max_r=NEVER, daily_loss_max_r=NEVER, cooldown_ms=0, low_profit_trades=NEVER
)
"""No protection locks; each test lets one."""


def end(hours_ago: float, r: float = -1.0, symbol: str = "BTCUSDT", *, stopped: bool | None = None) -> TradeEnd:
    return TradeEnd(symbol, NOON_MS - round(hours_ago * HOUR_MS), r, r < 0 if stopped is None else stopped)


def held(params: ProtectionParams, *ends: TradeEnd, at_ms: int = NOON_MS) -> list[LockKind]:
    return [lock.kind for lock in locks_at(ends, params, at_ms)]


def test_nothing_is_locked_without_a_loss():
    assert held(ProtectionParams(), end(3, 1.0), end(2, 0.0), end(1, -0.09)) == []


STOPS = replace(QUIET, stop_guard_stops=3)


def test_three_stops_within_a_day_lock_everything_for_a_day():
    stops = (end(23, symbol="A"), end(5, symbol="B"), end(0, symbol="C"))

    assert locks_at(stops, STOPS, NOON_MS) == (
        Lock(LockKind.STOP_GUARD, None, NOON_MS, NOON_MS + DAY_MS, "3 stops in 24 h", "3"),
    )
    assert held(STOPS, *stops, at_ms=NOON_MS + DAY_MS - 1) == [LockKind.STOP_GUARD]
    assert held(STOPS, *stops, at_ms=NOON_MS + DAY_MS) == []


@pytest.mark.parametrize(
    "ends",
    [(end(5), end(0)), (end(24), end(5), end(0)), (end(9), end(5), end(0, stopped=False))],
    ids=["two of them", "one too old", "the last loss was no stop"],
)
def test_fewer_stops_within_a_day_lock_nothing(ends: tuple[TradeEnd, ...]):
    assert held(STOPS, *ends) == []


FALL = replace(QUIET, drawdown_max_r=6.0)


def test_a_fall_of_six_r_from_the_peak_of_two_weeks_locks_for_two_days():
    ends = (end(160, 3.0), end(100, -2.0), end(50, -2.0), end(0, -2.0))

    assert locks_at(ends, FALL, NOON_MS) == (
        Lock(LockKind.DRAWDOWN, None, NOON_MS, NOON_MS + 2 * DAY_MS, "6.00R down in 14 d", "6R"),
    )
    assert held(FALL, *ends, at_ms=NOON_MS + 2 * DAY_MS) == []


@pytest.mark.parametrize(
    "ends",
    [
        (end(160, 3.0), end(100, -2.0), end(50, -2.0), end(0, -1.9)),
        (end(337, -2.0), end(100, -2.0), end(0, -2.0)),
        (end(100, -4.0), end(50, 3.0), end(0, -4.9)),
    ],
    ids=["not so far", "begun before them", "won back between"],
)
def test_a_smaller_fall_locks_nothing(ends: tuple[TradeEnd, ...]):
    assert held(FALL, *ends) == []


DAY = replace(QUIET, daily_loss_max_r=2.0)


def test_two_r_lost_in_a_day_lock_the_rest_of_it():
    ends = (end(11, -1.1), end(2, 0.2), end(0, -1.1))

    assert locks_at(ends, DAY, NOON_MS) == (
        Lock(LockKind.DAILY_LOSS, None, NOON_MS, NOON_MS + DAY_MS // 2, "2.00R lost today", "2R"),
    )
    assert held(DAY, *ends, at_ms=ms("2026-01-07T23:59")) == [LockKind.DAILY_LOSS]
    assert held(DAY, *ends, at_ms=ms("2026-01-08T00:00")) == []


def test_what_was_lost_yesterday_does_not_count_today():
    assert held(DAY, end(12.1, -1.5), end(0, -1.5)) == []


REST = replace(QUIET, cooldown_ms=4 * HOUR_MS)


def test_a_symbol_rests_after_a_loss():
    assert locks_at((end(0, -1.04),), REST, NOON_MS) == (
        Lock(LockKind.COOLDOWN, "BTCUSDT", NOON_MS, NOON_MS + 4 * HOUR_MS, "-1.04R lately", "4 h of rest"),
    )
    assert held(REST, end(3.9)) == [LockKind.COOLDOWN]
    assert held(REST, end(4)) == []
    assert held(REST, end(1, 2.0)) == []


def test_a_lock_on_a_symbol_leaves_the_others_alone():
    [lock] = locks_at((end(0),), REST, NOON_MS)

    assert (lock.covers("BTCUSDT"), lock.covers("ETHUSDT")) == (True, False)


POOR = replace(QUIET, low_profit_trades=4)


def test_a_symbol_that_lost_three_r_in_four_trades_is_left_alone_for_a_week():
    ends = (end(600, -2.0), end(400, 0.5, "ETHUSDT"), end(300, 1.0), end(100, -1.0), end(0, -1.0))

    assert locks_at(ends, POOR, NOON_MS) == (
        Lock(LockKind.LOW_PROFIT, "BTCUSDT", NOON_MS, NOON_MS + 7 * DAY_MS, "-3.00R of 4 trades in 30 d", "-3R"),
    )
    assert held(POOR, *ends, at_ms=NOON_MS + 7 * DAY_MS) == []


@pytest.mark.parametrize(
    "ends",
    [
        (end(300, -1.0), end(100, -1.0), end(0, -1.0)),
        (end(600, -1.0), end(300, 1.0), end(100, -1.0), end(0, -1.9)),
        (end(721, -2.0), end(300, 1.0), end(100, -1.0), end(0, -1.0)),
        (end(600, -2.0), end(300, -1.0, "ETHUSDT"), end(100, -1.0), end(0, -1.0)),
    ],
    ids=["three trades", "lost less", "one too old", "one of another symbol"],
)
def test_a_symbol_that_lost_less_or_rarely_is_not_left_alone(ends: tuple[TradeEnd, ...]):
    assert held(POOR, *ends) == []


def test_the_last_cause_counts_and_locks_stand_in_the_order_of_their_kinds():
    params = replace(REST, stop_guard_stops=2)
    found = locks_at((end(2), end(1), end(0.5, symbol="ADAUSDT")), params, NOON_MS)

    assert [(lock.kind, lock.symbol, lock.since_ms) for lock in found] == [
        (LockKind.STOP_GUARD, None, NOON_MS - HOUR_MS // 2),
        (LockKind.COOLDOWN, "ADAUSDT", NOON_MS - HOUR_MS // 2),
        (LockKind.COOLDOWN, "BTCUSDT", NOON_MS - HOUR_MS),
    ]


def test_a_lifted_lock_is_gone_until_its_next_cause():
    lifted = {(LockKind.COOLDOWN, "BTCUSDT"): NOON_MS - HOUR_MS}

    assert locks_at((end(1),), REST, NOON_MS, lifted) == ()
    assert [lock.since_ms for lock in locks_at((end(1), end(0.5)), REST, NOON_MS, lifted)] == [NOON_MS - HOUR_MS // 2]
    assert len(locks_at((end(1, symbol="ETHUSDT"),), REST, NOON_MS, lifted)) == 1


def test_ends_that_lie_ahead_have_no_say():
    assert held(REST, end(-1)) == []


def test_no_end_beyond_the_look_back_has_a_say():
    ends = tuple(end(hours, -1.0) for hours in range(1200, 0, -20))
    since_ms = NOON_MS - lookback_ms(ProtectionParams())
    late = tuple(one for one in ends if one.closed_ms >= since_ms)

    assert len(late) < len(ends)
    assert locks_at(ends, ProtectionParams(), NOON_MS) == locks_at(late, ProtectionParams(), NOON_MS)
