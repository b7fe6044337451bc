"""Where things stand on a chart, in pixels from the lower left corner: scales, ticks, and labels out of each other's way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS

MS_PER_SECOND = 1000
SIGNIFICANT_DIGITS = 7
NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
TIME_STEPS_MS = (
    *(minutes * MINUTE_MS for minutes in (5, 15, 30)),
    *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_MS for days in (1, 2)),
    *(weeks * WEEK_MS for weeks in (1, 2, 4, 13, 26, 52, 104, 520)),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OVERLAP_OF_LABELS = 50.0  # a label on a label costs this many times a label on a candle
DISTANCE_PRICE = 12.0  # square pixels of a candle that may be covered to stand a pixel nearer


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Self:
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def padded(self, by: float) -> "Box":
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """The candles of a chart as they are drawn, `merged` of them to one: arrays of one length, times in epoch ms."""

    open_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    merged: int
    slot_ms: int

    @classmethod
    def of(cls, candles: Candles, most: int) -> Self:
        """All of `candles`, at most `most` bars; where there are more, neighbours are drawn as one."""
        merged = max(1, math.ceil(len(candles) / most))
        first = np.arange(0, len(candles), merged)
        last = np.minimum(first + merged, len(candles)) - 1
        return cls(
            candles.open_ms[first],
            candles.open[first],
            np.maximum.reduceat(candles.high, first),
            np.minimum.reduceat(candles.low, first),
            candles.close[last],
            merged,
            merged * candles.timeframe.ms,
        )

    def __len__(self) -> int:
        return int(self.open_ms.size)

    def opened_at(self, ms: int) -> int:
        """The bar that holds a candle opened at `ms`; -1 before the first."""
        return int(np.searchsorted(self.open_ms, ms, side="right")) - 1

    def closed_at(self, ms: int) -> int:
        """The bar whose candles close at `ms`; -1 before the first, and counted on in time after the last."""
        bar = int(np.searchsorted(self.open_ms, ms, side="left")) - 1
        if bar < len(self) - 1:
            return bar
        return bar + max(0, -(int(self.open_ms[bar] - ms) // self.slot_ms) - 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """Bars and prices to pixels of the `frame`; prices outside low..high are drawn at its edge."""

    frame: Box
    slots: int
    low: float
    high: float

    @property
    def step(self) -> float:
        """Pixels from one bar to the next."""
        return self.frame.width / self.slots

    def x(self, bar: float) -> float:
        """The middle of a bar, not left of the frame."""
        return max(self.frame.left, self.frame.left + (bar + 0.5) * self.step)

    def y(self, price: float) -> float:
        share = (price - self.low) / (self.high - self.low)
        return self.frame.bottom + min(max(share, 0.0), 1.0) * self.frame.height

    def holds(self, price: float) -> bool:
        return self.low <= price <= self.high


def price_range(bars: Bars, levels: Sequence[float], most: float, padding: float) -> tuple[float, float]:
    """Low and high of a chart: all bars, and of `levels` in their order those that leave the bars room to be read.

    The range grows to `most` times that of the bars and no further, then by `padding` of itself on both sides.
    """
    low, high = float(bars.low.min()), float(bars.high.max())
    nearest = abs(levels[0] - levels[1]) if len(levels) > 1 else 0.0
    room = most * max(high - low, nearest, high * 1e-6)
    for level in levels:
        below, above = min(low, level), max(high, level)
        if above - below <= room:
            low, high = below, above
    margin = padding * max(high - low, high * 1e-6)
    return low - margin, high + margin


def spread(centres: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Centres as near as can be to those wanted, in their order, such that nothing overlaps or leaves low..high.

    `centres` ascend. Neighbours that collide share the shift equally.
    """
    groups: list[tuple[float, int]] = []  # (where its first label would like to stand on average, labels)
    offsets = [0.0]
    for below, above in pairwise(heights):
        offsets.append(offsets[-1] + (below + above) / 2)
    for centre, offset in zip(centres, offsets, strict=True):
        wanted, count = centre - offset, 1
        while groups and groups[-1][0] >= wanted:
            before, members = groups.pop()
            wanted, count = (wanted * count + before * members) / (count + members), count + members
        groups.append((wanted, count))
    bases = [wanted for wanted, count in groups for _ in range(count)]
    lowest = low + heights[0] / 2
    highest = high - heights[-1] / 2 - offsets[-1]
    return [max(lowest, min(base, highest)) + offset for base, offset in zip(bases, offsets, strict=True)]


