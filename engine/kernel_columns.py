"""What the price kernel is given and what it writes into: plain numbers and columns, so that numba can compile it."""

from typing import Any, NamedTuple

LAST_OPPOSITE, LUXALGO, SMC = 0, 1, 2

Column = Any
"""A list of numbers when interpreted, a one-dimensional array when compiled."""


class Rules(NamedTuple):
    """The parameters the kernel reads, as plain numbers (see `DetectionParams`)."""

    swing_left: int
    swing_right: int
    internal_left: int
    internal_right: int
    break_on_wick: bool
    mean_bars: int
    body_multiple: float
    body_share: float
    min_gap: float
    colour_filter: bool
    block_school: int
    block_body: bool
    equal_tolerance: float
    equal_tolerance_ranges: float
    reclaim_bars: int
    leg_swings: bool
    leg_size: int
    extras: bool
    """Also breaker, mitigation and rejection blocks, inducement, turtle soup and projections."""


class EventColumns(NamedTuple):
    """Where events are written; the columns of `Findings`."""

    kind: Column
    known_at: Column
    index: Column
    ref: Column
    direction: Column
    upper: Column
    lower: Column
    origin: Column


class GivenRows(NamedTuple):
    """Findings made elsewhere, ordered by `known_at`, to be written in front of their bar's own; none has an origin."""

    kind: Column
    known_at: Column
    index: Column
    ref: Column
    direction: Column
    upper: Column
    lower: Column


class BarOutputs(NamedTuple):
    """Where the state at each bar's close is written; `first_event` is one longer than there are bars."""

    first_event: Column
    trend: Column
    high_at: Column
    low_at: Column
    true_range: Column
    mean_true_range: Column
    settled: Column
