"""Past models: asked for the time in which they stood, and about nothing before or after."""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind
from services.backtest import backtest
from services.past_models import PastModels, between, past_models, promoted_models
from services.replay import BTC
from services.train import Trained, keep
from services.training import train_book
from services.walk_forward import walk_forward
from storage.book import Book
from storage.models import StoredModel
from tests.services.test_replay import BEGIN_MS, PARAMS
from tests.services.test_train import NOW_MS as TAUGHT_MS
from tests.services.test_train import PARAMS as TAUGHT_WITH
from tests.services.test_train import with_backtest
from tests.services.test_walk_forward import NOW_MS, bars

if TYPE_CHECKING:  # its name would look like that of a test class
    from services.backtest import Tested

TRAINED_MS = BEGIN_MS + 12 * DAY_MS
DAYS_OLD = 9


@cache
def promoted() -> StoredModel:
    """A model that a training promoted, as if it had been trained on the twelfth day of the sample."""
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book), TAUGHT_WITH, TAUGHT_MS)
        assert isinstance(outcome, Trained)
        with book.transaction() as tx:
            keep(tx, outcome, "test")
            [stored] = promoted_models(tx)
    return replace(stored, trained_ms=TRAINED_MS)


def past(*stored: StoredModel, days: int = DAYS_OLD) -> PastModels:
    return past_models(stored, days)


@cache
def judged(with_model: bool) -> "Tested":
    return backtest([bars(BTC)], PARAMS, now_ms=NOW_MS, past=past(promoted()) if with_model else past())


def test_each_model_stands_from_its_training_until_the_next_or_until_it_expires():
    first, second = promoted(), replace(promoted(), id=2, trained_ms=TRAINED_MS + 3 * DAY_MS)
    models = past(first, second)
    asked = {
        days: None if (acting := models.at(TRAINED_MS + days * DAY_MS)) is None else acting.id
        for days in (-1, 0, 1, 3, 4, 12, 13)
    }

    assert asked == {-1: None, 0: None, 1: 1, 3: 1, 4: 2, 12: 2, 13: None}


def test_a_model_that_may_not_be_asked_leaves_its_time_to_the_rules_and_is_told_of():
    spoiled = replace(promoted(), id=2, trained_ms=TRAINED_MS + 3 * DAY_MS, sha256="0" * 64)
    models = past(promoted(), spoiled)

    assert models.at(TRAINED_MS + DAY_MS) is not None
    assert models.at(TRAINED_MS + 4 * DAY_MS) is None
    assert len(models.refusals) == 1


def test_a_refused_training_is_no_past_model():
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book, learnable=False), TAUGHT_WITH, TAUGHT_MS)
        assert isinstance(outcome, Trained)
        with book.transaction() as tx:
            keep(tx, outcome, "test")
            assert len(tx.models.all(promoted().name)) == 1
            assert promoted_models(tx) == ()


def test_only_models_that_stood_in_a_range_are_taken_along():
    stored = [replace(promoted(), id=day, trained_ms=BEGIN_MS + day * DAY_MS) for day in (1, 5, 9)]

    assert [one.id for one in between(stored, BEGIN_MS + 6 * DAY_MS, BEGIN_MS + 8 * DAY_MS)] == [5]
    assert [one.id for one in between(stored, BEGIN_MS + 6 * DAY_MS, BEGIN_MS + 30 * DAY_MS)] == [5, 9]
    assert [one.id for one in between(stored, BEGIN_MS, BEGIN_MS + 2 * DAY_MS)] == [1]


def test_a_backtest_with_models_moves_confidences_in_their_time_alone():
    with_model = (*judged(True).trades, *judged(True).not_sent)
    rules = {(t.decided_ms, t.direction, t.setup): t for t in (*judged(False).trades, *judged(False).not_sent)}
    moved = [t.decided_ms for t in with_model if t.confidence != rules[t.decided_ms, t.direction, t.setup].confidence]

    assert len(moved) > 5
    assert all(TRAINED_MS < at_ms <= TRAINED_MS + DAYS_OLD * DAY_MS for at_ms in moved)
    assert (judged(True).models, judged(False).models) == ((promoted().id,), ())


def test_a_model_sends_nothing_that_the_rules_would_not_send():
    rules = {(trade.decided_ms, trade.setup) for trade in (*judged(False).trades, *judged(False).not_sent)}

    assert all(signal.base_confidence >= PARAMS.gates.send_from_confidence for signal in judged(True).signals)
    assert {(trade.decided_ms, trade.setup) for trade in judged(True).trades} <= rules


def test_a_walk_forward_gives_each_fold_the_models_of_its_time():
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as book:
        walked = walk_forward(
            book, [bars(BTC)], PARAMS, months=12, now_ms=NOW_MS, past=past(promoted(), days=21), processes=1
        )
        with book.reading() as view:
            assert view.models.all(promoted().name) == ()

    assert walked.metrics["models"] == [promoted().id]


@pytest.mark.parametrize("days", [9, 21])
def test_an_unpromoted_book_is_the_rules_alone(days: int):
    assert past(days=days).at(TRAINED_MS) is None
