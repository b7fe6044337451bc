"""The figures of a stretch of time: signals, trades, money, gates, model and machinery; every surface asks them here.

A trade is a row of the journal that has an outcome: one per signal, in the paper account where that had room, else in
the shadow book. What follows from candles is filed under the candle's time, so that figures of a stretch that is over
stay what they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.vocabulary import Direction, LedgerKind, Outcome, PortfolioKind, SignalSource, SignalStatus
from storage.codec import decoded
from storage.database import Connection
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.signals import GIVEN_TO_THE_CHANNEL
from storage.span import Span

LATEST_MS = (1 << 63) - 1


ALL_TIME = Span(0, LATEST_MS)


class Dimension(Enum):
    SYMBOL = "symbol"
    TIMEFRAME = "tf"
    SETUP = "setup"
    SESSION = "session"
    SCORE = "score"
    DIRECTION = "direction"


class Origin(Enum):
    """Where a trade's signal came from: the channel was given it, gates held it back, or another bot decided it."""

    SENT = "sent"
    HELD_BACK = "held_back"
    IMPORTED = "imported"


class ModelWord(Enum):
    """What the model did to a signal's confidence; WITHHELD when it was then too low to be sent."""

    RAISED = "raised"
    UNMOVED = "unmoved"
    LOWERED = "lowered"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Results:
    """Trades that share `key`; `total_r` is net of costs, at the risk of each."""

    key: str
    n: int
    wins: int
    losses: int
    total_r: float

    @property
    def mean_r(self) -> float:
        return self.total_r / self.n


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as figures need it; `r_multiple` is None where the risk is not known, which only imported ones may be."""

    signal_id: int
    symbol: str
    timeframe: str
    direction: Direction
    origin: Origin
    closed_ms: int
    outcome: Outcome
    r_multiple: float | None
    pnl_pct: float
    cost_r: float


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Own signals of one direction and setup: decided in the span, given to the channel, or told too late to be used."""

    direction: Direction
    setup: str
    decided: int
    sent: int
    missed: int

    @property
    def held_back(self) -> int:
        return self.decided - self.sent - self.missed


@dataclass(frozen=True, slots=True)
class MoneyStep:
    """What one instant did to the paper account's balance: `result` by trading, after fees; `moved` in or out."""

    at_ms: int
    result: float
    fees: float
    moved: float


@dataclass(frozen=True, slots=True)
class GateCount:
    """Signals that a gate was the first to stop."""

    gate: str
    n: int


@dataclass(frozen=True, slots=True)
class JobCount:
    job: str
    status: JobStatus
    n: int


_OWN = f"s.source<>'{SignalSource.IMPORT.value}'"
_GIVEN = f"s.status IN({','.join(repr(status.value) for status in GIVEN_TO_THE_CHANNEL)})"
_ORIGIN = (
    f"CASE WHEN NOT({_OWN}) THEN '{Origin.IMPORTED.value}' WHEN {_GIVEN} THEN '{Origin.SENT.value}'"
    f" ELSE '{Origin.HELD_BACK.value}' END"
)
# from the closes of the span to their signals, so that no other row of the journal is looked at
_TRADES = (
    " FROM portfolios f CROSS JOIN positions p ON p.portfolio_id=f.id AND p.status='CLOSED'"
    " AND p.closed_ms>=:from_ms AND p.closed_ms<:to_ms JOIN signals s ON s.id=p.signal_id"
    " JOIN journal j ON j.id=s.id AND j.position_id=p.id"
)
_KEYS = {
    Dimension.SYMBOL: "s.symbol",
    Dimension.TIMEFRAME: "s.timeframe",
    Dimension.SETUP: "s.setup",
    Dimension.SESSION: "COALESCE(s.session,'-')",
    Dimension.SCORE: "(CAST(s.confidence/10 AS INTEGER)*10) || '-' || (CAST(s.confidence/10 AS INTEGER)*10+9)",
    Dimension.DIRECTION: "s.direction",
}
_RESULTS = "COUNT(*), SUM(j.outcome='WIN'), SUM(j.outcome='LOSS'), COALESCE(SUM(j.r_multiple),0.0)"
# of several models' words on a signal the newest model's is the one that acted
_WORD = " JOIN predictions m ON m.signal_id=s.id AND m.model_id=(SELECT MAX(model_id) FROM predictions WHERE signal_id=s.id)"
# the base score would have let it pass
_WITHHELD = (
    "s.status_reason LIKE 'confidence:%' AND EXISTS(SELECT 1 FROM decisions d WHERE d.signal_id=s.id"
    " AND d.gate='confidence' AND d.passed=0 AND s.base_confidence>=CAST(d.threshold AS REAL))"
)


