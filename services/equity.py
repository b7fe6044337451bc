"""The way of the paper account up to the end of a period, and what sent signals made in each period on that way."""

from dataclasses import dataclass
from datetime import date

from services.periods import CalendarPeriod
from storage.reports import Origin, balance_before, money_steps, trades
from storage.snapshots import SnapshotPeriod
from storage.span import Span
from storage.stores import Stores

FEWEST_SHOWN = 6
"""A young account's periods fill the picture, but not a few of them all of it."""
PERIODS_SHOWN = {SnapshotPeriod.DAY: 30, SnapshotPeriod.WEEK: 13, SnapshotPeriod.MONTH: 12}


@dataclass(frozen=True, slots=True)
class Balance:
    """The paper account from `at_ms` on."""

    at_ms: int
    amount: float


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """What `n` sent signals that closed in a period, which began on `first`, made in R after costs."""

    first: date
    span: Span
    n: int
    total_r: float


@dataclass(frozen=True, slots=True)
class Equity:
    """Periods in order, the last is the one asked for; `balances` from the first money on, none while there is none."""

    period: SnapshotPeriod
    zone: str
    results: tuple[PeriodResult, ...]
    balances: tuple[Balance, ...]

    @property
    def span(self) -> Span:
        return Span(self.results[0].span.from_ms, self.results[-1].span.to_ms)


def equity_until(view: Stores, calendar: CalendarPeriod) -> Equity:
    """The last periods of this length up to this one, as the book tells them."""
    shown = [calendar]
    while len(shown) < PERIODS_SHOWN[calendar.period]:
        shown.append(shown[-1].previous)
    shown.reverse()
    spans = [one.span for one in shown]
    whole = Span(spans[0].from_ms, spans[-1].to_ms)
    amount = balance_before(view.connection, whole.from_ms)
    balances = [Balance(whole.from_ms, amount)] if amount else []
    for step in money_steps(view.connection, whole):
        amount += step.result + step.moved
        balances.append(Balance(step.at_ms, amount))
    made = [
        (one.closed_ms, one.r_multiple or 0.0) for one in trades(view.connection, whole) if one.origin is Origin.SENT
    ]
    results = []
    for one, span in zip(shown, spans, strict=True):
        inside = [r for closed_ms, r in made if span.from_ms <= closed_ms < span.to_ms]
        results.append(PeriodResult(one.first, span, len(inside), sum(inside)))
    began_ms = min([*(balance.at_ms for balance in balances[:1]), *(at_ms for at_ms, _ in made[:1]), whole.to_ms])
    young = sum(result.span.to_ms <= began_ms for result in results[:-FEWEST_SHOWN])
    return Equity(calendar.period, calendar.zone, tuple(results[young:]), tuple(balances))
