"""Running the price kernel: columns in, `Findings` out, interpreted or compiled."""

import importlib
import mmap
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import BarColumns, Findings
from engine.kernel import FULL, SPARE, STACK_COUNT, price_kernel
from engine.kernel_columns import (
    DIRECTION,
    FIRST_EVENT,
    INDEX,
    KIND,
    LAST_OPPOSITE,
    LOWER,
    LUXALGO,
    ORIGIN,
    REF,
    SETTLED,
    SMC,
    UPPER,
    BarRows,
    GivenRows,
    Rows,
    Rules,
)
from engine.lent_memory import Lender
from engine.marks import MarkColumns, look_back, mark_by_array

EVENTS_PER_BAR = 4
"""Room given at first; real candles hold two to three events a bar. A kernel that runs out is given twice as much."""
EVENTS_AT_LEAST = 256

LARGE_ROOM = 50_000
"""Events whose columns are larger than what memory allocators keep at hand."""
LONG_BARS = 100_000
"""Bars whose stacks would be."""
BAR_ROWS = 2
_ROWS = (2, 3, 2)
"""Rows of each table of `Rows`."""
_SMALL_BYTES, _WHOLE_BYTES, _PRICE_BYTES = (rows * size for rows, size in zip(_ROWS, (1, 4, 8), strict=True))
"""Bytes an event takes in each."""
_MEMORY = Lender()
_NOTHING_GIVEN = Rows(np.empty((2, 0), np.int8), np.empty((3, 0), np.int32), np.empty((2, 0), np.float64))
_SCHOOLS = {"last_opposite": LAST_OPPOSITE, "luxalgo": LUXALGO, "smc": SMC}


@dataclass(frozen=True, slots=True)
class Kernel:
    """The price kernel and the marks it reads, in one of their two forms."""

    function: Callable[..., int]
    mark: Callable[..., None]
    on_arrays: bool
    """Whether the kernel is fast on arrays (compiled) or on lists (interpreted)."""


INTERPRETED = Kernel(price_kernel, mark_by_array, on_arrays=False)


def compiled() -> Kernel:
    """The compiled form. numba comes with the first call: a second and 100 MB for whoever asks, nothing for others."""
    kernel: Kernel = importlib.import_module("engine.compiled").COMPILED
    return kernel


def price_findings(
    candles: Candles,
    params: DetectionParams,
    kernel: Kernel = INTERPRETED,
    *,
    extras: bool = True,
    given: GivenRows | None = None,
    since: int = 0,
) -> Findings:
    """Everything the prices of `candles` tell, and the rows of `given` among it.

    `extras` False leaves out what `Rules.extras` names. Where `since` is above 0, nothing becomes known before that bar,
    no row of `given` either, and the objects of the bars before it stay unknown, as they do to a window that starts
    there (see `window_is_equal`).
    """
    rules = rules_of(params, extras=extras)
    rows = _NOTHING_GIVEN if given is None else _packed(given)
    run = _run_on_arrays if kernel.on_arrays else _run_on_lists
    room = EVENTS_PER_BAR * (len(candles) - since) + rows.whole.shape[1] + EVENTS_AT_LEAST
    while True:
        found = run(candles, rules, rows, kernel, room, since)
        if found is not None:
            return found
        room *= 2


@lru_cache(maxsize=64)
def rules_of(params: DetectionParams, *, extras: bool = True) -> Rules:
    """The parameters as the plain numbers the kernel reads."""
    return Rules(
        swing_left=params.swing_left,
        swing_right=params.swing_right,
        internal_left=params.internal_left,
        internal_right=params.internal_right,
        break_on_wick=params.break_on == "wick",
        mean_bars=params.disp_n,
        body_multiple=float(params.disp_k),
        body_share=float(params.disp_body_frac),
        min_gap=float(params.fvg_min_gap),
        colour_filter=params.fvg_color_filter,
        block_school=_SCHOOLS[params.ob_school],
        block_body=params.ob_zone == "body",
        equal_tolerance=float(params.eq_tol),
        equal_tolerance_ranges=float(params.eq_tol_atr),
        reclaim_bars=params.sweep_reclaim,
        leg_swings=params.swing_model == "luxalgo_leg",
        leg_size=params.swing_size,
        extras=extras,
    )


def _run_on_arrays(
    candles: Candles, rules: Rules, given: Rows, kernel: Kernel, room: int, since: int
) -> Findings | None:
    n = len(candles)
    events = _event_rows(room + SPARE)
    bars = BarRows(np.zeros((BAR_ROWS, n + 1), np.int32), np.zeros(n, np.int8))
    prices = tuple(_read_only(column) for column in (candles.open, candles.high, candles.low, candles.close))
    measured = _measured(prices, rules, kernel, since)
    plain = tuple(rules)
    tables = (tuple(given), tuple(events), tuple(bars))
    count = kernel.function(*prices, *measured, plain, *tables, _scratch(n), _counting(room), since)
    if count == FULL:
        return None
    told = Rows(events.small[:, :count], events.whole[:, :count], events.prices[:, :count])
    return _findings(told, bars, measured)


