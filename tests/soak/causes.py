"""Which scripted trouble can open which incident, and for how long after its end.

An incident is explained by a trouble of a kind that its check suffers from, that met the series it names, and that was on
or had ended no longer ago than the check stays ill by its own limits. Anything else is the bot's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from engine.timeframes import MINUTE_MS, Timeframe
from gateways.binance import CLOCK_VALID_MS
from gateways.binance_http import DEFAULT_BAN_MS
from services.doubt import BACK_OFF_LAST_MS
from services.feed import FINAL_AFTER_MS
from tests.fakes.exchange_faults import Delisted, Frozen, Gap, Hanging, Refused, Trouble, WrongClock

BANNING = (418, 429)
COARSEST = Timeframe.H4
"""The coarsest timeframe that a trouble of hours can keep from closing more than once."""
SERIES = re.compile(r"\b([A-Z0-9]+USDT) (\d+[mhdw])\b")
SYMBOL = re.compile(r"\b[A-Z0-9]+USDT\b")
HIDDEN = re.compile(r"\band \d+ more\b")


class Kind(Enum):
    """What is scripted, as the page names it."""

    REFUSED = "refused"
    BANNED = "banned"
    FROZEN = "frozen"
    HANGING = "hanging"
    HOLE = "hole"
    CLOCK = "wrong clock"
    DELISTED = "delisted"
    TELEGRAM = "Telegram down"
    STOPPED = "bot stopped"


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something was wrong, with one symbol or, without one, with all."""

    kind: Kind
    since_ms: int
    until_ms: int
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes a check ill, and how long it stays so after the end of it, and why."""

    kinds: frozenset[Kind]
    grace_ms: int
    why: str
    until_next_close: bool = False
    """Whether a series that was left out comes back with its next close: a bar of it is added to the grace."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident: when it was opened and, if it was, resolved; the message begins with its check."""

    message: str
    opened_ms: int
    resolved_ms: int | None

    @property
    def check(self) -> str:
        return self.message.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The trouble behind an incident, and how long that had been over."""

    kind: Kind
    after_ms: int


FEED = frozenset({Kind.REFUSED, Kind.BANNED, Kind.FROZEN, Kind.HANGING, Kind.HOLE, Kind.DELISTED})
MARKET = FEED | {Kind.CLOCK}
HEARTBEAT_MS = MINUTE_MS
SETTLE_MS = MINUTE_MS
HEAL_MS = MINUTE_MS
ASKED_AGAIN_MS = DEFAULT_BAN_MS + HEAL_MS + SETTLE_MS
"""A ban ends, the healer asks, the settlement follows."""

CAUSES = {
    "candles": Cause(FEED, ASKED_AGAIN_MS, "a series left out comes back with its next close", True),
    "gaps": Cause(frozenset({Kind.HOLE}), FINAL_AFTER_MS, "a hole is named an hour after the candle behind it"),
    "scans": Cause(MARKET, CLOCK_VALID_MS + SETTLE_MS, "its time is asked every ten minutes, then all that is due is decided"),
    "exchange clock": Cause(frozenset({Kind.CLOCK}), CLOCK_VALID_MS + HEARTBEAT_MS, "its time is asked every ten minutes"),
    "exchange limits": Cause(frozenset({Kind.BANNED}), DEFAULT_BAN_MS + HEARTBEAT_MS, "a ban without a time lasts two minutes"),
    "jobs on time": Cause(FEED, ASKED_AGAIN_MS, "an instant that waits for candles keeps the next ones waiting"),
    "jobs done well": Cause(MARKET, ASKED_AGAIN_MS, "the settlement of the next minute ends well"),
    "positions": Cause(MARKET, CLOCK_VALID_MS + ASKED_AGAIN_MS, "as scans, and a symbol left out is asked within the minute"),
    "orders": Cause(FEED, ASKED_AGAIN_MS, "orders end with the settlement of their symbol"),
    "outbox": Cause(frozenset({Kind.TELEGRAM}), BACK_OFF_LAST_MS, "the longest pause between two tries"),
    "listening": Cause(frozenset({Kind.TELEGRAM}), HEARTBEAT_MS, "the pulse says when Telegram was heard"),
}  # fmt: skip


def spans_of(
    troubles: Iterable[Trouble], silences: Iterable[tuple[int, int]], stops: Iterable[tuple[int, int]]
) -> tuple[Span, ...]:
    """What is scripted, by kind: troubles of the exchange, silences of Telegram, and when the bot was stopped."""
    return (
        *map(_span, troubles),
        *(Span(Kind.TELEGRAM, *silence) for silence in silences),
        *(Span(Kind.STOPPED, *stop) for stop in stops),
    )


def explanation(incident: Incident, spans: Sequence[Span], at_ms: int | None = None) -> Explanation | None:
    """What explains that an incident was opened or, with an instant, that its check was ill then; None when nothing does."""
    cause = CAUSES.get(incident.check)
    if cause is None:
        return None
    at_ms = incident.opened_ms if at_ms is None else at_ms
    symbols, names_are_hidden = set(SYMBOL.findall(incident.message)), HIDDEN.search(incident.message) is not None
    bars_ms = (
        [Timeframe.parse(text).ms for _, text in SERIES.findall(incident.message)] if cause.until_next_close else []
    )
    grace_ms = cause.grace_ms + max(bars_ms, default=0)
    found = [
        Explanation(span.kind, max(0, at_ms - span.until_ms))
        for span in spans
        if span.kind in cause.kinds
        and span.since_ms <= at_ms < span.until_ms + grace_ms
        and (span.symbol is None or span.symbol in symbols or names_are_hidden)
    ]
    return min(found, key=lambda one: one.after_ms, default=None)


def _span(trouble: Trouble) -> Span:
    match trouble:
        case Refused(status=status):
            kind = Kind.BANNED if status in BANNING else Kind.REFUSED
        case Frozen():
            kind = Kind.FROZEN
        case Hanging():
            kind = Kind.HANGING
        case WrongClock():
            kind = Kind.CLOCK
        case Delisted():
            kind = Kind.DELISTED
        case Gap():
            return _hole(trouble)
        case _:
            raise ValueError(f"{trouble} is of no kind that is scripted")
    return Span(kind, trouble.since_ms, trouble.until_ms, trouble.symbol)


def _hole(gap: Gap) -> Span:
    """A hole is one until the candle behind it has closed, of the coarsest timeframe that has a bar in it."""
    timeframe = COARSEST if gap.timeframe is None else Timeframe.parse(gap.timeframe)
    behind_ms = int(timeframe.floor(gap.end_ms - 1)) + 2 * timeframe.ms
    return Span(Kind.HOLE, max(gap.since_ms, gap.first_ms), min(gap.until_ms, behind_ms), gap.symbol)
