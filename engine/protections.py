"""Protections: after losses the channel keeps still for a while, in one symbol or altogether.

A lock is caused by a trade's end and holds from then on for a time of its own. Whether it holds at an instant depends on
the ends up to that instant alone, so live, replay and backtest lock alike. Lifting a lock means that the ends up to the
lifting cause nothing any more; the next one may.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from engine.params import ProtectionParams
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import BREAKEVEN_BAND_R


class LockKind(Enum):
    """Why nothing is sent; the words stand in verdicts and in the book."""

    PAUSE = "pause"
    STOP_GUARD = "stop_guard"
    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"
    COOLDOWN = "cooldown"
    LOW_PROFIT = "low_profit"
    BLACKOUT = "blackout"
    DAILY_CAP = "daily_cap"


@dataclass(frozen=True, slots=True)
class Lock:
    """Nothing is sent in `symbol` (None = in any) from `since_ms` until `until_ms` (None = until somebody lifts it).

    `value` is what was met and `limit` what is allowed, in words.
    """

    kind: LockKind
    symbol: str | None
    since_ms: int
    until_ms: int | None
    value: str
    limit: str

    @property
    def key(self) -> "LockKey":
        return self.kind, self.symbol

    def covers(self, symbol: str) -> bool:
        return self.symbol is None or self.symbol == symbol


LockKey = tuple[LockKind, str | None]
Lifted = Mapping[LockKey, int]
"""When (epoch ms) a lock of this kind and symbol was lifted last."""


@dataclass(frozen=True, slots=True)
class TradeEnd:
    """The end of a trade whose signal the channel was given, in R after costs; `stopped` by its first stop."""

    symbol: str
    closed_ms: int
    r_multiple: float
    stopped: bool

    @property
    def is_loss(self) -> bool:
        return self.r_multiple <= -BREAKEVEN_BAND_R


Protection = Callable[[Sequence[TradeEnd], ProtectionParams], Lock | None]
"""The lock that the last of these ends causes; ends in the order of time, those after it not among them."""


def stop_guard(ends: Sequence[TradeEnd], params: ProtectionParams) -> Lock | None:
    """So many stops within the window, in whatever symbols: the market does not do what the setups expect."""
    at_ms, window_ms = ends[-1].closed_ms, params.stop_guard_window_ms
    stops = sum(end.stopped for end in _within(ends, window_ms))
    if not ends[-1].stopped or stops < params.stop_guard_stops:
        return None
    until_ms = at_ms + params.stop_guard_lock_ms
    value = f"{stops} stops in {_span(window_ms)}"
    return Lock(LockKind.STOP_GUARD, None, at_ms, until_ms, value, str(params.stop_guard_stops))


def drawdown(ends: Sequence[TradeEnd], params: ProtectionParams) -> Lock | None:
    """The sum of R stands so far below its highest point within the window."""
    at_ms, window_ms = ends[-1].closed_ms, params.drawdown_window_ms
    total = peak = 0.0
    for end in _within(ends, window_ms):
        total += end.r_multiple
        peak = max(peak, total)
    if peak - total < params.drawdown_max_r:
        return None
    value = f"{peak - total:.2f}R down in {_span(window_ms)}"
    until_ms = at_ms + params.drawdown_lock_ms
    return Lock(LockKind.DRAWDOWN, None, at_ms, until_ms, value, f"{params.drawdown_max_r:g}R")


def daily_loss(ends: Sequence[TradeEnd], params: ProtectionParams) -> Lock | None:
    """What the ends of this UTC day lost together; it ends with the day."""
    at_ms = ends[-1].closed_ms
    day_ms = Timeframe.D1.floor(at_ms)
    lost = -sum(end.r_multiple for end in ends if end.closed_ms >= day_ms)
    if lost < params.daily_loss_max_r:
        return None
    value, limit = f"{lost:.2f}R lost today", f"{params.daily_loss_max_r:g}R"
    return Lock(LockKind.DAILY_LOSS, None, at_ms, day_ms + DAY_MS, value, limit)


def cooldown(ends: Sequence[TradeEnd], params: ProtectionParams) -> Lock | None:
    """A loss in a symbol: no new attempt at once."""
    last = ends[-1]
    until_ms = last.closed_ms + params.cooldown_ms
    value = f"{last.r_multiple:.2f}R lately"
    return Lock(LockKind.COOLDOWN, last.symbol, last.closed_ms, until_ms, value, f"{_span(params.cooldown_ms)} of rest")


def low_profit(ends: Sequence[TradeEnd], params: ProtectionParams) -> Lock | None:
    """A symbol whose trades within the window lost so much together."""
    last, window_ms = ends[-1], params.low_profit_window_ms
    own = [end.r_multiple for end in _within(ends, window_ms) if end.symbol == last.symbol]
    if len(own) < params.low_profit_trades or sum(own) > -params.low_profit_max_loss_r:
        return None
    value = f"{sum(own):+.2f}R of {len(own)} trades in {_span(window_ms)}"
    limit = f"{-params.low_profit_max_loss_r:g}R"
    return Lock(
        LockKind.LOW_PROFIT, last.symbol, last.closed_ms, last.closed_ms + params.low_profit_lock_ms, value, limit
    )


PROTECTIONS: tuple[Protection, ...] = (stop_guard, drawdown, daily_loss, cooldown, low_profit)
"""Every protection that trades cause; each is asked at every losing end."""


def locks_at(
    ends: Sequence[TradeEnd], params: ProtectionParams, at_ms: int, lifted: Lifted | None = None
) -> tuple[Lock, ...]:
    """The locks that hold at `at_ms`, of each kind and symbol the one that was caused last.

    `ends` are in the order of time and reach back by `lookback_ms(params)`.
    """
    lifted = lifted or {}
    known = [end for end in ends if end.closed_ms <= at_ms]
    held: dict[LockKey, Lock] = {}
    for count, end in enumerate(known, start=1):
        if not end.is_loss or end.closed_ms <= at_ms - _longest_lock_ms(params):
            continue
        for protection in PROTECTIONS:
            lock = protection(known[:count], params)
            if lock is None or lock.until_ms is None or lock.until_ms <= at_ms:
                continue
            if lock.since_ms > lifted.get(lock.key, 0):
                held[lock.key] = lock
    return tuple(sorted(held.values(), key=lambda lock: (_PLACE[lock.kind], lock.symbol or "")))


def lookback_ms(params: ProtectionParams) -> int:
    """How far back an end may lie that still has a say."""
    longest_window_ms = max(params.stop_guard_window_ms, params.drawdown_window_ms, params.low_profit_window_ms, DAY_MS)
    return longest_window_ms + _longest_lock_ms(params)


_PLACE = {kind: place for place, kind in enumerate(LockKind)}


def _longest_lock_ms(params: ProtectionParams) -> int:
    return max(
        params.stop_guard_lock_ms, params.drawdown_lock_ms, params.cooldown_ms, params.low_profit_lock_ms, DAY_MS
    )


def _within(ends: Sequence[TradeEnd], window_ms: int) -> Sequence[TradeEnd]:
    """The ends that lie less than a window before the last one."""
    since_ms = ends[-1].closed_ms - window_ms
    return [end for end in ends if end.closed_ms > since_ms]


def _span(ms: int) -> str:
    """A span of time in hours, or in days where it is many."""
    return f"{ms / DAY_MS:g} d" if ms > 2 * DAY_MS else f"{ms / HOUR_MS:g} h"
