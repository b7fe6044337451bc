"""Learning while the bot runs: the model that acts, retraining on its schedule, drift and calibration every day."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.params import Params
from engine.timeframes import DAY_MS
from ml.acting import MODEL_NAME, Acting
from ml.drift import DRIFTED_FROM, FeatureDrift, Reference, drift
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from ml.judging import calibration_error
from services.predict import load_acting
from services.schedule import NothingToDo
from services.train import Refused, activate, keep, train_apart, why_not_due
from storage.book import Book
from storage.models import StoredModel
from storage.predictions import Kept
from storage.stores import Stores
from storage.training import recent_features
from storage.writer import Writer

DRIFT_WINDOW_MS = 30 * DAY_MS
LEAST_KEPT = 30

logger = logging.getLogger(__name__)


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


class Learning:
    """The learning side of a live bot."""

    def __init__(self, book: Book, writer: Writer, params: Params, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._writer = writer
        self._params = params
        self._now_ms = now_ms
        self._acting: Acting | None = None

    @property
    def acting(self) -> Acting | None:
        """The model to ask now; None when there is none, or it grew too old."""
        expires_ms = self._params.learning.expires_after_days * DAY_MS
        if self._acting is not None and self._acting.expired(self._now_ms(), expires_ms):
            return None
        return self._acting

    async def load(self) -> None:
        """Take the acting model from the book: at start, after a training, after a rollback, and daily."""
        now_ms, expires_ms = self._now_ms(), self._params.learning.expires_after_days * DAY_MS
        self._acting = await self._writer.run(lambda tx: load_acting(tx, now_ms, expires_ms))

    async def train(self, *, asked_by: str | None = None) -> str:
        """Train if it is due (or somebody asked) and return what came of it; NothingToDo when there is no reason to."""
        now_ms = self._now_ms()
        if asked_by is None:
            with self._book.reading() as view:
                why_not = why_not_due(view, self._params.learning, now_ms)
            if why_not is not None:
                raise NothingToDo(why_not)
        outcome = await asyncio.to_thread(train_apart, self._book.path, self._params, now_ms)
        if isinstance(outcome, Refused):
            raise NothingToDo(outcome.reason)
        model_id = await self._writer.run(lambda tx: keep(tx, outcome, asked_by or "schedule"))
        await self.load()
        return f"model {model_id}: {outcome.model.verdict}"

    async def roll_back(self, model_id: int, by: str) -> None:
        """Let an earlier model act again; NoSuchModel when there is none."""
        now_ms = self._now_ms()
        await self._writer.run(lambda tx: activate(tx, model_id, now_ms, by))
        await self.load()


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