def results_by(connection: Connection, dimension: Dimension, span: Span = ALL_TIME) -> tuple[Results, ...]:
    """Trades of sent signals that closed in the span, grouped; the largest groups first."""
    rows = connection.execute(
        f"SELECT {_KEYS[dimension]}, {_RESULTS}{_TRADES} WHERE {_ORIGIN}='{Origin.SENT.value}'"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        _bounds(span),
    )
    return tuple(Results(str(key), *figures) for key, *figures in rows)


def trades(connection: Connection, span: Span) -> tuple[Trade, ...]:
    """Everything that closed in the span, in the order of the closes."""
    rows = connection.execute(
        f"SELECT s.id, s.symbol, s.timeframe, s.direction, {_ORIGIN}, j.closed_ms, j.outcome, j.r_multiple, j.pnl_pct,"
        f" s.cost_r{_TRADES} ORDER BY j.closed_ms, s.id",
        _bounds(span),
    )
    return tuple(
        Trade(
            signal_id,
            symbol,
            timeframe,
            Direction(direction),
            Origin(origin),
            closed_ms,
            Outcome(outcome),
            r,
            pct,
            cost,
        )
        for signal_id, symbol, timeframe, direction, origin, closed_ms, outcome, r, pct, cost in rows
    )


def open_at(connection: Connection, at_ms: int) -> int:
    """How many trades of sent signals were open at an instant."""
    row = connection.execute(
        "SELECT COUNT(*) FROM (SELECT p.id, p.signal_id, p.opened_ms FROM portfolios f CROSS JOIN positions p"
        "  ON p.portfolio_id=f.id AND p.status='OPEN'"
        " UNION ALL SELECT p.id, p.signal_id, p.opened_ms FROM portfolios f CROSS JOIN positions p"
        "  ON p.portfolio_id=f.id AND p.status='CLOSED' AND p.closed_ms>=:at_ms) p"
        " JOIN signals s ON s.id=p.signal_id JOIN journal j ON j.id=s.id AND j.position_id=p.id"
        f" WHERE p.opened_ms<:at_ms AND {_OWN} AND {_GIVEN}",
        {"at_ms": at_ms},
    ).fetchone()
    count: int = row[0]
    return count


def unsettled(connection: Connection, until_ms: int) -> int:
    """How many positions that were open before an instant have not been followed up to it yet."""
    row = connection.execute(
        "SELECT COUNT(*) FROM portfolios f CROSS JOIN positions p ON p.portfolio_id=f.id AND p.status='OPEN'"
        " WHERE p.opened_ms<?1 AND p.settled_ms<?1",
        (until_ms,),
    ).fetchone()
    count: int = row[0]
    return count


def signals_by_setup(connection: Connection, span: Span) -> tuple[SignalGroup, ...]:
    """Own signals decided in the span by direction and setup, the largest groups first."""
    rows = connection.execute(
        f"SELECT s.direction, s.setup, COUNT(*), SUM({_GIVEN}), SUM(s.status='{SignalStatus.MISSED.value}')"
        f" FROM signals s WHERE s.created_ms>=:from_ms AND s.created_ms<:to_ms AND {_OWN}"
        " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        _bounds(span),
    )
    return tuple(
        SignalGroup(Direction(direction), setup, decided, sent, missed)
        for direction, setup, decided, sent, missed in rows
    )


def stopped_by_gate(connection: Connection, span: Span = ALL_TIME) -> tuple[GateCount, ...]:
    """Own signals decided in the span and not sent, by the gate that stopped them first; they add up to all of those."""
    rows = connection.execute(
        "SELECT COALESCE(substr(status_reason,1,instr(status_reason,':')-1),'-') gate, COUNT(*) FROM signals"
        f" WHERE status IN('{SignalStatus.REJECTED.value}','{SignalStatus.SUPPRESSED.value}')"
        " AND created_ms>=:from_ms AND created_ms<:to_ms GROUP BY gate ORDER BY gate",
        _bounds(span),
    )
    return tuple(GateCount(gate, n) for gate, n in rows)


def filled(connection: Connection, span: Span) -> int:
    """How many sent signals were filled in the span: in the shadow book, which has room for all."""
    row = connection.execute(
        "SELECT COUNT(*) FROM events e JOIN portfolios f ON f.id=e.portfolio_id JOIN signals s ON s.id=e.signal_id"
        f" WHERE e.type='{EventType.POSITION_OPENED.value}' AND e.at_ms>=:from_ms AND e.at_ms<:to_ms"
        f" AND f.kind='{PortfolioKind.SHADOW.value}' AND {_GIVEN}",
        _bounds(span),
    ).fetchone()
    count: int = row[0]
    return count


def event_counts(connection: Connection, types: Iterable[EventType], span: Span) -> dict[EventType, int]:
    """How many events of each of these types there were in the span; types without any are left out."""
    words = [type.value for type in types]
    rows = connection.execute(
        f"SELECT type, COUNT(*) FROM events WHERE type IN({','.join('?' * len(words))}) AND at_ms>=? AND at_ms<?"
        " GROUP BY type",
        (*words, span.from_ms, span.to_ms),
    )
    return {EventType(type): count for type, count in rows}


