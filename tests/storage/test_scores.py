"""Scores in the book: counted at each close, equal to a rebuild, and a difference is found by its key."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from engine.scores import Dim, ScoreStatus, StatusSource
from engine.vocabulary import BookKind, PortfolioKind
from storage.book import Book
from storage.identities import identities
from storage.stores import Stores
from tests.services.test_replay import BEGIN_MS, into
from tests.storage.samples import NOW_MS, paper


@pytest.fixture(scope="module")
def traded():
    """A replay with closed paper trades."""
    with Book.temporary(BookKind.REPLAY, now_ms=BEGIN_MS) as book:
        into(book)
        yield book


def closed_in_paper(book: Book) -> int:
    with book.reading() as view:
        account = view.portfolios.of_kind(PortfolioKind.PAPER).id
        [(count,)] = view.connection.execute(
            "SELECT COUNT(*) FROM positions WHERE status='CLOSED' AND portfolio_id=?", (account,)
        )
    return count


def test_every_close_of_the_account_is_counted_once_in_each_dimension(traded: Book):
    with traded.reading() as view:
        for dim in Dim:
            assert sum(score.n for score in view.scores.all(dim)) == closed_in_paper(traded) > 5


def test_scores_are_those_of_a_rebuild(traded: Book):
    with traded.reading() as view:
        stored = {(score.dim, score.key): score for score in view.scores.all()}
        assert stored == view.scores.rebuilt()
        assert view.scores.differences() == []


@contextmanager
def spoilt(book: Book, sql: str) -> Iterator[Stores]:
    """The book after one statement that is taken back at the end."""
    with suppress(TakenBack), book.transaction() as tx:
        tx.connection.execute(sql)
        yield tx
        raise TakenBack


class TakenBack(Exception):
    """Ends a transaction without a trace."""


def test_a_score_that_was_tampered_with_breaks_the_identity_by_name(traded: Book):
    with spoilt(traded, "UPDATE scores SET gross_win=gross_win+1 WHERE dim='direction' AND key='LONG'") as tx:
        [broken] = [identity for identity in identities(tx) if not identity.holds]

    assert (broken.name, broken.detail) == ("scores = rebuild from the closed trades", "direction LONG")


def test_a_missing_score_is_a_difference_too(traded: Book):
    with spoilt(traded, "DELETE FROM scores WHERE dim='coin' AND key='BTCUSDT'") as tx:
        assert tx.scores.differences() == ["coin BTCUSDT"]


def test_a_persons_status_sizes_the_next_order_until_it_is_cleared(book: Book):
    with book.transaction() as tx:
        tx.scores.set_status(Dim.COIN, "BTCUSDT", ScoreStatus.BLACKLISTED, "delisted soon", NOW_MS)
        score = tx.scores.get(Dim.COIN, "BTCUSDT")
        assert (score.status, score.source, score.reason) == (
            ScoreStatus.BLACKLISTED,
            StatusSource.MANUAL,
            "delisted soon",
        )
        assert tx.positions.account_view(paper(tx), "BTCUSDT", NOW_MS).coin_status is ScoreStatus.BLACKLISTED
        assert tx.positions.account_view(paper(tx), "ETHUSDT", NOW_MS).coin_status is ScoreStatus.UNKNOWN
        assert tx.scores.differences() == []

        tx.scores.clear_status(Dim.COIN, "BTCUSDT", NOW_MS)
        assert tx.scores.get(Dim.COIN, "BTCUSDT").status is ScoreStatus.UNKNOWN


def test_a_score_that_has_not_heard_of_a_new_close_is_behind(traded: Book):
    with traded.reading() as view:
        assert view.scores.behind(BEGIN_MS) == []

    with spoilt(traded, "UPDATE scores SET last_closed_ms=1 WHERE dim='direction' AND key='LONG'") as tx:
        assert tx.scores.behind(BEGIN_MS) == ["direction LONG"]
