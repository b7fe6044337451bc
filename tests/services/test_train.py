"""Training from a book: judged, stored, acting within bounds, refused where it should be, bounded in time and memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.params import LearningParams, Params
from engine.vocabulary import BookKind, Direction, Outcome
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from services.model_health import model_health
from services.predict import load_acting, with_word
from services.record import Looked
from services.train import Refused, Trained, activate, keep, train_apart, why_not_due
from services.training import train_book
from storage.backtests import BacktestRun, Backtests, BacktestTrade
from storage.book import Book
from storage.events import EventType
from storage.models import MODEL_NAME, NewModel
from tests.ml.markets import BEGIN_MS, HOUR_MS, rows
from tests.storage.samples import LONG

DAY_MS = 24 * HOUR_MS
PARAMS = Params()
COUNT = 700
NOW_MS = BEGIN_MS + 2 * COUNT * HOUR_MS
EXPIRES_MS = 21 * DAY_MS


def with_backtest(book: Book, *, learnable: bool = True, count: int = COUNT) -> Book:
    """The book with a stored backtest whose outcomes follow two features, or none."""
    trades = [
        BacktestTrade(
            row.symbol, row.timeframe, Direction.LONG, row.setup, row.decided_ms, row.decided_ms, row.closed_ms,
            row.r_multiple, Outcome.WIN if row.is_win else Outcome.LOSS, row.confidence, row.features,
            FEATURES_VERSION,
        )
        for row in rows(count, learnable=learnable, names=FEATURE_NAMES)
    ]  # fmt: skip
    run = BacktestRun("simulated", PARAMS.hash, "1", ("BTCUSDT 1h",), BEGIN_MS, NOW_MS, {})
    with book.transaction() as tx:
        Backtests(tx.connection).record(run, trades, NOW_MS)
    return book


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=BEGIN_MS) as book:
        yield book


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, int]]:
    """A book with a promoted model."""
    path = tmp_path_factory.mktemp("taught") / "positions.db"
    with Book.open(path, BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book), PARAMS, NOW_MS)
        assert isinstance(outcome, Trained)
        with book.transaction() as tx:
            model_id = keep(tx, outcome, "test")
        yield book, model_id


def test_what_can_be_learned_is_promoted_and_acts(taught: tuple[Book, int]):
    book, model_id = taught
    with book.reading() as view:
        active = view.models.active(MODEL_NAME)
        types = [type_ for (type_,) in view.connection.execute("SELECT type FROM events ORDER BY id")]

    assert active is not None
    assert active.id == model_id
    assert active.verdict.startswith("promoted: skill 0.")
    assert active.metrics["rows"] == {"journal": 0, "backtest": COUNT}
    assert types[-2:] == [EventType.MODEL_TRAINED.value, EventType.MODEL_ACTIVATED.value]


def test_the_acting_model_moves_a_signal_by_its_word_and_keeps_the_base_score(taught: tuple[Book, int]):
    book, model_id = taught
    with book.transaction() as tx:
        acting = load_acting(tx, NOW_MS, EXPIRES_MS)
    first, second = FEATURE_NAMES[:2]
    likely = replace(LONG, base_confidence=70.0, features={first: 2.0, second: -2.0})
    unlikely = replace(LONG, base_confidence=70.0, features={first: -2.0, second: 2.0})
    up, down = with_word([Looked("BTCUSDT", LONG.timeframe, NOW_MS, one) for one in (likely, unlikely)], acting)

    assert 70.0 < up.result.confidence <= 80.0
    assert 50.0 <= down.result.confidence < 70.0
    assert up.result.base_confidence == down.result.base_confidence == 70.0
    assert up.said.model_id == model_id
    assert up.said.p_win > down.said.p_win


def test_without_a_model_nothing_is_said():
    looked = Looked("BTCUSDT", LONG.timeframe, NOW_MS, LONG)

    assert with_word([looked], None) == (looked,)
    assert looked.said is None


@pytest.mark.long
def test_the_same_book_and_seed_give_the_same_bytes_in_another_process(taught: tuple[Book, int]):
    book, model_id = taught
    with book.transaction() as tx:
        tx.models.deactivate(MODEL_NAME)
    again = train_apart(book.path, PARAMS, NOW_MS)
    with book.transaction() as tx:
        tx.models.activate(model_id)
        stored = tx.models.get(model_id)

    assert isinstance(again, Trained)
    assert again.model.sha256 == stored.sha256


def test_a_model_that_does_not_help_is_stored_with_its_reason_and_does_not_act(book: Book):
    outcome = train_book(with_backtest(book, learnable=False), PARAMS, NOW_MS)
    assert isinstance(outcome, Trained)
    with book.transaction() as tx:
        keep(tx, outcome, "test")
        assert tx.models.active(MODEL_NAME) is None
        [stored] = tx.models.all(MODEL_NAME)
        assert stored.verdict.startswith("refused: ")


def test_an_expired_model_and_a_forged_one_are_told_of_once_and_the_rules_go_on(taught: tuple[Book, int]):
    book, model_id = taught
    late_ms = NOW_MS + EXPIRES_MS + 1
    with book.transaction() as tx:
        blob = tx.models.get(model_id).blob
        assert load_acting(tx, late_ms, EXPIRES_MS) is None
        assert load_acting(tx, late_ms, EXPIRES_MS) is None
        tx.connection.execute("UPDATE models SET blob=x'00' WHERE id=?", (model_id,))
        assert load_acting(tx, NOW_MS, EXPIRES_MS) is None
        told = [m for (m,) in tx.connection.execute("SELECT message FROM events WHERE type='MODEL_REFUSED' ORDER BY id")]
        tx.connection.execute("UPDATE models SET blob=? WHERE id=?", (blob, model_id))
        assert load_acting(tx, NOW_MS, EXPIRES_MS) is not None

    assert len(told) == 2
    assert "has expired" in told[0]
    assert "checksum" in told[1]


def test_an_empty_book_says_what_training_needs(book: Book):
    outcome = train_book(book, PARAMS, NOW_MS)

    assert outcome == Refused("Training needs 50 labelled trades, has 0.")


def test_origins_can_be_left_out(book: Book):
    params = replace(PARAMS, learning=LearningParams(backtests=False))

    assert train_book(with_backtest(book), params, NOW_MS) == Refused("Training needs 50 labelled trades, has 0.")


def test_labels_from_the_future_are_refused(book: Book):
    outcome = train_book(with_backtest(book), PARAMS, BEGIN_MS + 100 * HOUR_MS)

    assert isinstance(outcome, Refused)
    assert "come from the future" in outcome.reason


def test_a_training_that_takes_too_long_is_ended(book: Book):
    params = replace(PARAMS, learning=LearningParams(timeout_s=1))

    assert train_apart(with_backtest(book).path, params, NOW_MS) == Refused(
        "The training took more than 1 s and was ended."
    )


def test_a_training_that_dies_is_a_reason_and_no_crash(book: Book):
    params = replace(PARAMS, learning=LearningParams(memory_mb=60))
    outcome = train_apart(with_backtest(book).path, params, NOW_MS)

    assert isinstance(outcome, Refused)
    assert "60 MB" in outcome.reason or "ended with code" in outcome.reason


def test_a_training_is_due_by_age_or_by_new_outcomes(taught: tuple[Book, int]):
    book, _ = taught
    with book.reading() as view:
        assert why_not_due(view, PARAMS.learning, NOW_MS + 6 * DAY_MS) == (
            "trained 6.0 days ago, 0 outcomes since; due after 7 days or 50 outcomes"
        )
        assert why_not_due(view, PARAMS.learning, NOW_MS + 7 * DAY_MS) is None


def test_an_earlier_model_can_act_again(taught: tuple[Book, int]):
    book, model_id = taught
    with book.transaction() as tx:
        stored = tx.models.get(model_id)
        later = tx.models.add(NewModel(**{name: getattr(stored, name) for name in NewModel.__dataclass_fields__}))
        activate(tx, later, NOW_MS, "owner")
        activate(tx, model_id, NOW_MS, "owner")
        active = tx.models.active(MODEL_NAME)

    assert active is not None
    assert active.id == model_id


def test_the_health_of_the_model_is_in_the_book(taught: tuple[Book, int]):
    book, model_id = taught
    with book.reading() as view:
        health = model_health(view, PARAMS, NOW_MS)
        old = model_health(view, PARAMS, NOW_MS + EXPIRES_MS + 1)

    assert health.active is not None
    assert (health.active.id, health.expired, health.drifted, health.calibration) == (model_id, False, (), None)
    assert old.expired
