"""What training reads: one labelled row per decision from the view v_training, and how many rows it has to leave out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from storage.codec import features_of
from storage.database import Connection


class Origin(Enum):
    """Where a label comes from: the live journal (paper, else shadow, else legacy) or a stored backtest."""

    JOURNAL = "journal"
    BACKTEST = "backtest"


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A decision with its features and what became of it; the label was open from `decided_ms` to `closed_ms`."""

    origin: Origin
    id: int
    book: str
    symbol: str
    timeframe: str
    direction: str
    setup: str
    decided_ms: int
    closed_ms: int
    r_multiple: float
    is_win: bool
    confidence: float
    features: Mapping[str, float]


def training_rows(connection: Connection, features_version: int, params_hash: str | None = None) -> list[TrainingRow]:
    """Every labelled decision with features of this version, oldest first; a setup decided twice counts once.

    Backtests of other parameters than `params_hash` are left out (None = all): their labels answer another question. Where
    the journal and a backtest, or two backtests, decided the same setup on the same candle, the journal's row is taken,
    else that of the newest backtest.
    """
    rows = connection.execute(
        "SELECT origin, id, book, symbol, timeframe, direction, setup, decided_ms, closed_ms, r_multiple, outcome,"
        " confidence, features FROM ("
        "  SELECT *, row_number() OVER (PARTITION BY symbol, timeframe, direction, setup, decided_ms"
        "   ORDER BY origin='journal' DESC, id DESC) AS rank"
        "  FROM v_training WHERE features_version=? AND closed_ms IS NOT NULL AND r_multiple IS NOT NULL"
        "   AND (origin='journal' OR ? IS NULL"
        "    OR id/1000000 IN (SELECT id FROM backtests WHERE params_hash=?))"
        " ) WHERE rank=1 ORDER BY decided_ms, symbol, timeframe, direction, setup",
        (features_version, params_hash, params_hash),
    )
    return [
        TrainingRow(
            Origin(origin), row_id, book, symbol, timeframe, direction, setup, decided_ms, closed_ms, r_multiple,
            outcome == "WIN", confidence, features_of(features),
        )
        for origin, row_id, book, symbol, timeframe, direction, setup, decided_ms, closed_ms, r_multiple, outcome,
        confidence, features in rows
    ]  # fmt: skip


def count_labelled(connection: Connection, features_version: int, params_hash: str | None = None) -> int:
    """How many labelled decisions there are, not yet looking for the same setup decided twice."""
    row = connection.execute(
        "SELECT (SELECT COUNT(*) FROM v_training WHERE origin='journal' AND features_version=?1)"
        " + (SELECT COUNT(*) FROM backtest_trades t JOIN backtests b ON b.id=t.backtest_id"
        "  WHERE t.outcome IN('WIN','LOSS') AND t.features_version=?1 AND (?2 IS NULL OR b.params_hash=?2))",
        (features_version, params_hash),
    ).fetchone()
    count: int = row[0]
    return count


def left_out(connection: Connection, features_version: int, params_hash: str | None = None) -> dict[str, int]:
    """How many trades training cannot use, by the first reason that holds: closed ones, and imported ones that never filled."""
    rows = connection.execute(
        "SELECT reason, COUNT(*) FROM ("
        " SELECT CASE"
        "  WHEN outcome IS NULL THEN 'imported without a result'"
        "  WHEN features='{}' AND book='legacy' THEN 'imported without ICT features'"
        "  WHEN features='{}' THEN 'without features'"
        "  WHEN exit_quality='poll' THEN 'closed at a price that was seen, not traded at'"
        "  WHEN outcome='BREAKEVEN' THEN 'neither won nor lost'"
        "  WHEN r_multiple IS NULL THEN 'result in R unknown'"
        "  WHEN features_version IS NOT ? THEN 'features of another version' END AS reason"
        "  FROM journal WHERE outcome IS NOT NULL OR source='import'"
        " UNION ALL SELECT CASE"
        "  WHEN t.features IS NULL THEN 'backtest without features'"
        "  WHEN t.outcome='BREAKEVEN' THEN 'neither won nor lost'"
        "  WHEN t.features_version IS NOT ? THEN 'features of another version'"
        "  WHEN ? IS NOT NULL AND b.params_hash<>? THEN 'backtest of other parameters' END"
        "  FROM backtest_trades t JOIN backtests b ON b.id=t.backtest_id WHERE t.outcome IS NOT NULL"
        ") WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason",
        (features_version, features_version, params_hash, params_hash),
    )
    return dict(rows.fetchall())


def recent_features(connection: Connection, features_version: int, since_ms: int) -> list[dict[str, float]]:
    """The features of every signal decided since `since_ms`, whatever became of it, oldest first."""
    rows = connection.execute(
        "SELECT features FROM signals WHERE created_ms>=? AND features_version=? AND features<>'{}' ORDER BY created_ms, id",
        (since_ms, features_version),
    )
    return [features_of(features) for (features,) in rows]
