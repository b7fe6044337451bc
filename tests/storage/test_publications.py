"""The public record: append-only, chained, and any change of a row is found."""

import hashlib
import json
from dataclasses import replace

import pytest

from storage.book import Book
from storage.database import Access, IntegrityError, connect
from storage.publications import GENESIS, Delivery, Publication, PublicationKind
from storage.stores import Stores
from tests.storage.samples import HOUR_MS, LONG, NOW_MS, SHORT, recorded


def told(tx: Stores, count: int = 3) -> tuple[Publication, ...]:
    """A record of `count` rows about one signal, the first its post."""
    signal_id = recorded(tx)
    kinds = (PublicationKind.SIGNAL, PublicationKind.ENTRY, PublicationKind.CLOSE)
    return tuple(
        tx.publications.append(
            signal_id, kinds[number % 3], Delivery.SENT, {"symbol": "ПРОБА", "price": 0.1 + number}, NOW_MS + number
        )
        for number in range(count)
    )


def told_of_a_signal_and_then_of_none(tx: Stores) -> None:
    for signal_id in (1, 999):
        tx.publications.append(signal_id, PublicationKind.CLOSE, Delivery.SENT, {}, NOW_MS)


def tamper(book: Book, sql: str) -> None:
    """Change the record as somebody with the file and no scruples can."""
    careless = connect(book.path, Access.WRITE)
    careless.execute("PRAGMA foreign_keys=OFF")
    for trigger in ("publications_no_update", "publications_no_delete"):
        careless.execute(f"DROP TRIGGER {trigger}")
    careless.execute(sql)
    careless.close()


def test_each_row_carries_the_hash_of_the_one_before_and_the_head_is_the_last(book: Book):
    with book.transaction() as tx:
        assert tx.publications.head() == GENESIS
        first, second, third = told(tx)

        assert (first.seq, first.prev_hash) == (1, GENESIS)
        assert (second.prev_hash, third.prev_hash) == (first.hash, second.hash)
        assert tx.publications.head() == third.hash
        assert tx.publications.check().difference is None


def test_a_hash_is_sha256_of_sorted_json_without_spaces_in_utf_8(book: Book):
    with book.transaction() as tx:
        [row] = told(tx, 1)

    written = (
        f'{{"at_ms":{NOW_MS},"delivery":"SENT","kind":"SIGNAL","payload":{{"price":0.1,"symbol":"ПРОБА"}},'
        f'"prev_hash":"{GENESIS}","seq":1,"signal_id":{row.signal_id}}}'
    )
    assert row.hash == hashlib.sha256(written.encode()).hexdigest()


def test_an_exported_line_holds_the_whole_row(book: Book):
    with book.transaction() as tx:
        told(tx)

    with book.reading() as view:
        for row in view.publications.rows():
            fields = json.loads(row.line)
            assert fields["hash"] == row.hash == replace(row, hash="").expected_hash()
            assert set(fields) == {
                "seq", "signal_id", "kind", "delivery", "payload", "at_ms", "prev_hash", "hash",
            }  # fmt: skip


def test_what_a_signal_was_told_of_is_found_in_order(book: Book):
    with book.transaction() as tx:
        rows = told(tx)
        other = recorded(tx, SHORT)
        tx.publications.append(other, PublicationKind.SIGNAL, Delivery.UNKNOWN, {}, NOW_MS)

        assert tx.publications.of_signal(rows[0].signal_id) == rows
        [unsure] = tx.publications.of_signal(other)
        assert unsure.delivery is Delivery.UNKNOWN


@pytest.mark.parametrize("sql", ["UPDATE publications SET at_ms=at_ms+1", "DELETE FROM publications"])
def test_the_book_itself_refuses_to_change_or_forget_a_row(book: Book, sql: str):
    with book.transaction() as tx:
        told(tx)

    with pytest.raises(IntegrityError, match="append-only"), book.transaction() as tx:
        tx.connection.execute(sql)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE publications SET at_ms=at_ms+1 WHERE seq=2", "publication 2: its hash"),
        ("UPDATE publications SET delivery='UNKNOWN' WHERE seq=1", "publication 1: its hash"),
        ("UPDATE publications SET payload=replace(payload,'1.1','9.1') WHERE seq=2", "publication 2: its hash"),
        ("UPDATE publications SET payload=replace(payload,':',': ') WHERE seq=3", "publication 3: its hash"),
        ("UPDATE publications SET payload='7' WHERE seq=3", "publication 3: its hash"),
        ("UPDATE publications SET kind='PRAISE' WHERE seq=1", "publication 1: it is no row of ours"),
        ("UPDATE publications SET hash=upper(hash) WHERE seq=2", "publication 2: its hash"),
        ("DELETE FROM publications WHERE seq=1", "publication 2: it stands where number 1 is due"),
        ("DELETE FROM publications WHERE seq=2", "publication 3: it stands where number 2 is due"),
        ("UPDATE publications SET seq=seq+10", "publication 11: it stands where number 1 is due"),
        ("UPDATE publications SET prev_hash='x' WHERE seq=3", "publication 3: it does not follow"),
    ],
)
def test_a_change_behind_the_books_back_is_found_where_it_was_made(book: Book, sql: str, found: str):
    with book.transaction() as tx:
        told(tx)
    tamper(book, sql)

    with book.reading() as view:
        assert str(view.publications.check().difference).startswith(found)


def test_a_row_that_is_not_committed_leaves_the_chain_as_it_was(book: Book):
    with book.transaction() as tx:
        rows = told(tx)
    with pytest.raises(IntegrityError), book.transaction() as tx:
        told_of_a_signal_and_then_of_none(tx)

    with book.reading() as view:
        assert view.publications.head() == rows[-1].hash
        assert view.publications.check().count == len(rows)


def test_a_signal_told_twice_is_one_signal_of_the_record(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx, LONG)
        for delivery, at_ms in ((Delivery.UNKNOWN, NOW_MS), (Delivery.SENT, NOW_MS + HOUR_MS)):
            tx.publications.append(signal_id, PublicationKind.SIGNAL, delivery, {}, at_ms)

        [row] = tx.publications.outcomes()
        assert (row.signal_id, row.sent_ms) == (signal_id, NOW_MS)
