"""A page of the book that was written half, lost or taken from elsewhere is found before the bot runs on it."""

import random
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from services.backup import back_up
from services.restore import refuse_damaged
from storage.backup import damage
from storage.book import Book
from storage.errors import CorruptBook
from tests.services.books import everything
from tests.services.published import Desk
from tests.storage.samples import NOW_MS, opened

PAGE_BYTES = 4096
DICE = random.Random(20_261_121)
TEARS = {
    "noise": lambda page: DICE.randbytes(PAGE_BYTES),
    "lost": lambda page: bytes(PAGE_BYTES),
    "half written": lambda page: page[: PAGE_BYTES // 2] + DICE.randbytes(PAGE_BYTES // 2),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with something on many pages, and a backup of it."""
    path = tmp_path_factory.mktemp("whole") / "live.db"
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        desk = Desk(tx)
        opened(tx, signal_id=desk.announce())
        desk.deliver()
        for number in range(120):
            tx.settings.set(f"key {number}", DICE.randbytes(150).hex(), "test", NOW_MS)
    back_up(path, NOW_MS)
    return path


@pytest.mark.parametrize("tear", TEARS)
def test_every_torn_page_is_found_or_had_nothing_on_it(whole: Path, tmp_path: Path, tear: str):
    path, content = tmp_path / "live.db", whole.read_bytes()
    with Book.open_read_only(whole) as book:
        expected = everything(book, outside=())
    found = 0
    for at in range(0, len(content), PAGE_BYTES):
        page = content[at : at + PAGE_BYTES]
        path.write_bytes(content[:at] + TEARS[tear](page) + content[at + PAGE_BYTES :])
        if damage(path) is not None:
            found += 1
            continue
        with Book.open_read_only(path) as book:
            assert everything(book, outside=()) == expected

    assert found > len(content) // PAGE_BYTES // 2


def test_a_book_with_a_torn_page_is_not_run_and_its_newest_backup_is_named(whole: Path):
    content = bytearray(whole.read_bytes())
    content[-2 * PAGE_BYTES : -PAGE_BYTES] = DICE.randbytes(PAGE_BYTES)
    sound = whole.read_bytes()
    whole.write_bytes(content)

    with pytest.raises(
        CorruptBook, match=r"is damaged \(.+\); `python bot.py restore .*/backups/live-.*` brings it back\."
    ):
        refuse_damaged(whole)
    whole.write_bytes(sound)


def test_a_book_that_lost_what_it_says_of_itself_is_damaged_and_no_defect(tmp_path: Path):
    path = tmp_path / "live.db"
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.connection.execute("DELETE FROM meta")

    for ask in (Book.open_read_only, lambda path: Book.open(path, BookKind.LIVE, now_ms=NOW_MS)):
        with pytest.raises(CorruptBook, match="does not say what kind of book it is"):
            ask(path)
