"""A large book is looked through by the hour, and asked in between for what it found and for everything newer."""

from collections.abc import Callable, Iterator

import pytest

import services.verify
from engine.params import Params
from engine.timeframes import HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from services.verify import truths, verify_book
from storage.book import Book
from storage.stores import Stores
from storage.verified import keep_verified, last_verified
from tests.storage.samples import NOW_MS
from tests.storage.test_identities import LATER_MS, booked_trade

AT_MS = LATER_MS + HOUR_MS
DEFAULTS = Params()
EVENT = "every closed position has its event"


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            booked_trade(tx)
        yield book


@pytest.fixture
def large(book: Book) -> Book:
    """A book with a row number beyond which nobody looks through it on the spot, looked through by the job."""
    with book.transaction() as tx:
        tx.connection.execute(
            "INSERT INTO events(id, at_ms, type) VALUES(?,?,'COMMAND')", (services.verify.ON_THE_SPOT_ROWS, NOW_MS)
        )
    found = verify_book(book, DEFAULTS, AT_MS)
    with book.transaction() as tx:
        keep_verified(tx.meta, found)
    return book


def broken(book: Book, now_ms: int = AT_MS) -> list[str]:
    with book.reading() as view:
        return [truth.name for truth in truths(view, DEFAULTS, now_ms).identities if not truth.holds]


def write(book: Book, change: Callable[[Stores], object]) -> None:
    with book.transaction() as tx:
        change(tx)


def test_what_the_job_keeps_is_read_back_as_it_was(large: Book):
    with large.reading() as view:
        kept = last_verified(view.meta)

    assert kept == verify_book(large, DEFAULTS, AT_MS)


def test_a_small_book_is_asked_on_the_spot(book: Book):
    with book.reading() as view:
        assert truths(view, DEFAULTS, AT_MS).verified_ms is None

    write(book, lambda tx: tx.connection.execute("UPDATE ledger SET amount=amount+1 WHERE kind='FEE' AND id=2"))
    assert [name.split()[1] for name in broken(book)] == ["balance"]


def test_a_file_of_many_bytes_is_left_to_its_backups_though_its_rows_are_few(book: Book):
    def names() -> set[str]:
        with book.reading() as view:
            return {truth.name for truth in truths(view, DEFAULTS, AT_MS).identities}

    assert "the file is sound" in names()
    write(book, lambda tx: tx.meta.set("padding", "x" * services.verify.ON_THE_SPOT_BYTES))
    assert "the file is sound" not in names()


def test_a_large_book_answers_with_its_last_look_and_its_age(large: Book):
    with large.reading() as view:
        found = truths(view, DEFAULTS, AT_MS + 20 * MINUTE_MS)

    assert found.verified_ms == AT_MS
    assert found.difference is None


def test_what_breaks_in_a_large_book_after_its_last_look_is_seen_at_once(large: Book):
    def second_trade(tx: Stores) -> None:
        position_id = tx.connection.execute("SELECT MAX(id) FROM positions").fetchone()[0]
        account = tx.connection.execute("SELECT id FROM portfolios WHERE kind='paper'").fetchone()[0]
        tx.connection.execute(
            "INSERT INTO ledger(portfolio_id, at_ms, kind, amount, fill_id, idem_key) VALUES(?,?,'FEE',-1,1,'again')",
            (account, AT_MS),
        )
        tx.connection.execute("DELETE FROM events WHERE position_id=?", (position_id,))

    write(large, second_trade)
    assert broken(large) == ["paper balance = deposits + fills' P&L - fees + adjustments", EVENT]


def test_what_is_changed_in_older_rows_is_seen_by_the_next_look(large: Book):
    write(large, lambda tx: tx.connection.execute("UPDATE ledger SET amount=amount+1 WHERE kind='FEE' AND id=2"))
    assert broken(large) == []

    found = verify_book(large, DEFAULTS, AT_MS)
    write(large, lambda tx: keep_verified(tx.meta, found))
    assert [name.split()[1] for name in broken(large)] == ["balance"]


def test_what_the_last_look_found_stays_until_the_next_one(book: Book, large: Book):
    write(large, lambda tx: tx.connection.execute("DELETE FROM events WHERE type='POSITION_CLOSED'"))
    found = verify_book(large, DEFAULTS, AT_MS)
    write(large, lambda tx: keep_verified(tx.meta, found))

    assert broken(large, AT_MS + 90 * 24 * HOUR_MS) == [EVENT]
