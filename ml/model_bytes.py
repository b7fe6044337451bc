"""Models as bytes: skops with a fixed list of what may be inside; bytes that hold anything else are refused unread.

Nothing here unpickles. skops itself reads a closed format; types outside its own trust and outside ALLOWED never come to
life. Its bytes name objects by their place in memory and the minute they were written: both are replaced, so that the same
model has the same bytes.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.base import BaseEstimator
from skops import io as skops_io

from ml.acting import ModelRefused

ALLOWED = ("numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
SCHEMA = "schema.json"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
OBJECT_ID = re.compile(r'("__id__": )(\d+)|"(\d+)(\.np[yz])"')


def packed(parts: dict[str, BaseEstimator]) -> bytes:
    """Fitted estimators by name as bytes; the same estimators give the same bytes."""
    return _canonical(skops_io.dumps(parts))


def unpacked(data: bytes, sha256: str) -> dict[str, BaseEstimator]:
    """The estimators behind the bytes; ModelRefused when they are not the ones that were stored or hold anything else."""
    if digest(data) != sha256:
        raise ModelRefused("The stored model is not the one that was trained: its checksum differs.")
    with _explaining():
        strangers = sorted(set(skops_io.get_untrusted_types(data=data)) - set(ALLOWED))
    if strangers:
        raise ModelRefused(f"The stored model holds {strangers[0]}, which no model of ours does.")
    with _explaining():
        parts = skops_io.loads(data, trusted=list(ALLOWED))
    if not isinstance(parts, dict) or not all(isinstance(part, BaseEstimator) for part in parts.values()):
        raise ModelRefused("The stored model is not a set of estimators.")
    return parts


@contextmanager
def _explaining() -> Iterator[None]:
    """Whatever broken bytes make skops stumble over, as one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError, ImportError, AttributeError, EOFError) as error:
        raise ModelRefused(f"The stored model cannot be read: {str(error).rstrip('.')}.") from error


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def _canonical(data: bytes) -> bytes:
    """The archive with objects numbered in the order they are named, in that order, without a time."""
    numbers: dict[str, str] = {}

    def renamed(found: re.Match[str]) -> str:
        old = found[2] or found[3]
        number = numbers.setdefault(old, str(len(numbers)))
        return f"{found[1]}{number}" if found[2] else f'"{number}{found[4]}"'

    with zipfile.ZipFile(io.BytesIO(data)) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    schema = OBJECT_ID.sub(renamed, contents.pop(SCHEMA).decode())
    files = sorted((int(numbers[name.split(".")[0]]), name) for name in contents)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in files:
            suffix = name.removeprefix(name.split(".")[0])
            archive.writestr(zipfile.ZipInfo(f"{number}{suffix}", ZIP_EPOCH), contents[name], zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo(SCHEMA, ZIP_EPOCH), schema, zipfile.ZIP_DEFLATED)
    return target.getvalue()
