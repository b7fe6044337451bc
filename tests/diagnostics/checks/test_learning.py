"""The checks of learning: no model is a state, an expired one and another market are told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from diagnostics.checks import CheckResult, Status, run_checks
from engine.vocabulary import BookKind
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from services.train import Trained, keep
from services.training import train_book
from storage.book import Book
from tests.ml.markets import HOUR_MS, rows
from tests.services.test_train import BEGIN_MS, NOW_MS, PARAMS, with_backtest
from tests.storage.samples import LONG, recorded

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """A book with a model that acts."""
    path = tmp_path_factory.mktemp("taught") / "positions.db"
    with Book.open(path, BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book), PARAMS, NOW_MS)
        assert isinstance(outcome, Trained)
        with book.transaction() as tx:
            keep(tx, outcome, "test")
        yield book


def check(book: Book, name: str, now_ms: int = NOW_MS) -> CheckResult:
    with book.reading() as view:
        return next(one for one in run_checks(view, now_ms, PARAMS).checks if one.name == name)


def with_signals(book: Book, shift: float) -> None:
    """Sixty signals of the last days with one feature moved."""
    with book.transaction() as tx:
        for number, row in enumerate(rows(60, 8, names=FEATURE_NAMES)):
            features = {**row.features, FEATURE_NAMES[3]: row.features[FEATURE_NAMES[3]] + shift}
            at_ms = NOW_MS - number * HOUR_MS
            recorded(
                tx,
                replace(
                    LONG, setup_key=f"{shift}:{number}", candle_close_ms=at_ms, valid_until_ms=at_ms + HOUR_MS,
                    features=features, features_version=FEATURES_VERSION,
                ),
            )  # fmt: skip


def test_a_new_book_has_no_model_and_that_is_no_fault(book: Book):
    labels = check(book, "labels")
    assert (labels.status, labels.value, labels.limit) == (Status.IDLE, "0 trades", "50 trades")
    assert "too few to train" in labels.detail
    assert check(book, "model").status is Status.IDLE
    assert check(book, "drift").status is Status.IDLE


def test_enough_labels_and_an_acting_model_are_well(taught: Book):
    assert check(taught, "labels").status is Status.OK
    model = check(taught, "model")
    assert (model.status, model.value) == (Status.OK, "model 1, 0.0 days old")


def test_an_expired_model_is_told_with_what_to_do(taught: Book):
    model = check(taught, "model", NOW_MS + 22 * DAY_MS)

    assert (model.status, model.value) == (Status.WARN, "model 1, 22.0 days old")
    assert "the rules decide alone" in model.detail
    assert model.remedy == "python bot.py train"


def test_a_market_of_another_kind_raises_the_alarm_by_the_features_name(taught: Book):
    with_signals(taught, 0.0)
    assert check(taught, "drift").status is Status.OK

    with_signals(taught, 6.0)
    drift = check(taught, "drift")
    assert drift.status is Status.WARN
    assert FEATURE_NAMES[3] in drift.detail
