"""Records of legacy files as the rows they become, all but the ids: worked out where they are read, not where the book waits.

What is here goes from the process that reads to the one that writes, a million times: named tuples, because those are
made and sent in half the time.
"""

import hashlib
from typing import NamedTuple

from engine.timeframes import DAY_MS
from engine.vocabulary import SignalSource, SignalStatus
from migrations.legacy.normal_form import (
    US_PER_MS,
    LegacyAccount,
    LegacyBacktest,
    LegacyCacheEntry,
    LegacyReport,
    LegacySettings,
    LegacyTrade,
    LegacyUser,
    Reading,
    RecordVerdict,
    System,
)
from migrations.legacy.trades import r_multiple
from storage.legacy_bulk import ManyRows
from storage.positions import ExitQuality

LEGACY = "legacy"
NOTIONAL_USDT = 100.0
VALID_BARS = 24
UNRESOLVED_REASON = "its end was never recorded"

_CLOSED, _EXPIRED = SignalStatus.CLOSED.value, SignalStatus.EXPIRED.value

Values = tuple[object, ...]


class TradeRows(NamedTuple):
    """A legacy trade as its rows: `signal` and `position` without their leading ids, `targets` without their signal.

    `position` and `closed_ms` are None where the trade's end was never recorded.
    """

    system: System
    signal: Values
    targets: tuple[Values, ...]
    closed_ms: int | None
    position: Values | None

    def __reduce__(self) -> tuple[type["TradeRows"], Values]:
        return TradeRows, tuple(self)


Content = (
    TradeRows | LegacyReport | LegacyCacheEntry | LegacyBacktest | LegacyAccount | LegacyUser | LegacySettings | None
)


class Entry(NamedTuple):
    """A `Reading` ready to be written."""

    place: str
    raw: bytes
    verdict: RecordVerdict
    reasons: tuple[str, ...]
    natural_key: str | None
    content: Content

    def __reduce__(self) -> tuple[type["Entry"], Values]:
        return Entry, tuple(self)


def entry_of(reading: Reading, now_ms: int) -> Entry:
    """The reading with its trade, if it has one, in rows; an offer without an end is over by `now_ms`."""
    content = reading.content
    key = reading.natural_key
    ready = _rows_of(content, key or content.natural_key, now_ms) if isinstance(content, LegacyTrade) else content
    return Entry(reading.place, reading.raw, reading.verdict, reading.reasons, key, ready)


def signal_rows() -> ManyRows:
    """An id, then the values of `TradeRows.signal`."""
    return ManyRows(
        "signals",
        columns="id, uid, symbol, timeframe, direction, setup, setup_key, candle_close_ms, created_ms, last_seen_ms,"
        " entry, zone_low, zone_high, stop_loss, valid_until_ms, rr, plan_r, cost_r, confidence, base_confidence,"
        " engine_version, params_hash, source, status, status_reason, status_ms",
        values=f"column1, column2, column3, column4, column5, '{LEGACY}', column6, column7, column7, column7, column8,"
        " column8, column8, column9, column10, column11, column12, 0.0, column13, column13,"
        f" '{LEGACY}', '{LEGACY}', '{SignalSource.IMPORT.value}', column14, column15, column16",
        width=16,
    )


def target_rows() -> ManyRows:
    """The id of a signal, then the values of one of `TradeRows.targets`."""
    return ManyRows(
        "targets",
        columns="signal_id, no, price, share_ratio, reason",
        values=f"column1, column2, column3, column4, '{LEGACY}'",
        width=4,
    )


def position_rows() -> ManyRows:
    """An id, those of portfolio and signal, then the values of `TradeRows.position`.

    What a position and its signal have in common is taken from the signal, which may be an earlier file's.
    """
    return ManyRows(
        "positions",
        columns="id, portfolio_id, signal_id, symbol, timeframe, direction, qty, entry_price, opened_ms, initial_stop,"
        " stop_loss, risk_amount, closed_ratio, exclusive, status, exit_price, closed_ms, close_reason, exit_quality,"
        " realized_pnl, pnl_pct, r_multiple",
        values="column1, column2, s.id, s.symbol, s.timeframe, s.direction, column4, s.entry, s.created_ms, s.stop_loss,"
        " s.stop_loss, ABS(s.entry-s.stop_loss)*column4, 1.0, 0, 'CLOSED', column5, column6, column7,"
        f" '{ExitQuality.UNKNOWN.value}', column8, column9, column10",
        width=10,
        beside="CROSS JOIN signals s ON s.id=column3",
    )


def _rows_of(trade: LegacyTrade, natural_key: str, now_ms: int) -> TradeRows:
    opened_ms, entry, close = trade.opened_ms, trade.entry, trade.close
    valid_until_ms = _valid_until_ms(trade, opened_ms)
    if close is None:
        closed_ms = position = None
        status, reason, status_ms = _EXPIRED, UNRESOLVED_REASON, min(valid_until_ms, max(now_ms, opened_ms))
    else:
        status, reason, status_ms = _CLOSED, None, close.closed_ms
        closed_ms = status_ms
        qty = NOTIONAL_USDT / entry
        pnl = (close.exit_price - entry) * qty * trade.direction.sign
        position = (qty, close.exit_price, closed_ms, close.reason._value_, pnl, close.pnl_pct, r_multiple(trade))
    rr = trade.reward_risk
    share_ratio = 1 / len(trade.targets)
    plan_r = rr if share_ratio == 1 else _plan_r(trade, share_ratio)
    signal = (
        _uid(natural_key), trade.symbol, trade.timeframe_text, trade.direction._value_, natural_key, opened_ms, entry,
        trade.stop, valid_until_ms, rr, plan_r, trade.confidence, status, reason, status_ms,
    )  # fmt: skip
    targets = tuple((no, price, share_ratio) for no, price in enumerate(trade.targets, start=1))
    return TradeRows(trade.system, signal, targets, closed_ms, position)


def _valid_until_ms(trade: LegacyTrade, opened_ms: int) -> int:
    """When the offer ran out: as recorded, else after as many bars as this house lets an entry wait."""
    if trade.valid_until_us is not None:
        return trade.valid_until_us // US_PER_MS
    return opened_ms + (DAY_MS if trade.timeframe is None else VALID_BARS * trade.timeframe.ms)


def _plan_r(trade: LegacyTrade, share_ratio: float) -> float:
    risk = abs(trade.entry - trade.stop)
    return sum(abs(price - trade.entry) for price in trade.targets) / risk * share_ratio


def _uid(natural_key: str) -> str:
    return hashlib.sha256(f"{LEGACY}|{natural_key}".encode()).hexdigest()
