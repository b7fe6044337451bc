"""The model that acts: taken from its row with every check, and how far its word may move a confidence.

The hybrid confidence is the base score plus an adjustment: the distance of the model's log-odds from those of the base
rate, times the weight its judged skill earned, within fixed bounds. Without skill, or without a model, it is the base
score. The gates ask the base score too, so that a model can hold a signal back or rank it, never send one by itself.
"""

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from engine.timeframes import DAY_MS

EXPIRES_AFTER_MS = 21 * DAY_MS
POINTS_PER_LOG_ODDS = 10.0
MOST_DOWN, MOST_UP = -20.0, 10.0


class ModelRefused(ValueError):
    """A stored model that is not used; the message says why in one sentence, and the rules go on."""


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


class Calibrated(Protocol):
    """What can be asked: how probable it is that each row of features wins."""

    @property
    def base_rate(self) -> float: ...

    def probability(self, x: NDArray[np.float64]) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class Acting:
    """A model that passed every check, ready to be asked."""

    id: int
    trained_ms: int
    names: tuple[str, ...]
    model: Calibrated
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


def loaded(row: ModelRow, names: Sequence[str], features_version: int) -> Acting:
    """`acting_model` of the row. scikit-learn comes with the first model: seconds and 100 MB, nothing for who has none."""
    acting: Acting = importlib.import_module("ml.loading").acting_model(row, names, features_version)
    return acting


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the libraries: one row in several threads waits for them, on a busy machine for half a second."""
    return ThreadpoolController()


def _log_odds(p: float) -> float:
    return math.log(p / (1 - p))
