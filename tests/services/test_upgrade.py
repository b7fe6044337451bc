"""An upgrade begins with a backup that leads back, and killed anywhere it leaves the old book or the new one."""

from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from migrations import schema
from services.backup import BackupError, backups_of, drill
from services.restore import restore
from services.upgrade import upgrade
from storage.book import Book
from storage.errors import BookInUse
from storage.lock import BookLock
from tests.migrations.test_schema import book_of_version, versions_in
from tests.storage.crashing import in_child, kill_process
from tests.storage.samples import LONG, NOW_MS

OLD = 3
STEPS = ("back up", "try it out", "migrate", "ask its health")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    book_of_version(tmp_path / "live.db", OLD)
    return tmp_path / "live.db"


def test_the_backup_is_of_the_earlier_version_and_the_book_of_the_newest(path: Path, tmp_path: Path):
    seen: list[str] = []
    done = upgrade(path, NOW_MS, step=seen.append)

    assert tuple(seen) == STEPS
    assert (done.version, versions_in(path)) == (schema.NEWEST, schema.VERSIONS)
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.signals.get(1).signal == LONG
    assert drill(done.backup).problem is None
    restore(done.backup.path, path, NOW_MS)
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.signals.get(1).signal == LONG


def test_a_book_of_the_newest_version_is_upgraded_to_itself(tmp_path: Path):
    Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS).close()

    assert upgrade(tmp_path / "live.db", NOW_MS).version == schema.NEWEST


def test_nothing_is_changed_when_no_backup_can_be_made(path: Path):
    (path.parent / "backups").write_text("in the way")

    with pytest.raises(BackupError, match="cannot be made"):
        upgrade(path, NOW_MS)
    assert versions_in(path) == schema.VERSIONS[:OLD]


def test_nothing_is_upgraded_under_a_running_bot(path: Path):
    with BookLock.acquire(path, "bot", NOW_MS), pytest.raises(BookInUse):
        upgrade(path, NOW_MS)


@pytest.mark.parametrize("wanted", STEPS)
def test_killed_before_any_step_it_leaves_a_usable_book_and_can_be_begun_again(path: Path, wanted: str):
    def step(name: str) -> None:
        if name == wanted:
            kill_process()

    assert in_child(lambda: upgrade(path, NOW_MS, step=step)) == -9
    assert versions_in(path) == (schema.VERSIONS if wanted == STEPS[-1] else schema.VERSIONS[:OLD])
    assert all(drill(backup).problem is None for backup in backups_of(path))

    assert upgrade(path, NOW_MS + 1_000).version == schema.NEWEST
