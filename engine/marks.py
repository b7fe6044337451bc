"""Marks: what a bar and its nearest neighbours tell by themselves, one byte a bar, made before the kernel's pass.

They are made in two ways that give the same bits (tests/engine/test_marks.py): by numpy for short work, and by loops
that numba compiles into vector instructions for long work. Sums run oldest first, so that a window of a series gives
the same bits as the whole.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernel_columns import Column, Rules

GAP_UP, GAP_DOWN = 1, 2
DISPLACED_UP, DISPLACED_DOWN = 4, 8
SWING_HIGH, SWING_LOW = 16, 32
INTERNAL_HIGH, INTERNAL_LOW = 64, 128
DISPLACED = DISPLACED_UP | DISPLACED_DOWN
SWINGS = SWING_HIGH | SWING_LOW
ALL = 255

EQUALITY_SLACK = 1e-12
"""Absorbs the rounding of a difference of two prices where exactly the limit still counts."""

CHUNK = 512
"""Bars marked at a time, so that their columns stay in the processor's nearest memory from step to step."""

Prices = NDArray[np.float64]
Compare = Callable[[Any, Any], Any]


class MarkColumns(NamedTuple):
    """Where the marks are written, one entry a bar."""

    marks: Column
    """uint8: the bits above. A swing is marked at the bar that confirms it, everything else at the bar that shows it."""
    true_range: Column


def look_back(rules: Rules) -> int:
    """How many bars before its own a mark may depend on."""
    internal, swing = rules.internal_left + rules.internal_right, rules.swing_left + rules.swing_right
    return max(internal, swing, rules.leg_size, rules.mean_bars + 1, 2)


def mark_by_array(open_: Prices, high: Prices, low: Prices, close: Prices, rules: Rules, into: MarkColumns) -> None:
    """Write the marks of the series, a column at a time."""
    marks = into.marks
    marks[:] = 0
    with np.errstate(all="ignore"):  # prices near the ends of float64 overflow to infinity, as they do in loops
        _measure(high, low, close, into.true_range)
        _mark_displacements(open_, high, low, close, rules, into)
        _mark_gaps(open_, high, low, close, rules, marks)
    left, right = rules.internal_left, rules.internal_right
    _mark_extremes(high, left, right, (np.greater, np.greater_equal), INTERNAL_HIGH, marks)
    _mark_extremes(low, left, right, (np.less, np.less_equal), INTERNAL_LOW, marks)
    if rules.leg_swings:
        _mark_extremes(high, 0, rules.leg_size, (np.greater, np.greater), SWING_HIGH, marks)
        _mark_extremes(low, 0, rules.leg_size, (np.less, np.less), SWING_LOW, marks)
        _keep_turns(marks)
        return
    left, right = rules.swing_left, rules.swing_right
    _mark_extremes(high, left, right, (np.greater, np.greater_equal), SWING_HIGH, marks)
    _mark_extremes(low, left, right, (np.less, np.less_equal), SWING_LOW, marks)


def mark_by_loop(open_: Column, high: Column, low: Column, close: Column, rules: Rules, into: MarkColumns) -> None:
    """Write the same marks in loops that a compiler can vectorise: from 0, over slices of one length, without a branch."""
    (
        swing_left, swing_right, internal_left, internal_right, _break_on_wick, mean_bars, body_multiple, body_share,
        min_gap, colour_filter, _block_school, _block_body, _equal_tolerance, _equal_tolerance_ranges, _reclaim_bars,
        leg_swings, leg_size, _extras,
    ) = rules  # fmt: skip
    marks_of_all, true_range_of_all = into
    n, any_colour = len(close), not colour_filter
    smallest_gap = min_gap - EQUALITY_SLACK if min_gap > 0.0 else -math.inf
    if leg_swings:
        swing_left, swing_right = 0, leg_size
    totals = np.empty(CHUNK)
    leg = 1  # the first swing of all is a low
    for start in range(0, n, CHUNK):
        end = min(start + CHUNK, n)

        if start == 0:
            true_range_of_all[0] = high[0] - low[0]
        first = max(start, 1)
        h, l, before = high[first:end], low[first:end], close[first - 1 : end - 1]  # noqa: E741 -- a bar is o, h, l, c
        true_range = true_range_of_all[first:end]
        for k in range(len(true_range)):
            top = h[k] if h[k] > before[k] else before[k]
            bottom = l[k] if l[k] < before[k] else before[k]
            true_range[k] = top - bottom

        marks = marks_of_all[start:end]
        for k in range(len(marks)):
            marks[k] = 0

        first = min(max(start, mean_bars), end)
        marks, total = marks_of_all[first:end], totals[: end - first]
        for k in range(len(total)):
            total[k] = 0.0
        for back in range(mean_bars, 0, -1):
            true_range = true_range_of_all[first - back : end - back]
            for k in range(len(total)):
                total[k] += true_range[k]
        o, h, l, c = open_[first:end], high[first:end], low[first:end], close[first:end]  # noqa: E741
        for k in range(len(marks)):
            rise, reach = c[k] - o[k], h[k] - l[k]
            body = abs(rise)
            displaced = (body > 0.0) & (reach > 0.0) & (body / reach >= body_share)
            displaced &= body >= body_multiple * (total[k] / mean_bars)
            marks[k] = (DISPLACED_UP if rise > 0.0 else DISPLACED_DOWN) if displaced else 0

        first = max(start, 2)
        h, l, older_high, older_low = high[first:end], low[first:end], high[first - 2 : end], low[first - 2 : end]  # noqa: E741
        o, c, marks = open_[first - 1 : end], close[first - 1 : end], marks_of_all[first:end]
        for k in range(len(marks)):
            up = (l[k] > older_high[k]) & (any_colour | (c[k] > o[k])) & (l[k] - older_high[k] >= smallest_gap)
            down = (h[k] < older_low[k]) & (any_colour | (c[k] < o[k])) & (older_low[k] - h[k] >= smallest_gap)
            marks[k] |= (GAP_UP if up else 0) | (GAP_DOWN if down else 0)

        for is_internal in (True, False):
            left, right, high_bit, low_bit = internal_left, internal_right, INTERNAL_HIGH, INTERNAL_LOW
            if not is_internal:
                left, right, high_bit, low_bit = swing_left, swing_right, SWING_HIGH, SWING_LOW
            may_equal_later = is_internal or not leg_swings
            first = min(max(start, left + right), end)
            marks, at = marks_of_all[first:end], first - right
            h, l = high[at : end - right], low[at : end - right]  # noqa: E741
            for k in range(len(marks)):
                marks[k] |= high_bit | low_bit
            for back in range(1, left + 1):
                other_high, other_low = high[at - back :], low[at - back :]
                for k in range(len(marks)):
                    is_high, is_low = h[k] > other_high[k], l[k] < other_low[k]
                    marks[k] &= (ALL if is_high else ALL - high_bit) & (ALL if is_low else ALL - low_bit)
            for ahead in range(1, right + 1):
                other_high, other_low = high[at + ahead :], low[at + ahead :]
                for k in range(len(marks)):
                    is_high = (h[k] > other_high[k]) | (may_equal_later & (h[k] == other_high[k]))
                    is_low = (l[k] < other_low[k]) | (may_equal_later & (l[k] == other_low[k]))
                    marks[k] &= (ALL if is_high else ALL - high_bit) & (ALL if is_low else ALL - low_bit)

        if leg_swings:
            marks = marks_of_all[start:end]
            for k in range(len(marks)):
                if marks[k] & SWINGS:
                    turned_to = 1 if marks[k] & SWING_HIGH else -1
                    kept = 0 if turned_to == leg else SWING_HIGH if turned_to > 0 else SWING_LOW
                    marks[k] = marks[k] & (ALL - SWINGS) | kept
                    leg = turned_to


