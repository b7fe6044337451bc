"""The price kernel: one causal pass over the candles that finds everything prices alone can tell.

It is written once, in the subset of Python that numba compiles. Short work runs it as it stands over lists, long work
runs the compiled twin of `engine.compiled` over arrays; both give the same bits. Its order inside a bar, its ties and
its comparisons are those of DEFINITIONS 0b: raids, gap life cycles, block life cycles, the new gap, displacement,
structure breaks (up, then down) with what hangs on them, and last the swings this bar confirms.

Why it is linear. Whatever waits for a price waits on a stack whose top is nearest to price: unswept highs fall from
bottom to top (a lower one beneath a higher would have been raided first), untouched gaps and blocks are ordered by the
edge price meets first, unfilled ones by their far edge. So a bar compares with a few tops, and every event is a pop.
Where neighbours can arrive out of order (gaps one bar apart, blocks of one leg), the newcomer is inserted in its place.
"""

import math

from engine.findings import Findings, Kind
from engine.kernel_columns import (
    DIRECTION,
    FIRST_EVENT,
    GIVEN_AT,
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
    Column,
    Rows,
    Rules,
    Table,
)
from engine.marks import (
    DISPLACED,
    DISPLACED_UP,
    EQUALITY_SLACK,
    GAP_DOWN,
    GAP_UP,
    INTERNAL_HIGH,
    INTERNAL_LOW,
    SWING_HIGH,
    SWING_LOW,
    SWINGS,
)

FULL = -1
"""The answer instead of a count when the event columns were too short: call again with longer ones."""
SPARE = 32
"""Room the columns need beyond what is reported: the most one bar can add apart from life-cycle events."""
STACK_COUNT = 20
"""Rows of `stacks`, each as long as there are bars."""

SWING = Kind.SWING.value
ISWING = Kind.ISWING.value
DISPLACEMENT = Kind.DISPLACEMENT.value
BOS = Kind.BOS.value
CHOCH = Kind.CHOCH.value
MSS = Kind.MSS.value
FVG = Kind.FVG.value
FVG_TOUCH = Kind.FVG_TOUCH.value
FVG_CE = Kind.FVG_CE.value
FVG_FILL = Kind.FVG_FILL.value
IFVG = Kind.IFVG.value
OB = Kind.OB.value
OB_TOUCH = Kind.OB_TOUCH.value
OB_BREAK = Kind.OB_BREAK.value
BREAKER = Kind.BREAKER.value
MITIGATION_BLOCK = Kind.MITIGATION_BLOCK.value
REJECTION_BLOCK = Kind.REJECTION_BLOCK.value
EQ = Kind.EQ.value
SWEEP = Kind.SWEEP.value
RUN = Kind.RUN.value
TURTLE_SOUP = Kind.TURTLE_SOUP.value
INDUCEMENT = Kind.INDUCEMENT.value
INDUCEMENT_TAKEN = Kind.INDUCEMENT_TAKEN.value
PROJECTION = Kind.PROJECTION.value


