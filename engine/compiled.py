"""The compiled twin of the price kernel; importing this module imports numba, so only long work does."""

from numba import njit

from engine.kernel import price_kernel
from engine.runner import Kernel

COMPILED = Kernel(njit(cache=True, nogil=True)(price_kernel), on_arrays=True)
"""The same function, compiled on first use and cached on disk; it releases the interpreter lock while it runs."""
