"""One training: what the book holds becomes a judged model, in a process of its own (`services.train`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from engine.params import LearningParams, Params
from ml.acting import ModelRefused
from ml.dataset import TrainingRefused, dataset_of, refuse_unusable
from ml.drift import references_of
from ml.features import FEATURE_NAMES, FEATURES_VERSION
from ml.loading import acting_model, blob_of, library_versions
from ml.ml_engine import Probability, Training, train
from ml.model_bytes import digest
from services.predict import row_of
from services.train import Outcome, Refused, Trained
from storage.book import Book
from storage.codec import Json, json_of
from storage.models import MODEL_NAME, NewModel
from storage.stores import Stores
from storage.training import Origin, TrainingRow, left_out, training_rows


def train_book(
    book: Book, params: Params, now_ms: int, judge_from_ms: int | None = None, seed: int | None = None
) -> Outcome:
    """Train on what the book holds at `now_ms`; rows decided from `judge_from_ms` on are judged, not learned."""
    with book.reading() as view:
        rows = _usable(training_rows(view.connection, FEATURES_VERSION, params.hash), params.learning)
        lacking = left_out(view.connection, FEATURES_VERSION, params.hash)
        active = _active(view)
    try:
        refuse_unusable(rows, FEATURE_NAMES, now_ms)
        data = dataset_of(rows, FEATURE_NAMES, [_weight(row, params.learning) for row in rows])
        seeds = {} if seed is None else {"seed": seed}
        training = train(data, judge_from_ms=judge_from_ms, active=active, **seeds)
    except TrainingRefused as refused:
        why = "; ".join(f"{count} {reason}" for reason, count in lacking.items())
        return Refused(f"{refused} Left out: {why}." if why else str(refused))
    blob = blob_of(training.model)
    learned = data.take(data.decided_ms < training.judge_from_ms)
    metrics: dict[str, Json] = {
        **_figures(training),
        "left_out": lacking,
        "rows": {origin.value: sum(row.origin is origin for row in rows) for origin in Origin},
        "from_ms": int(data.decided_ms[0]),
        "to_ms": int(data.decided_ms[-1]),
        "params_hash": params.hash,
        "references": json_of({name: asdict(one) for name, one in references_of(learned.x, FEATURE_NAMES).items()}),
    }
    model = NewModel(
        MODEL_NAME, now_ms, training.learned, FEATURES_VERSION, FEATURE_NAMES, metrics, training.reason,
        library_versions(), blob, digest(blob),
    )  # fmt: skip
    return Trained(model, training.promoted)


def _usable(rows: Sequence[TrainingRow], params: LearningParams) -> list[TrainingRow]:
    wanted = {Origin.JOURNAL: params.journal, Origin.BACKTEST: params.backtests}
    return [row for row in rows if wanted[row.origin]]


def _weight(row: TrainingRow, params: LearningParams) -> float:
    return params.journal_weight if row.origin is Origin.JOURNAL else params.backtest_weight


def _active(view: Stores) -> Probability | None:
    """The acting model as a rival; one that may not act is none."""
    stored = view.models.active(MODEL_NAME)
    if stored is None:
        return None
    try:
        return acting_model(row_of(stored), FEATURE_NAMES, FEATURES_VERSION).model.probability
    except ModelRefused:
        # the live bot has told of it when it refused to load it; here it is only no rival
        return None


def _figures(training: Training) -> Mapping[str, Json]:
    return {
        "kind": training.model.kind.value,
        "base_rate": training.model.base_rate,
        "weight": training.weight,
        "judge_from_ms": training.judge_from_ms,
        "judgements": json_of({name: asdict(one) for name, one in training.judgements.items()}),
        "gains": json_of({name: asdict(one) for name, one in training.gains.items()}),
    }
