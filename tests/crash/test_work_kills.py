"""Import, migration, upgrade, backup, restore and training are killed at every boundary: begun again, each is done once.

In the short form every seventh boundary is met, in the full form each.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS
from engine.vocabulary import BookKind
from services.backup import back_up, backups_of, drill
from services.import_legacy import import_directory
from services.learning import Learning
from services.legacy_files import LegacyFile, found_files, opened
from services.restore import restore
from services.schedule import NothingToDo
from services.upgrade import upgrade
from storage.book import Book
from storage.database import Fault, Moment
from storage.legacy import LegacyRecords
from storage.legacy_bulk import BULK_FROM_BYTES
from storage.legacy_writer import FileBeingRead, LegacyWriter
from storage.writer import Writer
from tests.crash.killing import STEP, Work, boundaries_of, killed_everywhere
from tests.migrations.legacy.documents import NOW_MS as IMPORT_MS
from tests.migrations.legacy.documents import SECOND_GENERATION, journal, row
from tests.migrations.test_schema import book_of_version
from tests.services.books import OUTSIDE, everything
from tests.services.published import Desk
from tests.services.test_train import NOW_MS as TRAIN_MS
from tests.services.test_train import with_backtest
from tests.storage.samples import NOW_MS

SIZE = os.environ.get("ONEBOOK_LONG", "short")
EVERY = {"short": 7, "full": 1}[SIZE]
BOOK = "live.db"
OLD_VERSION = 3
LATER_MS = NOW_MS + HOUR_MS
OF_THE_RUN = (*OUTSIDE, "imports")
"""An import that was begun twice has two rows of its own."""


def killed(work: Work, before: Path, scratch: Path, every: int = EVERY) -> int:
    """Kill the work at its boundaries; how many there were. Fails where anything was lost or done twice."""
    whole = scratch / "whole"
    shutil.copytree(before, whole)
    met = boundaries_of(work, whole)
    # backwards, so that the last commit is always met
    chosen = range(len(met) - 1, -1, -every)
    assert killed_everywhere(work, before, whole, scratch, chosen) == []
    print("boundaries", len(met), "kills", len(chosen))
    return len(met)


def repeated(
    run: Callable[[Path, Fault | None], None],
    *,
    wrong: Callable[[Path, Path], list[str]] | None = None,
    every_statement: bool = False,
) -> Work:
    """Work that is simply begun again after a kill."""
    return Work(run, lambda folder: run(folder, None), wrong or unlike, BOOK, every_statement)


def unlike(whole: Path, other: Path) -> list[str]:
    """The tables whose rows differ, and the schema if it does."""
    with Book.open_read_only(whole / BOOK) as expected, Book.open_read_only(other / BOOK) as found:
        wanted, got = everything(expected, outside=OF_THE_RUN), everything(found, outside=OF_THE_RUN)
        wrong = [
            f"{table}: {len(wanted[table])} and {len(got[table])} rows"
            for table in wanted
            if wanted[table] != got[table]
        ]
        return wrong if schema_of(expected) == schema_of(found) else [*wrong, "tables or indexes differ"]


def schema_of(book: Book) -> list[tuple[str, str]]:
    with book.reading() as view:
        return view.connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The folder as it is before the work."""
    folder = tmp_path / "before"
    folder.mkdir()
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def legacy_files(folder: Path, trades: int) -> None:
    for name, symbol in (("first.json", "SOLUSDT"), ("second.json", "ADAUSDT")):
        rows = [row(SECOND_GENERATION, symbol=symbol, entry=1, sl=0.99, tp=1.1, exit_price=0.99, id=no,
                    timestamp=f"2026-01-10T10:{no:02}:00Z") for no in range(trades)]  # fmt: skip
        (folder / name).write_text(journal(*rows))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_import_begun_again_brings_every_file_in_once(before: Path, scratch: Path):
    def run(folder: Path, fault: Fault | None) -> None:
        with Book.open(folder / BOOK, BookKind.LIVE, now_ms=IMPORT_MS, fault=fault) as book:
            import_directory(book, folder / "old", now_ms=IMPORT_MS)

    Book.open(before / BOOK, BookKind.LIVE, now_ms=IMPORT_MS).close()
    (before / "old").mkdir()
    legacy_files(before / "old", trades=3)

    assert killed(repeated(run, every_statement=True), before, scratch) > 30


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_large_file_is_whole_or_absent_and_its_indexes_are_always_there(before: Path, scratch: Path):
    """Written as a file is of which the indexes are set aside meanwhile."""

    def run(folder: Path, fault: Fault | None) -> None:
        with Book.open(folder / BOOK, BookKind.LIVE, now_ms=IMPORT_MS, fault=fault) as book:
            for file in found_files(folder / "old", book.path):
                assert isinstance(file, LegacyFile)
                write_in_bulk(book, file)

    def wrong(whole: Path, other: Path) -> list[str]:
        with Book.open_read_only(other / BOOK) as book, book.reading() as view:
            counted = view.connection.execute("SELECT COUNT(*) FROM legacy_records GROUP BY file").fetchall()
        return [*unlike(whole, other), *(f"{count} records" for (count,) in counted if count != 30)]

    Book.open(before / BOOK, BookKind.LIVE, now_ms=IMPORT_MS).close()
    (before / "old").mkdir()
    legacy_files(before / "old", trades=30)

    assert killed(repeated(run, wrong=wrong, every_statement=True), before, scratch) > 30


