"""What the clock makes of prices: Asian ranges, midnight opens, Judas raids, opening gaps, silver bullets, daily bias.

Each rule answers for a whole series at once; every value of a row is known at its bar.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import NONE, Kind
from engine.kernel_columns import GivenRows
from engine.sessions import ASIAN_RANGE, JUDAS, SILVER_BULLETS, NewYork, Sessions, is_new
from engine.timeframes import EPOCH_WEEKDAY

MIDNIGHT_OPEN_BEFORE = 17 * 60
OPENING_GAP_AT = 18 * 60
SUNDAY = 6


class AsianRanges(NamedTuple):
    """The evening windows that are over, in order; the columns have one entry a window."""

    first_bar: NDArray[np.intp]
    known_at: NDArray[np.intp]
    high: NDArray[np.float64]
    low: NDArray[np.float64]


class JudasRaids(NamedTuple):
    """Raids of Asian ranges in the order of bars; the columns have one entry a raid."""

    bar: NDArray[np.intp]
    direction: NDArray[np.int8]
    """Where price is to go: against the side that was raided."""
    level: NDArray[np.float64]


def session_rows(candles: Candles, clock: Sessions, new_york: NewYork, params: DetectionParams) -> GivenRows:
    """Every finding of the clock in `candles`, ordered by `known_at`."""
    asian = asian_ranges(candles, clock.windows, new_york)
    midnight = midnight_opens(new_york)
    opens = candles.open[midnight]
    judas = judas_raids(candles, clock.windows, asian, midnight)
    found = [
        _rows(Kind.ASIAN_RANGE, asian.known_at, ref=asian.first_bar, upper=asian.high, lower=asian.low),
        _rows(Kind.MIDNIGHT_OPEN, midnight, upper=opens, lower=opens),
        _rows(Kind.JUDAS_RAID, judas.bar, direction=judas.direction, upper=judas.level, lower=judas.level),
        silver_bullets(candles, clock, new_york),
        daily_biases(clock),
    ]
    if not params.never_closes:
        found.append(opening_gaps(candles, new_york))
    return _in_order(found)


def asian_ranges(candles: Candles, windows: NDArray[np.uint8], new_york: NewYork) -> AsianRanges:
    """High and low of each evening window, at the first bar after it."""
    inside = (windows & ASIAN_RANGE).nonzero()[0]
    if not inside.size:
        return AsianRanges(inside, inside, *(np.zeros(0),) * 2)
    first = is_new(new_york.date[inside]).nonzero()[0]
    known_at = np.concatenate((inside[first[1:] - 1], inside[-1:])) + 1
    over = first.size - (known_at.item(-1) == len(candles))
    return AsianRanges(
        first_bar=inside[first[:over]],
        known_at=known_at[:over],
        high=np.maximum.reduceat(candles.high[inside], first)[:over],
        low=np.minimum.reduceat(candles.low[inside], first)[:over],
    )


def midnight_opens(new_york: NewYork) -> NDArray[np.intp]:
    """The first bar of each New York date, if it opens before the day's evening; its open is the midnight open."""
    first = is_new(new_york.date).nonzero()[0]
    return first[new_york.minute[first] < MIDNIGHT_OPEN_BEFORE]


def judas_raids(
    candles: Candles, windows: NDArray[np.uint8], asian: AsianRanges, midnight: NDArray[np.intp]
) -> JudasRaids:
    """The first bar of the Judas window beyond the Asian range and the midnight open, once a side for each range."""
    bars = (windows & JUDAS).nonzero()[0]
    which, opened = (known_at.searchsorted(bars, side="right") - 1 for known_at in (asian.known_at, midnight))
    begin = max(which.searchsorted(0), opened.searchsorted(0))  # both ascend with the bars
    bars, which, opens = bars[begin:], which[begin:], candles.open[midnight[opened[begin:]]]
    above = (candles.high[bars] > np.maximum(asian.high[which], opens)).nonzero()[0]
    below = (candles.low[bars] < np.minimum(asian.low[which], opens)).nonzero()[0]
    above, below = above[is_new(which[above])], below[is_new(which[below])]  # the first bar of each range
    both = np.concatenate((above, below))
    direction = np.ones(both.size, np.int8)
    direction[: above.size] = -1
    level = np.concatenate((asian.high[which[above]], asian.low[which[below]]))
    order = both.argsort(kind="stable")
    return JudasRaids(bars[both[order]], direction[order], level[order])


