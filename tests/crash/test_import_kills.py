"""A large import is killed while it writes and while it builds its indexes anew: nothing of the file is in the book then.

A large file is one that sets indexes aside and is read by a process of its own; how large that is, the tests say, and
the memory for pages is so small that most of what is killed has reached the disk already.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from services.import_legacy import import_directory
from storage.book import Book
from storage.database import Moment
from storage.legacy_bulk import Bulk
from tests.crash.killing import untrue
from tests.migrations.legacy.documents import NOW_MS, journal, row
from tests.services.books import OUTSIDE, Everything, everything
from tests.storage.crashing import in_child, kill_process

ROOT = Path(__file__).resolve().parents[2]
SIZE = os.environ.get("ONEBOOK_LONG", "short")
TRADES = {"short": 2_600, "full": 26_000}[SIZE]
EVERY = {"short": 2, "full": 1}[SIZE]
LARGE = Bulk(from_bytes=1 << 19, cache_kib=64)
MADE_MS = NOW_MS - 1
OF_THE_RUN = (*OUTSIDE, "imports")
"""An import that was begun twice has two rows of its own."""
WAL_OF_SOME_BATCHES_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an import is killed: after the n-th of the statements that begin so, or before it."""

    name: str
    sql: str
    nth: int = 1
    moment: Moment = Moment.AFTER


WRITING = (
    Stage("when the indexes are set aside", "DROP INDEX events_type"),
    Stage("among the first records", "INSERT INTO fills"),
    Stage("in the middle of the records", "INSERT INTO events", nth=4),
)
REBUILDING = (
    Stage("before the first index is built", "CREATE INDEX", moment=Moment.BEFORE),
    Stage("between two indexes", "CREATE INDEX", nth=5),
    Stage("when the bursts are marked", "UPDATE positions SET exit_quality"),
    Stage("before the commit", "COMMIT", nth=2, moment=Moment.BEFORE),
)
COMMITTED = Stage("when the file is committed", "COMMIT", nth=2)


class KillAtStage:
    """A fault that ends the process at a stage of its import."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._left = stage.nth

    def __call__(self, moment: Moment, sql: str) -> None:
        if moment is self._stage.moment and sql.startswith(self._stage.sql):
            self._left -= 1
            if self._left == 0:
                kill_process()


def imported(db: Path, folder: Path, stage: Stage | None = None) -> None:
    fault = None if stage is None else KillAtStage(stage)
    with Book.open(db, BookKind.LIVE, now_ms=MADE_MS, create=False, fault=fault) as book:
        report = import_directory(book, folder, now_ms=NOW_MS, bulk=LARGE)
    assert report.exit_code == 0


def killed_at(stage: Stage, folder: Path, empty: Path, place: Path) -> Path:
    """The book, with what SQLite keeps beside it, that an import leaves which is killed at this stage."""
    db = place / "killed" / empty.name
    shutil.copytree(empty.parent, db.parent)
    assert in_child(imported, db, folder, stage) == -signal.SIGKILL
    return db


def complaints(db: Path) -> list[tuple[str, str, str]]:
    """The checks of `bot.py health` over this book that are not content: name, status, value."""
    command = [sys.executable, "bot.py", "health", "--db", str(db), "--json"]
    printed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    checks = json.loads(printed)["checks"]
    return [(check["name"], check["status"], check["value"]) for check in checks if check["status"] in ("WARN", "FAIL")]


def contents(db: Path) -> tuple[Everything, list[tuple[object, ...]]]:
    """Every row of the book but those of the runs themselves, and every table and index it has."""
    with Book.open_read_only(db) as book:
        with book.reading() as view:
            schema = view.connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        return everything(book, outside=OF_THE_RUN), schema


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an old bot with one journal; a third of its trades never ended."""
    folder = tmp_path_factory.mktemp("old")
    trades = [
        row(
            id=no + 1,
            timestamp=f"2025-{1 + no // 2_400:02}-{1 + no // 100 % 24:02}T{no // 5 % 20:02}:{no % 5:02}:{no % 57:02}.{no:06}",
            status="PENDING" if no % 3 == 0 else ...,
            outcome=None if no % 3 == 0 else ...,
            closed_at=f"2025-12-01T{no % 24:02}:{no // 150:02}:00",
        )
        for no in range(TRADES)
    ]
    (folder / "journal.json").write_text(journal(*trades))
    return folder


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book into which nothing was brought yet."""
    db = tmp_path_factory.mktemp("empty") / "book.db"
    Book.open(db, BookKind.LIVE, now_ms=MADE_MS).close()
    return db


@pytest.fixture(scope="module")
def whole(folder: Path, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of an import that nobody disturbed."""
    db = tmp_path_factory.mktemp("whole") / "book.db"
    shutil.copy(empty, db)
    imported(db, folder)
    return db


def named(stage: Stage) -> str:
    return stage.name


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stage", [*WRITING, *REBUILDING][::-EVERY], ids=named)
def test_a_killed_import_leaves_nothing_of_the_file_and_is_whole_when_it_is_begun_again(
    stage: Stage, folder: Path, empty: Path, whole: Path, tmp_path: Path
):
    db = killed_at(stage, folder, empty, tmp_path)

    assert contents(db) == contents(empty)
    assert untrue(db) == []
    imported(db, folder)
    assert contents(db) == contents(whole)
    assert untrue(db) == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stage", [WRITING[2], REBUILDING[1]], ids=named)
def test_health_says_of_a_sound_book_only_that_its_import_was_cut_off(
    stage: Stage, folder: Path, empty: Path, tmp_path: Path
):
    db = killed_at(stage, folder, empty, tmp_path)

    assert Path(f"{db}-wal").stat().st_size > WAL_OF_SOME_BATCHES_BYTES
    assert complaints(db) == [("import", "WARN", "cut off")]
    assert contents(db) == contents(empty)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_import_that_is_killed_when_its_file_is_committed_keeps_all_of_it(
    folder: Path, empty: Path, whole: Path, tmp_path: Path
):
    db = killed_at(COMMITTED, folder, empty, tmp_path)

    assert contents(db) == contents(whole)
    imported(db, folder)
    assert contents(db) == contents(whole)
