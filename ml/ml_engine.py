"""The ML engine: trains, chooses and calibrates on walk-forward folds, judges on later data, promotes only what helps.

The way of a training: the rows before `judge_from_ms` are the development set. On its folds each candidate predicts what
it has not seen; the better one, calibrated on those predictions, learns the whole development set and is judged on the
rows that come after it. What was judged is what is stored and acts: nothing is fitted again afterwards. A control learns
the same from shuffled labels; where it shows skill, the judgement itself is not to be trusted and nothing is promoted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from engine.evaluation import Interval
from ml.dataset import LEAST_OF_A_CLASS, Dataset, Fold, TrainingRefused, before, walk_forward
from ml.judging import Column, Judgement, better_by, judged, squared

SEED = 7
JUDGED_SHARE = 0.25
LEAST_JUDGED = 20
ISOTONIC_FROM = 1_000
STOPPING_SHARE = 0.2
LEAST_P, MOST_P = 0.01, 0.99
FULL_WEIGHT_SKILL = 0.10

Probability = Callable[[NDArray[np.float64]], Column]


class Kind(Enum):
    """The candidates; the simpler one is taken where the other is not better."""

    LOGISTIC = "logistic"
    TREES = "trees"


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted estimator with its calibrator; `base_rate` is the share of wins it learned from."""

    kind: Kind
    estimator: BaseEstimator
    calibrator: BaseEstimator
    base_rate: float

    def probability(self, x: NDArray[np.float64]) -> Column:
        """The calibrated probability of winning of each row of `x`, features in the order of training; 0.01..0.99."""
        return _calibrated(self.calibrator, _raw(self.estimator, x))


@dataclass(frozen=True, slots=True)
class Training:
    """What a training came to, promoted or not."""

    model: Model
    judge_from_ms: int
    learned: int
    judgements: Mapping[str, Judgement]
    gains: Mapping[str, Interval]
    """By how much the model's Brier score is lower than that of each rival on the judged rows."""
    weight: float
    promoted: bool
    reason: str


def train(
    data: Dataset, *, judge_from_ms: int | None = None, active: Probability | None = None, seed: int = SEED
) -> Training:
    """Train on the rows before `judge_from_ms` (None = the last quarter is judged) and judge on those from there on.

    `active` predicts with the model that acts now. TrainingRefused when the rows do not suffice for an honest judgement.
    One thread: on sizes like these threads wait for each other longer than they work, and a scan wants the other core.
    """
    with threadpool_limits(1, "openmp"):
        return _train(data, judge_from_ms, active, seed)


def _train(data: Dataset, judge_from_ms: int | None, active: Probability | None, seed: int) -> Training:
    cut_ms = int(np.quantile(data.decided_ms, 1 - JUDGED_SHARE)) if judge_from_ms is None else judge_from_ms
    development, later = data.take(before(data, cut_ms)), data.take(data.decided_ms >= cut_ms)
    _refuse_thin(development, later)
    folds = list(walk_forward(development))
    if not folds:
        raise TrainingRefused("The labelled trades do not fill one walk-forward fold yet.")
    unseen = {kind: _unseen(kind, development, folds, seed) for kind in Kind}
    kind = _chosen(unseen, development, folds)
    model = _fitted(kind, development, unseen[kind], folds, seed)
    control = _control(kind, development, folds, seed)
    rivals = {
        "base rate": np.full(len(later), model.base_rate),
        "confidence alone": _by_confidence(development, later),
        "shuffled labels": control.probability(later.x),
    }
    if active is not None:
        rivals["active model"] = active(later.x)
    p = model.probability(later.x)
    judgements = {
        name: judged(column, later.won, later.r, model.base_rate, seed) for name, column in {"model": p, **rivals}.items()
    }
    gains = {name: better_by(p, column, later.won, seed) for name, column in rivals.items()}
    promoted, reason = _verdict(judgements, gains)
    return Training(
        model=model,
        judge_from_ms=cut_ms,
        learned=len(development),
        judgements=judgements,
        gains=gains,
        weight=weight_of(judgements["model"].skill) if promoted else 0.0,
        promoted=promoted,
        reason=reason,
    )


def weight_of(skill: Interval) -> float:
    """How much a model may say, 0..1: nothing without proven skill, all of it at a tenth of the base rate's error."""
    return float(np.clip(skill.low / FULL_WEIGHT_SKILL, 0.0, 1.0))


def _verdict(judgements: Mapping[str, Judgement], gains: Mapping[str, Interval]) -> tuple[bool, str]:
    """Whether the model is promoted, and the first reason why not."""
    control = judgements["shuffled labels"].skill
    if control.low > 0:
        return False, f"refused: the control on shuffled labels shows skill {control.value:.3f}, the judgement is unsound"
    for rival in ("base rate", "active model"):
        if rival in gains and gains[rival].low <= 0:
            gain = gains[rival]
            return False, (
                f"refused: not better than the {rival} by more than the noise"
                f" (Brier {gain.value:+.4f}, {gain.low:+.4f} to {gain.high:+.4f})"
            )
    proven = judgements["model"]
    interval = f"{proven.skill.value:.3f} ({proven.skill.low:.3f} to {proven.skill.high:.3f})"
    return True, f"promoted: skill {interval} on {proven.n} later trades"


