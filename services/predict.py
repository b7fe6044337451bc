"""The acting model asked about the signals of an instant, between the transactions; without one the rules go on alone."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from engine.vocabulary import Signal
from ml.acting import Acting, ModelRefused, ModelRow, loaded
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from services.record import Looked
from storage.events import EventType
from storage.models import MODEL_NAME, StoredModel
from storage.stores import Stores

logger = logging.getLogger(__name__)


def with_word(looks: Sequence[Looked], acting: Acting | None) -> tuple[Looked, ...]:
    """The looks with the model's word on every signal among them and the confidence that follows from it."""
    return tuple(looks) if acting is None else tuple(_asked(look, acting) for look in looks)


def _asked(look: Looked, acting: Acting) -> Looked:
    signal = look.result
    if not isinstance(signal, Signal):
        return look
    said = acting.says(signal.features)
    confidence = min(max(signal.base_confidence + said.adjustment, 0.0), 100.0)
    return replace(look, result=replace(signal, confidence=confidence), said=said)


def load_acting(stores: Stores, now_ms: int, expires_after_ms: int) -> Acting | None:
    """The model that may act now; one that may not is told of in an event, once, and the rules go on."""
    stored = stores.models.active(MODEL_NAME)
    if stored is None:
        return None
    try:
        acting = loaded(row_of(stored), FEATURE_NAMES, FEATURES_VERSION)
    except ModelRefused as refused:
        _tell(stores, stored, str(refused), now_ms)
        return None
    if acting.expired(now_ms, expires_after_ms):
        _tell(
            stores, stored, f"Model {stored.id} has expired: the rules go on without it until one is trained.", now_ms
        )
        return None
    return acting


def row_of(stored: StoredModel) -> ModelRow:
    """What the book holds of a model, for its checks; what the row lacks is refused there."""
    metrics = stored.metrics
    return ModelRow(
        id=stored.id,
        trained_ms=stored.trained_ms,
        features_version=stored.features_version,
        feature_names=stored.feature_names,
        library_versions=stored.library_versions,
        kind=str(metrics.get("kind")),
        base_rate=_number(metrics.get("base_rate")),
        weight=_number(metrics.get("weight")),
        blob=stored.blob,
        sha256=stored.sha256,
    )


def _tell(stores: Stores, stored: StoredModel, sentence: str, now_ms: int) -> None:
    if stores.events.add(EventType.MODEL_REFUSED, now_ms, message=sentence, idem_key=f"refused:{stored.id}:{sentence}"):
        logger.error("%s", sentence)


def _number(value: object) -> float:
    """A number of the metrics; NaN, which no check lets through, where there is none."""
    return float(value) if isinstance(value, int | float) else float("nan")
