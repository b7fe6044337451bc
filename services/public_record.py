"""The public record in numbers: every signal the channel was sent, at a fixed 1R each, losers shown like winners.

What became of a signal is the shadow book's answer, whether or not the paper account had room for it, net of costs. A
signal counts once, in the period in which it was sent, however many rows of the record tell of it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.evaluation import Performance, performance
from engine.timeframes import DAY_MS
from engine.vocabulary import CloseReason, ConditionStatus, Outcome
from storage.publications import PublicRow
from storage.stores import Stores

ENOUGH_TO_JUDGE = 30
"""How many closed signals it takes before a rate or an expectancy says anything."""


class Ending(Enum):
    """What became of a signal of the record."""

    MISSED = "missed"
    WAITING = "waiting"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OPEN = "open"
    WIN = "win"
    TARGET_1_THEN_BREAK_EVEN = "target 1, then break-even"
    BREAK_EVEN = "break-even"
    LOSS = "loss"


CLOSED = (Ending.WIN, Ending.TARGET_1_THEN_BREAK_EVEN, Ending.BREAK_EVEN, Ending.LOSS)
UNFILLED = (Ending.EXPIRED, Ending.CANCELLED)


class Period(Enum):
    """How far back the record is shown."""

    WEEK = "7d"
    MONTH = "30d"
    ALL = "all"

    def since_ms(self, now_ms: int) -> int:
        """When the period began that ends at `now_ms`."""
        days = {Period.WEEK: 7, Period.MONTH: 30}.get(self)
        return 0 if days is None else now_ms - days * DAY_MS


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """What became of the signals told in a period, each counted once; the results are in R at a fixed 1R, net."""

    counts: Counter[Ending]
    results: Performance

    def count(self, *endings: Ending) -> int:
        return sum(self.counts[ending] for ending in endings)

    @property
    def sent(self) -> int:
        """Every signal that was sent as live; those told as missed are not among them."""
        return self.counts.total() - self.count(Ending.MISSED)

    @property
    def filled(self) -> int:
        return self.count(Ending.OPEN, *CLOSED)

    @property
    def closed(self) -> int:
        return self.count(*CLOSED)

    @property
    def is_judgeable(self) -> bool:
        return self.results.n >= ENOUGH_TO_JUDGE


@dataclass(frozen=True, slots=True)
class Day:
    """What happened between two instants: how many signals were sent, missed and filled then, and all that ended then."""

    sent: int
    missed: int
    filled: int
    ended: PublicRecord


def record_since(view: Stores, since_ms: int) -> PublicRecord:
    """The record of the signals told at or after that instant, as they stand now."""
    return _record([row for row in view.publications.outcomes() if row.told_ms >= since_ms])


def day_between(view: Stores, from_ms: int, to_ms: int) -> Day:
    """What the record says of [from, to), whenever the signals were sent that ended in it."""
    rows = view.publications.outcomes()

    def within(instant: Callable[[PublicRow], int | None]) -> list[PublicRow]:
        return [row for row in rows if (at_ms := instant(row)) is not None and from_ms <= at_ms < to_ms]

    return Day(
        sent=len(within(lambda row: row.sent_ms)),
        missed=len(within(lambda row: row.told_ms if row.sent_ms is None else None)),
        filled=len([row for row in within(lambda row: row.opened_ms) if row.sent_ms is not None]),
        ended=_record(within(ended_ms)),
    )


def ending_of(row: PublicRow) -> Ending:
    """What became of one signal."""
    if row.sent_ms is None:
        return Ending.MISSED
    if row.opened_ms is None:
        return Ending.WAITING if row.order is None else _UNFILLED_ENDINGS.get(row.order, Ending.WAITING)
    if row.outcome is None:
        return Ending.OPEN
    if row.close_reason is CloseReason.BREAK_EVEN and row.targets_hit == 1:
        return Ending.TARGET_1_THEN_BREAK_EVEN
    return _OUTCOME_ENDINGS[row.outcome]


def ended_ms(row: PublicRow) -> int | None:
    """When a sent signal came to its end: its close, or the end of an order that was never filled; None before that."""
    ending = ending_of(row)
    if ending in CLOSED:
        return row.closed_ms
    return row.order_ms if ending in UNFILLED else None


_UNFILLED_ENDINGS = {ConditionStatus.EXPIRED: Ending.EXPIRED, ConditionStatus.CANCELLED: Ending.CANCELLED}
_OUTCOME_ENDINGS = {
    Outcome.WIN: Ending.WIN,
    Outcome.BREAKEVEN: Ending.BREAK_EVEN,
    Outcome.LOSS: Ending.LOSS,
}


def _record(rows: Sequence[PublicRow]) -> PublicRecord:
    counts = Counter(map(ending_of, rows))
    closed = [row for row in rows if ending_of(row) in CLOSED and row.r_multiple is not None]
    results = performance(
        np.array([row.r_multiple for row in closed], dtype=float),
        np.array([row.closed_ms for row in closed], dtype=np.int64),
        np.array([row.cost_r for row in closed], dtype=float),
    )
    return PublicRecord(counts, results)