def _refuse_thin(development: Dataset, later: Dataset) -> None:
    for word, part, least in (("learn from", development, LEAST_OF_A_CLASS), ("judge on", later, 1)):
        wins = int(part.won.sum())
        if min(wins, len(part) - wins) < least:
            raise TrainingRefused(f"There are {wins} wins and {len(part) - wins} losses to {word}: too few.")
    if len(later) < LEAST_JUDGED:
        raise TrainingRefused(f"A judgement needs {LEAST_JUDGED} later trades, has {len(later)}.")


def _estimator(kind: Kind, seed: int) -> Any:
    if kind is Kind.LOGISTIC:
        return make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=0.1, max_iter=2_000),
        )
    return HistGradientBoostingClassifier(
        max_iter=300,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=True,
        n_iter_no_change=15,
        random_state=seed,
    )


def _learned(kind: Kind, data: Dataset, seed: int) -> BaseEstimator:
    """An estimator fitted on `data`; trees stop early by the newest part of it, which comes after what they learn."""
    estimator = _estimator(kind, seed)
    if kind is Kind.LOGISTIC:
        return estimator.fit(data.x, data.won, logisticregression__sample_weight=data.sample_weight)
    watched_from_ms = int(np.quantile(data.decided_ms, 1 - STOPPING_SHARE))
    past, watched = data.take(before(data, watched_from_ms)), data.take(data.decided_ms >= watched_from_ms)
    if len(set(past.won.tolist())) < 2:
        return estimator.set_params(early_stopping=False).fit(data.x, data.won, sample_weight=data.sample_weight)
    return estimator.fit(
        past.x,
        past.won,
        sample_weight=past.sample_weight,
        X_val=watched.x,
        y_val=watched.won,
        sample_weight_val=None if past.sample_weight is None else watched.weight,
    )


def _unseen(kind: Kind, data: Dataset, folds: list[Fold], seed: int) -> list[Column]:
    """The raw predictions of each fold's test block by an estimator that knew only what came before."""
    return [_raw(_learned(kind, data.take(fold.train), seed), data.x[fold.test]) for fold in folds]


def _chosen(unseen: Mapping[Kind, list[Column]], data: Dataset, folds: list[Fold]) -> Kind:
    """The candidate with the lower Brier score on unseen blocks, each calibrated on the blocks before it."""

    def brier(kind: Kind) -> float:
        losses = []
        for number, fold in enumerate(folds):
            p = unseen[kind][number]
            if number:
                known = np.concatenate([earlier.test for earlier in folds[:number]])
                p = _calibrated(_calibrator(np.concatenate(unseen[kind][:number]), data.won[known]), p)
            losses.append(squared(p, data.won[fold.test]))
        return float(np.concatenate(losses).mean())

    return min(Kind, key=brier)


def _fitted(kind: Kind, data: Dataset, unseen: list[Column], folds: list[Fold], seed: int) -> Model:
    judged_rows = np.concatenate([fold.test for fold in folds])
    calibrator = _calibrator(np.concatenate(unseen), data.won[judged_rows])
    return Model(kind, _learned(kind, data, seed), calibrator, data.base_rate)


def _control(kind: Kind, data: Dataset, folds: list[Fold], seed: int) -> Model:
    """The same way with labels that belong to other rows: it has nothing to learn."""
    shuffled = data.take(np.arange(len(data)))
    np.random.default_rng(seed).shuffle(shuffled.won)
    usable = [fold for fold in folds if len(set(shuffled.won[fold.train].tolist())) == 2]
    return _fitted(kind, shuffled, _unseen(kind, shuffled, usable, seed), usable, seed)


def _by_confidence(development: Dataset, later: Dataset) -> Column:
    """What the base score alone would promise: a logistic regression on it."""
    alone = LogisticRegression().fit(development.confidence[:, None], development.won, sample_weight=development.sample_weight)
    p: Column = alone.predict_proba(later.confidence[:, None])[:, 1]
    return p


def _calibrator(p: Column, won: NDArray[np.bool_]) -> BaseEstimator:
    """Platt scaling on the log-odds while rows are few, isotonic regression where they are many (Niculescu-Mizil 2005)."""
    if p.size < ISOTONIC_FROM or len(set(won.tolist())) < 2:
        if len(set(won.tolist())) < 2:
            return IsotonicRegression(out_of_bounds="clip").fit(p, np.full(p.size, won.mean()))
        return LogisticRegression(C=1.0).fit(_log_odds(p)[:, None], won)
    return IsotonicRegression(y_min=LEAST_P, y_max=MOST_P, out_of_bounds="clip").fit(p, won)


def _calibrated(calibrator: Any, raw: Column) -> Column:
    if isinstance(calibrator, IsotonicRegression):
        p: Column = calibrator.predict(raw)
    else:
        p = calibrator.predict_proba(_log_odds(raw)[:, None])[:, 1]
    return np.clip(p, LEAST_P, MOST_P)


def _raw(estimator: Any, x: NDArray[np.float64]) -> Column:
    p: Column = estimator.predict_proba(x)[:, 1]
    return p


def _log_odds(p: Column) -> Column:
    held = np.clip(p, LEAST_P / 10, 1 - LEAST_P / 10)
    odds: Column = np.log(held / (1 - held))
    return odds
