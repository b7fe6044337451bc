"""The compiled twin of the price kernel; importing this module imports numba, so only long work does."""

from numba import njit

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.kernel import price_kernel
from engine.runner import Kernel, price_findings
from engine.timeframes import Timeframe

COMPILED = Kernel(njit(cache=True, nogil=True)(price_kernel), on_arrays=True)
"""The same function, compiled on first use and cached on disk; it releases the interpreter lock while it runs."""


def load() -> None:
    """Have the compiled form at hand: out of the disk cache, or compiled anew where there is none."""
    nothing = Candles.checked("", Timeframe.H1, *([],) * 6)
    price_findings(nothing, DetectionParams(), COMPILED)
