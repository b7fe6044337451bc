"""A backup is whole, checked and found again; one that is not as it was made is never offered."""

import gzip
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.timeframes import DAY_MS, HOUR_MS
from engine.vocabulary import BookKind
from services.backup import (
    KEPT_DAYS,
    KEPT_HOURS,
    LARGE_BOOK_BYTES,
    SCRATCH,
    Backup,
    BackupError,
    back_up,
    backups_of,
    drill,
    is_due,
    kept,
    newest_good,
    unpack,
)
from storage.book import Book
from storage.errors import BookError
from storage.events import EventType
from storage.lock import BookLock
from tests.services.books import everything
from tests.storage.samples import NOW_MS, opened, recorded

GIGABYTE = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        opened(tx, signal_id=recorded(tx))
    return tmp_path / "live.db"


def restored(backup: Backup, folder: Path) -> Book:
    unpack(backup.path, folder / "again.db")
    return Book.open_read_only(folder / "again.db")


def test_a_backup_holds_every_row_of_the_book(path: Path, tmp_path: Path):
    backup = back_up(path, NOW_MS)

    with Book.open_read_only(path) as book, restored(backup, tmp_path) as again:
        assert everything(again) == everything(book)
    assert backups_of(path) == (backup,)
    assert backup.path.stat().st_mode & 0o077 == 0
    names = {backup.path.name, backup.facts_path.name, "live.db.lock"}
    assert {file.name for file in backup.path.parent.iterdir()} == names


def test_two_backups_of_a_book_are_not_made_at_once(path: Path):
    def second(step: str) -> None:
        with pytest.raises(BackupError, match="Another backup"):
            back_up(path, NOW_MS)

    back_up(path, NOW_MS, step=second)


def test_a_backup_has_what_was_committed_and_not_yet_in_the_main_file(path: Path, tmp_path: Path):
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            tx.meta.set("told", "late")
        backup = back_up(path, NOW_MS)

        with restored(backup, tmp_path) as again, again.reading() as view:
            assert view.meta.get("told") == "late"


def test_a_backup_made_while_the_bot_writes_is_whole(path: Path):
    stop = threading.Event()

    def write() -> None:
        with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
            while not stop.is_set():
                with book.transaction() as tx:
                    tx.events.add(EventType.COMMAND, NOW_MS)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [back_up(path, NOW_MS + hour * HOUR_MS) for hour in range(5)]
    finally:
        stop.set()
        writer.join()

    assert [drill(backup).problem for backup in made] == [None] * 5


def test_a_drill_counts_the_rows_and_leaves_nothing_behind(path: Path):
    backup = back_up(path, NOW_MS)
    before = sorted(backup.path.parent.iterdir())

    found = drill(backup)
    assert (found.problem, found.rows > 10) == (None, True)
    assert sorted(backup.path.parent.iterdir()) == before


def test_what_a_killed_drill_left_is_removed_and_a_running_one_is_left_alone(path: Path):
    backup = back_up(path, NOW_MS)
    dead, running = (backup.path.parent / f"{SCRATCH}{name}" for name in ("dead", "running"))
    for folder in (dead, running):
        folder.mkdir()
        (folder / "book.db").write_bytes(b"half of a book")
    BookLock.acquire(dead, "drill", NOW_MS).release()
    with BookLock.acquire(running, "drill", NOW_MS):
        drill(backup)

    left = {one.name for one in backup.path.parent.glob(f"{SCRATCH}*")}
    assert left == {running.name, f"{running.name}.lock"}


