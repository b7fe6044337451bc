"""The backtests: each run with its parameters, range and metrics, and every trade it made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.scores import ClosedTrade
from engine.vocabulary import Direction, Outcome
from storage.codec import Json, decoded, encoded, features_of, features_text
from storage.database import Connection, insert

NOT_SENT_OF = "not_sent_of"
"""In the metrics of a run: the backtest whose unsent setups it holds."""


@dataclass(frozen=True, slots=True)
class BacktestTrade:
    """A signal that a backtest would have sent; without fill `opened_ms`, `r_multiple` and `outcome` are None."""

    symbol: str
    timeframe: str
    direction: Direction
    setup: str
    decided_ms: int
    opened_ms: int | None
    closed_ms: int | None
    r_multiple: float | None
    outcome: Outcome | None
    confidence: float
    features: Mapping[str, float] = field(default_factory=dict)
    features_version: int | None = None


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """What was tested: `files` names the series, `from_ms` to `to_ms` is the range of decisions."""

    name: str
    params_hash: str
    engine_version: str
    files: tuple[str, ...]
    from_ms: int
    to_ms: int
    metrics: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it is kept."""

    id: int
    created_ms: int
    run: BacktestRun

    @property
    def metrics(self) -> Mapping[str, Json]:
        return self.run.metrics


_RUN_COLUMNS = "id, created_ms, name, params_hash, engine_version, files, from_ms, to_ms, metrics"


class Backtests:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, run: BacktestRun, trades: Sequence[BacktestTrade], at_ms: int) -> int:
        """Write a run with its trades and return its id."""
        run_id = insert(
            self._connection,
            "INSERT INTO backtests(name, params_hash, engine_version, files, from_ms, to_ms, metrics, created_ms)"
            " VALUES(?,?,?,?,?,?,?,?)",
            (
                run.name, run.params_hash, run.engine_version, "\n".join(run.files), run.from_ms, run.to_ms,
                encoded(dict(run.metrics)), at_ms,
            ),
        )  # fmt: skip
        self._connection.executemany(
            "INSERT INTO backtest_trades(backtest_id, no, symbol, timeframe, direction, setup, decided_ms, opened_ms,"
            " closed_ms, r_multiple, outcome, confidence, features_version, features) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    run_id, no, trade.symbol, trade.timeframe, trade.direction.value, trade.setup, trade.decided_ms,
                    trade.opened_ms, trade.closed_ms, trade.r_multiple,
                    None if trade.outcome is None else trade.outcome.value, trade.confidence, trade.features_version,
                    None if trade.features_version is None else features_text(trade.features),
                )
                for no, trade in enumerate(trades, 1)
            ],
        )  # fmt: skip
        return run_id

    def get(self, run_id: int) -> StoredRun:
        """A run; LookupError when there is none of this id."""
        row = self._connection.execute(f"SELECT {_RUN_COLUMNS} FROM backtests WHERE id=?", (run_id,)).fetchone()
        if row is None:
            raise LookupError(f"There is no backtest {run_id}.")
        return _run(row)

    def latest(self, count: int) -> tuple[StoredRun, ...]:
        """The newest runs of what was sent, the newest first; what was not sent stands under the run it belongs to."""
        rows = self._connection.execute(
            f"SELECT {_RUN_COLUMNS} FROM backtests WHERE json_extract(metrics,'$.{NOT_SENT_OF}') IS NULL"
            " ORDER BY id DESC LIMIT ?",
            (count,),
        )
        return tuple(map(_run, rows))

    def walked(self, key: str, began_ms: int) -> int | None:
        """The run that a walk-forward begun at `began_ms` was kept as; None while it is not."""
        row = self._connection.execute(
            "SELECT id FROM backtests WHERE json_extract(metrics,'$.walk_forward.key')=?"
            " AND json_extract(metrics,'$.walk_forward.began_ms')=?",
            (key, began_ms),
        ).fetchone()
        return None if row is None else int(row[0])

    def trades(self, run_id: int) -> tuple[BacktestTrade, ...]:
        """The trades of a run, in the order they were decided."""
        rows = self._connection.execute(
            "SELECT symbol, timeframe, direction, setup, decided_ms, opened_ms, closed_ms, r_multiple, outcome,"
            " confidence, features, features_version FROM backtest_trades WHERE backtest_id=? ORDER BY no",
            (run_id,),
        )
        return tuple(_trade(row) for row in rows)


