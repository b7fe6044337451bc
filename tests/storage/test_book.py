import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.vocabulary import BookKind, PortfolioKind, SignalStatus
from migrations import schema
from storage.book import Book
from storage.database import Access, DatabaseError, IntegrityError, connect
from storage.errors import (
    BookError,
    CorruptBook,
    DiskFull,
    LegacyBook,
    MissingBook,
    MissingDirectory,
    NewerBook,
    NotABook,
    OlderBook,
    ReadOnlyBook,
    WrongKind,
)
from tests.shared import SHARED, needs_shared
from tests.storage.crashing import Crash, CrashAt, in_child, kill_process, raise_crash
from tests.storage.samples import LONG, NOW_MS, opened, paper, recorded

NOBODY = 65_534
SQLITE_FULL = 13


def open_live(path: Path) -> Book:
    return Book.open(path, BookKind.LIVE, now_ms=NOW_MS)


def foreign_database(path: Path, *statements: str) -> None:
    path.touch()
    connection = connect(path, Access.WRITE)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_new_book_knows_its_kind_its_birth_and_its_portfolios(tmp_path: Path):
    with Book.open(tmp_path / "replay.db", BookKind.REPLAY, now_ms=NOW_MS) as book, book.reading() as view:
        assert (book.kind, book.created_ms, book.version) == (BookKind.REPLAY, NOW_MS, schema.NEWEST)
        assert (view.meta.kind(), view.meta.created_ms()) == (BookKind.REPLAY, NOW_MS)
        assert [portfolio.kind for portfolio in view.portfolios.all()] == [PortfolioKind.PAPER, PortfolioKind.SHADOW]


def test_a_book_keeps_everything_from_one_opening_to_the_next(tmp_path: Path):
    with open_live(tmp_path / "positions.db") as book, book.transaction() as tx:
        recorded(tx)

    with Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=NOW_MS + 1) as book, book.reading() as view:
        assert view.signals.get(1).signal == LONG
        assert book.created_ms == NOW_MS


def test_a_closed_book_is_one_file(tmp_path: Path):
    open_live(tmp_path / "positions.db").close()

    assert [path.name for path in tmp_path.iterdir()] == ["positions.db"]


def test_an_empty_file_becomes_a_book(tmp_path: Path):
    (tmp_path / "positions.db").touch()

    open_live(tmp_path / "positions.db").close()


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path):
    path = tmp_path / "mine? 100% #1 книга.db"

    open_live(path).close()
    assert Book.open_read_only(path).kind is BookKind.LIVE


def test_a_temporary_book_goes_when_it_is_closed():
    book = Book.temporary(BookKind.DEMO, now_ms=NOW_MS)
    folder = book.path.parent

    book.close()
    assert not folder.exists()