def _measure(high: Prices, low: Prices, close: Prices, true_range: Prices) -> None:
    before = close[:-1]
    top = np.where(high[1:] > before, high[1:], before)  # maximum and minimum may answer 0.0 for -0.0
    bottom = np.where(low[1:] < before, low[1:], before)
    true_range[:1] = high[:1] - low[:1]
    np.subtract(top, bottom, out=true_range[1:])


def _mark_displacements(
    open_: Prices, high: Prices, low: Prices, close: Prices, rules: Rules, into: MarkColumns
) -> None:
    first = rules.mean_bars
    rise, reach = close[first:] - open_[first:], high[first:] - low[first:]
    total = np.zeros(rise.size)
    for oldest in range(first):
        total += into.true_range[oldest : oldest + total.size]
    body = np.abs(rise)
    displaced = (body >= rules.body_multiple * (total / first)) & (body > 0.0) & (reach > 0.0)
    at = np.flatnonzero(displaced)
    at = at[body[at] / reach[at] >= rules.body_share]
    into.marks[first + at] = np.where(rise[at] > 0.0, DISPLACED_UP, DISPLACED_DOWN)


def _mark_gaps(open_: Prices, high: Prices, low: Prices, close: Prices, rules: Rules, marks: NDArray[np.uint8]) -> None:
    up, down = low[2:] > high[:-2], high[2:] < low[:-2]
    if rules.colour_filter:
        up, down = up & (close[1:-1] > open_[1:-1]), down & (close[1:-1] < open_[1:-1])
    if rules.min_gap > 0.0:
        smallest = rules.min_gap - EQUALITY_SLACK
        up, down = up & (low[2:] - high[:-2] >= smallest), down & (low[:-2] - high[2:] >= smallest)
    marks[2:] |= up * np.uint8(GAP_UP) | down * np.uint8(GAP_DOWN)


def _mark_extremes(
    column: Prices, left: int, right: int, beyond: tuple[Compare, Compare], bit: int, marks: NDArray[np.uint8]
) -> None:
    """Mark each bar `right` bars after one that lies beyond all `left` before it and all `right` after it."""
    count = column.size - left - right
    if count <= 0:
        return
    centre = column[left : left + count]
    found = np.ones(count, dtype=np.bool_)
    for first in range(left):
        found &= beyond[0](centre, column[first : first + count])
    for first in range(left + 1, left + right + 1):
        found &= beyond[1](centre, column[first : first + count])
    marks[left + right :] |= found * np.uint8(bit)


def _keep_turns(marks: NDArray[np.uint8]) -> None:
    """Of highs and lows in a row only the first of each side; the first of all must be a low."""
    at = np.flatnonzero(marks & SWINGS)
    is_high = (marks[at] & SWING_HIGH) != 0
    turned = is_high != np.concatenate(([True], is_high[:-1]))
    kept = np.where(turned, np.where(is_high, SWING_HIGH, SWING_LOW), 0).astype(np.uint8)
    marks[at] = marks[at] & (ALL - SWINGS) | kept
