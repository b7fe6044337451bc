"""The compiled twin of the price kernel; importing this module imports numba, so only long work does."""

from numba import njit

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.kernel import price_kernel
from engine.marks import mark_by_loop
from engine.runner import Kernel, price_findings
from engine.timeframes import Timeframe

_compiled = njit(cache=True, nogil=True, error_model="numpy")
"""Cached on disk; releases the interpreter lock while it runs; divides by zero as numpy does, without asking."""

COMPILED = Kernel(_compiled(price_kernel), _compiled(mark_by_loop), on_arrays=True)
"""The same functions, compiled on first use."""


def load() -> None:
    """Have the compiled form at hand: out of the disk cache, or compiled anew where there is none."""
    nothing = Candles.checked("", Timeframe.H1, *([],) * 6)
    price_findings(nothing, DetectionParams(), COMPILED)
