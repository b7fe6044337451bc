"""What every market gateway promises, whichever exchange or simulation stands behind it, and how it says no."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from engine.candles import Candles
from engine.timeframes import Timeframe
from engine.vocabulary import Market

SUGGESTIONS = 3
_MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a symbol is traded: the smallest steps of price and quantity and the smallest order, in quote currency."""

    symbol: str
    tick_size: float
    step_size: float
    min_notional: float
    market: Market


class MarketData(Protocol):
    """Closed candles and the facts of an exchange; every method raises `MarketError` and nothing else of its own."""

    @property
    def source(self) -> str:
        """Where the candles come from, in one word that is shown with them: `binance`, `simulated`."""
        ...

    async def candles(self, symbol: str, timeframe: Timeframe, count: int, until_ms: int) -> Candles:
        """The last `count` bars closed at or before `until_ms`, fewer where the series is younger."""
        ...

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        """Every bar that opens at or after `since_ms` and has closed at or before `until_ms`."""
        ...

    async def instrument(self, symbol: str) -> Instrument: ...

    async def server_time_ms(self) -> int: ...

    async def symbols(self) -> tuple[str, ...]:
        """All symbols that trade now, sorted."""
        ...

    async def volumes(self) -> Mapping[str, float]:
        """What was traded of each symbol in the last 24 hours, in quote currency; of symbols that trade now."""
        ...


class MarketError(Exception):
    """Market data that cannot be had; the message tells a person what to do about it."""


class UnknownSymbol(MarketError):
    """A symbol the exchange does not list; `nearest` are the listed ones that look most like it."""

    def __init__(self, symbol: str, source: str, known: Collection[str] = ()) -> None:
        self.symbol = symbol
        self.nearest = tuple(difflib.get_close_matches(symbol.upper(), known, n=SUGGESTIONS))
        hint = f"did you mean {' or '.join(self.nearest)}?" if self.nearest else "check its spelling."
        if symbol in known:  # on a list of some hours ago
            hint = "it is listed no more."
        super().__init__(f"{source} does not know {symbol}; {hint}")


class RateLimited(MarketError):
    """Too many requests; nothing is asked again before `retry_at_ms`."""

    def __init__(self, source: str, retry_at_ms: int) -> None:
        self.retry_at_ms = retry_at_ms
        super().__init__(f"{source} asks us to slow down; requests go on at {_clock(retry_at_ms)}.")


class Banned(MarketError):
    """This address is shut out until `until_ms`; asking earlier makes the ban longer."""

    def __init__(self, source: str, until_ms: int) -> None:
        self.until_ms = until_ms
        super().__init__(
            f"{source} has banned this address until {_clock(until_ms)}; nothing is asked before. "
            "If it comes again, watch fewer pairs or stop other programs that use the same address."
        )


class Restricted(MarketError):
    """The exchange serves nobody from this place."""

    def __init__(self, source: str, host: str) -> None:
        super().__init__(
            f"{source} ({host}) serves no one from this location (451). Set another base URL that serves you, "
            "for market data on spot data-api.binance.vision, install the extra `exchanges` for another exchange, "
            "or run on a machine elsewhere."
        )


class ExchangeDown(MarketError):
    """No answer, or only errors, after every retry."""


class BadAnswer(MarketError):
    """An answer that is not what the exchange documents: a login page of a proxy, cut JSON, candles that cannot be."""


def _clock(ms: int) -> str:
    return datetime.fromtimestamp(ms / _MS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
