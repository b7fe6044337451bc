"""Brings the files of older bots into the book, one transaction a file, and says what became of every record."""

import gc
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateways.candle_files import CandleFileError, candle_paths
from migrations.legacy.normal_form import Json, Reading, RecordVerdict
from migrations.legacy.raw_text import packed
from migrations.legacy.reading import BREAK_REASON
from migrations.legacy.shapes import UNREADABLE
from services.check_legacy import CandleSummary, check_against_candles
from services.legacy_files import FileFailed, LegacyFile, NotLegacy, Unreadable, found_files, opened
from storage.book import Book
from storage.legacy import LegacyRecords
from storage.legacy_bulk import BULK, Bulk
from storage.legacy_rows import entry_of
from storage.legacy_writer import FileBeingRead, LegacyWriter
from storage.stores import Stores

REASONS_SHOWN = 4
REREAD = "read before: nothing is stored twice"
WHOLE_FILE = "/"
_NUMBER = re.compile(r"\d[\d.,:+-]*")

Progress = Callable[[str, int, int], None]
"""Called while a file is read: its name, the bytes behind, the bytes in all."""


class LegacyImportError(Exception):
    """The import cannot begin; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """What became of one file's records; `notes` say why, `problem` why it could not be read to its end."""

    file: str
    shape: str
    imported: int
    repaired: int
    duplicate: int
    quarantined: int
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def records(self) -> int:
        return self.imported + self.repaired + self.duplicate + self.quarantined

    def as_json(self) -> dict[str, Json]:
        return {
            "file": self.file,
            "shape": self.shape,
            "records": self.records,
            "imported": self.imported,
            "repaired": self.repaired,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined,
        }


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a directory of legacy files; the counts of every file add up to its records."""

    files: tuple[FileReceipt, ...]
    not_legacy: tuple[NotLegacy, ...]
    dry_run: bool = False
    candles: CandleSummary | None = None

    @property
    def totals(self) -> FileReceipt:
        """All files as one."""
        return FileReceipt(
            file="total",
            shape="",
            imported=sum(receipt.imported for receipt in self.files),
            repaired=sum(receipt.repaired for receipt in self.files),
            duplicate=sum(receipt.duplicate for receipt in self.files),
            quarantined=sum(receipt.quarantined for receipt in self.files),
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence per file that could not be read, or not to its end."""
        return tuple(f"{receipt.file}: {receipt.problem}" for receipt in self.files if receipt.problem)

    @property
    def exit_code(self) -> int:
        """0 when every file was read to its end, else 1."""
        return 1 if self.problems else 0

    def as_json(self) -> dict[str, Json]:
        """The command's document, as scripts rely on it."""
        totals = self.totals.as_json()
        return {
            "files": [receipt.as_json() for receipt in self.files],
            "not_legacy": [file.name for file in self.not_legacy],
            "totals": {name: value for name, value in totals.items() if name not in ("file", "shape")},
        }


TABLE_HEADER = ("file", "what it is", "records", "imported", "repaired", "duplicate", "quarantined", "why")


def table_rows(report: ImportReport) -> tuple[tuple[str, ...], ...]:
    """The receipt as a table under `TABLE_HEADER`: a row per file, what is no legacy data, and the total."""
    rows = [_table_row(receipt) for receipt in report.files]
    rows += [(file.name, "NOT LEGACY DATA", "", "", "", "", "", file.why) for file in report.not_legacy]
    rows.append(_table_row(report.totals))
    return tuple(rows)


def import_directory(
    book: Book,
    directory: Path,
    *,
    now_ms: int,
    dry_run: bool = False,
    timezone: str | None = None,
    candles_dir: Path | None = None,
    progress: Progress | None = None,
    bulk: Bulk = BULK,
) -> ImportReport:
    """Bring every legacy file under `directory` into the book; naive local times are those of `timezone` (else UTC).

    Each file is one transaction, whole or not at all; a dry run does the same and leaves nothing behind. Files that
    cannot be read are reported, the rest goes on. Raises LegacyImportError for a directory or zone that is none.
    """
    directory = Path(directory)
    if not directory.exists():
        raise LegacyImportError(f"There is no directory {directory}.")
    if candles_dir is not None:
        _require_candles(candles_dir)
    job = _Job(directory, candles_dir, _zone(timezone), now_ms, progress or _silent, bulk)
    if not dry_run:
        return _run(job, book.path, book.transaction)
    with book.transaction() as tx:
        records = LegacyRecords(tx.connection)

        @contextmanager
        def part() -> Iterator[Stores]:
            with records.whole_or_nothing():
                yield tx

        with records.undone():
            return replace(_run(job, book.path, part), dry_run=True)


@dataclass(frozen=True, slots=True)
class _Job:
    directory: Path
    candles_dir: Path | None
    zone: tzinfo
    now_ms: int
    progress: Progress
    bulk: Bulk


Unit = Callable[[], AbstractContextManager[Stores]]
"""Begins a unit of work: what is written in it happens whole or not at all."""


def _run(job: _Job, book: Path, unit: Unit) -> ImportReport:
    found = found_files(job.directory, book)
    with unit() as tx:
        import_id = LegacyRecords(tx.connection).begin(_storable(str(job.directory)), job.now_ms)
    files = tuple(_import_file(file, job, import_id, unit) for file in found if not isinstance(file, NotLegacy))
    not_legacy = tuple(file for file in found if isinstance(file, NotLegacy))
    with unit() as tx:
        candles = None if job.candles_dir is None else check_against_candles(tx, job.candles_dir, job.now_ms)
        report = ImportReport(files, not_legacy, candles=candles)
        LegacyRecords(tx.connection).finish(import_id, job.now_ms, _stored(report))
    return report


