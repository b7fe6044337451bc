"""What lies beside a book: its own log, half of it, or another book's."""

import shutil
from pathlib import Path

import pytest

from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from services.backup import back_up
from services.restore import refuse_damaged, restore
from storage.backup import copy_book, settle_into_one_file
from storage.book import Book
from storage.errors import ForeignLog
from storage.identities import identities, integrity
from tests.storage.samples import NOW_MS

FRAME_BYTES = 24 + 4096  # of a log: a page and what is said of it
LOG_HEADER_BYTES = 32


def live(path: Path) -> Book:
    return Book.open(path, BookKind.LIVE, now_ms=NOW_MS)


def write(book: Book, first: int, count: int) -> None:
    for number in range(first, first + count):
        with book.transaction() as tx:
            tx.settings.set(f"{number:04}", number, "test", NOW_MS)


def written(path: Path) -> list[str]:
    with Book.open_read_only(path) as book, book.reading() as view:
        assert all(truth.holds for truth in (*identities(view), *integrity(view)))
        return [setting.key for setting in view.settings.all()]


def copied(book: Path, log: Path, folder: Path) -> Path:
    """The file of a book as it lies on the disk, and beside it the log of one."""
    folder.mkdir()
    shutil.copy(book, folder / "live.db")
    shutil.copy(log.with_name(log.name + "-wal"), folder / "live.db-wal")
    return folder / "live.db"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A book beside which lies the log of another one, which holds all of that other one's pages."""
    live(tmp_path / "mine.db").close()
    with live(tmp_path / "mine.db") as mine, live(tmp_path / "other.db") as other:
        write(mine, 0, 3)
        write(other, 500, 3)
        return copied(tmp_path / "mine.db", tmp_path / "other.db", tmp_path / "mixed")


def test_the_log_of_another_book_is_refused_by_name_and_not_read_into_this_one(mixed: Path):
    before = mixed.read_bytes()
    for ask in (live, Book.open_read_only, refuse_damaged, settle_into_one_file):
        with pytest.raises(ForeignLog) as caught:
            ask(mixed)
        assert str(caught.value) == (
            f"{mixed}-wal is the log of another book, so {mixed} was not opened. Move live.db-wal away and start again."
        )
    with pytest.raises(ForeignLog):
        copy_book(mixed, mixed.with_name("copy.db"))

    assert mixed.read_bytes() == before
    mixed.with_name("live.db-wal").rename(mixed.with_name("moved away"))
    assert written(mixed) == []
    live(mixed).close()


def test_a_book_with_the_log_of_another_one_can_be_replaced_by_its_backup(mixed: Path, tmp_path: Path):
    backup = back_up(tmp_path / "mine.db", NOW_MS)
    restore(backup.path, mixed, NOW_MS + HOUR_MS)

    assert written(mixed) == ["0000", "0001", "0002"]


def test_a_log_that_was_copied_in_part_gives_whole_transactions(tmp_path: Path):
    live(tmp_path / "mine.db").close()
    with live(tmp_path / "mine.db") as book:
        write(book, 0, 12)
        path = copied(tmp_path / "mine.db", tmp_path / "mine.db", tmp_path / "copy")
    log = path.with_name("live.db-wal")
    whole, seen = log.read_bytes(), []
    for cut in (*range(0, len(whole), FRAME_BYTES // 3), len(whole)):
        log.write_bytes(whole[:cut])
        seen.append(len(written(path)))

    assert len(whole) >= LOG_HEADER_BYTES + 12 * FRAME_BYTES
    assert seen == sorted(seen)
    assert set(seen) == set(range(13))


def test_every_new_book_has_a_number_of_its_own_and_its_copies_keep_it(tmp_path: Path):
    for name in ("one.db", "two.db"):
        live(tmp_path / name).close()
    copy_book(tmp_path / "one.db", tmp_path / "copy.db")
    one, two, copy = (
        int.from_bytes((tmp_path / name).read_bytes()[60:64], "big") for name in ("one.db", "two.db", "copy.db")
    )

    assert one == copy
    assert len({one, two, 0}) == 3
