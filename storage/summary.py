"""Counts over a whole book: how many looks, signals and trades, and what each gate stopped."""

from dataclasses import dataclass

from engine.vocabulary import PortfolioKind, Stage
from storage.database import Connection
from storage.reports import stopped_by_gate

STAGES_WITH_A_SETUP = (Stage.LEVELS.value, Stage.CONFIDENCE.value)


@dataclass(frozen=True, slots=True)
class Summary:
    """Positions, outcomes and balance are the paper account's; `stopped_by_gate` counts by what stopped them."""

    looks: int
    signals: int
    sent: int
    positions: int
    wins: int
    losses: int
    breakeven: int
    balance: float
    stopped_by_gate: dict[str, int]


def summary_of(connection: Connection) -> Summary:
    """The book as it stands."""
    (looks,) = connection.execute("SELECT COUNT(*) FROM scans").fetchone()
    signals, sent = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(status IN('ACCEPTED','SENT','EXECUTED','CLOSED','EXPIRED','CANCELLED')),0)"
        " FROM signals WHERE source<>'import'"
    ).fetchone()
    positions, wins, losses, breakeven = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(outcome='WIN'),0), COALESCE(SUM(outcome='LOSS'),0),"
        " COALESCE(SUM(outcome='BREAKEVEN'),0)"
        " FROM positions p JOIN portfolios f ON f.id=p.portfolio_id WHERE f.kind=?",
        (PortfolioKind.PAPER.value,),
    ).fetchone()
    (balance,) = connection.execute(
        "SELECT COALESCE(SUM(balance),0.0) FROM v_account WHERE kind=?", (PortfolioKind.PAPER.value,)
    ).fetchone()
    return Summary(looks, signals, sent, positions, wins, losses, breakeven, balance, _stopped(connection))


def _stopped(connection: Connection) -> dict[str, int]:
    """What stopped a setup before it was a signal (`setup.`), a signal (a gate's own name), a paper order (`account.`).

    The gates' counts add up to the signals that were not sent; an order may miss several account gates at once.
    """
    stages = connection.execute(
        f"SELECT 'setup.'||stage, COUNT(*) FROM scans WHERE stage IN({','.join('?' * len(STAGES_WITH_A_SETUP))})"
        " GROUP BY stage ORDER BY stage",
        STAGES_WITH_A_SETUP,
    ).fetchall()
    gates = [(stopped.gate, stopped.n) for stopped in stopped_by_gate(connection)]
    account = connection.execute(
        "SELECT gate, COUNT(DISTINCT signal_id) FROM decisions WHERE gate LIKE 'account.%' AND passed=0"
        " GROUP BY gate ORDER BY gate"
    ).fetchall()
    return dict([*stages, *gates, *account])
