"""The demonstration: the same story every time, every message after its cause, and a book that adds up."""

from collections.abc import Iterator

import pytest

from engine.compiled import COMPILED
from engine.params import Params
from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind
from services.demo import BEGIN_MS, PLAYED_DAYS, DemoError, play
from storage.book import Book
from storage.identities import identities
from storage.outbox import OutboxItem
from storage.stores import Stores
from storage.summary import summary_of


def rendered(stores: Stores, item: OutboxItem) -> str:
    return f"{item.kind} of signal {item.signal_id}"


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[Book, int, list[str]]]:
    """A played demonstration: its book, the instant it ends, what the screen showed."""
    shown: list[str] = []
    with Book.temporary(BookKind.DEMO, now_ms=BEGIN_MS) as book:
        yield book, play(book, Params(), COMPILED, rendered, shown.append), shown


def test_it_ends_after_its_days(played):
    assert played[1] == BEGIN_MS + PLAYED_DAYS * DAY_MS


def test_it_shows_signals_fills_and_closes_of_both_kinds(played):
    book, _, shown = played
    with book.reading() as view:
        summary = summary_of(view.connection)

    assert (summary.sent >= 3, summary.wins >= 1, summary.losses >= 1) == (True, True, True)
    for kind in ("signal", "entry", "target", "close"):
        assert any(f"{kind} of signal" in text for text in shown), kind


def test_every_sent_signal_is_shown_once_and_everything_else_answers_one(played):
    book, _, shown = played
    posts = [text for text in shown if "signal of signal" in text]

    with book.reading() as view:
        assert len(posts) == summary_of(view.connection).sent
    assert not any("reply" in text for text in posts)
    assert all("reply" in text for text in shown if " of signal" in text and text not in posts)


def test_nothing_is_left_to_say_and_the_book_adds_up(played):
    with played[0].reading() as view:
        assert view.outbox.backlog().waiting == 0
        assert all(truth.holds for truth in identities(view))


def test_a_book_is_played_once(played):
    with pytest.raises(DemoError, match="already holds a demonstration"):
        play(played[0], Params(), COMPILED, rendered, print)


def test_only_a_demo_book_is_played_into():
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as book, pytest.raises(DemoError, match="is no demo book"):
        play(book, Params(), COMPILED, rendered, print)