def price_kernel(
    open_: Column,
    high: Column,
    low: Column,
    close: Column,
    marks: Column,
    true_range: Column,
    rules: Rules,
    given: Rows,
    events: Rows,
    bars: BarRows,
    stacks: Table,
    counting: Column,
    since: int,
) -> int:
    """Write every event known from bar `since` on into `events`, and the state at these bars into `bars`; how many
    events, or FULL.

    The four price columns, `marks` and `true_range` (see `engine.marks`) have one length n; `stacks` is scratch of
    STACK_COUNT rows of at least n positions. The rows of `given` are copied in front of the events of their bars.
    `counting` is nought, one and the number of events there is room for; unsigned when compiled, and with it whatever is
    counted, because a signed position could be a negative one, which costs a question at each use.
    Compiled, the groups of columns are plain tuples: a named one costs microseconds to be handed over.
    """
    (
        swing_left, swing_right, internal_left, internal_delay, break_on_wick, mean_bars, _body_multiple, _body_share,
        _min_gap, _colour_filter, block_school, block_body, equal_tolerance, equal_tolerance_ranges, reclaim_bars,
        leg_swings, leg_size, extras,
    ) = rules  # fmt: skip
    swing_delay = leg_size if leg_swings else swing_right
    warm_up = max(swing_left + swing_right, internal_left + internal_delay, mean_bars + 1, 2)

    given_small, given_whole, given_prices = given
    small, whole, prices = events
    state, trend_at = bars
    kind, direction = small[KIND], small[DIRECTION]
    index, ref, origin = whole[INDEX], whole[REF], whole[ORIGIN]
    upper, lower = prices[UPPER], prices[LOWER]
    given_at = given_whole[GIVEN_AT]
    first_event, settled_at = state[FIRST_EVENT], state[SETTLED]
    # Positions of events that wait for a price. `below` waits for a falling price, `above` for a rising one.
    pools_above, pools_below, runs_above, runs_below = stacks[0], stacks[1], stacks[2], stacks[3]
    raids_above, raids_below, lures_above, lures_below = stacks[4], stacks[5], stacks[6], stacks[7]
    touch_below, touch_above, middle_below, middle_above = stacks[8], stacks[9], stacks[10], stacks[11]
    fill_below, fill_above, invert_below, invert_above = stacks[12], stacks[13], stacks[14], stacks[15]
    block_touch_below, block_touch_above = stacks[16], stacks[17]
    block_break_below, block_break_above = stacks[18], stacks[19]
    n = len(close)
    nought, one, limit = counting[0], counting[1], counting[2]
    nowhere = nought - one
    count = nought
    given_n = 0
    given_end = len(given_at)
    nothing_above = math.inf
    nothing_below = -math.inf

    # The price at which the top of each stack answers, and the depth of the stack.
    pool_above, pools_above_n = nothing_above, nought
    pool_below, pools_below_n = nothing_below, nought
    lure_above, lures_above_n = nothing_above, nought
    lure_below, lures_below_n = nothing_below, nought
    gap_touch_below, touch_below_n = nothing_below, nought
    gap_touch_above, touch_above_n = nothing_above, nought
    gap_middle_below, middle_below_n = nothing_below, nought
    gap_middle_above, middle_above_n = nothing_above, nought
    gap_fill_below, fill_below_n = nothing_below, nought
    gap_fill_above, fill_above_n = nothing_above, nought
    gap_invert_below, invert_below_n = nothing_below, nought
    gap_invert_above, invert_above_n = nothing_above, nought
    ob_touch_below, block_touch_below_n = nothing_below, nought
    ob_touch_above, block_touch_above_n = nothing_above, nought
    ob_break_below, block_break_below_n = nothing_below, nought
    ob_break_above, block_break_above_n = nothing_above, nought
    runs_above_from, runs_above_n = nought, nought
    runs_below_from, runs_below_n = nought, nought
    raids_above_n, raids_below_n = nought, nought

    trend = 0
    settled = -1
    # The swing whose break is awaited on each side: its level (out of reach when consumed), bar, event, and the last
    # swing of the other side before it.
    level_high, level_high_bar, level_high_event, low_before_high = nothing_above, -1, nowhere, -1
    level_low, level_low_bar, level_low_event, high_before_low = nothing_below, -1, nowhere, -1
    last_high, last_high_event = -1, nowhere
    last_low, last_low_event = -1, nowhere
    last_up_close, last_down_close = -1, -1
    lure_side, lure_bar, lure_event = 0, 0, nowhere

    for t in range(since, n):
        if count >= limit:
            return FULL
        o = open_[t]
        h = high[t]
        l = low[t]  # noqa: E741 -- a bar is o, h, l, c
        c = close[t]
        first_event[t] = count

        while given_n < given_end and given_at[given_n] == t and count < limit:
            kind[count], direction[count] = given_small[KIND][given_n], given_small[DIRECTION][given_n]
            index[count], ref[count] = given_whole[INDEX][given_n], given_whole[REF][given_n]
            upper[count], lower[count] = given_prices[UPPER][given_n], given_prices[LOWER][given_n]
            origin[count] = -1
            count += one
            given_n += 1

        # -- raids of pools, high side then low side
        while h > pool_above and count < limit:
            pools_above_n -= one
            pool = pools_above[pools_above_n]
            raid = RUN if c > pool_above else SWEEP
            kind[count], index[count], ref[count] = raid, t, index[pool]
            direction[count], upper[count], lower[count], origin[count] = 1, pool_above, pool_above, pool
            if extras:
                raids_above[raids_above_n] = count
                raids_above_n += one
                if raid == RUN and reclaim_bars > 0:
                    runs_above[runs_above_n] = count
                    runs_above_n += one
            count += one
            pool_above = upper[pools_above[pools_above_n - one]] if pools_above_n > 0 else nothing_above
        while l < pool_below and count < limit:
            pools_below_n -= one
            pool = pools_below[pools_below_n]
            raid = RUN if c < pool_below else SWEEP
            kind[count], index[count], ref[count] = raid, t, index[pool]
            direction[count], upper[count], lower[count], origin[count] = -1, pool_below, pool_below, pool
            if extras:
                raids_below[raids_below_n] = count
                raids_below_n += one
                if raid == RUN and reclaim_bars > 0:
                    runs_below[runs_below_n] = count
                    runs_below_n += one
            count += one
            pool_below = lower[pools_below[pools_below_n - one]] if pools_below_n > 0 else nothing_below

        if extras:
            # -- runs closed back: later runs of one side lie farther out, so the last one answers first; a raid lies on
            # the bar at which it is known
            while runs_above_from < runs_above_n and t - index[runs_above[runs_above_from]] > reclaim_bars:
                runs_above_from += one
            while runs_above_from < runs_above_n and c <= upper[runs_above[runs_above_n - one]] and count < limit:
                runs_above_n -= one
                run = runs_above[runs_above_n]
                kind[count], index[count], ref[count] = TURTLE_SOUP, t, ref[run]
                direction[count], upper[count], lower[count], origin[count] = -1, upper[run], upper[run], run
                count += one
            while runs_below_from < runs_below_n and t - index[runs_below[runs_below_from]] > reclaim_bars:
                runs_below_from += one
            while runs_below_from < runs_below_n and c >= lower[runs_below[runs_below_n - one]] and count < limit:
                runs_below_n -= one
                run = runs_below[runs_below_n]
                kind[count], index[count], ref[count] = TURTLE_SOUP, t, ref[run]
                direction[count], upper[count], lower[count], origin[count] = 1, lower[run], lower[run], run
                count += one
            # -- inducements taken
            while l < lure_below and count < limit:
                lures_below_n -= one
                lure = lures_below[lures_below_n]
                kind[count], index[count], ref[count] = INDUCEMENT_TAKEN, t, index[lure]
                direction[count], upper[count], lower[count], origin[count] = 1, lure_below, lure_below, lure
                count += one
                lure_below = lower[lures_below[lures_below_n - one]] if lures_below_n > 0 else nothing_below
            while h > lure_above and count < limit:
                lures_above_n -= one
                lure = lures_above[lures_above_n]
                kind[count], index[count], ref[count] = INDUCEMENT_TAKEN, t, index[lure]
                direction[count], upper[count], lower[count], origin[count] = -1, lure_above, lure_above, lure
                count += one
                lure_above = upper[lures_above[lures_above_n - one]] if lures_above_n > 0 else nothing_above

        # -- gaps: touch, middle, fill, inversion
        while l <= gap_touch_below and count < limit:
            touch_below_n -= one
            gap = touch_below[touch_below_n]
            kind[count], index[count], ref[count] = FVG_TOUCH, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = 1, upper[gap], upper[gap], gap
            count += one
            gap_touch_below = upper[touch_below[touch_below_n - one]] if touch_below_n > 0 else nothing_below
        while h >= gap_touch_above and count < limit:
            touch_above_n -= one
            gap = touch_above[touch_above_n]
            kind[count], index[count], ref[count] = FVG_TOUCH, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = -1, lower[gap], lower[gap], gap
            count += one
            gap_touch_above = lower[touch_above[touch_above_n - one]] if touch_above_n > 0 else nothing_above
        while l <= gap_middle_below and count < limit:
            middle_below_n -= one
            gap = middle_below[middle_below_n]
            kind[count], index[count], ref[count] = FVG_CE, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = 1, gap_middle_below, gap_middle_below, gap
            count += one
            gap_middle_below = nothing_below
            if middle_below_n > 0:
                gap = middle_below[middle_below_n - one]
                gap_middle_below = (upper[gap] + lower[gap]) / 2
        while h >= gap_middle_above and count < limit:
            middle_above_n -= one
            gap = middle_above[middle_above_n]
            kind[count], index[count], ref[count] = FVG_CE, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = -1, gap_middle_above, gap_middle_above, gap
            count += one
            gap_middle_above = nothing_above
            if middle_above_n > 0:
                gap = middle_above[middle_above_n - one]
                gap_middle_above = (upper[gap] + lower[gap]) / 2
        while l <= gap_fill_below and count < limit:
            fill_below_n -= one
            gap = fill_below[fill_below_n]
            kind[count], index[count], ref[count] = FVG_FILL, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = 1, lower[gap], lower[gap], gap
            count += one
            gap_fill_below = lower[fill_below[fill_below_n - one]] if fill_below_n > 0 else nothing_below
        while h >= gap_fill_above and count < limit:
            fill_above_n -= one
            gap = fill_above[fill_above_n]
            kind[count], index[count], ref[count] = FVG_FILL, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = -1, upper[gap], upper[gap], gap
            count += one
            gap_fill_above = upper[fill_above[fill_above_n - one]] if fill_above_n > 0 else nothing_above
        while c < gap_invert_below and count < limit:
            invert_below_n -= one
            gap = invert_below[invert_below_n]
            kind[count], index[count], ref[count] = IFVG, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = -1, upper[gap], lower[gap], gap
            count += one
            gap_invert_below = lower[invert_below[invert_below_n - one]] if invert_below_n > 0 else nothing_below
        while c > gap_invert_above and count < limit:
            invert_above_n -= one
            gap = invert_above[invert_above_n]
            kind[count], index[count], ref[count] = IFVG, t, index[gap]
            direction[count], upper[count], lower[count], origin[count] = 1, upper[gap], lower[gap], gap
            count += one
            gap_invert_above = upper[invert_above[invert_above_n - one]] if invert_above_n > 0 else nothing_above

        # -- blocks: touch, close through
        while l <= ob_touch_below and count < limit:
            block_touch_below_n -= one
            block = block_touch_below[block_touch_below_n]
            kind[count], index[count], ref[count] = OB_TOUCH, t, index[block]
            direction[count], upper[count], lower[count], origin[count] = 1, upper[block], upper[block], block
            count += one
            ob_touch_below = nothing_below
            if block_touch_below_n > 0:
                ob_touch_below = upper[block_touch_below[block_touch_below_n - one]]
        while h >= ob_touch_above and count < limit:
            block_touch_above_n -= one
            block = block_touch_above[block_touch_above_n]
            kind[count], index[count], ref[count] = OB_TOUCH, t, index[block]
            direction[count], upper[count], lower[count], origin[count] = -1, lower[block], lower[block], block
            count += one
            ob_touch_above = nothing_above
            if block_touch_above_n > 0:
                ob_touch_above = lower[block_touch_above[block_touch_above_n - one]]
        while c < ob_break_below and count < limit:
            block_break_below_n -= one
            block = block_break_below[block_break_below_n]
            kind[count], index[count], ref[count] = OB_BREAK, t, index[block]
            direction[count], upper[count], lower[count], origin[count] = -1, upper[block], lower[block], block
            count += one
            ob_break_below = nothing_below
            if block_break_below_n > 0:
                ob_break_below = lower[block_break_below[block_break_below_n - one]]
        while c > ob_break_above and count < limit:
            block_break_above_n -= one
            block = block_break_above[block_break_above_n]
            kind[count], index[count], ref[count] = OB_BREAK, t, index[block]
            direction[count], upper[count], lower[count], origin[count] = 1, upper[block], lower[block], block
            count += one
            ob_break_above = nothing_above
            if block_break_above_n > 0:
                ob_break_above = upper[block_break_above[block_break_above_n - one]]

        # -- the new gap
        mark = marks[t]
        if mark & GAP_UP:
            edge = high[t - 2]
            kind[count], index[count], ref[count] = FVG, t - 1, -1
            direction[count], upper[count], lower[count], origin[count] = 1, l, edge, -1
            touch_below[touch_below_n] = count
            touch_below_n += one
            gap_touch_below = l
            middle = (l + edge) / 2
            at = middle_below_n
            while at > 0:
                gap = middle_below[at - one]
                if (upper[gap] + lower[gap]) / 2 <= middle:
                    break
                middle_below[at] = gap
                at -= one
            middle_below[at] = count
            middle_below_n += one
            gap_middle_below = max(gap_middle_below, middle)
            at = fill_below_n
            while at > 0 and lower[fill_below[at - one]] > edge:
                fill_below[at] = fill_below[at - one]
                at -= one
            fill_below[at] = count
            fill_below_n += one
            gap_fill_below = max(gap_fill_below, edge)
            at = invert_below_n
            while at > 0 and lower[invert_below[at - one]] > edge:
                invert_below[at] = invert_below[at - one]
                at -= one
            invert_below[at] = count
            invert_below_n += one
            gap_invert_below = max(gap_invert_below, edge)
            count += one
        elif mark & GAP_DOWN:
            edge = low[t - 2]
            kind[count], index[count], ref[count] = FVG, t - 1, -1
            direction[count], upper[count], lower[count], origin[count] = -1, edge, h, -1
            touch_above[touch_above_n] = count
            touch_above_n += one
            gap_touch_above = h
            middle = (edge + h) / 2
            at = middle_above_n
            while at > 0:
                gap = middle_above[at - one]
                if (upper[gap] + lower[gap]) / 2 >= middle:
                    break
                middle_above[at] = gap
                at -= one
            middle_above[at] = count
            middle_above_n += one
            gap_middle_above = min(gap_middle_above, middle)
            at = fill_above_n
            while at > 0 and upper[fill_above[at - one]] < edge:
                fill_above[at] = fill_above[at - one]
                at -= one
            fill_above[at] = count
            fill_above_n += one
            gap_fill_above = min(gap_fill_above, edge)
            at = invert_above_n
            while at > 0 and upper[invert_above[at - one]] < edge:
                invert_above[at] = invert_above[at - one]
                at -= one
            invert_above[at] = count
            invert_above_n += one
            gap_invert_above = min(gap_invert_above, edge)
            count += one

        thrust = 0
        if mark & DISPLACED:
            thrust = 1 if mark & DISPLACED_UP else -1
            total = 0.0
            for j in range(t - mean_bars, t):
                total += true_range[j]
            kind[count], index[count], ref[count] = DISPLACEMENT, t, -1
            direction[count], upper[count], lower[count] = thrust, abs(c - o), total / mean_bars
            origin[count] = -1
            count += one

        # -- structure: the up side first
        if (h if break_on_wick else c) > level_high:
            broken = count
            label = CHOCH if trend < 0 else BOS
            kind[count], index[count], ref[count] = label, t, level_high_bar
            direction[count], upper[count], lower[count], origin[count] = 1, level_high, level_high, level_high_event
            count += one
            if label == CHOCH and thrust > 0:
                kind[count], index[count], ref[count] = MSS, t, level_high_bar
                direction[count], upper[count], lower[count], origin[count] = 1, level_high, level_high, broken
                count += one
            j = -1
            if block_school == LAST_OPPOSITE:
                if last_down_close > level_high_bar:
                    j = last_down_close
            else:
                j = level_high_bar if block_school == LUXALGO else level_high_bar + 1
                for k in range(j + 1, t):
                    if low[k] < low[j] or (block_school == SMC and low[k] == low[j]):
                        j = k
            if j >= 0:
                zone_top, zone_bottom = high[j], low[j]
                if block_body:
                    zone_top, zone_bottom = max(open_[j], close[j]), min(open_[j], close[j])
                kind[count], index[count], ref[count] = OB, j, level_high_bar
                direction[count], upper[count], lower[count], origin[count] = 1, zone_top, zone_bottom, broken
                at = block_touch_below_n
                while at > 0 and upper[block_touch_below[at - one]] > zone_top:
                    block_touch_below[at] = block_touch_below[at - one]
                    at -= one
                block_touch_below[at] = count
                block_touch_below_n += one
                ob_touch_below = max(ob_touch_below, zone_top)
                at = block_break_below_n
                while at > 0 and lower[block_break_below[at - one]] > zone_bottom:
                    block_break_below[at] = block_break_below[at - one]
                    at -= one
                block_break_below[at] = count
                block_break_below_n += one
                ob_break_below = max(ob_break_below, zone_bottom)
                count += one
            if extras:
                if low_before_high >= 0 and last_low > level_high_bar:
                    j = level_high_bar
                    while j >= low_before_high and close[j] <= open_[j]:
                        j -= 1
                    if j >= low_before_high:
                        label = BREAKER if low[last_low] < low[low_before_high] else MITIGATION_BLOCK
                        kind[count], index[count], ref[count] = label, j, level_high_bar
                        direction[count], upper[count], lower[count], origin[count] = 1, high[j], low[j], broken
                        count += one
                # the raid of the newest pool in (ref, t]: what a window that starts later would still know of
                newest = -1
                at = raids_below_n
                while at > 0 and index[raids_below[at - one]] > level_high_bar:
                    raid = raids_below[at - one]
                    if newest < 0 or ref[raid] > ref[newest]:
                        newest = raid
                    at -= one
                if newest >= 0:
                    extreme = l
                    for k in range(level_high_bar + 1, t):
                        extreme = min(extreme, low[k])
                    kind[count], index[count], ref[count] = PROJECTION, t, level_high_bar
                    direction[count], upper[count], lower[count], origin[count] = 1, level_high, extreme, newest
                    count += one
                lure_side, lure_bar, lure_event = 1, t, broken
            trend = 1
            level_high = nothing_above
            if not leg_swings:
                settled = min(level_high_bar, low_before_high, level_low_bar, high_before_low) - swing_left
        if (l if break_on_wick else c) < level_low:
            broken = count
            label = CHOCH if trend > 0 else BOS
            kind[count], index[count], ref[count] = label, t, level_low_bar
            direction[count], upper[count], lower[count], origin[count] = -1, level_low, level_low, level_low_event
            count += one
            if label == CHOCH and thrust < 0:
                kind[count], index[count], ref[count] = MSS, t, level_low_bar
                direction[count], upper[count], lower[count], origin[count] = -1, level_low, level_low, broken
                count += one
            j = -1
            if block_school == LAST_OPPOSITE:
                if last_up_close > level_low_bar:
                    j = last_up_close
            else:
                j = level_low_bar if block_school == LUXALGO else level_low_bar + 1
                for k in range(j + 1, t):
                    if high[k] > high[j] or (block_school == SMC and high[k] == high[j]):
                        j = k
            if j >= 0:
                zone_top, zone_bottom = high[j], low[j]
                if block_body:
                    zone_top, zone_bottom = max(open_[j], close[j]), min(open_[j], close[j])
                kind[count], index[count], ref[count] = OB, j, level_low_bar
                direction[count], upper[count], lower[count], origin[count] = -1, zone_top, zone_bottom, broken
                at = block_touch_above_n
                while at > 0 and lower[block_touch_above[at - one]] < zone_bottom:
                    block_touch_above[at] = block_touch_above[at - one]
                    at -= one
                block_touch_above[at] = count
                block_touch_above_n += one
                ob_touch_above = min(ob_touch_above, zone_bottom)
                at = block_break_above_n
                while at > 0 and upper[block_break_above[at - one]] < zone_top:
                    block_break_above[at] = block_break_above[at - one]
                    at -= one
                block_break_above[at] = count
                block_break_above_n += one
                ob_break_above = min(ob_break_above, zone_top)
                count += one
            if extras:
                if high_before_low >= 0 and last_high > level_low_bar:
                    j = level_low_bar
                    while j >= high_before_low and close[j] >= open_[j]:
                        j -= 1
                    if j >= high_before_low:
                        label = BREAKER if high[last_high] > high[high_before_low] else MITIGATION_BLOCK
                        kind[count], index[count], ref[count] = label, j, level_low_bar
                        direction[count], upper[count], lower[count], origin[count] = -1, high[j], low[j], broken
                        count += one
                newest = -1
                at = raids_above_n
                while at > 0 and index[raids_above[at - one]] > level_low_bar:
                    raid = raids_above[at - one]
                    if newest < 0 or ref[raid] > ref[newest]:
                        newest = raid
                    at -= one
                if newest >= 0:
                    extreme = h
                    for k in range(level_low_bar + 1, t):
                        extreme = max(extreme, high[k])
                    kind[count], index[count], ref[count] = PROJECTION, t, level_low_bar
                    direction[count], upper[count], lower[count], origin[count] = -1, extreme, level_low, newest
                    count += one
                lure_side, lure_bar, lure_event = -1, t, broken
            trend = -1
            level_low = nothing_below
            if not leg_swings:
                settled = min(level_high_bar, low_before_high, level_low_bar, high_before_low) - swing_left

        # -- swings this bar confirms
        if mark & SWINGS:
            i = t - swing_delay
            tolerance = equal_tolerance + EQUALITY_SLACK
            if equal_tolerance_ranges > 0.0 and t >= mean_bars:
                total = 0.0
                for j in range(t - mean_bars, t):
                    total += true_range[j]
                tolerance += equal_tolerance_ranges * (total / mean_bars)
            high_before, low_before = last_high, last_low
            if mark & SWING_HIGH:
                level = high[i]
                swing = count
                kind[count], index[count], ref[count] = SWING, i, -1
                direction[count], upper[count], lower[count], origin[count] = 1, level, level, -1
                count += one
                # the top pool is the swing before, unless that was raided
                unraided = pools_above_n > 0 and pools_above[pools_above_n - one] == last_high_event
                if unraided and abs(level - pool_above) <= tolerance:
                    outer = max(level, pool_above)
                    kind[count], index[count], ref[count] = EQ, i, last_high
                    direction[count], upper[count], lower[count], origin[count] = 1, outer, outer, swing
                    count += one
                if extras:
                    edge = max(open_[i], close[i], open_[i + 1], close[i + 1])
                    if i > 0:
                        edge = max(edge, open_[i - 1], close[i - 1])
                    if edge < level:
                        kind[count], index[count], ref[count] = REJECTION_BLOCK, i, -1
                        direction[count], upper[count], lower[count], origin[count] = -1, level, edge, swing
                        count += one
                pools_above[pools_above_n] = swing
                pools_above_n += one
                pool_above = level
                level_high, level_high_bar, level_high_event, low_before_high = level, i, swing, low_before
                last_high, last_high_event = i, swing
            if mark & SWING_LOW:
                level = low[i]
                swing = count
                kind[count], index[count], ref[count] = SWING, i, -1
                direction[count], upper[count], lower[count], origin[count] = -1, level, level, -1
                count += one
                # the top pool is the swing before, unless that was raided
                unraided = pools_below_n > 0 and pools_below[pools_below_n - one] == last_low_event
                if unraided and abs(level - pool_below) <= tolerance:
                    outer = min(level, pool_below)
                    kind[count], index[count], ref[count] = EQ, i, last_low
                    direction[count], upper[count], lower[count], origin[count] = -1, outer, outer, swing
                    count += one
                if extras:
                    edge = min(open_[i], close[i], open_[i + 1], close[i + 1])
                    if i > 0:
                        edge = min(edge, open_[i - 1], close[i - 1])
                    if edge > level:
                        kind[count], index[count], ref[count] = REJECTION_BLOCK, i, -1
                        direction[count], upper[count], lower[count], origin[count] = 1, edge, level, swing
                        count += one
                pools_below[pools_below_n] = swing
                pools_below_n += one
                pool_below = level
                level_low, level_low_bar, level_low_event, high_before_low = level, i, swing, high_before
                last_low, last_low_event = i, swing

        # -- internal swings, and the inducement they are after a break
        if mark & INTERNAL_HIGH:
            i = t - internal_delay
            level = high[i]
            kind[count], index[count], ref[count] = ISWING, i, -1
            direction[count], upper[count], lower[count], origin[count] = 1, level, level, -1
            count += one
            if lure_side < 0 and i >= lure_bar:
                kind[count], index[count], ref[count] = INDUCEMENT, i, -1
                direction[count], upper[count], lower[count], origin[count] = -1, level, level, lure_event
                lures_above[lures_above_n] = count
                lures_above_n += one
                lure_above = level
                lure_side = 0
                count += one
        if mark & INTERNAL_LOW:
            i = t - internal_delay
            level = low[i]
            kind[count], index[count], ref[count] = ISWING, i, -1
            direction[count], upper[count], lower[count], origin[count] = -1, level, level, -1
            count += one
            if lure_side > 0 and i >= lure_bar:
                kind[count], index[count], ref[count] = INDUCEMENT, i, -1
                direction[count], upper[count], lower[count], origin[count] = 1, level, level, lure_event
                lures_below[lures_below_n] = count
                lures_below_n += one
                lure_below = level
                lure_side = 0
                count += one

        if c > o:
            last_up_close = t
        elif c < o:
            last_down_close = t
        trend_at[t] = trend
        settled_at[t] = settled if settled < t - warm_up else t - warm_up
    if count >= limit:
        return FULL
    first_event[n] = count
    told: int = first_event[n]
    return told


def window_is_equal(findings: Findings, window_start: int, from_index: int) -> bool:
    """Whether a run over the bars from `window_start` on tells the same from bar `from_index` on; cautious.

    `findings` are those of the whole series, or those of a run that tells what became known since `window_start`. True
    promises that the runs have, for every bar t >= `from_index`, the same trend, last swings and mean true range, and
    the same events known at t, apart from those about an object the window cannot know: a swing or gap whose own bars
    (with the bars left of the swing) are not all inside, a block or an inducement that became known before `from_index`,
    a projection that rests on the raid of such a swing.

    Why it suffices: at a break before `from_index`, the awaited swing of each side and the other side's swing before it
    lay inside the window with all their bars, so both runs broke the same level and agree on trend and levels since.
    Which of them finds it so does not matter: what each needs for it, the other has seen too.
    """
    if window_start <= 0:
        return True
    return from_index > 0 and window_start <= int(findings.bars.settled[from_index - 1])
