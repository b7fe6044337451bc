"""The portfolios: whose money or whose R a position is booked in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.vocabulary import PortfolioKind
from storage.database import Connection

DEFAULT_CURRENCY = "USDT"
FOLLOWED_KINDS = (PortfolioKind.PAPER, PortfolioKind.SHADOW)
"""The portfolios whose positions are followed through candles."""
_COLUMNS = "id, name, kind, broker, account_id, currency, opened_ms, status"


class PortfolioStatus(Enum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    BLOWN = "BLOWN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Portfolio:
    id: int
    name: str
    kind: PortfolioKind
    broker: str
    account_id: str
    currency: str
    opened_ms: int
    status: PortfolioStatus


class Portfolios:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(
        self,
        kind: PortfolioKind,
        name: str,
        currency: str,
        at_ms: int,
        *,
        broker: str = "paper",
        account_id: str = "default",
    ) -> Portfolio:
        """The portfolio of this kind at this broker's account, made now when there is none."""
        self._connection.execute(
            "INSERT INTO portfolios(name, kind, broker, account_id, currency, opened_ms) VALUES(?,?,?,?,?,?)"
            " ON CONFLICT(broker,account_id,kind) DO NOTHING",
            (name, kind.value, broker, account_id, currency, at_ms),
        )
        [found] = self._select("kind=? AND broker=? AND account_id=?", (kind.value, broker, account_id))
        return found

    def of_kind(self, kind: PortfolioKind) -> Portfolio:
        """The first portfolio of a kind; LookupError when the book has none."""
        found = self._select("kind=? ORDER BY id LIMIT 1", (kind.value,))
        if not found:
            raise LookupError(f"The book has no {kind.value} portfolio.")
        return found[0]

    def all(self) -> tuple[Portfolio, ...]:
        return self._select("1 ORDER BY id", ())

    def set_status(self, portfolio_id: int, status: PortfolioStatus) -> None:
        self._connection.execute("UPDATE portfolios SET status=? WHERE id=?", (status.value, portfolio_id))

    def _select(self, where: str, values: Sequence[object]) -> tuple[Portfolio, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM portfolios WHERE {where}", values)
        return tuple(_portfolio(row) for row in rows)


def _portfolio(row: Sequence[Any]) -> Portfolio:
    portfolio_id, name, kind, broker, account_id, currency, opened_ms, status = row
    return Portfolio(
        portfolio_id, name, PortfolioKind(kind), broker, account_id, currency, opened_ms, PortfolioStatus(status)
    )
