"""Running the price kernel: columns in, `Findings` out, interpreted or compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import BarColumns, Findings
from engine.kernel import FULL, SPARE, STACK_COUNT, price_kernel
from engine.kernel_columns import LAST_OPPOSITE, LUXALGO, SMC, BarOutputs, EventColumns, GivenRows, Rules

EVENTS_PER_BAR = 4
"""Room given at first; real candles hold two to three events a bar. A kernel that runs out is given twice as much."""
EVENTS_AT_LEAST = 256

_EVENT_TYPES = EventColumns(np.int8, np.int32, np.int32, np.int32, np.int8, np.float64, np.float64, np.int32)
_BAR_TYPES = BarOutputs(np.int32, np.int8, np.int32, np.int32, np.float64, np.float64, np.int32)
_NOTHING_GIVEN = GivenRows(*(np.empty(0, dtype) for dtype in _EVENT_TYPES[:-1]))
_SCHOOLS = {"last_opposite": LAST_OPPOSITE, "luxalgo": LUXALGO, "smc": SMC}


@dataclass(frozen=True, slots=True)
class Kernel:
    """The price kernel in one of its two forms."""

    function: Callable[..., int]
    on_arrays: bool
    """Whether it is fast on arrays (compiled) or on lists (interpreted)."""


INTERPRETED = Kernel(price_kernel, on_arrays=False)


def price_findings(
    candles: Candles,
    params: DetectionParams,
    kernel: Kernel = INTERPRETED,
    *,
    extras: bool = True,
    given: GivenRows = _NOTHING_GIVEN,
) -> Findings:
    """Everything the prices of `candles` tell, and the rows of `given` among it.

    `extras` False leaves out what `Rules.extras` names.
    """
    rules = rules_of(params, extras=extras)
    run = _run_on_arrays if kernel.on_arrays else _run_on_lists
    room = EVENTS_PER_BAR * len(candles) + len(given.kind) + EVENTS_AT_LEAST
    while True:
        found = run(candles, rules, given, kernel.function, room)
        if found is not None:
            return found
        room *= 2


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
    candles: Candles, rules: Rules, given: GivenRows, function: Callable[..., int], room: int
) -> Findings | None:
    n = len(candles)
    prices = (_read_only(column) for column in (candles.open, candles.high, candles.low, candles.close))
    events = EventColumns(*(np.empty(room + SPARE, dtype) for dtype in _EVENT_TYPES))
    bars = _bar_outputs(n, np.empty)
    stacks = np.empty((STACK_COUNT, n), np.int32)
    count = function(*prices, rules, GivenRows(*map(_read_only, given)), events, bars, tuple(stacks))
    if count == FULL:
        return None
    return Findings(*_first(count, events), BarColumns(*bars))


def _run_on_lists(
    candles: Candles, rules: Rules, given: GivenRows, function: Callable[..., int], room: int
) -> Findings | None:
    n = len(candles)
    prices = (column.tolist() for column in (candles.open, candles.high, candles.low, candles.close))
    events = EventColumns(*([0] * (room + SPARE) for _ in _EVENT_TYPES))
    bars = _bar_outputs(n, lambda size, _: [0] * size)
    stacks = tuple([0] * n for _ in range(STACK_COUNT))
    count = function(*prices, rules, GivenRows(*(column.tolist() for column in given)), events, bars, stacks)
    if count == FULL:
        return None
    columns = (np.fromiter(column, dtype, count) for column, dtype in zip(events, _EVENT_TYPES, strict=True))
    bar_columns = (np.fromiter(column, dtype, len(column)) for column, dtype in zip(bars, _BAR_TYPES, strict=True))
    return Findings(*EventColumns(*columns), BarColumns(*bar_columns))


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """A view nobody can write to: numba compiles anew for every mixture of writable and read-only arguments."""
    view = column.view()
    view.flags.writeable = False
    return view


def _bar_outputs(n: int, column: Callable[[int, Any], Any]) -> BarOutputs:
    first_event, *others = _BAR_TYPES
    return BarOutputs(column(n + 1, first_event), *(column(n, dtype) for dtype in others))


def _first(count: int, events: EventColumns) -> EventColumns:
    return EventColumns(*(column[:count] for column in events))
