"""The model that acts: taken from its row with every check, and how far its word may move a confidence.

The hybrid confidence is the base score plus an adjustment: the distance of the model's log-odds from those of the base
rate, times the weight its judged skill earned, within fixed bounds. Without skill, or without a model, it is the base
score. The gates ask the base score too, so that a model can hold a signal back or rank it, never send one by itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np
from threadpoolctl import ThreadpoolController

from engine.timeframes import DAY_MS
from ml.ml_engine import Kind, Model
from ml.model_bytes import ModelRefused, packed, unpacked

EXPIRES_AFTER_MS = 21 * DAY_MS
POINTS_PER_LOG_ODDS = 10.0
MOST_DOWN, MOST_UP = -20.0, 10.0
LIBRARIES = ("scikit-learn", "skops", "numpy")
ESTIMATOR, CALIBRATOR = "estimator", "calibrator"


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said of one signal, and the points of confidence that follow."""

    model_id: int
    p_win: float
    weight: float
    adjustment: float


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What the book holds of a model, as far as it must be right before it may act."""

    id: int
    trained_ms: int
    features_version: int
    feature_names: Sequence[str]
    library_versions: Mapping[str, str]
    kind: str
    base_rate: float
    weight: float
    blob: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Acting:
    """A model that passed every check, ready to be asked."""

    id: int
    trained_ms: int
    names: tuple[str, ...]
    model: Model
    weight: float

    def expired(self, now_ms: int, expires_after_ms: int = EXPIRES_AFTER_MS) -> bool:
        """Whether the model is too old to be believed: markets change."""
        return now_ms - self.trained_ms > expires_after_ms

    def says(self, features: Mapping[str, float]) -> Said:
        """The model's word on one signal."""
        x = np.array([[features.get(name, math.nan) for name in self.names]], dtype=np.float64)
        with _threads().limit(limits=1, user_api="openmp"):
            p = float(self.model.probability(x)[0])
        return Said(self.id, p, self.weight, adjustment(p, self.model.base_rate, self.weight))


def adjustment(p: float, base_rate: float, weight: float) -> float:
    """Points of confidence: how much more (or less) likely than the average trade, weighed and bounded."""
    distance = _log_odds(p) - _log_odds(base_rate)
    return min(max(POINTS_PER_LOG_ODDS * weight * distance, MOST_DOWN), MOST_UP)


def blob_of(model: Model) -> bytes:
    """A model as the bytes of its row."""
    return packed({ESTIMATOR: model.estimator, CALIBRATOR: model.calibrator})


def acting_model(row: ModelRow, names: Sequence[str], features_version: int) -> Acting:
    """The model of a row; ModelRefused in one sentence when anything about it is not as it was trained."""
    if row.features_version != features_version:
        raise ModelRefused(
            f"Model {row.id} was trained on features of version {row.features_version}, these are {features_version}."
        )
    if tuple(row.feature_names) != tuple(names):
        raise ModelRefused(f"Model {row.id} was trained on other features than these.")
    for library, now in library_versions().items():
        then = row.library_versions.get(library, "unknown")
        if _minor(then) != _minor(now):
            raise ModelRefused(f"Model {row.id} was trained with {library} {then}, this is {now}: train again.")
    if not (0 <= row.weight <= 1 and 0 < row.base_rate < 1):
        raise ModelRefused(f"Model {row.id} claims a weight of {row.weight} and a base rate of {row.base_rate}.")
    parts = unpacked(row.blob, row.sha256)
    if set(parts) != {ESTIMATOR, CALIBRATOR} or row.kind not in {kind.value for kind in Kind}:
        raise ModelRefused(f"Model {row.id} is no model of this kind.")
    model = Model(Kind(row.kind), parts[ESTIMATOR], parts[CALIBRATOR], row.base_rate)
    return Acting(row.id, row.trained_ms, tuple(names), model, row.weight)


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the libraries: one row in several threads waits for them, on a busy machine for half a second."""
    return ThreadpoolController()


def library_versions() -> dict[str, str]:
    """The versions of the libraries a model's bytes depend on."""
    return {library: version(library) for library in LIBRARIES}


def _minor(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")[:2])


def _log_odds(p: float) -> float:
    return math.log(p / (1 - p))
