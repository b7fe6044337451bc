"""Live settlement: minute candles of what is armed or open, since each symbol was settled last, however long ago."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.candles import Candles
from engine.timeframes import Timeframe
from gateways.market import MarketData, MarketError
from services.feed import Holes, SeriesKey, holes, note_missing
from storage.stores import Stores

SETTLED_KEY = "live.settled_ms."


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minute candles by symbol, and for every symbol that is followed up to which instant they reach without a hole."""

    candles: Mapping[str, Candles]
    reach_ms: Mapping[str, int]
    errors: Mapping[str, str]
    missing: Mapping[str, Holes]

    def covered_ms(self, until_ms: int) -> int:
        """Up to which instant every followed symbol can be settled."""
        return min([until_ms, *self.reach_ms.values()])

    def has_come_to(self, at_ms: int) -> bool:
        """Whether the market has any minute that closed at or after an instant."""
        return any(len(candles) and candles.closed_at_ms >= at_ms for candles in self.candles.values())

    def lacking(self, after_ms: int) -> Mapping[SeriesKey, str]:
        """The symbols of which there is nothing that closed after `after_ms`, and why."""
        ends_ms = {symbol: candles.closed_at_ms for symbol, candles in self.candles.items()}
        return {
            (symbol, Timeframe.M1): self.errors.get(symbol, f"{symbol} 1m is stale")
            for symbol, reach_ms in self.reach_ms.items()
            if max(reach_ms, ends_ms.get(symbol, 0)) <= after_ms
        }

    def until(self, ms: int) -> Mapping[str, Candles]:
        """The candles closed at or before `ms`."""
        return {symbol: candles.until(ms) for symbol, candles in self.candles.items()}


def unsettled(view: Stores) -> dict[str, int]:
    """By symbol, from which instant on its orders and positions have to be followed."""
    since: dict[str, int] = {}
    for condition in view.conditions.active():
        since[condition.symbol] = min(condition.created_ms, since.get(condition.symbol, condition.created_ms))
    for position in view.positions.open_positions():
        settled_ms = position.opened_ms if position.settled_ms is None else position.settled_ms
        since[position.symbol] = min(settled_ms, since.get(position.symbol, settled_ms))
    return {symbol: max(since_ms, settled_until(view, symbol)) for symbol, since_ms in since.items()}


def settled_until(view: Stores, symbol: str) -> int:
    """Up to which instant a symbol's candles were settled; waiting orders keep no such mark of their own."""
    return int(view.meta.get(SETTLED_KEY + symbol) or 0)


async def minutes_since(market: MarketData, since: Mapping[str, int], until_ms: int) -> Minutes:
    """The minute candles of these symbols from their instants on; a symbol that cannot be had reaches no further."""
    candles: dict[str, Candles] = {}
    reach_ms: dict[str, int] = {}
    errors: dict[str, str] = {}
    missing: dict[str, Holes] = {}

    async def fetch(symbol: str, since_ms: int) -> None:
        reach_ms[symbol] = since_ms
        if since_ms >= until_ms:
            return
        try:
            found = await market.candles_since(symbol, Timeframe.M1, since_ms, until_ms)
        except MarketError as error:
            errors[symbol] = str(error)
            return
        if len(found):
            candles[symbol] = found
            reach_ms[symbol] = found.closed_at_ms
        if holed := holes(found, since_ms):
            missing[symbol] = Holes(symbol, Timeframe.M1, holed)
            reach_ms[symbol] = holed[0].first_ms

    await asyncio.gather(*(fetch(symbol, since_ms) for symbol, since_ms in since.items()))
    return Minutes(candles, reach_ms, errors, missing)


def keep(tx: Stores, candles: Mapping[str, Candles], missing: Mapping[str, Holes], source: str, now_ms: int) -> None:
    """Store what was settled on, how far that went, and what was not there, in the transaction that settled it."""
    for symbol, settled in candles.items():
        if len(settled):
            tx.candles.store(settled, source, now_ms)
            tx.meta.set(SETTLED_KEY + symbol, str(settled.closed_at_ms))
            if symbol in missing:
                passed = tuple(hole for hole in missing[symbol].holes if hole.end_ms < settled.closed_at_ms)
                note_missing(tx, (replace(missing[symbol], holes=passed),), now_ms)
