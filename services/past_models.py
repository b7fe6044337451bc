"""The models of a book as they stood: which of them would have been asked at an instant of the past."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from engine.timeframes import DAY_MS
from ml.acting import Acting, ModelRefused, loaded
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from services.predict import row_of
from storage.models import MODEL_NAME, StoredModel
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class PastModels:
    """Promoted models by the instant they were trained; each is asked until the next one, or until it expired.

    One that may not be asked stands as None: its time goes by the rules, as it would live. `refusals` says why.
    """

    stored: tuple[StoredModel, ...] = ()
    acting: tuple[Acting | None, ...] = ()
    refusals: tuple[str, ...] = ()
    expires_after_ms: int = 0

    def at(self, at_ms: int) -> Acting | None:
        """The newest model trained before `at_ms`; None where there was none, or it may not be asked any more."""
        before = bisect_left(self.stored, at_ms, key=lambda model: model.trained_ms)
        acting = self.acting[before - 1] if before else None
        return None if acting is None or acting.expired(at_ms, self.expires_after_ms) else acting


def promoted_models(view: Stores) -> tuple[StoredModel, ...]:
    """Every model of a book that was promoted, the oldest first; one that was refused has no weight."""
    stored = sorted(view.models.all(MODEL_NAME), key=lambda model: (model.trained_ms, model.version))
    return tuple(model for model in stored if model.was_promoted)


def between(stored: Sequence[StoredModel], from_ms: int, to_ms: int) -> tuple[StoredModel, ...]:
    """Those among `stored` (the oldest first) that stood at some instant of [from_ms, to_ms)."""
    first = bisect_left(stored, from_ms, key=lambda model: model.trained_ms)
    return tuple(model for model in stored[max(first - 1, 0) :] if model.trained_ms < to_ms)


def past_models(stored: Sequence[StoredModel], expires_after_days: int) -> PastModels:
    """The models taken from their rows with every check."""
    acting: list[Acting | None] = []
    refusals: list[str] = []
    for model in stored:
        try:
            acting.append(loaded(row_of(model), FEATURE_NAMES, FEATURES_VERSION))
        except ModelRefused as refused:
            acting.append(None)
            refusals.append(str(refused))
    return PastModels(tuple(stored), tuple(acting), tuple(refusals), expires_after_days * DAY_MS)
