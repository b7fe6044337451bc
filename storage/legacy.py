"""The receipts of legacy imports: which files were brought in, and what became of every record."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from engine.vocabulary import Direction, Outcome
from migrations.legacy.candle_check import TradeToCheck
from migrations.legacy.json_stream import BREAK_PLACE
from migrations.legacy.normal_form import RecordVerdict
from migrations.legacy.raw_text import unpacked
from storage.codec import Json, decoded, encoded
from storage.database import Connection, insert

LAST_CHARACTER = "\U0010ffff"


class Original(NamedTuple):
    """The record that stands in the book under a natural key, and the row it became."""

    receipt_id: int
    file: str
    place: str
    table: str | None
    row_id: int | None

    def __str__(self) -> str:
        return f"{self.file}{self.place}"


@dataclass(frozen=True, slots=True)
class Import:
    """One run of the importer; `report` is None while it runs, or when it was cut off."""

    id: int
    directory: str
    started_ms: int
    finished_ms: int | None
    report: Json


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one legacy record, and the record itself as it was found."""

    id: int
    file: str
    place: str
    shape: str
    verdict: RecordVerdict
    reason: str | None
    table: str | None
    row_id: int | None
    raw: str


class LegacyRecords:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, directory: str, now_ms: int) -> int:
        """Note that an import began and return its id."""
        return insert(self._connection, "INSERT INTO imports(directory, started_ms) VALUES(?,?)", (directory, now_ms))

    def finish(self, import_id: int, now_ms: int, report: Json) -> None:
        self._connection.execute(
            "UPDATE imports SET finished_ms=?, report=? WHERE id=?", (now_ms, encoded(report), import_id)
        )

    def imports(self) -> tuple[Import, ...]:
        """Every import, newest first."""
        rows = self._connection.execute(
            "SELECT id, directory, started_ms, finished_ms, report FROM imports ORDER BY id DESC"
        )
        return tuple(
            Import(import_id, directory, started_ms, finished_ms, None if report is None else decoded(report))
            for import_id, directory, started_ms, finished_ms, report in rows
        )

    def counts(self, file_sha256: str) -> Mapping[RecordVerdict, int]:
        """How the records of a file with this content were judged; empty when no such file was ever read."""
        rows = self._connection.execute(
            "SELECT verdict, COUNT(*) FROM legacy_records WHERE file_sha256=? GROUP BY verdict", (file_sha256,)
        )
        return {RecordVerdict(verdict): count for verdict, count in rows}

    def break_of(self, file_sha256: str) -> str | None:
        """Why a file with this content could not be read to its end; None when it could."""
        row = self._connection.execute(
            "SELECT reason FROM legacy_records WHERE file_sha256=? AND place BETWEEN ? AND ?",
            (file_sha256, BREAK_PLACE, BREAK_PLACE + LAST_CHARACTER),
        ).fetchone()
        return None if row is None else str(row[0])

    def receipts(self, file: str) -> Iterator[Receipt]:
        """The receipts of a file, in the order of its records."""
        rows = self._connection.execute(
            "SELECT id, file, place, shape, verdict, reason, table_name, row_id, raw FROM legacy_records"
            " WHERE file=? ORDER BY id",
            (file,),
        )
        for receipt_id, name, place, shape, verdict, reason, table, row_id, raw in rows:
            yield Receipt(receipt_id, name, place, shape, RecordVerdict(verdict), reason, table, row_id, unpacked(raw))

    def originals(self, natural_keys: Sequence[str]) -> Mapping[str, Original]:
        """The records that stand in the book under these keys."""
        rows = self._connection.execute(
            "SELECT r.natural_key, r.id, r.file, r.place, r.table_name, r.row_id"
            " FROM json_each(?) k CROSS JOIN legacy_records r"
            " ON r.natural_key=k.value AND r.verdict IN('IMPORTED','REPAIRED')",
            (encoded(natural_keys),),
        )
        return {key: Original(*original) for key, *original in rows}

    def trades_to_check(self) -> tuple[TradeToCheck, ...]:
        """Every imported trade with what was recorded of its end, oldest first."""
        rows = self._connection.execute(
            "SELECT s.id, p.id, s.symbol, s.direction, s.created_ms, s.stop_loss, t.price, p.outcome"
            " FROM signals s JOIN targets t ON t.signal_id=s.id AND t.no=1"
            " LEFT JOIN positions p ON p.signal_id=s.id WHERE s.source='import' ORDER BY s.created_ms, s.id"
        )
        return tuple(
            TradeToCheck(
                signal_id, position_id, symbol, Direction(direction), opened_ms, stop, target,
                None if outcome is None else Outcome(outcome),
            )
            for signal_id, position_id, symbol, direction, opened_ms, stop, target, outcome in rows
        )  # fmt: skip

    @contextmanager
    def whole_or_nothing(self) -> Iterator[None]:
        """A part of the caller's transaction that leaves nothing behind when it fails."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("RELEASE part")

    @contextmanager
    def undone(self) -> Iterator[None]:
        """A part of the caller's transaction that leaves nothing behind, however it ends."""
        self._connection.execute("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO rehearsal")
                self._connection.execute("RELEASE rehearsal")
