from contextlib import suppress

import pytest

from storage.book import Book
from storage.database import Connection
from storage.legacy_bulk import BULK_FROM_BYTES, ROWS_AT_ONCE, Bulk, BulkWriting, ManyRows
from tests.storage.samples import recorded


class CutOff(Exception):
    """Stands for whatever ends an import in the middle."""


def indexes(connection: Connection) -> set[tuple[str, str]]:
    return set(connection.execute("SELECT name, sql FROM sqlite_master WHERE type='index'"))


def test_a_large_first_file_is_written_without_the_indexes_nobody_asks_meanwhile(book: Book):
    with book.transaction() as tx:
        BulkWriting(tx.connection, BULK_FROM_BYTES)
        names = {name for name, _ in indexes(tx.connection)}

    assert "signals_series" not in names
    assert {"signals_setup", "legacy_original"} <= names


def test_every_index_is_back_when_a_large_file_has_ended(book: Book):
    with book.transaction() as tx:
        before = indexes(tx.connection)
        BulkWriting(tx.connection, BULK_FROM_BYTES).end()

        assert indexes(tx.connection) == before


def test_a_large_file_that_is_cut_off_leaves_every_index(book: Book):
    with book.reading() as view:
        before = indexes(view.connection)
    with suppress(CutOff), book.transaction() as tx:
        BulkWriting(tx.connection, BULK_FROM_BYTES)
        raise CutOff

    with book.reading() as view:
        assert indexes(view.connection) == before


@pytest.mark.parametrize("file_bytes", [0, BULK_FROM_BYTES - 1])
def test_a_small_file_leaves_the_indexes_in_place(book: Book, file_bytes: int):
    with book.transaction() as tx:
        before = indexes(tx.connection)
        BulkWriting(tx.connection, file_bytes)

        assert indexes(tx.connection) == before


def test_a_book_that_has_signals_keeps_its_indexes(book: Book):
    with book.transaction() as tx:
        recorded(tx)
        before = indexes(tx.connection)
        BulkWriting(tx.connection, BULK_FROM_BYTES)

        assert indexes(tx.connection) == before


def test_a_file_is_as_large_as_the_importer_says(book: Book):
    with book.transaction() as tx:
        before = indexes(tx.connection)
        BulkWriting(tx.connection, 1, Bulk(from_bytes=1))

        assert indexes(tx.connection) < before


@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
def test_many_rows_are_written_once_and_in_their_order(book: Book, count: int):
    with book.transaction() as tx:
        tx.connection.execute("CREATE TABLE written(no INTEGER PRIMARY KEY, half REAL, side TEXT)")
        rows = ManyRows(
            "written",
            columns="half, side",
            values="column1/2.0, p.kind",
            width=1,
            beside="CROSS JOIN portfolios p ON p.kind='paper'",
        )
        for number in range(count):
            rows.add((number,))
        rows.write(tx.connection)
        rows.write(tx.connection)

        assert tx.connection.execute("SELECT half, side FROM written ORDER BY no").fetchall() == [
            (number / 2, "paper") for number in range(count)
        ]
