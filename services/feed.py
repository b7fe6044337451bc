"""Which series come and which do not: one that does not is waited for once, then left out until it answers again.

What is left out is in the book too, as the error of its series, so that checks see it and a restart knows it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.candles import Candles
from engine.timeframes import HOUR_MS, Timeframe
from services.pace import MS_PER_SECOND
from storage.events import EventType
from storage.health import hole_key
from storage.stores import Stores

FINAL_AFTER_MS = HOUR_MS
"""A hole that the exchange does not fill for so long after the candle behind it opened is one of its own."""
ASK_ANEW_MS = 24 * HOUR_MS
"""How often a window with a hole is fetched anew: the exchange may have found the candles."""
SHOWN = 3

SeriesKey = tuple[str, Timeframe]


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when a series does not come, and why."""

    since_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Hole:
    """Bars that open in [first_ms, end_ms) are missing."""

    first_ms: int
    end_ms: int

    def is_final(self, now_ms: int) -> bool:
        """Whether the exchange has had its time to fill it."""
        return now_ms - self.end_ms >= FINAL_AFTER_MS


@dataclass(frozen=True, slots=True)
class Holes:
    """Bars of a series that the exchange does not have."""

    symbol: str
    timeframe: Timeframe
    holes: tuple[Hole, ...]


class Feed:
    """The silences of one run; `waiting` is what an instant or the settlement waits for at present."""

    def __init__(self) -> None:
        self.silent: dict[SeriesKey, Silence] = {}
        self.waiting: Silence | None = None

    def load(self, view: Stores, source: str) -> None:
        """Take over what an earlier run had left out."""
        for one in view.candles.series():
            if one.source == source and one.error is not None and one.fetched_ms is not None:
                self.silent[one.symbol, Timeframe.parse(one.timeframe)] = Silence(one.fetched_ms, one.error)

    def why_silent(self, key: SeriesKey) -> str | None:
        """Why a series is left out; None when it is not."""
        silence = self.silent.get(key)
        return None if silence is None else silence.why

    def doubts(self, symbol: str) -> bool:
        """Whether a series of a symbol is left out, so that nobody waits for its others."""
        return any(silent == symbol for silent, _ in self.silent)

    def wait(self, why: str, now_ms: int) -> None:
        """Something that is due does not come yet."""
        if self.waiting is None:
            self.waiting = Silence(now_ms, why)

    def go_on(self, without: Mapping[SeriesKey, str], now_ms: int) -> None:
        """Wait no longer: what was due is done, without these."""
        since_ms = now_ms if self.waiting is None else self.waiting.since_ms
        self.waiting = None
        for key, why in without.items():
            self.silent.setdefault(key, Silence(since_ms, why))

    def answered(self, keys: Collection[SeriesKey]) -> None:
        """Look at these again."""
        for key in keys:
            self.silent.pop(key, None)


def note_silent(tx: Stores, reasons: Mapping[SeriesKey, str], source: str, now_ms: int) -> None:
    """Say that series are left out from now on: one event, and the error of each."""
    if not reasons:
        return
    for (symbol, timeframe), why in reasons.items():
        tx.candles.note_error(symbol, timeframe, source, why, now_ms)
    why = next(iter(reasons.values()))
    tx.events.add(EventType.FEED_SILENT, now_ms, message=f"{names(reasons)} left out until they come again: {why}")


def note_missing(tx: Stores, missing: Iterable[Holes], now_ms: int) -> None:
    """Name bars that the exchange does not have; each hole once."""
    for one in missing:
        name = f"{one.symbol} {one.timeframe.text}"
        for hole in one.holes:
            _note_hole(tx, one, hole, name, now_ms)


def _note_hole(tx: Stores, missing: Holes, hole: Hole, name: str, now_ms: int) -> None:
    bars = (hole.end_ms - hole.first_ms) // missing.timeframe.ms
    begins_at = datetime.fromtimestamp(hole.first_ms / MS_PER_SECOND, UTC)
    tx.events.add(
        EventType.CANDLES_MISSING,
        now_ms,
        symbol=missing.symbol,
        message=f"{name}: the exchange lacks {bars} bars from {begins_at:%Y-%m-%d %H:%M} UTC on; the bot goes on without",
        idem_key=hole_key(missing.symbol, missing.timeframe, hole.first_ms),
    )


def holes(candles: Candles, since_ms: int | None = None) -> tuple[Hole, ...]:
    """Every hole between the bars, and with `since_ms` the one before the first of them."""
    step = candles.timeframe.ms
    found = [
        Hole(int(candles.open_ms[index]) - missing * step, int(candles.open_ms[index]))
        for index, missing in candles.gaps()
    ]
    if since_ms is not None and len(candles):
        first_ms = candles.timeframe.floor(since_ms + step - 1)
        if candles.open_ms[0] > first_ms:
            found.insert(0, Hole(int(first_ms), int(candles.open_ms[0])))
    return tuple(found)


def names(keys: Collection[SeriesKey]) -> str:
    """Some of the series by name, and how many there are."""
    shown = ", ".join(f"{symbol} {timeframe.text}" for symbol, timeframe in list(keys)[:SHOWN])
    return shown if len(keys) <= SHOWN else f"{shown} and {len(keys) - SHOWN} more"
