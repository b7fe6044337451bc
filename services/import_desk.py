"""An older bot's files brought in from the chat: tried out first, then written beside the bot's own work.

Every file is one transaction, for which bookings and messages wait; so no more is taken than is written within seconds.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.vocabulary import BookKind
from services.import_legacy import ImportReport, LegacyImportError, import_directory
from storage.book import Book
from storage.codec import Json
from storage.errors import BookError
from storage.writer import Writer

IMPORT_DONE = "import_done"
MOST_BYTES = 64 * 1024**2
ROWS_TOLD = 20
KEY_DIGITS = 12


class ImportRefused(Exception):
    """An import that is not begun; `key` says in a word why, `values` with which numbers."""

    def __init__(self, key: str, **values: int) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class _Stopped(Exception):
    """The bot ends: the file being read is left, those before stay."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a folder would bring into an empty book; `key` names it when it is to be done."""

    key: str
    report: ImportReport


class ImportDesk:
    """Tries out and imports one folder after the other into the live book; end it with `close` before the book."""

    def __init__(self, book: Book, writer: Writer, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._writer = writer
        self._now_ms = now_ms
        self._offered: dict[str, Path] = {}
        self._running: asyncio.Task[None] | None = None
        self._stopping = False

    async def offer(self, folder: Path) -> Offer:
        """Read a folder and write nothing; ImportRefused where it is none, or too much to take in beside the work."""
        if not folder.is_dir():
            raise ImportRefused("no_folder")
        size = await asyncio.to_thread(_size, folder)
        if size > MOST_BYTES:
            raise ImportRefused("too_much", mb=size // 1024**2, most=MOST_BYTES // 1024**2)
        report = await asyncio.to_thread(_tried, folder, self._now_ms())
        key = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:KEY_DIGITS]
        self._offered[key] = folder
        return Offer(key, report)

    def start(self, key: str, chat_id: int) -> None:
        """Import what was offered and tell the chat (an id of the book) the receipt; ImportRefused where it cannot be."""
        if self._running is not None and not self._running.done():
            raise ImportRefused("busy")
        folder = self._offered.get(key)
        if folder is None:
            raise ImportRefused("gone")
        self._running = asyncio.create_task(self._run(folder, chat_id))

    async def wait(self) -> None:
        """Until what runs is done."""
        if self._running is not None:
            await self._running

    async def close(self) -> None:
        """Stop at the next batch; the file being written is as if it had never been begun."""
        self._stopping = True
        await self.wait()

    async def _run(self, folder: Path, chat_id: int) -> None:
        now_ms = self._now_ms()
        try:
            report = await asyncio.to_thread(
                import_directory, self._book, folder, now_ms=now_ms, progress=self._go_on_or_stop
            )
            facts = facts_of(report)
        except _Stopped:
            facts = {"reason": "the bot was stopped; what was read before stays, import it again"}
        except (LegacyImportError, BookError, OSError) as error:
            facts = {"reason": str(error).rstrip(".")}
        key = f"{IMPORT_DONE}:{chat_id}:{now_ms}"
        await self._writer.run(lambda tx: tx.outbox.queue(IMPORT_DONE, facts, key, (chat_id,), self._now_ms()))

    def _go_on_or_stop(self, file: str, read: int, size: int) -> None:
        if self._stopping:
            raise _Stopped


def facts_of(report: ImportReport) -> dict[str, Json]:
    """What is told of an import: of each file all its records, the good and the bad ones, and the sums."""
    rows: list[Json] = [
        [receipt.file, receipt.records, receipt.imported + receipt.repaired, receipt.quarantined]
        for receipt in report.files
    ]
    totals = report.totals
    return {
        "rows": rows[:ROWS_TOLD],
        "files": len(rows),
        "records": totals.records,
        "imported": totals.imported + totals.repaired,
        "duplicate": totals.duplicate,
        "quarantined": totals.quarantined,
    }


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _tried(folder: Path, now_ms: int) -> ImportReport:
    with Book.temporary(BookKind.LIVE, now_ms=now_ms) as book:
        return import_directory(book, folder, now_ms=now_ms, dry_run=True)
