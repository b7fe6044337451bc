"""What the price kernel is given and what it writes into: plain numbers and columns, so that numba can compile it.

Columns of one type lie as rows of one table: a compiled function takes each array it is handed apart, a third of a
microsecond a piece.
"""

from typing import Any, NamedTuple

LAST_OPPOSITE, LUXALGO, SMC = 0, 1, 2

EVENT_ROWS = (2, 3, 2)
"""Rows of each table of `Rows`."""
BAR_ROWS = 2
"""Rows of `BarRows.whole`."""

Column = Any
"""A list of numbers when interpreted, a one-dimensional array when compiled."""
Table = Any
"""A sequence of columns of one length and type: of lists when interpreted, a two-dimensional array when compiled."""

KIND, DIRECTION = 0, 1
"""Rows of `Rows.small`."""
INDEX, REF, ORIGIN = 0, 1, 2
"""Rows of `Rows.whole` of events; the bar they are known at is told by `first_event`."""
GIVEN_AT = 2
"""The row of `Rows.whole` that says at which bar findings made elsewhere are known; they have no origin."""
UPPER, LOWER = 0, 1
"""Rows of `Rows.prices`."""
FIRST_EVENT, SETTLED = 0, 1
"""Rows of `BarRows.whole`."""


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


class Rows(NamedTuple):
    """Events as the kernel writes them, or findings made elsewhere as it reads them: the columns of `Findings`."""

    small: Table
    """int8: kind, direction."""
    whole: Table
    """int32: index, ref, and origin of events, known_at of findings made elsewhere."""
    prices: Table
    """float64: upper, lower."""


class BarRows(NamedTuple):
    """Where the state at each bar's close is written: the columns of `BarColumns` that only the kernel knows."""

    whole: Table
    """int32: first_event, settled; one longer than there are bars, which only first_event uses."""
    trend: Column
    """int8."""


class GivenRows(NamedTuple):
    """Findings made elsewhere, ordered by `known_at`, to be written in front of their bar's own; none has an origin."""

    kind: Column
    known_at: Column
    index: Column
    ref: Column
    direction: Column
    upper: Column
    lower: Column
