"""Running the price kernel: columns in, `Findings` out, interpreted or compiled."""

import importlib
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import BarColumns, Findings
from engine.kernel import FULL, SPARE, STACK_COUNT, price_kernel
from engine.kernel_columns import (
    BAR_ROWS,
    EVENT_ROWS,
    LAST_OPPOSITE,
    LUXALGO,
    SMC,
    BarRows,
    GivenRows,
    Rows,
    Rules,
)
from engine.marks import MarkColumns, look_back, mark_by_array

EVENTS_PER_BAR = 4
"""Room given at first; real candles hold two to three events a bar. A kernel that runs out is given twice as much."""
EVENTS_AT_LEAST = 256

Kernel = Callable[[Candles, Rules, Rows, int, int], Findings | None]
"""The price kernel and the marks it reads, in one of their two forms: candles, rules, findings made elsewhere, room for
how many events, and the bar since which things become known. None where the room did not do."""

_NOTHING_GIVEN = Rows(np.empty((2, 0), np.int8), np.empty((3, 0), np.int32), np.empty((2, 0), np.float64))
_SCHOOLS = {"last_opposite": LAST_OPPOSITE, "luxalgo": LUXALGO, "smc": SMC}


def _on_lists(candles: Candles, rules: Rules, given: Rows, room: int, since: int) -> Findings | None:
    n = len(candles)
    prices = (candles.open, candles.high, candles.low, candles.close)
    open_, high, low, close = (column.tolist() for column in prices)
    marks, true_range = _measured(prices, rules, since)
    small, whole, levels = events = Rows(*([[0] * (room + SPARE) for _ in range(rows)] for rows in EVENT_ROWS))
    bars = BarRows([[0] * (n + 1) for _ in range(BAR_ROWS)], [0] * n)
    count = price_kernel(
        open_,
        high,
        low,
        close,
        marks.tolist(),
        true_range.tolist(),
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
    kind, direction = (_packed_column(row[:count], "b") for row in small)
    index, ref, origin = (_packed_column(row[:count], "i") for row in whole)
    upper, lower = (_packed_column(row[:count], "d") for row in levels)
    first_event, settled = (_packed_column(row, "i") for row in bars.whole)
    state = BarColumns(first_event, _packed_column(bars.trend, "b"), true_range, settled[:n])
    return Findings(kind, index, ref, direction, upper, lower, origin, state)


INTERPRETED: Kernel = _on_lists
"""The functions as they stand, over lists: nothing to load."""


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
    room = EVENTS_PER_BAR * (len(candles) - since) + rows.whole.shape[1] + EVENTS_AT_LEAST
    while True:
        found = kernel(candles, rules, rows, room, since)
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


def measured_from(rules: Rules, since: int) -> int:
    """The bar from which on a run that begins at `since` needs marks."""
    return max(since - look_back(rules), 0) if since else 0


def _measured(prices: tuple[NDArray[Any], ...], rules: Rules, since: int) -> MarkColumns:
    n, begin = len(prices[0]), measured_from(rules, since)
    marks, true_range = measured = MarkColumns(np.zeros(n, np.uint8), np.zeros(n))
    open_, high, low, close = (column[begin:] for column in prices)
    mark_by_array(open_, high, low, close, rules, MarkColumns(marks[begin:], true_range[begin:]))
    return measured


def _packed(given: GivenRows) -> Rows:
    return Rows(
        np.array([given.kind, given.direction], np.int8),
        np.array([given.index, given.ref, given.known_at], np.int32),
        np.array([given.upper, given.lower], np.float64),
    )


def _packed_column(values: Sequence[float], code: str) -> NDArray[Any]:
    """The array of a list whose numbers are all of one type: packed at once, twice as fast as one by one."""
    return np.frombuffer(struct.pack(f"{len(values)}{code}", *values), code)
