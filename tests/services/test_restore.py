"""A restore checks first, keeps what was there, sends nothing twice and tells the public record."""

import gzip
from pathlib import Path

import pytest

from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind, SignalStatus
from services.backup import Backup, BackupError, back_up
from services.restore import refuse_damaged, restore
from storage.book import Book
from storage.errors import BookError, BookInUse, CorruptBook, WrongKind
from storage.identities import identities, integrity
from storage.lock import BookLock
from storage.outbox import OutboxState
from storage.publications import Delivery, PublicationKind
from tests.services.books import everything
from tests.services.published import Desk
from tests.storage.samples import NOW_MS

LATER_MS = NOW_MS + HOUR_MS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A book whose channel was told of one thing, and waits for the next."""
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        desk = Desk(tx)
        signal_id = desk.announce()
        desk.deliver()
        tx.outbox.queue("entry", {"price": 100.0}, "entry:1", (desk.channel, desk.reader), NOW_MS, signal_id=signal_id)
    return tmp_path / "live.db"


@pytest.fixture
def backup(path: Path) -> Backup:
    return back_up(path, NOW_MS)


def went_on(path: Path) -> None:
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.meta.set("told", "after the backup")


def test_what_waited_is_of_unknown_end_and_the_record_says_what_happened(path: Path, backup: Backup):
    done = restore(backup.path, path, LATER_MS)

    assert (done.of_unknown_end, done.corrected) == (2, True)
    with Book.open_read_only(path) as book, book.reading() as view:
        assert {view.outbox.get(no).state for no in (3, 4)} == {OutboxState.UNKNOWN}
        assert view.outbox.due(LATER_MS * 2, 99) == ()
        *_, lost, correction = view.publications.rows()
        assert (lost.kind, lost.delivery) == (PublicationKind.ENTRY, Delivery.UNKNOWN)
        assert correction.kind is PublicationKind.CORRECTION
        assert backup.path.name in correction.facts["text"]
        assert all(truth.holds for truth in (*integrity(view), *identities(view)))


def test_a_signal_that_waited_counts_as_sent_so_that_it_is_followed(tmp_path: Path):
    path = tmp_path / "live.db"
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        signal_id = Desk(tx).announce()
    restore(back_up(path, NOW_MS).path, path, LATER_MS)

    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.signals.get(signal_id).status is SignalStatus.SENT


def test_the_present_book_is_kept_aside_with_all_it_holds(path: Path, backup: Backup):
    went_on(path)
    with Book.open_read_only(path) as book:
        before = everything(book)

    aside = restore(backup.path, path, LATER_MS).kept_aside
    assert aside is not None
    with Book.open_read_only(aside) as book:
        assert everything(book) == before
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.meta.get("told") is None


def test_two_restores_keep_two_books(path: Path, backup: Backup):
    first, second = (restore(backup.path, path, LATER_MS).kept_aside for _ in range(2))

    assert first != second
    assert len(list(path.parent.glob("live-before-*.db"))) == 2


def test_a_book_that_is_gone_comes_back(path: Path, backup: Backup):
    path.unlink()
    (path.parent / "live.db-wal").write_bytes(b"of a book that is no more")

    assert restore(backup.path, path, LATER_MS).kept_aside is None
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.publications.check().difference is None


def test_a_book_damaged_beyond_opening_is_replaced_with_its_log_and_kept(path: Path, backup: Backup):
    path.write_bytes(b"nothing of a book")
    (path.parent / "live.db-wal").write_bytes(b"its log")

    aside = restore(backup.path, path, LATER_MS).kept_aside
    assert aside is not None
    assert aside.read_bytes() == b"nothing of a book"
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"its log"
    with Book.open_read_only(path) as book, book.reading() as view:
        assert all(truth.holds for truth in (*integrity(view), *identities(view)))


@pytest.mark.parametrize(
    "content",
    [b"", b"not packed", gzip.compress(b"no book", mtime=0), gzip.compress(b"cut off", mtime=0)[:-4]],
    ids=["empty", "not packed", "no book inside", "cut off"],
)
def test_what_is_no_backup_changes_nothing(path: Path, tmp_path: Path, content: bytes):
    (tmp_path / "bad.db.gz").write_bytes(content)
    before = path.read_bytes()

    with pytest.raises(BookError, match=r"bad\.db\.gz") as refused:
        restore(tmp_path / "bad.db.gz", path, LATER_MS)
    assert "restoring" not in str(refused.value)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*restoring*")) == []


def test_a_replay_book_does_not_become_the_live_one(path: Path, tmp_path: Path):
    Book.open(tmp_path / "replay.db", BookKind.REPLAY, now_ms=NOW_MS).close()

    backup = back_up(tmp_path / "replay.db", NOW_MS).path
    with pytest.raises(WrongKind, match=f"{backup.name} is a replay book"):
        restore(backup, path, LATER_MS)


def test_nothing_is_restored_under_a_running_bot(path: Path, backup: Backup):
    with BookLock.acquire(path, "bot", NOW_MS), pytest.raises(BookInUse):
        restore(backup.path, path, LATER_MS)


def test_a_missing_backup_is_named(path: Path):
    with pytest.raises(BackupError, match=r"There is no backup .*nowhere"):
        restore(path.parent / "nowhere.db.gz", path, LATER_MS)


def torn(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xff" * (4096 * 6)
    path.write_bytes(content)


def test_a_damaged_book_is_refused_with_the_newest_good_backup_by_name(path: Path, backup: Backup):
    refuse_damaged(path)
    torn(path)

    with pytest.raises(CorruptBook, match=backup.path.name):
        refuse_damaged(path)
    restore(backup.path, path, LATER_MS)
    refuse_damaged(path)


def test_a_damaged_book_without_backups_is_refused_as_well(path: Path):
    torn(path)

    with pytest.raises(CorruptBook, match="no good backup"):
        refuse_damaged(path)


def test_where_there_is_no_book_nothing_is_refused(tmp_path: Path):
    refuse_damaged(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    refuse_damaged(tmp_path / "empty.db")
