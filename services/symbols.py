"""Which pairs are watched: those named, and on request the most traded ones of the day.

The most traded are chosen once a UTC day and kept in the book, so that a restart watches what it watched before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from engine.timeframes import Timeframe
from gateways.market import MarketData
from storage.book import Book
from storage.codec import decoded, encoded
from storage.stores import Stores
from storage.writer import Writer

TOP = "TOP:"
TOP_MOST = 100
QUOTE = "USDT"
KEPT = "symbols.top"
STABLE = frozenset(
    {
        "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USDP", "USDE", "USDD", "USD1", "USDS", "PYUSD", "RLUSD", "XUSD",
        "BFUSD", "USTC", "UST", "EURI", "AEUR", "EUR", "GBP", "TRY", "BRL",
    }
)  # fmt: skip
"""Base assets that are money themselves: they do not move, or move with an exchange rate."""
LEVERAGED = ("UP", "DOWN", "BULL", "BEAR")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pairs by name, and how many of the most traded ones besides."""

    named: tuple[str, ...]
    top: int = 0

    def __post_init__(self) -> None:
        if not self.named and not self.top:
            raise ValueError("at least one pair is needed")

    def __str__(self) -> str:
        """As the setting is written."""
        return ", ".join((*self.named, *((f"{TOP.lower()}{self.top}",) if self.top else ())))

    @classmethod
    def parse(cls, words: list[str]) -> "Wanted":
        """`BTCUSDT`, `top:20`, or both; ValueError in one sentence for what is neither."""
        named: list[str] = []
        top = 0
        for word in (word.upper() for word in words):
            if not word.startswith(TOP):
                named.append(word)
                continue
            count = word.removeprefix(TOP)
            if not (count.isascii() and count.isdecimal() and 1 <= int(count) <= TOP_MOST):
                raise ValueError(f"the most traded pairs are written like top:20, 1 to {TOP_MOST} of them")
            top = int(count)
        return cls(tuple(dict.fromkeys(named)), top)


async def watched_symbols(
    wanted: Wanted, market: MarketData, book: Book, writer: Writer, now_ms: int
) -> tuple[str, ...]:
    """The pairs to watch today; MarketError when they have to be asked for and cannot be had."""
    if not wanted.top:
        return wanted.named
    day_ms = int(Timeframe.D1.floor(now_ms))
    with book.reading() as view:
        chosen = _kept(view, wanted.top, market.source, day_ms)
    if chosen is None:
        chosen = most_traded(await market.volumes(), wanted.top)
        kept = encoded({"count": wanted.top, "source": market.source, "day_ms": day_ms, "symbols": list(chosen)})
        await writer.run(lambda tx: tx.meta.set(KEPT, kept))
    return tuple(dict.fromkeys((*wanted.named, *chosen)))


def still_listed(wanted: Sequence[str], listed: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """Without those that the book knows and the exchange lists no more: a delisting must not keep the bot from starting.

    All of them where none would be left; what the book does not know either may be misspelled, and stays to be refused.
    """
    left = tuple(symbol for symbol in wanted if symbol in listed or symbol not in known)
    return left or tuple(wanted)


def most_traded(volumes: Mapping[str, float], count: int) -> tuple[str, ...]:
    """The `count` most traded pairs against USDT, the most traded first; no stable coins, no leveraged tokens."""
    pairs = [symbol for symbol in volumes if _is_coin(symbol, volumes)]
    pairs.sort(key=lambda symbol: (-volumes[symbol], symbol))
    return tuple(pairs[:count])


def _is_coin(symbol: str, listed: Mapping[str, float]) -> bool:
    if not symbol.endswith(QUOTE):
        return False
    base = symbol.removesuffix(QUOTE)
    # BTCUP is leverage on the listed BTC; JUP is a coin, because there is no J
    leveraged = any(base.endswith(word) and base.removesuffix(word) + QUOTE in listed for word in LEVERAGED)
    return bool(base) and base not in STABLE and not leveraged


def _kept(view: Stores, count: int, source: str, day_ms: int) -> tuple[str, ...] | None:
    """What was chosen today by the same wish; None when that has to be done."""
    kept = view.meta.get(KEPT)
    if kept is None:
        return None
    choice = decoded(kept)
    if (choice["count"], choice["source"], choice["day_ms"]) != (count, source, day_ms):
        return None
    return tuple(choice["symbols"])
