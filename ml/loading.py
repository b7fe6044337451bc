"""Models between their rows and life: every check that a stored one must pass before it may act."""

from collections.abc import Sequence
from importlib.metadata import version

from ml.acting import Acting, ModelRefused, ModelRow
from ml.ml_engine import Kind, Model
from ml.model_bytes import packed, unpacked

LIBRARIES = ("scikit-learn", "skops", "numpy")
ESTIMATOR, CALIBRATOR = "estimator", "calibrator"


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


def library_versions() -> dict[str, str]:
    """The versions of the libraries a model's bytes depend on."""
    return {library: version(library) for library in LIBRARIES}


def _minor(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")[:2])
