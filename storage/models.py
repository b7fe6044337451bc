"""The models: every training that gave one, with its bytes, figures and verdict; at most one acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.codec import Json, decoded, encoded
from storage.database import Connection, insert

MODEL_NAME = "confidence"
"""The model that may move a signal's confidence; so far the only one."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """A trained model as it is stored; `blob` holds its estimators and `sha256` their checksum."""

    name: str
    trained_ms: int
    n_samples: int
    features_version: int
    feature_names: tuple[str, ...]
    metrics: Mapping[str, Json]
    verdict: str
    library_versions: Mapping[str, str]
    blob: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A row of the models; `version` counts the trainings of its name."""

    id: int
    name: str
    version: int
    trained_ms: int
    n_samples: int
    features_version: int
    feature_names: tuple[str, ...]
    metrics: Mapping[str, Json]
    verdict: str
    library_versions: Mapping[str, str]
    blob: bytes
    sha256: str
    is_active: bool

    @property
    def was_promoted(self) -> bool:
        """Whether its training gave it any weight."""
        weight = self.metrics.get("weight")
        return isinstance(weight, int | float) and weight > 0


_COLUMNS = (
    "id, name, version, trained_ms, n_samples, features_version, feature_names, metrics, verdict, library_versions,"
    " blob, sha256, is_active"
)


class Models:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, model: NewModel) -> int:
        """Write a training's model, not yet acting, and return its id."""
        return insert(
            self._connection,
            "INSERT INTO models(name, version, trained_ms, n_samples, features_version, feature_names, metrics, verdict,"
            " library_versions, blob, sha256) VALUES(?1,(SELECT COALESCE(MAX(version),0)+1 FROM models WHERE name=?1),"
            "?2,?3,?4,?5,?6,?7,?8,?9,?10)",
            (
                model.name, model.trained_ms, model.n_samples, model.features_version, encoded(model.feature_names),
                encoded(model.metrics), model.verdict, encoded(model.library_versions), model.blob, model.sha256,
            ),
        )  # fmt: skip

    def adopt(self, model: StoredModel) -> None:
        """Write another book's model under its own id, so that a scratch book may keep its predictions."""
        self._connection.execute(
            f"INSERT INTO models({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                model.id, model.name, model.version, model.trained_ms, model.n_samples, model.features_version,
                encoded(model.feature_names), encoded(model.metrics), model.verdict, encoded(model.library_versions),
                model.blob, model.sha256, model.is_active,
            ),
        )  # fmt: skip

    def activate(self, model_id: int) -> None:
        """Let this model act, and no other of its name; LookupError when there is no such model."""
        model = self.get(model_id)
        self._connection.execute("UPDATE models SET is_active=0 WHERE name=? AND is_active=1", (model.name,))
        self._connection.execute("UPDATE models SET is_active=1 WHERE id=?", (model_id,))

    def deactivate(self, name: str) -> None:
        """Leave the rules alone: no model of this name acts."""
        self._connection.execute("UPDATE models SET is_active=0 WHERE name=?", (name,))

    def get(self, model_id: int) -> StoredModel:
        found = self._select("id=?", (model_id,))
        if not found:
            raise LookupError(f"There is no model {model_id}.")
        return found[0]

    def active(self, name: str) -> StoredModel | None:
        found = self._select("name=? AND is_active=1", (name,))
        return found[0] if found else None

    def all(self, name: str) -> tuple[StoredModel, ...]:
        """Every model of a name, the newest first."""
        return self._select("name=? ORDER BY version DESC", (name,))

    def _select(self, where: str, values: Sequence[object]) -> tuple[StoredModel, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM models WHERE {where}", values)
        return tuple(_model(row) for row in rows)


def _model(row: Sequence[Any]) -> StoredModel:
    (
        model_id, name, version, trained_ms, n_samples, features_version, feature_names, metrics, verdict,
        library_versions, blob, sha256, is_active,
    ) = row  # fmt: skip
    return StoredModel(
        model_id, name, version, trained_ms, n_samples, features_version, tuple(decoded(feature_names)),
        decoded(metrics), verdict, decoded(library_versions), blob, sha256, bool(is_active),
    )  # fmt: skip
