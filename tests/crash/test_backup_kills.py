"""A backup and a restore are killed before every step: a usable book stands there, and the next try succeeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from services.backup import Backup, back_up, backups_of, drill, newest_good
from services.restore import restore
from storage.book import Book
from storage.identities import identities, integrity
from tests.services.books import everything
from tests.services.published import Desk
from tests.storage.crashing import in_child, kill_process
from tests.storage.samples import NOW_MS

LATER_MS = NOW_MS + HOUR_MS
KILLED = -9
BACKUP_STEPS = ("copy", "check", "pack", "tell what is in it", "name it", "let go")
RESTORE_STEPS = ("unpack", "check", "correct", "settle", "keep aside", "replace")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        desk = Desk(tx)
        desk.announce()
        desk.deliver()
    return tmp_path / "live.db"


def dying_before(wanted: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == wanted:
            kill_process()

    return step


def steps_of(work: Callable[[Callable[[str], None]], object]) -> tuple[str, ...]:
    seen: list[str] = []
    work(seen.append)
    return tuple(seen)


def test_the_steps_that_are_killed_are_all_there_are(path: Path):
    assert steps_of(lambda step: back_up(path, NOW_MS, step=step)) == BACKUP_STEPS
    [backup] = backups_of(path)
    assert steps_of(lambda step: restore(backup.path, path, LATER_MS, step=step)) == RESTORE_STEPS


@pytest.mark.parametrize("step", BACKUP_STEPS)
def test_a_killed_backup_leaves_good_backups_alone_and_the_next_one_clears_up(path: Path, step: str):
    first = back_up(path, NOW_MS)
    assert in_child(lambda: back_up(path, LATER_MS, step=dying_before(step))) == KILLED

    assert all(drill(backup).problem is None for backup in backups_of(path))
    assert first in backups_of(path)
    last = back_up(path, LATER_MS + HOUR_MS)
    assert newest_good(path) == last
    facts = {backup.facts_path.name for backup in backups_of(path)}
    left = {file.name for file in last.path.parent.iterdir()} - {backup.path.name for backup in backups_of(path)}
    assert left == facts | {"live.db.lock"}


@pytest.mark.parametrize("step", RESTORE_STEPS)
def test_a_killed_restore_leaves_the_book_as_it_was_and_can_be_begun_again(path: Path, step: str):
    backup = back_up(path, NOW_MS)
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.meta.set("told", "after the backup")
    with Book.open_read_only(path) as book:
        before = everything(book, outside=())
    assert in_child(lambda: restore(backup.path, path, LATER_MS, step=dying_before(step))) == KILLED

    with Book.open_read_only(path) as book:
        assert everything(book, outside=()) == before
    again(backup, path)


def again(backup: Backup, path: Path) -> None:
    kept_aside = restore(backup.path, path, LATER_MS + HOUR_MS).kept_aside
    with Book.open_read_only(path) as book, book.reading() as view:
        assert all(truth.holds for truth in (*integrity(view), *identities(view)))
        assert view.meta.get("told") is None
    assert kept_aside is not None
    with Book.open_read_only(kept_aside) as book, book.reading() as view:
        assert view.meta.get("told") == "after the backup"