def test_a_drill_finds_a_file_that_rotted(path: Path):
    backup = back_up(path, NOW_MS)
    rotten = bytearray(backup.path.read_bytes())
    rotten[len(rotten) // 2] ^= 1
    backup.path.write_bytes(rotten)

    assert "its hash has changed" in str(drill(backup).problem)
    backup.facts_path.unlink()
    assert "damaged" in str(drill(backup).problem)


def test_a_drill_finds_rows_that_are_gone(path: Path):
    backup = back_up(path, NOW_MS)
    facts = json.loads(backup.facts_path.read_text())
    facts["rows"]["signals"] += 1
    backup.facts_path.write_text(json.dumps(facts))

    assert "signals: 2 rows became 1" in str(drill(backup).problem)


def test_a_drill_finds_a_book_whose_identities_do_not_hold(path: Path):
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        closed = "status='CLOSED', closed_ms=opened_ms, close_reason='MANUAL', exit_price=1, pnl_pct=0"
        tx.connection.execute(f"UPDATE positions SET {closed}, realized_pnl=0, r_multiple=0")  # without any fill

    assert "holds no true book" in str(drill(back_up(path, NOW_MS)).problem)


def test_the_newest_good_backup_is_found_behind_a_bad_one(path: Path):
    good, bad = back_up(path, NOW_MS), back_up(path, NOW_MS + HOUR_MS)
    assert newest_good(path) == bad
    bad.path.write_bytes(gzip.compress(b"no book"))

    assert newest_good(path) == good


def test_a_damaged_book_gives_no_backup(path: Path):
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xff" * (4096 * 6)
    path.write_bytes(content)

    with pytest.raises(BookError, match="damaged"):
        back_up(path, NOW_MS)
    assert backups_of(path) == ()


def test_no_backup_is_begun_without_room_for_it(path: Path, tmp_path: Path):
    (tmp_path / "huge.db").touch()
    with (tmp_path / "huge.db").open("r+b") as file:
        file.truncate(2**43)  # more than any disk of a test machine has free, and none of it is written

    with pytest.raises(BackupError, match="no room for a backup"):
        back_up(tmp_path / "huge.db", NOW_MS)


def test_what_a_killed_backup_left_is_removed_by_the_next(path: Path):
    back_up(path, NOW_MS)
    left = path.parent / "backups" / "live-20200101T000000Z.db.gz.part"
    left.touch()
    back_up(path, NOW_MS + HOUR_MS)

    assert not left.exists()


def test_a_large_book_is_backed_up_every_six_hours(path: Path):
    assert is_due(path, NOW_MS)
    back_up(path, NOW_MS)
    assert is_due(path, NOW_MS + HOUR_MS)
    with path.open("r+b") as file:
        file.truncate(LARGE_BOOK_BYTES + 1)

    assert not is_due(path, NOW_MS + 5 * HOUR_MS)
    assert is_due(path, NOW_MS + 6 * HOUR_MS - 60_000)


def hourly(hours: int, size_bytes: int = 1) -> list[Backup]:
    return [Backup(Path(f"{hour}.db.gz"), hour * HOUR_MS, size_bytes) for hour in range(hours)]


def test_a_month_of_hourly_backups_is_kept_as_24_hours_and_14_days():
    keep = kept(hourly(30 * 24), GIGABYTE)

    assert [backup.made_ms // HOUR_MS for backup in keep[:KEPT_HOURS]] == list(range(719, 695, -1))
    assert len({backup.made_ms // DAY_MS for backup in keep}) == KEPT_DAYS
    assert len(keep) == KEPT_HOURS + KEPT_DAYS - 1  # the newest of today is both


@given(st.lists(st.integers(0, 60 * 24), unique=True, min_size=1), st.integers(1, 50), st.integers(0, 500))
def test_what_is_kept_is_within_the_budget_and_has_the_newest(hours: list[int], size_bytes: int, budget: int):
    made = [Backup(Path(f"{hour}.db.gz"), hour * HOUR_MS, size_bytes) for hour in hours]
    keep = kept(made, budget)

    assert keep[0].made_ms == max(hours) * HOUR_MS
    assert len(keep) == 1 or sum(backup.size_bytes for backup in keep) <= budget
    assert len(keep) <= KEPT_HOURS + KEPT_DAYS
