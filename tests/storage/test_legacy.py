from contextlib import suppress
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from migrations.legacy.normal_form import Reading, RecordVerdict
from migrations.legacy.raw_text import packed
from storage.book import Book
from storage.database import Access, IntegrityError, connect
from storage.errors import BookError, BusyBook
from storage.legacy import LegacyRecords, Receipt
from storage.legacy_database import is_legacy_database, legacy_rows, move_aside
from storage.legacy_rows import entry_of
from storage.legacy_writer import FileBeingRead, LegacyWriter
from tests.storage.samples import NOW_MS

DAY = "2025-10-09"  # of NOW_MS
REFUSED = Reading("/trades/0", packed('{"id": 1}'), RecordVerdict.QUARANTINED, ("no entry price",))


def legacy_database(path: Path, journal_mode: str = "DELETE") -> Path:
    path.touch()
    connection = connect(path, Access.WRITE)
    connection.execute(f"PRAGMA journal_mode={journal_mode}")
    connection.execute("CREATE TABLE open_positions(id INTEGER PRIMARY KEY, symbol, entry_price, sl_price, mark BLOB)")
    connection.execute("INSERT INTO open_positions VALUES(7, 'SOLUSDT', 140.0, 138.0, x'00ff')")
    connection.close()
    return path


def written(book: Book, *readings: Reading, sha256: str = "a") -> None:
    with book.transaction() as tx:
        import_id = LegacyRecords(tx.connection).begin("old bot", NOW_MS)
        writer = LegacyWriter(tx, FileBeingRead(import_id, "journal.json", sha256, "journal", 0, NOW_MS))
        writer.write([entry_of(reading, NOW_MS) for reading in readings])


def test_a_receipt_comes_back_as_it_was_written(book: Book):
    written(book, REFUSED)

    with book.reading() as view:
        [receipt] = LegacyRecords(view.connection).receipts("journal.json")
    assert receipt == Receipt(
        id=1,
        file="journal.json",
        place="/trades/0",
        shape="journal",
        verdict=RecordVerdict.QUARANTINED,
        reason="no entry price",
        table=None,
        row_id=None,
        raw='{"id": 1}',
    )


def test_one_place_of_one_content_has_one_receipt(book: Book):
    written(book, REFUSED)

    with pytest.raises(IntegrityError):
        written(book, REFUSED)
    written(book, REFUSED, sha256="b")


def test_counts_are_those_of_the_content_whatever_its_name(book: Book):
    written(book, REFUSED)

    with book.reading() as view:
        records = LegacyRecords(view.connection)
        assert records.counts("a") == {RecordVerdict.QUARANTINED: 1}
        assert records.counts("b") == {}


def test_a_part_that_fails_leaves_the_rest_of_its_transaction(book: Book):
    with book.transaction() as tx:
        records = LegacyRecords(tx.connection)
        records.begin("first", NOW_MS)
        with suppress(LookupError), records.whole_or_nothing():
            records.begin("second", NOW_MS)
            raise LookupError
        with records.undone():
            records.begin("third", NOW_MS)

    with book.reading() as view:
        assert [one.directory for one in LegacyRecords(view.connection).imports()] == ["first"]


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_the_rows_of_a_legacy_database_are_read_in_either_journal_mode(tmp_path: Path, journal_mode: str):
    path = legacy_database(tmp_path / "old.db", journal_mode)

    [row] = legacy_rows(path)
    assert (row.table, row.no, row.values["symbol"]) == ("open_positions", 7, "SOLUSDT")
    assert '"mark": "00ff"' in row.found.raw
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.db"]


def test_what_still_lies_in_the_write_ahead_log_is_read_too(tmp_path: Path):
    path = legacy_database(tmp_path / "old.db", "WAL")
    running = connect(path, Access.WRITE)
    running.execute("INSERT INTO open_positions(symbol) VALUES('ADAUSDT')")

    assert [row.values["symbol"] for row in legacy_rows(path)] == ["SOLUSDT", "ADAUSDT"]
    running.close()


def test_a_locked_database_is_busy_and_a_damaged_one_unreadable(tmp_path: Path):
    path = legacy_database(tmp_path / "old.db")
    other = connect(path, Access.WRITE)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BusyBook, match="busy"):
        legacy_rows(path)
    other.close()

    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(BookError, match=r"old\.db"):
        legacy_rows(path)


def test_a_legacy_database_is_moved_aside_with_its_side_files_and_never_over_another(tmp_path: Path):
    first = legacy_database(tmp_path / "positions.db")
    first.with_name("positions.db-journal").touch()
    aside = move_aside(first, NOW_MS)
    again = move_aside(legacy_database(tmp_path / "positions.db"), NOW_MS)

    assert aside == tmp_path / f"positions.legacy-{DAY}.db"
    assert again == tmp_path / f"positions.legacy-{DAY}-2.db"
    assert {entry.name for entry in tmp_path.iterdir()} == {aside.name, f"{aside.name}-journal", again.name}
    assert is_legacy_database(aside)


def test_what_is_no_legacy_database_stays_where_it_is(tmp_path: Path):
    Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=NOW_MS).close()
    (tmp_path / "text.db").write_text("text")

    assert move_aside(tmp_path / "positions.db", NOW_MS) is None
    assert move_aside(tmp_path / "text.db", NOW_MS) is None
    assert move_aside(tmp_path / "nothing.db", NOW_MS) is None
    assert (tmp_path / "positions.db").exists()