def _run_on_lists(
    candles: Candles, rules: Rules, given: Rows, kernel: Kernel, room: int, since: int
) -> Findings | None:
    n = len(candles)
    columns = (candles.open, candles.high, candles.low, candles.close)
    measured = _measured(columns, rules, kernel, since)
    events = Rows(*([[0] * (room + SPARE) for _ in range(rows)] for rows in _ROWS))
    bars = BarRows([[0] * (n + 1) for _ in range(BAR_ROWS)], [0] * n)
    count = kernel.function(
        *(column.tolist() for column in columns),
        measured.marks.tolist(),
        measured.true_range.tolist(),
        rules,
        Rows(*(table.tolist() for table in given)),
        events,
        bars,
        [[0] * n for _ in range(STACK_COUNT)],
        [0, 1, room],
        since,
    )
    if count == FULL:
        return None
    told = Rows(
        [_packed_column(row[:count], "b") for row in events.small],
        [_packed_column(row[:count], "i") for row in events.whole],
        [_packed_column(row[:count], "d") for row in events.prices],
    )
    state = BarRows([_packed_column(row, "i") for row in bars.whole], _packed_column(bars.trend, "b"))
    return _findings(told, state, measured)


def _measured(prices: tuple[NDArray[Any], ...], rules: Rules, kernel: Kernel, since: int) -> MarkColumns:
    """The marks of the bars from `since` on, and the true ranges they are made of; noughts before."""
    n = len(prices[0])
    if since:
        measured, begin = MarkColumns(np.zeros(n, np.uint8), np.zeros(n)), max(since - look_back(rules), 0)
        prices, into = tuple(column[begin:] for column in prices), MarkColumns(*(column[begin:] for column in measured))
    else:
        measured = into = MarkColumns(np.empty(n, np.uint8), np.empty(n))
    if kernel.on_arrays:
        kernel.mark(*prices, tuple(rules), tuple(into))
    else:
        kernel.mark(*prices, rules, into)
    return measured


def _event_rows(room: int) -> Rows:
    """The columns of so many events, inside one piece of memory where it is large: small ones lie at hand.

    A large piece comes in pages of 2 MB where the system has them.
    """
    small, whole, prices = ((rows, room) for rows in _ROWS)
    if room < LARGE_ROOM:
        return Rows(np.empty(small, np.int8), np.empty(whole, np.int32), np.empty(prices, np.float64))
    whole_at = _PRICE_BYTES * room
    small_at = whole_at + _WHOLE_BYTES * room
    memory = _MEMORY.piece(small_at + _SMALL_BYTES * room)
    return Rows(
        np.ndarray(small, np.int8, memory, small_at),
        np.ndarray(whole, np.int32, memory, whole_at),
        np.ndarray(prices, np.float64, memory),
    )


@lru_cache(maxsize=64)
def _counting(room: int) -> NDArray[np.uint64]:
    """Nought, one and how many events there is room for."""
    return np.array([0, 1, room], np.uint64)


def _scratch(n: int) -> NDArray[np.uint32]:
    """The kernel's stacks. They must hold every bar and stay shallow: a long series gets addresses, not memory."""
    if n < LONG_BARS:
        return np.empty((STACK_COUNT, n), np.uint32)
    addresses = mmap.mmap(-1, STACK_COUNT * n * np.dtype(np.uint32).itemsize)
    return np.frombuffer(addresses, np.uint32).reshape(STACK_COUNT, n)


def _findings(events: Rows, bars: BarRows, measured: MarkColumns) -> Findings:
    n = len(bars.trend)
    small, whole, prices = events
    return Findings(
        kind=small[KIND],
        index=whole[INDEX],
        ref=whole[REF],
        direction=small[DIRECTION],
        upper=prices[UPPER],
        lower=prices[LOWER],
        origin=whole[ORIGIN],
        bars=BarColumns(
            first_event=bars.whole[FIRST_EVENT],
            trend=bars.trend,
            true_range=measured.true_range,
            settled=bars.whole[SETTLED][:n],
        ),
    )


def _packed(given: GivenRows) -> Rows:
    return Rows(
        np.array([given.kind, given.direction], np.int8),
        np.array([given.index, given.ref, given.known_at], np.int32),
        np.array([given.upper, given.lower], np.float64),
    )


def _packed_column(values: Sequence[float], code: str) -> NDArray[Any]:
    """The array of a list whose numbers are all of one type: packed at once, twice as fast as one by one."""
    return np.frombuffer(struct.pack(f"{len(values)}{code}", *values), code)


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """A view nobody can write to: numba compiles anew for every mixture of writable and read-only arguments."""
    if not column.flags.writeable:
        return column
    view = column.view()
    view.flags.writeable = False
    return view
