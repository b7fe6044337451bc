import os
import signal
from pathlib import Path

import pytest

from storage.errors import BookInUse, MissingDirectory, ReadOnlyBook
from storage.lock import BookLock, Holder, holder_of
from tests.storage.crashing import FORK
from tests.storage.samples import NOW_MS


def test_a_second_bot_is_told_who_runs_and_since_when(tmp_path: Path):
    book = tmp_path / "positions.db"

    with BookLock.acquire(book, "run", NOW_MS), pytest.raises(BookInUse) as caught:
        BookLock.acquire(book, "run", NOW_MS + 5)
    assert str(caught.value) == (
        f"Another Onebook (run, pid {os.getpid()}, since 2025-10-09 09:00:00+00:00) runs on {book}; stop it first."
    )


def test_two_names_of_one_book_share_its_lock(tmp_path: Path):
    (tmp_path / "positions.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "positions.db")

    with BookLock.acquire(tmp_path / "positions.db", "run", NOW_MS), pytest.raises(BookInUse):
        BookLock.acquire(tmp_path / "link.db", "run", NOW_MS)


def test_the_lock_is_free_after_a_release(tmp_path: Path):
    book = tmp_path / "positions.db"
    BookLock.acquire(book, "run", NOW_MS).release()

    assert holder_of(book) is None
    BookLock.acquire(book, "run", NOW_MS).release()


def test_a_heartbeat_is_seen_from_outside(tmp_path: Path):
    book = tmp_path / "positions.db"

    with BookLock.acquire(book, "run", NOW_MS) as lock:
        lock.beat(NOW_MS + 30_000)

        assert holder_of(book) == Holder("run", os.getpid(), NOW_MS, NOW_MS + 30_000)


def test_nobody_runs_on_a_book_that_was_never_locked(tmp_path: Path):
    assert holder_of(tmp_path / "positions.db") is None


def hold_until_killed(book: Path, ready: object) -> None:
    with BookLock.acquire(book, "run", NOW_MS):
        ready.set()
        signal.pause()


def test_the_lock_of_a_killed_bot_is_taken_over(tmp_path: Path):
    book = tmp_path / "positions.db"
    ready = FORK.Event()
    child = FORK.Process(target=hold_until_killed, args=(book, ready))
    child.start()
    ready.wait()
    held_by = holder_of(book)

    os.kill(child.pid, signal.SIGKILL)
    child.join()

    assert held_by is not None
    assert held_by.pid == child.pid
    assert holder_of(book) is None
    with BookLock.acquire(book, "run", NOW_MS + 1) as lock:
        assert holder_of(book) == lock.holder


def test_a_lock_that_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path):
    with pytest.raises(MissingDirectory, match="does not exist"):
        BookLock.acquire(tmp_path / "nowhere" / "positions.db", "run", NOW_MS)
    (tmp_path / "positions.db.lock").mkdir()
    with pytest.raises(ReadOnlyBook, match="cannot be written"):
        BookLock.acquire(tmp_path / "positions.db", "run", NOW_MS)
