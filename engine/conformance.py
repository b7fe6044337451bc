"""Conformance: hand-checked cases through the engine, every prefix, mirrored where the case allows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.candles import Candles, InputError
from engine.contract import WORDS_OF_TIME, Event, events
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.runner import INTERPRETED, Kernel
from engine.timeframes import Timeframe

MIRROR_SUM = 40.0
"""A mirrored chart has every price p at MIRROR_SUM - p."""
PRICE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """A case that failed, and the first difference found."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class ConformanceResult:
    """How many cases passed and failed; `failures` in the order of the cases."""

    passed: int
    failed: int
    failures: tuple[CaseFailure, ...]


def run_cases(document: Mapping[str, Any], kernel: Kernel = INTERPRETED) -> ConformanceResult:
    """The outcome of every case of a parsed case file; ValueError when it is not one."""
    if not isinstance(document.get("cases"), list):
        raise ValueError("Not a case file: it has no list of cases")
    defaults = document.get("default_params", {})
    failures = []
    for case in document["cases"]:
        why = _first_failure(case, {**defaults, **(case.get("params") or {})}, kernel)
        if why is not None:
            failures.append(CaseFailure(str(case.get("name", "?")), why))
    total = len(document["cases"])
    return ConformanceResult(total - len(failures), len(failures), tuple(failures))


def _first_failure(case: Mapping[str, Any], mapping: Mapping[str, object], kernel: Kernel) -> str | None:
    try:
        params = DetectionParams.from_mapping(mapping)
        if case.get("error"):
            return _unless_refused(case, params, kernel)
        return _difference(case, params, kernel, mirrored=False) or (
            _difference(case, params, kernel, mirrored=True) if case.get("mirror_ok") else None
        )
    except (KeyError, TypeError, ValueError) as error:  # a malformed case is a failed case, not a crash
        return f"{type(error).__name__}: {error}"


def _unless_refused(case: Mapping[str, Any], params: DetectionParams, kernel: Kernel) -> str | None:
    try:
        candles = _series(case["candles"], case.get("times"), params, mirrored=False)
        list(events(candles, detect(candles, params, kernel=kernel)))
    except InputError:
        return None
    return f"raised nothing, expected: {case['error']}"


def _difference(case: Mapping[str, Any], params: DetectionParams, kernel: Kernel, *, mirrored: bool) -> str | None:
    candles = _series(case["candles"], case.get("times"), params, mirrored=mirrored)
    other = _series(case["other"], case.get("times"), params, mirrored=mirrored) if case.get("other") else None
    kinds = set(case["check_kinds"])
    timeless = not case.get("times")
    expected = [_mirrored(event) if mirrored else event for event in case["expect"]]
    found = _checked(candles, other, params, kernel, kinds, timeless)
    where = "mirrored: " if mirrored else ""
    difference = _unmatched(found, expected)
    if difference is not None:
        return where + difference
    for length in range(len(candles)):
        seen = _checked(candles.window(length, length), _until(other, length), params, kernel, kinds, timeless)
        difference = _unmatched(seen, [event for event in found if event.get("known_at", length) < length])
        if difference is not None:
            return f"{where}after {length} bars {difference}"
    return None


def _series(
    rows: Sequence[Sequence[Any]], times: Sequence[str] | None, params: DetectionParams, *, mirrored: bool
) -> Candles:
    open_ms = (
        [round(datetime.fromisoformat(time).timestamp() * 1000) for time in times]
        if times
        else [position * params.timeframe_ms for position in range(len(rows))]
    )
    opens, highs, lows, closes, volumes = ([row[column] for row in rows] for column in range(5))
    if mirrored:
        opens, closes, highs, lows = (_flipped(column) for column in (opens, closes, lows, highs))
    timeframe = Timeframe.of_ms(params.timeframe_ms)
    return Candles.checked("CASE", timeframe, open_ms, opens, highs, lows, closes, volumes, signed=True)


def _flipped(prices: Iterable[float | None]) -> list[Any]:
    return [None if price is None else MIRROR_SUM - price for price in prices]


def _until(candles: Candles | None, length: int) -> Candles | None:
    return None if candles is None else candles.window(length, length)


def _checked(
    candles: Candles,
    other: Candles | None,
    params: DetectionParams,
    kernel: Kernel,
    kinds: set[str],
    timeless: bool,
) -> list[Event]:
    wanted = kinds.difference(WORDS_OF_TIME) if timeless else kinds
    found = detect(candles, params, other, kernel)
    return [event for event in events(candles, found) if event["kind"] in wanted]


def _unmatched(found: Sequence[Event], expected: Sequence[Event]) -> str | None:
    """The first event of the one that has no partner in the other; None when they pair off."""
    left = list(found)
    for event in expected:
        partner = next((candidate for candidate in left if _is_shown_by(event, candidate)), None)
        if partner is None:
            return f"misses {event}"
        left.remove(partner)
    return f"has {left[0]} too many" if left else None


def _is_shown_by(expected: Any, found: Any) -> bool:
    if isinstance(expected, Mapping):
        return all(name in found and _is_shown_by(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(_is_shown_by, expected, found))
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        return not isinstance(found, bool) and abs(expected - found) <= PRICE_TOLERANCE
    return bool(expected == found)


_NEGATED = ("dir", "leg", "bias")
_LEVELS = ("level", "eq", "mean", "ote_mid", "ce")
_SWAPPED = {
    **{"top": "bottom", "bottom": "top", "range_high": "range_low", "range_low": "range_high"},
    **{"leg_high": "leg_low", "leg_low": "leg_high", "high": "low", "low": "high"},
    **{"pdh": "pdl", "pdl": "pdh", "pwh": "pwl", "pwl": "pwh"},
}
_OTHER_ZONE = {"premium": "discount", "discount": "premium"}


def _mirrored(event: Event) -> Event:
    """What a chart flipped at MIRROR_SUM / 2 must show for `event`."""
    mirror = dict(event)
    for name, value in event.items():
        if name in _NEGATED:
            mirror[name] = -value
        elif name in _LEVELS:
            mirror[name] = MIRROR_SUM - value
        elif name in _SWAPPED:
            mirror[_SWAPPED[name]] = MIRROR_SUM - value
        elif name == "levels":
            mirror[name] = [MIRROR_SUM - level for level in value]
        elif name == "ote":
            mirror[name] = [MIRROR_SUM - edge for edge in reversed(value)]
        elif name == "zone":
            mirror[name] = _OTHER_ZONE.get(value, value)
    return mirror
