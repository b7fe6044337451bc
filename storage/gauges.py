"""How many and how much, for a monitor: signals, messages, open positions and money as the book stands."""

from dataclasses import dataclass

from storage.database import Connection


@dataclass(frozen=True, slots=True)
class AccountGauge:
    """One portfolio's open positions, and its money where it has any (the shadow book settles in R alone)."""

    kind: str
    open_positions: int
    balance: float | None
    unrealized: float | None


@dataclass(frozen=True, slots=True)
class Gauges:
    """Counts by status and state; `waiting_since_ms` is when the oldest message that waits was written."""

    signals: tuple[tuple[str, int], ...]
    outbox: tuple[tuple[str, int], ...]
    waiting_since_ms: int | None
    accounts: tuple[AccountGauge, ...]


def gauges_of(connection: Connection) -> Gauges:
    """The numbers of the book; imported signals are among them, because an index alone then counts a million."""
    signals = connection.execute("SELECT status, COUNT(*) FROM signals GROUP BY status ORDER BY status").fetchall()
    outbox = connection.execute("SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state").fetchall()
    (waiting_since_ms,) = connection.execute(
        "SELECT MIN(m.created_ms) FROM outbox o JOIN messages m ON m.id=o.message_id"
        " WHERE o.state IN('PENDING','SENDING')"
    ).fetchone()
    accounts = connection.execute(
        "SELECT f.kind, (SELECT COUNT(*) FROM positions p WHERE p.portfolio_id=f.id AND p.status='OPEN'),"
        " a.balance, a.unrealized FROM portfolios f LEFT JOIN v_account a ON a.portfolio_id=f.id ORDER BY f.id"
    )
    return Gauges(tuple(signals), tuple(outbox), waiting_since_ms, tuple(AccountGauge(*row) for row in accounts))
