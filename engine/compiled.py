"""The compiled twin of the price kernel; importing this module imports numba, so only long work does."""

import hashlib
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numba.np import linalg
from numpy.typing import NDArray

from engine import findings, kernel, kernel_columns, marks
from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import BarColumns, Findings
from engine.kernel import FULL, SPARE, STACK_COUNT, price_kernel
from engine.kernel_columns import (
    BAR_ROWS,
    DIRECTION,
    EVENT_ROWS,
    FIRST_EVENT,
    INDEX,
    KIND,
    LOWER,
    ORIGIN,
    REF,
    SETTLED,
    UPPER,
    Column,
    Rows,
    Rules,
)
from engine.lent_memory import Lender
from engine.marks import mark_by_loop
from engine.runner import Kernel, measured_from, price_findings
from engine.timeframes import Timeframe

LARGE_ROOM = 50_000
"""Events whose columns are larger than what memory allocators keep at hand."""

Tables = tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.float64]]
"""`Rows` of arrays, as a plain tuple: a named one costs microseconds to be handed over."""

_SMALL_BYTES, _WHOLE_BYTES, _PRICE_BYTES = (rows * size for rows, size in zip(EVENT_ROWS, (1, 4, 8), strict=True))
"""Bytes an event takes in each table."""
_MEMORY = Lender()
_NO_ROOM: Tables = (np.empty((2, 0), np.int8), np.empty((3, 0), np.int32), np.empty((2, 0), np.float64))


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

_AS_IT_IS_RUN: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
"""Releases the interpreter lock while it runs; divides by zero as numpy does, without asking."""
mark: Callable[..., None] = njit(**_AS_IT_IS_RUN)(mark_by_loop)
_find: Callable[..., int] = njit(**_AS_IT_IS_RUN)(price_kernel)


def _whole_run(sources: str) -> Callable[..., tuple[Any, ...]]:
    """Marks and kernel as one function that makes the columns it writes to; kept on disk, apart for other `sources`.

    One call, and the columns made inside it, because each array that Python hands over or makes takes a third of a
    microsecond, and the bars of a live window take sixty.
    """

    def run(
        open_: Column, high: Column, low: Column, close: Column, rules: tuple[Any, ...], given: Tables, room: int,
        lent: Tables, since: int, begin: int,
    ) -> tuple[Any, ...]:  # fmt: skip
        _ = sources  # numba looks for changes in this file alone, but for those of enclosed values too
        n = len(close)
        small, whole, prices = lent
        if small.shape[1] < room + SPARE:
            small = np.empty((EVENT_ROWS[0], room + SPARE), np.int8)
            whole = np.empty((EVENT_ROWS[1], room + SPARE), np.int32)
            prices = np.empty((EVENT_ROWS[2], room + SPARE), np.float64)
        marked, true_range = np.empty(n, np.uint8), np.empty(n, np.float64)
        state, trend = np.empty((BAR_ROWS, n + 1), np.int32), np.empty(n, np.int8)
        stacks = np.empty((STACK_COUNT, n), np.uint32)  # of a long series mere addresses: they stay shallow
        marked[:begin], true_range[:begin], state[:, :since], trend[:since] = 0, 0.0, 0, 0

        mark(open_[begin:], high[begin:], low[begin:], close[begin:], rules, (marked[begin:], true_range[begin:]))
        counting = np.array([0, 1, room], np.uint64)
        count = _find(
            open_, high, low, close, marked, true_range, rules, given, (small, whole, prices), (state, trend), stacks,
            counting, since,
        )  # fmt: skip
        told = max(count, 0)
        return (
            count,
            small[KIND, :told],
            whole[INDEX, :told],
            whole[REF, :told],
            small[DIRECTION, :told],
            prices[UPPER, :told],
            prices[LOWER, :told],
            whole[ORIGIN, :told],
            state[FIRST_EVENT],
            trend,
            true_range,
            state[SETTLED, :n],
        )

    compiled: Callable[..., tuple[Any, ...]] = njit(cache=True, **_AS_IT_IS_RUN)(run)
    return compiled


SOURCES = (kernel, marks, kernel_columns, findings)
"""Whatever becomes machine code, and the modules its numbers are from."""
_run = _whole_run(hashlib.sha256("".join(map(inspect.getsource, SOURCES)).encode()).hexdigest())


def _on_arrays(candles: Candles, rules: Rules, given: Rows, room: int, since: int) -> Findings | None:
    prices = _read_only(candles.open), _read_only(candles.high), _read_only(candles.low), _read_only(candles.close)
    lent = _lent(room + SPARE) if room > LARGE_ROOM else _NO_ROOM
    count, kind, index, ref, direction, upper, lower, origin, first_event, trend, true_range, settled = _run(
        *prices, tuple(rules), tuple(given), room, lent, since, measured_from(rules, since)
    )
    if count == FULL:
        return None
    bars = BarColumns(first_event, trend, true_range, settled)
    return Findings(kind, index, ref, direction, upper, lower, origin, bars)


COMPILED: Kernel = _on_arrays
"""The same functions over arrays, compiled on first use."""


def load() -> None:
    """Have the compiled form at hand: out of the disk cache, or compiled anew where there is none."""
    nothing = Candles.checked("", Timeframe.H1, *([],) * 6)
    price_findings(nothing, DetectionParams(), COMPILED)


def _lent(room: int) -> Tables:
    """The columns of so many events inside one piece of lent memory, in pages of 2 MB where the system has them."""
    small, whole, prices = ((rows, room) for rows in EVENT_ROWS)
    whole_at = _PRICE_BYTES * room
    small_at = whole_at + _WHOLE_BYTES * room
    memory = _MEMORY.piece(small_at + _SMALL_BYTES * room)
    return (
        np.ndarray(small, np.int8, memory, small_at),
        np.ndarray(whole, np.int32, memory, whole_at),
        np.ndarray(prices, np.float64, memory),
    )


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """A view nobody can write to: numba compiles anew for every mixture of writable and read-only arguments."""
    if not column.flags.writeable:
        return column
    view = column.view()
    view.flags.writeable = False
    return view