def silver_bullets(candles: Candles, clock: Sessions, new_york: NewYork) -> GivenRows:
    """Gaps whose middle and third bar open inside one silver bullet window; `index` is the middle bar."""
    third = np.flatnonzero(clock.windows[2:] & clock.windows[1:-1] & SILVER_BULLETS) + 2
    third = third[new_york.date[third] == new_york.date[third - 1]]
    up = third[candles.low[third] > candles.high[third - 2]]
    down = third[candles.high[third] < candles.low[third - 2]]
    return _in_order(
        [
            _rows(Kind.SB_FVG, up, index=up - 1, direction=1, upper=candles.low[up], lower=candles.high[up - 2]),
            _rows(
                Kind.SB_FVG, down, index=down - 1, direction=-1, upper=candles.low[down - 2], lower=candles.high[down]
            ),
        ]
    )


def daily_biases(clock: Sessions) -> GivenRows:
    """The two-day rule at the first bar of each day: a close beyond the earlier day decides, else a one-sided raid."""
    days = clock.days
    earlier_high, earlier_low = days.high[:-2], days.low[:-2]
    high, low, close = days.high[1:-1], days.low[1:-1], days.close[1:-1]
    raided_high, raided_low = high > earlier_high, low < earlier_low
    against_raid = np.where(raided_high, 0, 1) - np.where(raided_low, 0, 1)
    bias = np.where(close > earlier_high, 1, np.where(close < earlier_low, -1, against_raid))
    return _rows(Kind.DAILY_BIAS, days.first_bar[2:], direction=bias)


def opening_gaps(candles: Candles, new_york: NewYork) -> GivenRows:
    """The open of a bar that opens at 18:00 New York against the close before it: weekly on Sunday, else daily."""
    bars = np.flatnonzero(new_york.minute == OPENING_GAP_AT)
    bars = bars[bars > 0]
    weekly = (new_york.date[bars] + EPOCH_WEEKDAY) % 7 == SUNDAY
    opened, closed = candles.open[bars], candles.close[bars - 1]
    return _rows(
        np.where(weekly, Kind.NWOG, Kind.NDOG),
        bars,
        direction=np.sign(opened - closed),
        upper=np.maximum(opened, closed),
        lower=np.minimum(opened, closed),
    )


def _rows(
    kind: Kind | NDArray[Any],
    known_at: NDArray[Any],
    *,
    index: NDArray[Any] | None = None,
    ref: NDArray[Any] | int = NONE,
    direction: NDArray[Any] | int = 0,
    upper: NDArray[np.float64] | float = 0.0,
    lower: NDArray[np.float64] | float = 0.0,
) -> GivenRows:
    size = known_at.size
    return GivenRows(
        _column(kind, size, np.int8),
        _column(known_at, size, np.int32),
        _column(known_at if index is None else index, size, np.int32),
        _column(ref, size, np.int32),
        _column(direction, size, np.int8),
        _column(upper, size, np.float64),
        _column(lower, size, np.float64),
    )


def _column(values: NDArray[Any] | float, size: int, dtype: type[np.generic]) -> NDArray[Any]:
    """One value a row; a single number stands for all of them."""
    return values.astype(dtype) if isinstance(values, np.ndarray) else np.full(size, values, dtype)


def _in_order(found: list[GivenRows]) -> GivenRows:
    joined = GivenRows(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    order = np.argsort(joined.known_at, kind="stable")
    return GivenRows(*(column[order] for column in joined))
