"""The newest backup is looked over every day, and closely every week; damage is found and kept by its name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind
from services.backup import back_up
from services.schedule import NothingToDo
from services.soundness import check_newest_backup
from storage.backup import Depth
from storage.book import Book
from storage.verified import Soundness, last_soundness
from storage.writer import Writer
from tests.storage.samples import NOW_MS

Kept = dict[Depth, Soundness | None]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


async def checked(book: Book, at_ms: int) -> Kept:
    """What is kept after a check at that instant."""
    with Writer(book) as writer:
        await check_newest_backup(book, writer, lambda: at_ms)
    with book.reading() as view:
        return {depth: last_soundness(view.meta, depth) for depth in Depth}


async def test_the_first_look_is_a_close_one_and_counts_for_both(book: Book):
    backup = back_up(book.path, NOW_MS)

    sound = Soundness(NOW_MS, backup.path.name, None)
    assert await checked(book, NOW_MS) == {Depth.QUICK: sound, Depth.WHOLE: sound}


async def test_within_the_week_looks_are_quick(book: Book):
    back_up(book.path, NOW_MS)
    await checked(book, NOW_MS)

    kept = {depth: one.at_ms for depth, one in (await checked(book, NOW_MS + 6 * DAY_MS)).items() if one}
    assert kept == {Depth.QUICK: NOW_MS + 6 * DAY_MS, Depth.WHOLE: NOW_MS}
    kept = {depth: one.at_ms for depth, one in (await checked(book, NOW_MS + 7 * DAY_MS)).items() if one}
    assert kept[Depth.WHOLE] == NOW_MS + 7 * DAY_MS


async def test_a_damaged_backup_is_kept_as_such_and_leaves_no_scratch_file(book: Book):
    backup = back_up(book.path, NOW_MS)
    backup.path.write_bytes(backup.path.read_bytes()[:-200])

    found = (await checked(book, NOW_MS))[Depth.QUICK]
    assert found is not None
    assert found.problem is not None
    assert "damaged" in found.problem
    assert [path for path in backup.path.parent.iterdir() if path.is_dir()] == []


async def test_without_a_backup_there_is_nothing_to_look_at(book: Book):
    with pytest.raises(NothingToDo):
        await checked(book, NOW_MS)
