"""Detection: candles in, every finding out, as columns or as the events of the published contract."""

from dataclasses import replace

from engine.candles import Candles, InputError
from engine.contract import events
from engine.detection_params import DetectionParams
from engine.findings import Findings
from engine.kernel_columns import GivenRows
from engine.runner import INTERPRETED, Kernel, price_findings
from engine.session_findings import session_rows
from engine.sessions import NewYork, Sessions, sessions
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
    clock, given = _clocked(candles, params)
    found = price_findings(candles, params, kernel, given=given)
    if other is None:
        return replace(found, sessions=clock)
    theirs = price_findings(other, params, kernel, extras=False)
    diverging = divergences(candles, found, other, theirs, params.swing_right)
    return replace(found, sessions=clock, divergences=diverging)


def _clocked(candles: Candles, params: DetectionParams) -> tuple[Sessions, GivenRows]:
    """What the clock says and finds. The times of each bar end here: a long series has no room for them afterwards."""
    new_york = NewYork.of(candles)
    clock = sessions(candles, params, new_york)
    return clock, session_rows(candles, clock, new_york, params)
