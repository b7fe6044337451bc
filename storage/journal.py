"""The journal: one row per signal and what became of it, and the accounts: the queries every surface reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.vocabulary import CloseReason, Direction, Outcome, PortfolioKind, SignalSource, SignalStatus
from storage.database import Connection
from storage.portfolios import PortfolioStatus
from storage.positions import ExitQuality

NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A signal and its position, if any: in the paper book, else real, else legacy, else shadow (`book`)."""

    signal_id: int
    uid: str
    symbol: str
    timeframe: str
    direction: Direction
    setup: str
    confidence: float | None
    entry: float
    stop_loss: float
    rr: float
    status: SignalStatus
    source: SignalSource
    created_ms: int
    created_at: str
    book: PortfolioKind | None
    position_id: int | None
    opened_ms: int | None
    closed_ms: int | None
    closed_at: str | None
    exit_price: float | None
    close_reason: CloseReason | None
    exit_quality: ExitQuality | None
    realized_pnl: float | None
    pnl_pct: float | None
    r_multiple: float | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which rows: None = any; times are of the signal's creation, from `since_ms` up to but not with `until_ms`."""

    symbol: str | None = None
    timeframe: str | None = None
    book: PortfolioKind | None = None
    status: SignalStatus | None = None
    outcome: Outcome | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a portfolio is worth: `balance` is the ledger's sum, `unrealized` marks its open positions."""

    portfolio_id: int
    name: str
    kind: PortfolioKind
    status: PortfolioStatus
    balance: float
    unrealized: float
    realized: float
    n_open: int
    n_closed: int

    @property
    def equity(self) -> float:
        return self.balance + self.unrealized


EVERYTHING = JournalFilter()
_COLUMNS = """id, uid, symbol, timeframe, direction, setup, confidence, entry, stop_loss, rr, status, source,
  created_ms, created_at, book, position_id, opened_ms, closed_ms, closed_at, exit_price, close_reason, exit_quality,
  realized_pnl, pnl_pct, r_multiple, outcome"""
_ACCOUNT = "SELECT portfolio_id, name, kind, status, balance, unrealized, realized, n_open, n_closed FROM v_account"


class Journal:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(
        self, which: JournalFilter = EVERYTHING, *, newest_first: bool = False, limit: int | None = None
    ) -> tuple[JournalRow, ...]:
        """The journal's rows that pass the filter, by creation."""
        where, values = _where(which)
        order = "DESC" if newest_first else "ASC"
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM journal WHERE {where} ORDER BY created_ms {order}, id {order} LIMIT ?",
            (*values, NO_LIMIT if limit is None else limit),
        )
        return tuple(_journal_row(row) for row in rows)

    def count(self, which: JournalFilter = EVERYTHING) -> int:
        where, values = _where(which)
        row = self._connection.execute(f"SELECT COUNT(*) FROM journal WHERE {where}", values).fetchone()
        count: int = row[0]
        return count

    def labelled_since(self, ms: int) -> int:
        """How many signals with features have won or lost since `ms`."""
        row = self._connection.execute(
            "SELECT COUNT(*) FROM journal WHERE closed_ms>=? AND outcome IN('WIN','LOSS') AND features<>'{}'", (ms,)
        ).fetchone()
        count: int = row[0]
        return count

    def account(self, portfolio_id: int) -> Account:
        """A portfolio's account; LookupError when it keeps none (the shadow book settles in R)."""
        row = self._connection.execute(f"{_ACCOUNT} WHERE portfolio_id=?", (portfolio_id,)).fetchone()
        if row is None:
            raise LookupError(f"Portfolio {portfolio_id} keeps no account.")
        return _account(row)

    def accounts(self) -> tuple[Account, ...]:
        return tuple(_account(row) for row in self._connection.execute(f"{_ACCOUNT} ORDER BY portfolio_id"))


def _where(which: JournalFilter) -> tuple[str, tuple[object, ...]]:
    asked: tuple[tuple[str, object], ...] = (
        ("symbol=?", which.symbol),
        ("timeframe=?", which.timeframe),
        ("book=?", which.book and which.book.value),
        ("status=?", which.status and which.status.value),
        ("outcome=?", which.outcome and which.outcome.value),
        ("created_ms>=?", which.since_ms),
        ("created_ms<?", which.until_ms),
    )
    given = [(clause, value) for clause, value in asked if value is not None]
    return " AND ".join(clause for clause, _ in given) or "1", tuple(value for _, value in given)


def _journal_row(row: Sequence[Any]) -> JournalRow:
    (
        signal_id, uid, symbol, timeframe, direction, setup, confidence, entry, stop_loss, rr, status, source,
        created_ms, created_at, book, position_id, opened_ms, closed_ms, closed_at, exit_price, close_reason,
        exit_quality, realized_pnl, pnl_pct, r_multiple, outcome,
    ) = row  # fmt: skip
    return JournalRow(
        signal_id=signal_id,
        uid=uid,
        symbol=symbol,
        timeframe=timeframe,
        direction=Direction(direction),
        setup=setup,
        confidence=confidence,
        entry=entry,
        stop_loss=stop_loss,
        rr=rr,
        status=SignalStatus(status),
        source=SignalSource(source),
        created_ms=created_ms,
        created_at=created_at,
        book=None if book is None else PortfolioKind(book),
        position_id=position_id,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        closed_at=closed_at,
        exit_price=exit_price,
        close_reason=None if close_reason is None else CloseReason(close_reason),
        exit_quality=None if exit_quality is None else ExitQuality(exit_quality),
        realized_pnl=realized_pnl,
        pnl_pct=pnl_pct,
        r_multiple=r_multiple,
        outcome=None if outcome is None else Outcome(outcome),
    )


def _account(row: Sequence[Any]) -> Account:
    portfolio_id, name, kind, status, balance, unrealized, realized, n_open, n_closed = row
    return Account(
        portfolio_id,
        name,
        PortfolioKind(kind),
        PortfolioStatus(status),
        balance,
        unrealized,
        realized,
        n_open,
        n_closed,
    )
