"""Results by what signals have in common: how many closed, won and lost, and what they made in R."""

from dataclasses import dataclass
from enum import Enum

from storage.database import Connection


class Dimension(Enum):
    SYMBOL = "symbol"
    TIMEFRAME = "tf"
    SETUP = "setup"
    SESSION = "session"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Results:
    """Closed trades that share `key`; `total_r` is net of costs, at the risk of each."""

    key: str
    n: int
    wins: int
    losses: int
    total_r: float

    @property
    def mean_r(self) -> float:
        return self.total_r / self.n


_KEYS = {
    Dimension.SYMBOL: "s.symbol",
    Dimension.TIMEFRAME: "s.timeframe",
    Dimension.SETUP: "s.setup",
    Dimension.SESSION: "COALESCE(s.session,'-')",
    Dimension.SCORE: "CAST(s.confidence/10 AS INTEGER)*10 || '-' || (CAST(s.confidence/10 AS INTEGER)*10+9)",
}


def results_by(connection: Connection, dimension: Dimension) -> tuple[Results, ...]:
    """The journal's closed trades of own signals, grouped; the largest groups first."""
    rows = connection.execute(
        f"SELECT {_KEYS[dimension]}, COUNT(*), SUM(j.outcome='WIN'), SUM(j.outcome='LOSS'), SUM(j.r_multiple)"
        " FROM journal j JOIN signals s ON s.id=j.id WHERE j.r_multiple IS NOT NULL AND s.source<>'import'"
        " AND j.book IN('paper','shadow') AND j.outcome IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return tuple(Results(str(key), n, wins, losses, total_r) for key, n, wins, losses, total_r in rows)
