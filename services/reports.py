"""Reports of a day, a week or a month: what was decided, what it made, what held it back, and how the machine was.

Everything but the state of the machine follows from what the book keeps for ever, so that a report can be made again at
any time; what differs then from the snapshot that was told is shown as a change.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from engine.evaluation import Interval, expectancy, performance
from engine.protections import Lock
from engine.timeframes import DAY_MS
from engine.vocabulary import Outcome, PortfolioKind
from services.periods import CalendarPeriod
from services.protections import lock_in
from services.public_record import ENOUGH_TO_JUDGE
from services.report_calendar import SCOPE
from storage import reports as figures
from storage.codec import Json
from storage.database import Connection
from storage.events import EventType
from storage.reports import (
    Dimension,
    GateCount,
    JobCount,
    MoneyStep,
    Origin,
    Results,
    SignalGroup,
    Trade,
)
from storage.snapshots import Snapshot, SnapshotPeriod
from storage.span import Span
from storage.stores import Stores

TOLERANCE = 1e-9
"""Sums of the same numbers may differ by this share and are the same sum."""
FEWEST_DAYS = 5
"""Over fewer days of closes the interval of the mean draws trades by themselves: whole days would be too few to draw."""
INCIDENTS = (
    EventType.DEFECT,
    EventType.SEND_UNKNOWN,
    EventType.CHAT_DISABLED,
    EventType.TOPIC_LOST,
    EventType.POLLING_RESTARTED,
    EventType.OTHER_BOT,
    EventType.MODEL_REFUSED,
    EventType.INCIDENT_OPENED,
)
"""What went wrong with the bot itself and left an event."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Trades in R, each at its own risk, net of costs; None where there is nothing to estimate from or divide by."""

    n: int
    wins: int
    losses: int
    breakeven: int
    win_rate: Interval | None
    expectancy_r: Interval | None
    profit_factor: float | None
    total_r: float
    drawdown_r: float

    @property
    def is_judgeable(self) -> bool:
        return self.n >= ENOUGH_TO_JUDGE


@dataclass(frozen=True, slots=True)
class Imported:
    """Trades of other bots, in percent of what each had in, as their files told."""

    n: int
    wins: int
    losses: int
    breakeven: int
    total_pct: float


