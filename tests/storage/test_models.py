"""Models and predictions in the book: versions count, one acts at most, the first word stands."""

from dataclasses import replace

import pytest

from storage.book import Book
from storage.models import NewModel
from storage.predictions import Prediction
from tests.storage.samples import LONG, NOW_MS, recorded

MODEL = NewModel(
    "confidence", NOW_MS, 878, 1, ("rsi", "adx"), {"skill": 0.1}, "promoted", {"scikit-learn": "1.9.1"}, b"\x00\x01", "ab"
)


def test_a_model_is_read_as_it_was_written_and_versions_count_by_name(book: Book):
    with book.transaction() as tx:
        first, second = tx.models.add(MODEL), tx.models.add(MODEL)
        other = tx.models.add(replace(MODEL, name="other"))

        assert [tx.models.get(model_id).version for model_id in (first, second, other)] == [1, 2, 1]
        stored = tx.models.get(first)
        assert {name: getattr(stored, name) for name in NewModel.__dataclass_fields__} == {
            name: getattr(MODEL, name) for name in NewModel.__dataclass_fields__
        }
        assert [model.id for model in tx.models.all("confidence")] == [second, first]


def test_one_model_of_a_name_acts_and_an_earlier_one_can_act_again(book: Book):
    with book.transaction() as tx:
        first, second = tx.models.add(MODEL), tx.models.add(MODEL)
        assert tx.models.active("confidence") is None

        for model_id in (first, second, first):
            tx.models.activate(model_id)
            active = tx.models.active("confidence")
            assert active is not None
            assert active.id == model_id
        tx.models.deactivate("confidence")
        assert tx.models.active("confidence") is None


def test_a_model_nobody_trained_cannot_act(book: Book):
    with book.transaction() as tx, pytest.raises(LookupError, match=r"^There is no model 7\.$"):
        tx.models.activate(7)


def test_a_signal_without_a_prediction_has_none_and_a_second_word_changes_nothing(book: Book):
    with book.transaction() as tx:
        signal_id, model_id = recorded(tx, LONG), tx.models.add(MODEL)
        assert tx.predictions.of_signal(signal_id) == ()

        said = Prediction(signal_id, model_id, 0.6, 0.5, 3.0, NOW_MS)
        tx.predictions.add(said)
        tx.predictions.add(replace(said, p_win=0.1))
        assert tx.predictions.of_signal(signal_id) == (said,)
        assert tx.predictions.kept_by(model_id) == ()
