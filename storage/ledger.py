"""The ledger: the only source of a balance."""

from dataclasses import dataclass

from engine.vocabulary import LedgerKind
from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting; `amount` is signed, so that a balance is a plain sum."""

    id: int
    portfolio_id: int
    at_ms: int
    kind: LedgerKind
    amount: float
    fill_id: int | None
    note: str | None
    idem_key: str


class Ledger:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def post(
        self,
        portfolio_id: int,
        kind: LedgerKind,
        amount: float,
        at_ms: int,
        idem_key: str,
        *,
        fill_id: int | None = None,
        note: str | None = None,
    ) -> bool:
        """Post once: True when written, False when `idem_key` stands already; a P&L or fee needs its fill."""
        row = self._connection.execute(
            "INSERT INTO ledger(portfolio_id, at_ms, kind, amount, fill_id, note, idem_key) VALUES(?,?,?,?,?,?,?)"
            " ON CONFLICT(idem_key) DO NOTHING RETURNING id",
            (portfolio_id, at_ms, kind.value, amount, fill_id, note, idem_key),
        ).fetchone()
        return row is not None

    def balance(self, portfolio_id: int) -> float:
        row = self._connection.execute(
            "SELECT COALESCE(SUM(amount),0.0) FROM ledger WHERE portfolio_id=?", (portfolio_id,)
        ).fetchone()
        return float(row[0])

    def entries(self, portfolio_id: int, since_ms: int = 0) -> tuple[Entry, ...]:
        """The portfolio's postings since then, oldest first."""
        rows = self._connection.execute(
            "SELECT id, portfolio_id, at_ms, kind, amount, fill_id, note, idem_key FROM ledger"
            " WHERE portfolio_id=? AND at_ms>=? ORDER BY at_ms, id",
            (portfolio_id, since_ms),
        )
        return tuple(
            Entry(entry_id, portfolio, at_ms, LedgerKind(kind), amount, fill_id, note, key)
            for entry_id, portfolio, at_ms, kind, amount, fill_id, note, key in rows
        )
