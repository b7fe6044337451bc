"""The compiled twin of the price kernel; importing this module imports numba, so only long work does."""

import importlib

from numba import njit
from numba.np import linalg

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.kernel import price_kernel
from engine.marks import mark_by_loop
from engine.runner import Kernel, price_findings
from engine.timeframes import Timeframe


def _load_array_functions() -> None:
    """Have numba load its array functions without looking for a BLAS: it would import SciPy's linear algebra for it.

    That is half the time of its own start and 15 MB, and the kernel multiplies no matrices.
    """

    def no_blas() -> None:
        raise ImportError("the price kernel needs no BLAS")

    find_blas, linalg.ensure_blas = linalg.ensure_blas, no_blas
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = find_blas


_load_array_functions()

_compiled = njit(cache=True, nogil=True, error_model="numpy")
"""Cached on disk; releases the interpreter lock while it runs; divides by zero as numpy does, without asking."""

COMPILED = Kernel(_compiled(price_kernel), _compiled(mark_by_loop), on_arrays=True)
"""The same functions, compiled on first use."""


def load() -> None:
    """Have the compiled form at hand: out of the disk cache, or compiled anew where there is none."""
    nothing = Candles.checked("", Timeframe.H1, *([],) * 6)
    price_findings(nothing, DetectionParams(), COMPILED)
