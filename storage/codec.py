"""JSON as the book holds it: one text per value, so that equal values are equal bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Json = Mapping[str, "Json"] | Sequence["Json"] | str | float | int | bool | None


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no form in the book's JSON")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=_plain)


def encoded(value: Json) -> str:
    """The value as JSON text with sorted keys; NaN and infinity raise ValueError."""
    return _ENCODER.encode(value)


def decoded(text: str) -> Any:
    """The value behind a JSON text of the book."""
    return json.loads(text)