def test_a_live_book_presses_its_commits_onto_the_disk_and_a_replay_does_not_wait(tmp_path: Path):
    asked = []
    for kind in (BookKind.LIVE, BookKind.REPLAY):
        with Book.open(tmp_path / kind.value, kind, now_ms=NOW_MS) as book, book.transaction() as tx:
            asked.append(
                [tx.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
            )

    assert asked == [[2, "wal"], [1, "wal"]]


def refused(path: Path, kind: BookKind = BookKind.LIVE) -> BookError:
    """Why the file cannot be opened for writing; it is not touched by the attempt."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(BookError) as caught:
        Book.open(path, kind, now_ms=NOW_MS)
    assert before == (path.read_bytes() if path.is_file() else None)
    sentence = str(caught.value)
    assert str(path) in sentence or str(path.parent) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return caught.value


def test_a_missing_directory_is_named(tmp_path: Path):
    error = refused(tmp_path / "nowhere" / "positions.db")

    assert isinstance(error, MissingDirectory)
    assert str(error) == f"The directory {tmp_path / 'nowhere'} does not exist."


def test_a_missing_book_is_only_made_when_asked(tmp_path: Path):
    with pytest.raises(MissingBook, match="There is no book at"):
        Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=NOW_MS, create=False)
    with pytest.raises(MissingBook, match="There is no book at"):
        Book.open_read_only(tmp_path / "positions.db")

    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_not_a_book(tmp_path: Path):
    assert str(refused(tmp_path)) == f"{tmp_path} is a directory, not a book."


@pytest.mark.parametrize("content", [b"time,open,high\n", b"SQLite format 2\x00", b"x"])
def test_a_text_file_is_not_a_book(tmp_path: Path, content: bytes):
    path = tmp_path / "candles.csv"
    path.write_bytes(content)

    error = refused(path)
    assert isinstance(error, NotABook)
    assert str(error) == f"{path} is not a book: it is no SQLite file."


def test_another_programs_database_is_not_a_book(tmp_path: Path):
    path = tmp_path / "other.db"
    foreign_database(path, "CREATE TABLE music(title TEXT)")

    error = refused(path)
    assert isinstance(error, NotABook)
    assert "another program's database" in str(error)
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_a_legacy_positions_db_is_sent_to_the_import(tmp_path: Path):
    path = tmp_path / "positions.db"
    foreign_database(path, "CREATE TABLE open_positions(id INTEGER PRIMARY KEY, symbol TEXT)")

    error = refused(path)
    assert isinstance(error, LegacyBook)
    assert "import-legacy" in str(error)


@needs_shared
def test_the_real_legacy_positions_db_is_recognised(tmp_path: Path):
    path = tmp_path / "positions.db"
    path.write_bytes((SHARED / "legacy" / "crypto-signal-bot" / "positions.db").read_bytes())

    assert isinstance(refused(path), LegacyBook)


def test_a_newer_book_is_refused_by_name_and_version(tmp_path: Path):
    path = tmp_path / "positions.db"
    open_live(path).close()
    foreign_database(
        path,
        "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES('onebook','onebook 99 (moon)','')",
    )

    error = refused(path)
    assert isinstance(error, NewerBook)
    assert '"onebook 99 (moon)"' in str(error)
    assert schema.NEWEST in str(error)
    with pytest.raises(NewerBook):
        Book.open_read_only(path)


def test_a_live_book_is_never_replayed_into(tmp_path: Path):
    path = tmp_path / "positions.db"
    open_live(path).close()

    error = refused(path, BookKind.REPLAY)
    assert isinstance(error, WrongKind)
    assert str(error) == f"{path} is a live book and cannot be used as a replay book."


def test_a_damaged_book_says_so(tmp_path: Path):
    path = tmp_path / "positions.db"
    with open_live(path) as book, book.transaction() as tx:
        for n in range(200):
            tx.settings.set(f"key {n}", "x" * 500, "test", NOW_MS)
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)

    with pytest.raises(CorruptBook, match="is damaged"), open_live(path) as book, book.reading() as view:
        view.settings.all()


def record_until_the_disk_is_full(book: Book) -> None:
    with book.transaction() as tx:
        [pages] = tx.connection.execute("PRAGMA page_count").fetchone()
        tx.connection.execute(f"PRAGMA max_page_count={pages}")
        recorded(tx)
        for n in range(100):
            tx.settings.set(f"key {n}", "x" * 500, "test", NOW_MS)


def test_a_full_disk_undoes_the_transaction_and_says_so(book: Book):
    with pytest.raises(DiskFull, match=r"is full; nothing was written\."):
        record_until_the_disk_is_full(book)

    with book.reading() as view:
        assert view.journal.rows() == ()


def disk_is_full() -> None:
    error = DatabaseError("database or disk is full")
    error.sqlite_errorcode = SQLITE_FULL
    raise error


def test_a_disk_that_fills_while_the_book_is_made_leaves_no_file(tmp_path: Path):
    with pytest.raises(DiskFull):
        Book.open(tmp_path / "book.db", BookKind.LIVE, now_ms=NOW_MS, fault=CrashAt(20, disk_is_full))

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that another user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def open_as_nobody(path: Path) -> None:
    """Exit with 0 when the book is refused as read-only in one sentence, with 1 when it opens."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        open_live(path)
    except ReadOnlyBook as error:
        os._exit(0 if str(path) in str(error) else 2)
    os._exit(1)


def test_a_directory_that_cannot_be_written_is_named(open_folder: Path):
    open_folder.chmod(0o555)

    assert in_child(open_as_nobody, open_folder / "positions.db") == 0


def test_a_file_that_cannot_be_written_is_named(open_folder: Path):
    path = open_folder / "positions.db"
    open_live(path).close()
    path.chmod(0o444)

    assert in_child(open_as_nobody, path) == 0


def test_a_book_opened_for_reading_refuses_to_write(tmp_path: Path):
    open_live(tmp_path / "positions.db").close()

    with Book.open_read_only(tmp_path / "positions.db") as book:
        with pytest.raises(ReadOnlyBook, match="was opened for reading"), book.transaction():
            pass
        with pytest.raises(ReadOnlyBook), book.reading() as view:
            view.settings.set("key", 1, "test", NOW_MS)


def die_on_the_way_to_a_log(path: Path) -> None:
    """A restored book is one file without a log; its process ends while it writes, with pages on the disk already."""
    connection = connect(path, Access.WRITE)
    connection.execute("PRAGMA journal_mode=DELETE").close()
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO meta(key, value) VALUES(?, ?)", ((str(n), "x" * 1000) for n in range(100)))
    kill_process()


def test_a_reader_rolls_back_what_a_dead_process_left_half_done(tmp_path: Path):
    path = tmp_path / "live.db"
    open_live(path).close()
    in_child(die_on_the_way_to_a_log, path)
    assert path.with_name("live.db-journal").stat().st_size > 0

    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.meta.get("1") is None
        assert view.meta.kind() is BookKind.LIVE


def test_a_reader_does_not_upgrade_an_older_book(tmp_path: Path):
    path = tmp_path / "positions.db"
    path.touch()
    connection = connect(path, Access.WRITE)
    connection.execute("BEGIN IMMEDIATE")
    schema.migrate(connection, stop_before=schema.NEWEST)
    connection.execute("COMMIT")
    connection.close()

    with pytest.raises(OlderBook, match="must be upgraded"):
        Book.open_read_only(path)


def record_and_crash(book: Book) -> None:
    with book.transaction() as tx:
        recorded(tx)
        raise Crash


def test_a_transaction_happens_whole_or_not_at_all(book: Book):
    with pytest.raises(Crash):
        record_and_crash(book)

    with book.reading() as view:
        assert view.journal.rows() == ()


def test_after_a_crash_at_any_statement_the_book_holds_all_or_nothing(tmp_path: Path):
    statement = 0
    while True:
        path = tmp_path / f"{statement}.db"
        open_live(path).close()
        crash = CrashAt(statement, raise_crash)
        try:
            with Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=crash) as book, book.transaction() as tx:
                opened(tx, signal_id=recorded(tx))
        except Crash:
            pass
        with open_live(path) as book, book.reading() as view:
            assert (len(view.signals.latest(9)), len(view.positions.open_positions())) in ((0, 0), (1, 1))
        if not crash.struck:
            break
        statement += 1
    assert statement > 5


def test_an_error_of_our_own_sql_is_not_dressed_up(book: Book):
    with pytest.raises(IntegrityError), book.transaction() as tx:
        opened(tx, qty=-1.0)


def test_a_transaction_inside_a_transaction_is_refused_at_once(book: Book):
    with book.transaction(), pytest.raises(RuntimeError, match="already open"), book.transaction():
        pass


def test_a_reader_sees_one_moment_however_much_is_written_meanwhile(book: Book):
    with book.reading() as view:
        before = view.portfolios.all()
        with book.transaction() as tx:
            recorded(tx, status=SignalStatus.SENT)

        assert view.signals.latest(1) == ()
        assert view.portfolios.all() == before
    with book.reading() as view:
        assert len(view.signals.latest(1)) == 1


def test_references_are_enforced(book: Book):
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), book.transaction() as tx:
        opened(tx, signal_id=12345)


def test_one_symbol_has_one_open_position_per_exclusive_portfolio(book: Book):
    with book.transaction() as tx:
        opened(tx)
        with pytest.raises(IntegrityError, match="UNIQUE"):
            opened(tx)
        opened(tx, exclusive=False)

        assert len(tx.positions.open_positions(paper(tx))) == 2
