"""How the models stand, from the book alone and without loading any of them: age, drift, how promises were kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.params import Params
from engine.timeframes import DAY_MS
from ml.drift import DRIFTED_FROM, FeatureDrift, Reference, drift
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from ml.judging import calibration_error
from storage.models import MODEL_NAME, StoredModel
from storage.predictions import Kept
from storage.stores import Stores
from storage.training import recent_features

DRIFT_WINDOW_MS = 30 * DAY_MS
LEAST_KEPT = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the acting model promised live, and what came of it."""

    n: int
    mean_p: float
    win_ratio: float
    error: float


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """The newest and the acting model, why none acts, how far features drifted, how promises were kept."""

    active: StoredModel | None
    newest: StoredModel | None
    expired: bool
    drifted: tuple[FeatureDrift, ...]
    calibration: Calibration | None


def model_health(view: Stores, params: Params, now_ms: int) -> ModelHealth:
    """How the model stands, from the book alone."""
    active = view.models.active(MODEL_NAME)
    expires_ms = params.learning.expires_after_days * DAY_MS
    return ModelHealth(
        active=active,
        newest=next(iter(view.models.all(MODEL_NAME)), None),
        expired=active is not None and now_ms - active.trained_ms > expires_ms,
        drifted=() if active is None else _drifted(view, active, now_ms),
        calibration=None if active is None else _calibration(view.predictions.kept_by(active.id)),
    )


def is_drifted(health: ModelHealth) -> bool:
    """Whether any feature has become another population."""
    return any(feature.psi >= DRIFTED_FROM for feature in health.drifted)


def _drifted(view: Stores, model: StoredModel, now_ms: int) -> tuple[FeatureDrift, ...]:
    rows = recent_features(view.connection, FEATURES_VERSION, now_ms - DRIFT_WINDOW_MS)
    stored: Any = model.metrics.get("references")
    if not rows or not isinstance(stored, dict) or set(stored) != set(FEATURE_NAMES):
        return ()
    references = {name: _reference(one) for name, one in stored.items()}
    x = np.array([[row.get(name, np.nan) for name in FEATURE_NAMES] for row in rows])
    return drift(x, FEATURE_NAMES, references)


def _reference(stored: dict[str, Any]) -> Reference:
    least, most = stored["least"], stored["most"]
    return Reference(
        tuple(stored["edges"]),
        tuple(stored["shares"]),
        float("inf") if least is None else least,
        float("-inf") if most is None else most,
    )


def _calibration(kept: Sequence[Kept]) -> Calibration | None:
    """None while too few predictions have come to their end to say anything."""
    if len(kept) < LEAST_KEPT:
        return None
    p = np.array([one.prediction.p_win for one in kept])
    won = np.array([one.is_win for one in kept])
    return Calibration(len(kept), float(p.mean()), float(won.mean()), calibration_error(p, won))