@dataclass(frozen=True, slots=True)
class Grouped:
    """Trades of sent signals by one thing that they have in common."""

    dimension: Dimension
    rows: tuple[Results, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """The paper account in `currency`: `result` by trading, after `fees`; `moved` in or out by people.

    `drawdown_pct` is the deepest fall by trading from a peak of the balance.
    """

    currency: str
    opening: float
    result: float
    fees: float
    moved: float
    drawdown_pct: float

    @property
    def closing(self) -> float:
        return self.opening + self.result + self.moved

    @property
    def result_pct(self) -> float | None:
        """The result in percent of what there was at first, else of what was brought in; None where there was nothing."""
        had = self.opening if self.opening > 0 else self.moved
        return 100.0 * self.result / had if had > 0 else None


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The model against the rules alone, which would have sent what it `withheld`.

    `asked` signals had its word, `withheld` of them it alone kept from being sent. Of those that ended, `by_word` and
    `withheld_results` tell what they made; `judged` won or lost, `won` of them where it promised `promised` wins.
    """

    asked: int
    withheld: int
    by_word: tuple[Results, ...]
    withheld_results: Results | None
    judged: int
    won: int
    promised: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What follows from the book at any later time."""

    signals: tuple[SignalGroup, ...]
    stopped: tuple[GateCount, ...]
    filled: int
    expired: int
    cancelled: int
    trades: Figures
    open: int
    held_back: Figures
    imported: Imported
    best: Trade | None
    worst: Trade | None
    groups: tuple[Grouped, ...]
    money: Money
    model: ModelFigures | None
    locks: tuple[Lock, ...]

    @property
    def decided(self) -> int:
        return sum(group.decided for group in self.signals)

    @property
    def sent(self) -> int:
        return sum(group.sent for group in self.signals)

    @property
    def missed(self) -> int:
        return sum(group.missed for group in self.signals)

    @property
    def not_sent(self) -> int:
        return sum(group.held_back for group in self.signals)

    @property
    def is_empty(self) -> bool:
        """Nothing was decided, nothing ended, nothing stands, no money moved."""
        ended = self.trades.n + self.held_back.n + self.imported.n + self.expired + self.cancelled
        return not (self.decided or ended or self.filled or self.open or self.money.result or self.money.moved)


@dataclass(frozen=True, slots=True)
class IncidentCount:
    type: EventType
    n: int


@dataclass(frozen=True, slots=True)
class Machine:
    """How the bot did, as its telemetry told when the report was made; telemetry is forgotten after 30 days."""

    jobs: tuple[JobCount, ...]
    incidents: tuple[IncidentCount, ...]
    starts: int


@dataclass(frozen=True, slots=True)
class Report:
    """A period by the clock of `zone`: [from_ms, to_ms), begun on `first` (ISO date), as known at `made_ms`.

    Snapshots are read back into it: what a later version adds here needs a default, which older ones then have.
    """

    period: SnapshotPeriod
    first: str
    zone: str
    from_ms: int
    to_ms: int
    made_ms: int
    facts: Facts
    machine: Machine

    @property
    def is_over(self) -> bool:
        return self.made_ms >= self.to_ms


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that is not what was told, by the names on the way to it; None where it did not exist."""

    name: str
    was: Json
    now: Json


@dataclass(frozen=True, slots=True)
class Shown:
    """A report as the book tells it now, and what differs from the one that was told at `told_ms`, if one was."""

    report: Report
    told_ms: int | None
    changes: tuple[Change, ...]


def report_of(view: Stores, calendar: CalendarPeriod, now_ms: int) -> Report:
    """The report of a period from the book as it is; a period that is not over counts so far."""
    span = calendar.span
    return Report(
        period=calendar.period,
        first=calendar.first.isoformat(),
        zone=calendar.zone,
        from_ms=span.from_ms,
        to_ms=span.to_ms,
        made_ms=now_ms,
        facts=_facts(view, span),
        machine=_machine(view.connection, span),
    )


def shown(view: Stores, calendar: CalendarPeriod, now_ms: int) -> Shown:
    """The report of a period now, beside what was told of it."""
    report = report_of(view, calendar, now_ms)
    told = view.snapshots.at(SCOPE, calendar.zone, calendar.period, report.from_ms)
    if told is None:
        return Shown(report, None, ())
    return Shown(report, told.taken_ms, changes(report_in(told), report))


def changes(told: Report, now: Report) -> tuple[Change, ...]:
    """Every fact that is not what was told; the state of the machine is as of its time and not compared."""
    was, is_ = (dict(_leaves(document(report)["facts"], "")) for report in (told, now))
    names = sorted(was.keys() | is_.keys())
    return tuple(
        Change(name, was.get(name), is_.get(name)) for name in names if not _same(was.get(name), is_.get(name))
    )


def snapshot_of(report: Report) -> Snapshot:
    """The report as the book keeps it."""
    return Snapshot(SCOPE, report.zone, report.period, report.from_ms, report.made_ms, document(report))


def report_in(snapshot: Snapshot) -> Report:
    """The report behind a snapshot."""
    return _codec().validate_python(snapshot.metrics)


def document(report: Report) -> dict[str, Any]:
    """The report as plain JSON."""
    plain: dict[str, Any] = _codec().dump_python(report, mode="json")
    return plain


@cache
def _codec() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _facts(view: Stores, span: Span) -> Facts:
    connection = view.connection
    trades = figures.trades(connection, span)
    sent = [trade for trade in trades if trade.origin is Origin.SENT]
    ended = figures.event_counts(connection, (EventType.SIGNAL_EXPIRED, EventType.SIGNAL_CANCELLED), span)
    return Facts(
        signals=figures.signals_by_setup(connection, span),
        stopped=figures.stopped_by_gate(connection, span),
        filled=figures.filled(connection, span),
        expired=ended.get(EventType.SIGNAL_EXPIRED, 0),
        cancelled=ended.get(EventType.SIGNAL_CANCELLED, 0),
        trades=_figures(sent),
        open=figures.open_at(connection, span.to_ms),
        held_back=_figures([trade for trade in trades if trade.origin is Origin.HELD_BACK]),
        imported=_imported([trade for trade in trades if trade.origin is Origin.IMPORTED]),
        best=max(sent, key=_result, default=None),
        worst=min(sent, key=_result, default=None),
        groups=tuple(Grouped(dimension, figures.results_by(connection, dimension, span)) for dimension in Dimension),
        money=_money(view, span),
        model=_model(connection, span),
        locks=tuple(map(lock_in, figures.locks_begun(connection, span))),
    )


def _machine(connection: Connection, span: Span) -> Machine:
    events = figures.event_counts(connection, (*INCIDENTS, EventType.BOT_STARTED), span)
    incidents = tuple(IncidentCount(type, events[type]) for type in INCIDENTS if type in events)
    return Machine(figures.job_counts(connection, span), incidents, events.get(EventType.BOT_STARTED, 0))


def _figures(trades: Sequence[Trade]) -> Figures:
    r = np.array([_result(trade) for trade in trades], dtype=float)
    closed_ms = np.array([trade.closed_ms for trade in trades], dtype=np.int64)
    found = performance(r, closed_ms, np.array([trade.cost_r for trade in trades], dtype=float))
    mean = found.expectancy_r
    if np.unique(closed_ms // DAY_MS).size < FEWEST_DAYS:
        mean = expectancy(r, np.arange(r.size) * DAY_MS)
    return Figures(
        n=found.n,
        wins=found.wins,
        losses=found.losses,
        breakeven=found.breakeven,
        win_rate=found.win_rate if found.n else None,
        expectancy_r=mean if found.n else None,
        profit_factor=found.profit_factor if math.isfinite(found.profit_factor) else None,
        total_r=found.total_r,
        drawdown_r=found.max_drawdown_r,
    )


def _imported(trades: Sequence[Trade]) -> Imported:
    outcomes = [trade.outcome for trade in trades]
    return Imported(
        n=len(trades),
        wins=outcomes.count(Outcome.WIN),
        losses=outcomes.count(Outcome.LOSS),
        breakeven=outcomes.count(Outcome.BREAKEVEN),
        total_pct=math.fsum(trade.pnl_pct for trade in trades),
    )


def _result(trade: Trade) -> float:
    assert trade.r_multiple is not None, "own trades know their risk"
    return trade.r_multiple


def _money(view: Stores, span: Span) -> Money:
    opening = figures.balance_before(view.connection, span.from_ms)
    steps = figures.money_steps(view.connection, span)
    return Money(
        currency=view.portfolios.of_kind(PortfolioKind.PAPER).currency,
        opening=opening,
        result=math.fsum(step.result for step in steps),
        fees=math.fsum(step.fees for step in steps),
        moved=math.fsum(step.moved for step in steps),
        drawdown_pct=_drawdown_pct(opening, steps),
    )


def _drawdown_pct(opening: float, steps: Sequence[MoneyStep]) -> float:
    """The deepest fall of the balance by trading in percent of its peak; money moved in or out moves the peak along."""
    balance = peak = opening
    deepest = 0.0
    for step in steps:
        balance += step.result + step.moved
        peak = max(peak + step.moved, balance)
        if peak > 0:
            deepest = max(deepest, 100.0 * (peak - balance) / peak)
    return deepest


def _model(connection: Connection, span: Span) -> ModelFigures | None:
    """None where no model said a word in the span, on a signal decided or on one that ended."""
    asked, withheld = figures.asked_of_model(connection, span)
    judged, won, promised = figures.model_promise(connection, span)
    by_word = figures.model_results(connection, span)
    if not (asked or judged or by_word):
        return None
    return ModelFigures(asked, withheld, by_word, figures.withheld_results(connection, span), judged, won, promised)


def _leaves(plain: Json, name: str) -> Iterator[tuple[str, Json]]:
    """Every single value of plain JSON with the names on the way to it."""
    match plain:
        case dict():
            for key, part in plain.items():
                yield from _leaves(part, f"{name}.{key}" if name else key)
        case list():
            for number, part in enumerate(plain):
                yield from _leaves(part, f"{name}.{number}")
        case _:
            yield name, plain


def _same(was: Json, now: Json) -> bool:
    if isinstance(was, float) and isinstance(now, float):
        return math.isclose(was, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return was == now
