"""What the jobs of a walk-forward came to: taken from their scratch books, kept in a file beside the book until all is done."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.vocabulary import Direction, Outcome
from storage.backtests import BacktestTrade
from storage.book import discard
from storage.codec import Json, decoded, encoded, features_of, features_text
from storage.database import Access, Connection, begin_immediate, connect, explaining, roll_back
from storage.errors import ReadOnlyBook


@dataclass(frozen=True, slots=True)
class JobTrade:
    """A signal that a job decided, sent or not; `stopped_by` names the gate that stopped it, `cost_r` its round trip."""

    trade: BacktestTrade
    setup_key: str
    cost_r: float
    stopped_by: str | None
    is_ambiguous: bool


@dataclass(frozen=True, slots=True)
class JobResult:
    """One series in one fold; `setups_stopped` counts the setups that never became a signal, by stage."""

    looks: int
    setups_stopped: Mapping[str, int]
    models: tuple[int, ...]
    trades: tuple[JobTrade, ...]


class UnfinishedRun:
    """The results so far of one run, in a file of its own; each is on the disk when `put` returns."""

    def __init__(self, path: Path, connection: Connection, began_ms: int) -> None:
        self.path = path
        self.began_ms = began_ms
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path, now_ms: int) -> Iterator["UnfinishedRun"]:
        """The run kept at `path`, or a new one that begins at `now_ms`; BookError where the disk refuses."""
        try:
            path.open("ab").close()
        except OSError as error:
            raise ReadOnlyBook(f"{path} cannot be written: {error.strerror}.") from error
        with explaining(path):
            connection = connect(path, Access.WRITE)
            try:
                yield cls(path, connection, _began_ms(connection, now_ms))
            finally:
                connection.close()

    def done(self) -> dict[int, JobResult]:
        """The results that are kept, by the number of their job."""
        return {no: _result(text) for no, text in self._connection.execute("SELECT no, result FROM jobs ORDER BY no")}

    def put(self, no: int, result: JobResult) -> None:
        """Keep the result of a job; one that is kept already stands."""
        self._connection.execute(
            "INSERT INTO jobs(no, result) VALUES(?,?) ON CONFLICT(no) DO NOTHING", (no, _text(result))
        )

    def discard(self) -> None:
        """Remove the file: the whole is kept elsewhere."""
        self._connection.close()
        discard(self.path)


def job_trades(connection: Connection) -> tuple[JobTrade, ...]:
    """Every signal of a replay book with what its shadow position made of it, in the order they were decided."""
    rows = connection.execute(
        "SELECT s.symbol, s.timeframe, s.direction, s.setup, s.created_ms, p.opened_ms, p.closed_ms, p.r_multiple,"
        " p.outcome, s.confidence, s.features, s.features_version, s.setup_key, s.cost_r,"
        " CASE WHEN s.status IN('REJECTED','SUPPRESSED')"
        "  THEN substr(s.status_reason,1,instr(s.status_reason,':')-1) END,"
        " EXISTS(SELECT 1 FROM fills x WHERE x.position_id=p.id AND x.ambiguous=1)"
        " FROM signals s LEFT JOIN positions p ON p.signal_id=s.id"
        "  AND p.portfolio_id=(SELECT id FROM portfolios WHERE kind='shadow' ORDER BY id LIMIT 1)"
        " WHERE s.source<>'import' ORDER BY s.created_ms, s.id"
    )
    return tuple(map(_trade, rows))


def _began_ms(connection: Connection, now_ms: int) -> int:
    begin_immediate(connection)
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY CHECK(id=1), began_ms INTEGER NOT NULL) STRICT"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS jobs(no INTEGER PRIMARY KEY, result TEXT NOT NULL) STRICT")
        connection.execute("INSERT INTO run VALUES(1,?) ON CONFLICT(id) DO NOTHING", (now_ms,))
        began_ms: int
        (began_ms,) = connection.execute("SELECT began_ms FROM run").fetchone()
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
    return began_ms


def _text(result: JobResult) -> str:
    return encoded(
        {
            "looks": result.looks,
            "setups_stopped": dict(result.setups_stopped),
            "models": list(result.models),
            "trades": [_row(one) for one in result.trades],
        }
    )


def _result(text: str) -> JobResult:
    kept = decoded(text)
    return JobResult(kept["looks"], kept["setups_stopped"], tuple(kept["models"]), tuple(map(_trade, kept["trades"])))


def _row(one: JobTrade) -> Json:
    trade = one.trade
    return (
        trade.symbol, trade.timeframe, trade.direction.value, trade.setup, trade.decided_ms, trade.opened_ms,
        trade.closed_ms, trade.r_multiple, None if trade.outcome is None else trade.outcome.value, trade.confidence,
        features_text(trade.features), trade.features_version, one.setup_key, one.cost_r, one.stopped_by,
        one.is_ambiguous,
    )  # fmt: skip


def _trade(row: Sequence[Any]) -> JobTrade:
    (
        symbol, timeframe, direction, setup, decided_ms, opened_ms, closed_ms, r_multiple, outcome, confidence,
        features, features_version, setup_key, cost_r, stopped_by, is_ambiguous,
    ) = row  # fmt: skip
    trade = BacktestTrade(
        symbol, timeframe, Direction(direction), setup, decided_ms, opened_ms, closed_ms, r_multiple,
        None if outcome is None else Outcome(outcome), confidence, features_of(features), features_version,
    )  # fmt: skip
    return JobTrade(trade, setup_key, cost_r, stopped_by, bool(is_ambiguous))