def trades_of_replay(connection: Connection, *, sent: bool = True) -> tuple[BacktestTrade, ...]:
    """Every signal that a replay book would have sent, with what its shadow position made of it, as backtest trades.

    With `sent` off it is the others: decided, followed in the shadow book, but stopped before the channel.
    """
    rows = connection.execute(
        "SELECT s.symbol, s.timeframe, s.direction, s.setup, s.created_ms, p.opened_ms, p.closed_ms, p.r_multiple,"
        " p.outcome, s.confidence, s.features, s.features_version FROM signals s"
        " LEFT JOIN positions p ON p.signal_id=s.id"
        "  AND p.portfolio_id=(SELECT id FROM portfolios WHERE kind='shadow' ORDER BY id LIMIT 1)"
        " WHERE s.source<>'import'"
        " AND (s.status IN('ACCEPTED','SENT','EXECUTED','CLOSED','EXPIRED','CANCELLED'))=?"
        " ORDER BY s.created_ms, s.id",
        (sent,),
    )
    return tuple(_trade(row) for row in rows)


def closed_in_backtests(connection: Connection, params_hash: str) -> list[ClosedTrade]:
    """What would have been sent and closed in the backtests of these parameters, oldest first, with its result in R as P&L.

    A decision that several runs made counts once, as the newest made it; one that the book itself made counts there alone.
    """
    rows = connection.execute(
        "SELECT symbol, timeframe, direction, setup, decided_ms, closed_ms, outcome, r_multiple FROM ("
        " SELECT t.*, row_number() OVER ("
        "  PARTITION BY t.symbol, t.timeframe, t.direction, t.setup, t.decided_ms ORDER BY t.backtest_id DESC) AS rank"
        " FROM backtest_trades t JOIN backtests b ON b.id=t.backtest_id"
        f" WHERE b.params_hash=? AND json_extract(b.metrics,'$.{NOT_SENT_OF}') IS NULL"
        "  AND t.outcome IS NOT NULL AND t.closed_ms IS NOT NULL AND t.r_multiple IS NOT NULL"
        "  AND NOT EXISTS(SELECT 1 FROM signals s WHERE s.symbol=t.symbol AND s.timeframe=t.timeframe"
        "   AND s.direction=t.direction AND s.created_ms=t.decided_ms AND s.setup=t.setup)"
        ") WHERE rank=1 ORDER BY closed_ms, symbol, timeframe, direction, setup",
        (params_hash,),
    )
    return [
        ClosedTrade(
            symbol, timeframe, Direction(direction), setup, None, None, decided_ms, closed_ms, Outcome(outcome),
            r_multiple, r_multiple,
        )
        for symbol, timeframe, direction, setup, decided_ms, closed_ms, outcome, r_multiple in rows
    ]  # fmt: skip


def ambiguous_of_replay(connection: Connection) -> int:
    """How many trades of sent signals have a fill whose candle hid the order of its prices."""
    row = connection.execute(
        "SELECT COUNT(DISTINCT p.id) FROM positions p JOIN signals s ON s.id=p.signal_id JOIN fills x ON x.position_id=p.id"
        " WHERE x.ambiguous=1 AND s.status='CLOSED'"
        " AND p.portfolio_id=(SELECT id FROM portfolios WHERE kind='shadow' ORDER BY id LIMIT 1)"
    ).fetchone()
    count: int = row[0]
    return count


def _run(row: Sequence[Any]) -> StoredRun:
    run_id, created_ms, name, params_hash, engine_version, files, from_ms, to_ms, metrics = row
    run = BacktestRun(name, params_hash, engine_version, tuple(files.split("\n")), from_ms, to_ms, decoded(metrics))
    return StoredRun(run_id, created_ms, run)


def _trade(row: Sequence[Any]) -> BacktestTrade:
    (
        symbol, timeframe, direction, setup, decided_ms, opened_ms, closed_ms, r_multiple, outcome, confidence,
        features, features_version,
    ) = row  # fmt: skip
    return BacktestTrade(
        symbol, timeframe, Direction(direction), setup, decided_ms, opened_ms, closed_ms, r_multiple,
        None if outcome is None else Outcome(outcome), confidence,
        {} if features is None else features_of(features), features_version,
    )  # fmt: skip