def write_in_bulk(book: Book, file: LegacyFile) -> None:
    with opened(file, UTC, IMPORT_MS) as (version, read), book.transaction() as tx:
        records = LegacyRecords(tx.connection)
        if records.counts(version.sha256):
            return
        import_id = records.begin("old", IMPORT_MS)
        being_read = FileBeingRead(import_id, file.name, version.sha256, file.shape, BULK_FROM_BYTES, IMPORT_MS)
        writer = LegacyWriter(tx, being_read)
        for batch in read:
            writer.write(batch.entries)
        writer.finish()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("old_version", [None, OLD_VERSION])
def test_a_book_is_made_or_migrated_whole_or_not_at_all(before: Path, scratch: Path, old_version: int | None):
    def run(folder: Path, fault: Fault | None) -> None:
        Book.open(folder / BOOK, BookKind.LIVE, now_ms=NOW_MS, fault=fault).close()

    if old_version is not None:
        book_of_version(before / BOOK, old_version)

    assert killed(repeated(run, every_statement=True), before, scratch) > 30


def stepping(fault: Fault | None) -> Callable[[str], None]:
    """Steps of files, told to a fault like statements."""

    def step(name: str) -> None:
        if fault is not None:
            fault(Moment.BEFORE, STEP + name)

    return step


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_upgrade_begun_again_leaves_the_newest_book_and_a_way_back(before: Path, scratch: Path):
    def run(folder: Path, fault: Fault | None) -> None:
        upgrade(folder / BOOK, NOW_MS, step=stepping(fault), fault=fault)

    def wrong(whole: Path, other: Path) -> list[str]:
        tried = [drill(backup) for backup in backups_of(other / BOOK)]
        return [
            *unlike(whole, other),
            *(one.problem for one in tried if one.problem),
            *(() if tried else ["no backup"]),
        ]

    book_of_version(before / BOOK, OLD_VERSION)

    assert killed(repeated(run, wrong=wrong, every_statement=True), before, scratch) > 10


def with_record(folder: Path) -> None:
    """A book with a public record, a post that waits, and a backup; after that something more was told."""
    with Book.open(folder / BOOK, BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            desk = Desk(tx)
            signal_id = desk.announce()
            desk.deliver()
            tx.outbox.queue("entry", {"price": 100.0}, "entry:1", (desk.channel,), NOW_MS, signal_id=signal_id)
        back_up(book.path, NOW_MS)
        with book.transaction() as tx:
            tx.meta.set("told", "after the backup")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_restore_begun_again_puts_the_backup_in_place_once(before: Path, scratch: Path):
    def run(folder: Path, fault: Fault | None) -> None:
        [backup] = backups_of(folder / BOOK)
        restore(backup.path, folder / BOOK, LATER_MS, step=stepping(fault), fault=fault)

    with_record(before)

    assert killed(repeated(run, every_statement=True), before, scratch) > 15


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_backup_begun_again_is_one_more_good_backup(before: Path, scratch: Path):
    def run(folder: Path, fault: Fault | None) -> None:
        back_up(folder / BOOK, LATER_MS, step=stepping(fault))

    def wrong(whole: Path, other: Path) -> list[str]:
        names = [[backup.path.name for backup in backups_of(folder / BOOK)] for folder in (whole, other)]
        problems = [problem for backup in backups_of(other / BOOK) if (problem := drill(backup).problem)]
        return [*unlike(whole, other), *problems, *([] if names[0] == names[1] else [f"{names}"])]

    with_record(before)

    assert killed(repeated(run, wrong=wrong), before, scratch) >= 6


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_training_begun_again_leaves_one_model_that_acts(before: Path, scratch: Path):
    params = Params()

    async def trained(book: Book) -> None:
        with Writer(book) as writer:
            learning = Learning(book, writer, params, lambda: TRAIN_MS)
            await learning.load()
            with contextlib.suppress(NothingToDo):  # the one that was killed had stored its model
                await learning.train()
            await learning.load()
            assert learning.acting is not None

    def run(folder: Path, fault: Fault | None) -> None:
        with Book.open(folder / BOOK, BookKind.LIVE, now_ms=TRAIN_MS, fault=fault) as book:
            asyncio.run(trained(book))

    with Book.open(before / BOOK, BookKind.LIVE, now_ms=TRAIN_MS - DAY_MS) as book:
        with_backtest(book)

    assert killed(repeated(run), before, scratch) >= 6
