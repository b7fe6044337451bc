"""What can be wrong with an exchange for a while: each trouble has its time on the fake's clock, and may come as JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.candles import Candles

FOR_EVER_MS = 2**53  # a whole number that JSON keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is wrong from `since_ms` to `until_ms`, with one symbol or, without one, with all."""

    since_ms: int = 0
    until_ms: int = FOR_EVER_MS
    symbol: str | None = None

    def is_on(self, now_ms: int, symbol: str | None) -> bool:
        """Whether a question about `symbol` (None: about the exchange itself) meets it now."""
        return self.since_ms <= now_ms < self.until_ms and self.symbol in (None, symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Trouble):
    """Bars that open in [first_ms, end_ms) are not given, of one timeframe or of all."""

    first_ms: int
    end_ms: int
    timeframe: str | None = None

    def without(self, candles: Candles) -> Candles:
        if self.timeframe not in (None, candles.timeframe.text):
            return candles
        kept = (candles.open_ms < self.first_ms) | (candles.open_ms >= self.end_ms)
        columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
        return Candles(candles.symbol, candles.timeframe, candles.open_ms[kept], *(column[kept] for column in columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(Trouble):
    """The feed stands still: answers come, and the newest candle is the one that formed at `since_ms`, as far as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Trouble):
    """Every question is refused: 418, 429, 451 or 5xx; `retry_after_s` where the exchange says it."""

    status: int
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging(Trouble):
    """Nothing is answered for `seconds` of real time, then the line is cut."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongClock(Trouble):
    """The exchange tells a time that is `ahead_ms` off; its candles are right."""

    ahead_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisted(Trouble):
    """The symbol is not traded any more: gone from the list, and its candles are not known."""


KINDS = {kind.__name__: kind for kind in (Gap, Frozen, Refused, Hanging, WrongClock, Delisted)}


def trouble_from(fields: Mapping[str, Any]) -> Trouble:
    """A trouble out of JSON: {"kind": "Frozen", "symbol": "BTCUSDT", ...}; TypeError for fields it has not."""
    known = dict(fields)
    kind: type[Trouble] = KINDS[str(known.pop("kind"))]
    return kind(**known)


def as_fields(trouble: Trouble) -> dict[str, Any]:
    return {"kind": type(trouble).__name__, **dataclasses.asdict(trouble)}
