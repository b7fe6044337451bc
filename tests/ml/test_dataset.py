"""The data set: what cannot be learned from is refused in a sentence, and no fold knows what comes after it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ml.dataset import EMBARGO_MS, TrainingRefused, dataset_of, refuse_unusable, walk_forward
from tests.ml.markets import BEGIN_MS, HOUR_MS, NAMES, Row, rows

FAR_MS = BEGIN_MS + 10_000 * HOUR_MS


def refusal(of: list[Row], now_ms: int = FAR_MS) -> str:
    with pytest.raises(TrainingRefused) as caught:
        refuse_unusable(of, NAMES, now_ms)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    return sentence


def test_good_rows_are_not_refused():
    refuse_unusable(rows(50), NAMES, FAR_MS)


def test_forty_nine_trades_are_too_few():
    assert refusal(rows(49)) == "Training needs 50 labelled trades, has 49."


@pytest.mark.parametrize(("won", "word"), [(True, "lost"), (False, "won")])
def test_one_class_is_no_training(won: bool, word: str):
    assert refusal([replace(row, is_win=won) for row in rows(80)]) == f"Training needs 10 trades that {word}, has 0."


def test_rows_that_stand_twice_are_refused():
    assert refusal([*rows(80), rows(80)[3]]) == "1 rows are there twice; a decision may count only once."


def test_labels_from_the_future_are_refused():
    assert refusal(rows(80), now_ms=BEGIN_MS + 60 * HOUR_MS).endswith("labels come from the future.")


def test_a_label_known_before_its_decision_is_refused():
    first, *others = rows(80)
    assert refusal([replace(first, closed_ms=first.decided_ms - 1), *others]) == "1 labels were known before their decision."


def test_rows_without_any_feature_are_refused():
    nothing = dict.fromkeys(NAMES, math.nan)
    assert refusal([replace(row, features=nothing) for row in rows(80)]) == "80 rows have no feature at all."


def test_rows_come_in_the_order_of_their_decisions_with_missing_features_missing():
    shuffled = [replace(row, features={"f1": 2.0}) for row in rows(60)][::-1]
    data = dataset_of(shuffled, NAMES)

    assert (np.diff(data.decided_ms) > 0).all()
    assert (data.x[:, 1] == 2.0).all()
    assert np.isnan(np.delete(data.x, 1, axis=1)).all()


def test_no_fold_learns_from_a_label_that_was_open_when_its_test_began_or_in_the_embargo():
    data = dataset_of(rows(400), NAMES)
    folds = list(walk_forward(data))

    assert len(folds) == 5
    for fold in folds:
        begins_ms = data.decided_ms[fold.test].min()
        assert data.closed_ms[fold.train].max() < begins_ms - EMBARGO_MS
        assert len(fold.train) > 10
    tested = np.concatenate([fold.test for fold in folds])
    assert len(set(tested.tolist())) == len(tested)