def locks_begun(connection: Connection, span: Span) -> tuple[Mapping[str, Any], ...]:
    """What was written of the locks that began in the span, in order."""
    rows = connection.execute(
        f"SELECT decision_context FROM events WHERE type='{EventType.LOCK_BEGAN.value}'"
        " AND at_ms>=:from_ms AND at_ms<:to_ms ORDER BY at_ms, id",
        _bounds(span),
    )
    return tuple(decoded(context) for (context,) in rows)


def job_counts(connection: Connection, span: Span) -> tuple[JobCount, ...]:
    """The runs of slots in the span by job and how they ended; of the last 30 days alone, then they are forgotten."""
    rows = connection.execute(
        "SELECT job, status, COUNT(*) FROM job_runs WHERE slot_ms>=:from_ms AND slot_ms<:to_ms"
        " GROUP BY job, status ORDER BY job, status",
        _bounds(span),
    )
    return tuple(JobCount(job, JobStatus(status), n) for job, status, n in rows)


def balance_before(connection: Connection, at_ms: int) -> float:
    """The paper account's balance just before an instant."""
    row = connection.execute(
        "SELECT COALESCE(SUM(l.amount),0.0) FROM portfolios f JOIN ledger l ON l.portfolio_id=f.id AND l.at_ms<?"
        f" WHERE f.kind='{PortfolioKind.PAPER.value}'",
        (at_ms,),
    ).fetchone()
    balance: float = row[0]
    return balance


def money_steps(connection: Connection, span: Span) -> tuple[MoneyStep, ...]:
    """What happened to the paper account's balance in the span, one step an instant, in order."""
    by_trading = f"l.kind IN('{LedgerKind.REALIZED_PNL.value}','{LedgerKind.FEE.value}','{LedgerKind.FUNDING.value}')"
    rows = connection.execute(
        f"SELECT l.at_ms, TOTAL(l.amount) FILTER(WHERE {by_trading}),"
        f" -TOTAL(l.amount) FILTER(WHERE l.kind='{LedgerKind.FEE.value}'),"
        f" TOTAL(l.amount) FILTER(WHERE NOT {by_trading})"
        " FROM portfolios f JOIN ledger l ON l.portfolio_id=f.id AND l.at_ms>=:from_ms AND l.at_ms<:to_ms"
        f" WHERE f.kind='{PortfolioKind.PAPER.value}' GROUP BY l.at_ms ORDER BY l.at_ms",
        _bounds(span),
    )
    return tuple(MoneyStep(*row) for row in rows)


def model_results(connection: Connection, span: Span) -> tuple[Results, ...]:
    """Trades of sent signals that closed in the span and had a model's word, by what the word did to the confidence."""
    rows = connection.execute(
        f"SELECT CASE WHEN m.adjustment>0 THEN '{ModelWord.RAISED.value}' WHEN m.adjustment<0"
        f" THEN '{ModelWord.LOWERED.value}' ELSE '{ModelWord.UNMOVED.value}' END, {_RESULTS}{_TRADES}{_WORD}"
        f" WHERE {_ORIGIN}='{Origin.SENT.value}' GROUP BY 1 ORDER BY 1",
        _bounds(span),
    )
    return tuple(Results(*row) for row in rows)


def model_promise(connection: Connection, span: Span) -> tuple[int, int, float]:
    """Of own trades with a model's word that won or lost in the span: how many, how many won, the wins it promised."""
    row = connection.execute(
        f"SELECT COUNT(*), COALESCE(SUM(j.outcome='WIN'),0), TOTAL(m.p_win){_TRADES}{_WORD}"
        f" WHERE {_OWN} AND j.outcome IN('WIN','LOSS')",
        _bounds(span),
    ).fetchone()
    n, wins, promised = row
    return n, wins, promised


def asked_of_model(connection: Connection, span: Span) -> tuple[int, int]:
    """Own signals decided in the span on which a model said its word, and those it alone kept from being sent."""
    row = connection.execute(
        f"SELECT COUNT(*), COALESCE(SUM({_WITHHELD}),0) FROM signals s WHERE s.created_ms>=:from_ms"
        f" AND s.created_ms<:to_ms AND {_OWN} AND EXISTS(SELECT 1 FROM predictions m WHERE m.signal_id=s.id)",
        _bounds(span),
    ).fetchone()
    asked, withheld = row
    return asked, withheld


def withheld_results(connection: Connection, span: Span) -> Results | None:
    """What became of signals that the model alone kept from being sent and that closed in the span; None without any."""
    row = connection.execute(f"SELECT {_RESULTS}{_TRADES} WHERE {_OWN} AND {_WITHHELD}", _bounds(span)).fetchone()
    return Results(ModelWord.WITHHELD.value, *row) if row[0] else None


def _bounds(span: Span) -> dict[str, int]:
    return {"from_ms": span.from_ms, "to_ms": span.to_ms}
