"""JSON as the book holds it: one text per value, so that equal values are equal bytes."""

import json
import math
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


def json_of(value: object) -> Json:
    """Plain data (as `dataclasses.asdict` gives it) as the book's JSON; a number that is not finite is null."""
    if isinstance(value, Mapping):
        return {str(name): json_of(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_of(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    assert value is None or isinstance(value, str | int), f"{type(value).__name__} is no plain data"
    return value


def features_text(features: Mapping[str, float]) -> str:
    """Features by name as JSON; NaN, the mark of a missing one, is null."""
    return encoded({name: None if math.isnan(value) else value for name, value in features.items()})


def features_of(text: str) -> dict[str, float]:
    """The features behind a JSON text of the book."""
    return {name: math.nan if value is None else value for name, value in decoded(text).items()}
