"""Detection: candles in, every finding out, as columns or as the events of the published contract."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles, InputError
from engine.contract import events
from engine.detection_params import DetectionParams
from engine.findings import NONE, Findings
from engine.runner import INTERPRETED, Kernel, price_findings
from engine.session_findings import Rows, session_rows
from engine.sessions import sessions
from engine.smt import divergences

__all__ = ["detect", "events"]


def detect(
    candles: Candles, params: DetectionParams, other: Candles | None = None, kernel: Kernel = INTERPRETED
) -> Findings:
    """Every finding of every kind in `candles`; with `other`, a correlated series, also their divergences.

    InputError when the two series have different timeframes.
    """
    if other is not None and other.timeframe is not candles.timeframe:
        raise InputError(f"{other.symbol} is {other.timeframe.text}, {candles.symbol} is {candles.timeframe.text}")
    found = price_findings(candles, params, kernel)
    clock = sessions(candles, params)
    if other is not None:
        theirs = price_findings(other, params, kernel, extras=False)
        found = replace(found, divergences=divergences(candles, found, other, theirs, params.swing_right))
    return replace(_merged(found, session_rows(candles, clock, params)), sessions=clock)


def _merged(found: Findings, rows: Rows) -> Findings:
    """Both in one, a bar's rows of the clock in front of what its prices tell."""
    if not rows.kind.size:
        return found
    bars = found.bars
    inserted_upto = np.cumsum(np.bincount(rows.known_at, minlength=found.bar_count), dtype=np.int32)
    at = bars.first_event[rows.known_at]
    moved = found.origin + np.where(found.origin == NONE, 0, inserted_upto[found.known_at[found.origin]])
    return replace(
        found,
        kind=np.insert(found.kind, at, rows.kind),
        known_at=np.insert(found.known_at, at, rows.known_at),
        index=np.insert(found.index, at, rows.index),
        ref=np.insert(found.ref, at, rows.ref),
        direction=np.insert(found.direction, at, rows.direction),
        upper=np.insert(found.upper, at, rows.upper),
        lower=np.insert(found.lower, at, rows.lower),
        origin=np.insert(moved.astype(np.int32), at, np.full(rows.kind.shape, NONE, dtype=np.int32)),
        bars=replace(bars, first_event=_shifted(bars.first_event, inserted_upto)),
    )


def _shifted(first_event: NDArray[np.int32], inserted_upto: NDArray[np.int32]) -> NDArray[np.int32]:
    shifted = first_event.copy()
    shifted[1:] += inserted_upto
    return shifted
