from contextlib import suppress

import pytest

from storage.book import Book
from storage.database import Connection
from storage.legacy_bulk import BULK_FROM_BYTES, BulkWriting
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