def _import_file(file: LegacyFile | Unreadable, job: _Job, import_id: int, unit: Unit) -> FileReceipt:
    """Write one file and say what became of it; what cannot be read becomes one quarantined record."""
    if isinstance(file, LegacyFile):
        try:
            return _import_legacy_file(file, job, import_id, unit)
        except FileFailed as failure:
            file = Unreadable(file.name, str(failure), b"")
    # a file that cannot be opened has no content to know it by: its name and its reason stand in
    content = file.content or f"{file.name}: {file.reason}".encode("utf-8", "backslashreplace")
    version = hashlib.sha256(content).hexdigest()
    text = file.content.decode("utf-8", "backslashreplace")
    reading = Reading(WHOLE_FILE, packed(text), RecordVerdict.QUARANTINED, (file.reason,))
    with unit() as tx:
        if not LegacyRecords(tx.connection).counts(version):
            being_read = FileBeingRead(import_id, file.name, version, UNREADABLE, len(content), job.now_ms)
            writer = LegacyWriter(tx, being_read)
            writer.write([entry_of(reading, job.now_ms)])
            writer.finish()
    return FileReceipt(file.name, UNREADABLE, 0, 0, 0, 1, (file.reason,), file.reason)


def _import_legacy_file(file: LegacyFile, job: _Job, import_id: int, unit: Unit) -> FileReceipt:
    with opened(file, job.zone, job.now_ms, job.bulk) as (version, read), unit() as tx:
        records = LegacyRecords(tx.connection)
        if known := records.counts(version.sha256):
            return _receipt_of_known(file, known, records.break_of(version.sha256))
        being_read = FileBeingRead(import_id, file.name, version.sha256, file.shape, version.size, job.now_ms, job.bulk)
        writer = LegacyWriter(tx, being_read)
        with _collection_paused():
            for batch in read:
                writer.write(batch.entries)
                job.progress(file.name, batch.bytes_read, file.size)
        polled = writer.finish()
    problem = next((reason for _, reason in writer.reasons if reason.startswith(BREAK_REASON)), None)
    verdicts = writer.verdicts
    return FileReceipt(
        file=file.name,
        shape=file.shape,
        imported=verdicts[RecordVerdict.IMPORTED],
        repaired=verdicts[RecordVerdict.REPAIRED],
        duplicate=verdicts[RecordVerdict.DUPLICATE],
        quarantined=verdicts[RecordVerdict.QUARANTINED],
        notes=_notes(writer.reasons, polled),
        problem=problem,
    )


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Look for no cycles meanwhile: records make none, and walking the batches in memory costs a tenth of the writing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _receipt_of_known(file: LegacyFile, known: Mapping[RecordVerdict, int], problem: str | None) -> FileReceipt:
    """A file read before adds nothing: what stands in the book is a duplicate, what was refused stays refused."""
    refused = known.get(RecordVerdict.QUARANTINED, 0)
    return FileReceipt(file.name, file.shape, 0, 0, sum(known.values()) - refused, refused, (REREAD,), problem)


def _require_candles(directory: Path) -> None:
    if not directory.is_dir():
        raise LegacyImportError(f"There is no directory of candles {directory}.")
    try:
        candle_paths(directory)
    except CandleFileError as error:
        raise LegacyImportError(str(error)) from error


def _notes(reasons: Mapping[tuple[RecordVerdict, str], int], polled: int) -> tuple[str, ...]:
    """Why records were judged as they were: reasons of one kind are told once, with their number and an example."""
    counts: Counter[tuple[RecordVerdict, str]] = Counter()
    examples: dict[tuple[RecordVerdict, str], list[str]] = {}
    for (verdict, reason), count in reasons.items():
        kind = (verdict, _NUMBER.sub("#", reason.partition(":")[0]))
        counts[kind] += count
        examples.setdefault(kind, []).append(reason)
    shown = [
        f"{count} {kind[0].value}{': ' if len(examples[kind]) == 1 else ', for example: '}{examples[kind][0]}"
        for kind, count in counts.most_common(REASONS_SHOWN)
    ]
    if len(counts) > REASONS_SHOWN:
        shown.append(f"{len(counts) - REASONS_SHOWN} more reasons on the receipts")
    if polled:
        shown.append(f"{polled} closed in bursts of a waking bot: marked as polled, kept out of win rates and training")
    return tuple(shown)


def _table_row(receipt: FileReceipt) -> tuple[str, ...]:
    counts = (receipt.records, receipt.imported, receipt.repaired, receipt.duplicate, receipt.quarantined)
    return (receipt.file, receipt.shape, *(f"{count:,}" for count in counts), "; ".join(receipt.notes))


def _stored(report: ImportReport) -> Json:
    candles = None if report.candles is None else report.candles.as_json()
    return {**report.as_json(), "problems": list(report.problems), "candles": candles}


def _zone(name: str | None) -> tzinfo:
    if name is None or name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LegacyImportError(f"There is no timezone {name}; a name looks like Europe/Sofia.") from error


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _silent(_: str, __: int, ___: int) -> None:
    pass
