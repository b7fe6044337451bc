"""The acting model: every mismatch is a sentence, its word is weighed and bounded."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ml.acting import MOST_DOWN, MOST_UP, Acting, ModelRefused, ModelRow, adjustment
from ml.dataset import dataset_of
from ml.loading import acting_model, blob_of, library_versions
from ml.ml_engine import train
from ml.model_bytes import digest
from tests.ml.markets import BEGIN_MS, NAMES, rows

DAY_MS = 86_400_000


@cache
def row() -> ModelRow:
    result = train(dataset_of(rows(900), NAMES))
    blob = blob_of(result.model)
    return ModelRow(
        7, BEGIN_MS, 1, NAMES, library_versions(), result.model.kind.value, result.model.base_rate, result.weight, blob,
        digest(blob),
    )  # fmt: skip


def acting() -> Acting:
    return acting_model(row(), NAMES, 1)


def refusal(**changes: object) -> str:
    with pytest.raises(ModelRefused) as caught:
        acting_model(replace(row(), **changes), NAMES, 1)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    return sentence


def test_a_stored_model_says_what_it_said_when_it_was_trained():
    trained = train(dataset_of(rows(900), NAMES)).model
    features = rows(5, 9)[3].features
    said = acting().says(features)

    x = dataset_of([rows(5, 9)[3]], NAMES).x
    assert said.p_win == trained.probability(x)[0]
    assert said.model_id == 7


class Counting:
    """A model that is sure of nothing and counts the threads it may use."""

    base_rate = 0.5
    threads = 0

    def probability(self, x: np.ndarray) -> np.ndarray:
        self.threads = max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp")
        return np.full(len(x), 0.5)


def test_one_signal_does_not_wait_for_several_threads():
    model = Counting()
    replace(acting(), model=model).says({})

    assert model.threads == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"features_version": 2}, "features of version 2"),
        ({"feature_names": NAMES[::-1]}, "other features"),
        ({"library_versions": {}}, "unknown"),
        ({"library_versions": {**library_versions(), "scikit-learn": "0.24.1"}}, "scikit-learn 0.24.1"),
        ({"sha256": "0" * 64}, "checksum"),
        ({"weight": 3.0}, "weight of 3.0"),
        ({"base_rate": 0.0}, "base rate of 0.0"),
        ({"kind": "oracle"}, "no model of this kind"),
    ],
)
def test_what_is_not_as_it_was_trained_is_refused(changes: dict, word: str):
    assert word in refusal(**changes)


def test_a_model_expires():
    assert not acting().expired(BEGIN_MS + 21 * DAY_MS)
    assert acting().expired(BEGIN_MS + 21 * DAY_MS + 1)


def test_the_average_trade_moves_nothing_and_neither_does_a_model_without_weight():
    assert adjustment(0.4, 0.4, 1.0) == 0.0
    assert adjustment(0.9, 0.4, 0.0) == 0.0


def test_a_word_moves_the_confidence_its_way_within_the_bounds():
    assert 0 < adjustment(0.5, 0.4, 0.5) < adjustment(0.5, 0.4, 1.0) < MOST_UP
    assert adjustment(0.99, 0.4, 1.0) == MOST_UP
    assert adjustment(0.01, 0.4, 1.0) == MOST_DOWN


def test_missing_features_are_no_error():
    assert 0 < acting().says(dict.fromkeys(NAMES, math.nan)).p_win < 1
    assert 0 < acting().says({}).p_win < 1