def placed(
    width: float,
    height: float,
    candidates: NDArray[np.float64],
    candles: NDArray[np.float64],
    taken: Sequence[Box],
    frame: Box,
) -> Box:
    """The best of the boxes around `candidates`: near the first, off other labels and marks (`taken`), off `candles`.

    `candidates` is an n x 2 array of middles, `candles` one of m x 4 edges in the order of `Box`. All stay in `frame`.
    """
    half = np.array([width / 2, height / 2])
    lowest, highest = np.array([frame.left, frame.bottom]) + half, np.array([frame.right, frame.top]) - half
    middles = np.maximum(lowest, np.minimum(candidates, highest))
    edges = np.hstack([middles - half, middles + half])
    others = np.array([(box.left, box.bottom, box.right, box.top) for box in taken]).reshape(len(taken), 4)
    far = np.hypot(*(middles - candidates[0]).T)
    price = _overlaps(edges, candles) + OVERLAP_OF_LABELS * _overlaps(edges, others) + DISTANCE_PRICE * far
    x, y = middles[np.argmin(price)].tolist()
    return Box.around(x, y, width, height)


def decimals_of(prices: Sequence[float]) -> int:
    """Decimals that tell all of these prices as they are, as far as seven significant digits of the largest go."""
    written = (f"{price:.{SIGNIFICANT_DIGITS}g}" for price in prices)
    needed = max(_decimals_written(text) for text in written)
    return min(needed, max(0, SIGNIFICANT_DIGITS - 1 - _exponent(max(prices))))


def price_ticks(low: float, high: float, wanted: int) -> tuple[list[float], int]:
    """About `wanted` round prices strictly inside low..high, and the decimals that write them."""
    rough = (high - low) / wanted
    unit = 10.0 ** _exponent(rough)
    step = next(nice * unit for nice in NICE_STEPS if nice * unit >= rough * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    decimals = max(0, -_exponent(step) + (1 if step / 10.0 ** _exponent(step) == 2.5 else 0))
    ticks = (number * step for number in range(max(first, 1), last + 1))
    return [tick for tick in ticks if low < tick < high], decimals  # a quotient may be rounded past a whole number


def time_ticks(bars: Bars, most: int) -> list[tuple[int, str]]:
    """(bar, text) of at most `most` bars that begin a round period of UTC."""
    for step_ms in TIME_STEPS_MS:
        period = bars.open_ms // step_ms
        starts = (np.flatnonzero(np.diff(period)) + 1).tolist()
        if len(starts) <= most:
            return [(bar, _tick_text(int(bars.open_ms[bar]), step_ms)) for bar in starts]
    return []


def utc_text(ms: int) -> str:
    """An instant for people, in UTC to the minute."""
    return f"{datetime.fromtimestamp(ms / MS_PER_SECOND, UTC):%Y-%m-%d %H:%M} UTC"


def _tick_text(ms: int, step_ms: int) -> str:
    at = datetime.fromtimestamp(ms / MS_PER_SECOND, UTC)
    if step_ms >= 13 * WEEK_MS:
        return f"{MONTHS[at.month - 1]} {at.year}"
    if step_ms >= DAY_MS or (at.hour, at.minute) == (0, 0):
        return f"{at.day} {MONTHS[at.month - 1]}"
    return f"{at:%H:%M}"


def _overlaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """By box: the area it shares with all of `others`; both n x 4 arrays of left, bottom, right, top."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: NDArray[np.float64] = np.maximum(high - low, 0.0).prod(axis=2).sum(axis=1)
    return shared


def _exponent(value: float) -> int:
    return math.floor(math.log10(value) + 1e-12)


def _decimals_written(text: str) -> int:
    digits, _, exponent = text.partition("e")
    return max(0, len(digits.partition(".")[2]) - int(exponent or 0))
