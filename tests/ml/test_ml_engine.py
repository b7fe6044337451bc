"""The ML engine: learns what is there, refuses what is not, and knows the difference."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ml.dataset import Dataset, TrainingRefused, dataset_of
from ml.ml_engine import Kind, Training, train, weight_of
from tests.ml.markets import BEGIN_MS, HOUR_MS, NAMES, rows


@cache
def data(count: int, learnable: bool, seed: int = 1) -> Dataset:
    return dataset_of(rows(count, seed, learnable=learnable), NAMES)


@cache
def trained(learnable: bool, count: int = 1200) -> Training:
    return train(data(count, learnable))


def test_an_outcome_that_follows_two_features_is_learned_and_promoted():
    result = trained(True)

    assert result.judgements["model"].skill.value > 0.1
    assert (result.promoted, result.weight) == (True, 1.0)
    assert result.reason.startswith("promoted: skill 0.")


def test_the_better_it_promises_the_better_it_ends():
    deciles = trained(True).judgements["model"].deciles

    assert len(deciles) == 10
    assert deciles[0].expectancy_r < 0 < deciles[-1].expectancy_r
    assert deciles[-1].win_ratio > deciles[0].win_ratio + 0.4
    assert trained(True).judgements["model"].ece.value < 0.12


def test_an_outcome_that_follows_nothing_is_refused_and_has_no_say():
    result = trained(False)

    assert not result.promoted
    assert result.weight == 0.0
    assert result.reason.startswith("refused: not better than the base rate by more than the noise")


@pytest.mark.parametrize("learnable", [True, False])
def test_the_control_on_shuffled_labels_shows_no_skill(learnable: bool):
    assert trained(learnable).judgements["shuffled labels"].skill.low <= 0


def test_a_model_no_better_than_the_active_one_does_not_replace_it():
    first = trained(True)
    again = train(data(1200, True), active=first.model.probability)

    assert not again.promoted
    assert "active model" in again.reason


def test_what_is_judged_was_decided_after_everything_learned_was_closed():
    cut_ms = BEGIN_MS + 700 * HOUR_MS
    result = train(data(1200, True), judge_from_ms=cut_ms)

    assert result.judge_from_ms == cut_ms
    assert result.judgements["model"].n == 500
    assert result.learned < 700 - 24 + 1


def test_later_labels_cannot_reach_the_model():
    whole = data(1200, True)
    cut_ms = BEGIN_MS + 700 * HOUR_MS
    lies = whole.take(np.arange(len(whole)))
    late = lies.decided_ms >= cut_ms
    lies.won[late] = ~lies.won[late]

    honest, deceived = (train(one, judge_from_ms=cut_ms).model for one in (whole, lies))
    assert honest.probability(whole.x).tobytes() == deceived.probability(whole.x).tobytes()


def test_the_same_rows_and_seed_give_the_same_model():
    again = train(data(1200, True))

    assert again.model.probability(data(300, True, 9).x).tobytes() == trained(True).model.probability(
        data(300, True, 9).x
    ).tobytes()


def test_missing_features_are_no_error():
    nothing = np.full((3, len(NAMES)), np.nan)

    assert np.isfinite(trained(True).model.probability(nothing)).all()


def test_a_judgement_needs_later_trades_enough():
    with pytest.raises(TrainingRefused, match=r"^A judgement needs 20 later trades, has 15\.$"):
        train(data(400, False, 3), judge_from_ms=BEGIN_MS + 385 * HOUR_MS)


def test_few_trades_of_no_meaning_are_refused_and_not_promoted():
    assert not train(data(300, False, 3)).promoted


def test_trades_of_a_few_days_are_too_few_to_walk_forward():
    with pytest.raises(TrainingRefused, match=r"too few|do not fill one walk-forward fold yet\.$"):
        train(data(60, False, 3))


@pytest.mark.parametrize("kind", list(Kind))
def test_each_candidate_is_chosen_where_it_is_the_better_one(kind: Kind):
    dice = np.random.default_rng(4)
    x = dice.normal(size=(1500, 4))
    odds = 2.5 * x[:, 0] if kind is Kind.LOGISTIC else np.where(x[:, 0] * x[:, 1] > 0, 2.0, -2.0)
    won = dice.random(1500) < 1 / (1 + np.exp(-odds))
    at = BEGIN_MS + np.arange(1500) * HOUR_MS
    made = replace(
        data(1500, True), names=("a", "b", "c", "d"), x=x, won=won, decided_ms=at, closed_ms=at + HOUR_MS
    )

    assert train(made).model.kind is kind


def test_the_weight_follows_the_proven_part_of_the_skill():
    skill = trained(True).judgements["model"].skill

    assert weight_of(replace(skill, low=-0.01)) == 0.0
    assert weight_of(replace(skill, low=0.05)) == pytest.approx(0.5)
    assert weight_of(replace(skill, low=0.3)) == 1.0
