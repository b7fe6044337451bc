"""Models as bytes: the same model the same bytes in any process, and nothing foreign comes to life."""

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops import io as skops_io
from threadpoolctl import threadpool_limits

from ml.acting import ModelRefused
from ml.model_bytes import digest, packed, unpacked

ROOT = Path(__file__).resolve().parents[2]
PRINT_DIGEST = "from tests.ml.test_model_bytes import *; print(digest(packed(fitted())))"


def fitted() -> dict:
    """Estimators of each kind that a model is made of, on fixed data."""
    dice = np.random.default_rng(1)
    x = dice.normal(size=(300, 3))
    won = x[:, 0] + dice.normal(size=300) > 0
    with threadpool_limits(1):  # as in a training: threads add up in an order of their own
        trees = HistGradientBoostingClassifier(max_iter=20, random_state=1).fit(x, won)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, won)
    return {"trees": trees, "linear": linear}


def marker(path: Path) -> None:
    """What a hostile model would do."""
    path.touch()


class Hostile:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return marker, (self._path,)


def refusal(data: bytes) -> str:
    with pytest.raises(ModelRefused) as caught:
        unpacked(data, digest(data))
    sentence = str(caught.value)
    assert sentence.endswith(".")
    return sentence


def test_what_is_unpacked_predicts_what_was_packed():
    made = fitted()
    data = packed(made)
    again = unpacked(data, digest(data))

    x = np.random.default_rng(2).normal(size=(50, 3))
    assert list(again) == ["trees", "linear"]
    for name, estimator in made.items():
        assert again[name].predict_proba(x).tobytes() == estimator.predict_proba(x).tobytes()


@pytest.mark.long
def test_the_same_model_has_the_same_bytes_in_another_process():
    other = subprocess.run([sys.executable, "-c", PRINT_DIGEST], cwd=ROOT, capture_output=True, text=True, check=True)

    assert other.stdout.strip() == digest(packed(fitted()))


def test_a_changed_byte_is_noticed_before_anything_is_read():
    data = packed(fitted())
    spoilt = bytes([*data[:100], data[100] ^ 1, *data[101:]])

    with pytest.raises(ModelRefused, match="its checksum differs"):
        unpacked(spoilt, digest(data))


def test_a_pickle_that_would_run_code_does_nothing(tmp_path: Path):
    trap = tmp_path / "sprung"

    assert "cannot be read" in refusal(pickle.dumps(Hostile(trap)))
    assert not trap.exists()


def test_a_pickle_inside_the_archive_does_nothing(tmp_path: Path):
    trap = tmp_path / "sprung"
    array = io.BytesIO()
    np.save(array, np.array([Hostile(trap)], dtype=object), allow_pickle=True)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed(fitted()))) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, array.getvalue() if name.endswith(".npy") else source.read(name))

    refusal(target.getvalue())
    assert not trap.exists()


def test_a_function_of_the_system_is_a_stranger():
    hostile = skops_io.dumps({"estimator": FunctionTransformer(func=os.system)})

    assert "which no model of ours does" in refusal(hostile)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"nothing of the kind"])
def test_bytes_that_are_no_model_are_refused(data: bytes):
    assert "cannot be read" in refusal(data)


def test_something_harmless_that_is_no_estimator_is_refused():
    assert refusal(skops_io.dumps([1, 2, 3])) == "The stored model is not a set of estimators."
