"""A chart as it stood at the close of one bar: what was known then, and nothing older than the memory of a decision.

Live looks read a chart of one window at its last bar; replay reads a chart of the whole series bar by bar. Both see the
same, because a reading reaches back `memory_bars` and no further (proved by tests/engine/test_reading.py).
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from engine.chart import Chart, Sorts, is_of, sort_of, sorts_of
from engine.findings import NONE, Kind
from engine.params import WindowParams
from engine.sessions import windows_at
from engine.timeframes import Timeframe

VOLUME_BARS = 20
FEW_BARS = 48
"""Up to so many, a list is asked for its extreme sooner than an array."""
EQUALS, RECLAIMS = sorts_of(Kind.EQ), sorts_of(Kind.TURTLE_SOUP)
RAIDS, BREAKS = sorts_of(Kind.SWEEP, Kind.RUN), sorts_of(Kind.BOS, Kind.CHOCH, Kind.MSS)
ANSWERS = sorts_of(Kind.DISPLACEMENT, Kind.BOS, Kind.CHOCH, Kind.MSS)
GAPS, GAP_INVERSIONS = sorts_of(Kind.FVG), sorts_of(Kind.IFVG)
BLOCKS, BLOCK_TOUCHES, BLOCK_BREAKS = sorts_of(Kind.OB), sorts_of(Kind.OB_TOUCH), sorts_of(Kind.OB_BREAK)
IS_RAID = is_of(Kind.SWEEP, Kind.RUN)
SIDE_NAMES = {1: "buy-side liquidity", -1: "sell-side liquidity"}
EQUAL_NAMES = {1: "equal highs", -1: "equal lows"}


@dataclass(frozen=True, slots=True)
class Raid:
    """Pools of one side taken in one bar: `level` is the outermost, `depth` how far price went beyond it."""

    index: int
    side: int
    level: float
    count: int
    depth: float
    is_sweep: bool
    is_rejected: bool
    is_equal: bool
    pool: str | None = None

    @property
    def name(self) -> str:
        return self.pool or (EQUAL_NAMES if self.is_equal else SIDE_NAMES)[self.side]


@dataclass(frozen=True, slots=True)
class Break:
    """A structure break at bar `index` through the swing at bar `ref`."""

    kind: Kind
    index: int
    ref: int
    level: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A fair value gap around its middle bar `index`."""

    index: int
    known_at: int
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Block:
    """An order, breaker or rejection block; `touched_at` is the bar that first came back to it."""

    index: int
    known_at: int
    top: float
    bottom: float
    touched_at: int | None = None

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def touched(self) -> bool:
        return self.touched_at is not None


class Day(NamedTuple):
    """High, low and close of one finished trading day or week."""

    high: float
    low: float
    close: float


def window_bounds(last: int, window: WindowParams) -> tuple[int, int]:
    """The first bar of the window that ends with bar `last`, and the oldest one whose findings it remembers."""
    first = max(0, last + 1 - window.window_bars)
    return first, max(first, last + 1 - window.memory_bars)


class Reading:
    """The chart at the close of bar `last`; bars are positions in the chart's candles."""

    def __init__(self, chart: Chart, last: int, window: WindowParams) -> None:
        self._chart = chart
        self._findings = chart.findings
        self._candles = chart.candles
        self.last = last
        self.first, self.oldest = window_bounds(last, window)
        self._atr_bars = window.atr_bars
        self._days: dict[int, Day | None] = {}
        self._equals: dict[int, frozenset[int]] = {}
        self.close: float = chart.candles.close.item(last)
        self.closed_at_ms: int = chart.candles.open_ms.item(last) + chart.candles.timeframe.ms

    @cached_property
    def atr(self) -> float:
        """Mean true range of the last bars, summed in one order so that every window gives the same bits."""
        begin = max(self.first, self.last + 1 - self._atr_bars)
        span = self._findings.bars.true_range[begin : self.last + 1].tolist()
        return sum(span) / len(span) if span else 0.0

    @property
    def symbol(self) -> str:
        return self._candles.symbol

    @property
    def timeframe(self) -> Timeframe:
        return self._candles.timeframe

    @property
    def bars(self) -> int:
        """How many bars the window holds."""
        return self.last + 1 - self.first

    def close_at(self, index: int) -> float | None:
        """The close of bar `index`; None where it lies before the window."""
        return self._candles.close.item(index) if index >= self.first else None

    @property
    def trend(self) -> int:
        """-1, 0, +1: the side of the last structure break."""
        return self._findings.bars.trend.item(self.last)

    @property
    def windows(self) -> tuple[str, ...]:
        """The New York session windows that hold the last bar's open, sorted."""
        return self.windows_of(self.last)

    @property
    def daily_bias(self) -> int | None:
        """The two-candle rule over the last two finished days: -1, 0, +1; None without two."""
        earlier, later = self.previous_day(2), self.previous_day(1)
        if earlier is None or later is None:
            return None
        if later.close > earlier.high or later.close < earlier.low:
            return 1 if later.close > earlier.high else -1
        raided_high, raided_low = later.high > earlier.high, later.low < earlier.low
        return 0 if raided_high == raided_low else (-1 if raided_high else 1)

    def windows_of(self, index: int) -> tuple[str, ...]:
        """The session windows that hold the open of bar `index`."""
        return windows_at(self.open_ms(index))

    def open_ms(self, index: int) -> int:
        return self._candles.open_ms.item(index)

    def first_bar_since(self, ms: int) -> int:
        """The first bar of the window that opened at or after `ms`; one beyond the last bar when none did."""
        return bisect_left(self._candles.open_ms.data, ms, self.first, self.last + 1)

    def extreme(self, side: int, first: int, last: int) -> float:
        """The highest high (side +1) or lowest low (-1) of the bars first..last."""
        column = self._candles.high if side > 0 else self._candles.low
        if first == last:
            return column.item(first)
        span = column[first : last + 1]
        if span.size > FEW_BARS:
            return float(span.max() if side > 0 else span.min())
        few: list[float] = span.tolist()
        return max(few) if side > 0 else min(few)

    def extreme_since(self, side: int, since_ms: int) -> float | None:
        """The extreme of the window's bars that opened at or after `since_ms`; None when none did."""
        first = self.first_bar_since(since_ms)
        return self.extreme(side, first, self.last) if first <= self.last else None

    @cached_property
    def new_kinds(self) -> frozenset[int]:
        """What became known at the last bar."""
        return self._chart.new_kinds(self.last)

    def has_new(self, kind: Kind, direction: int) -> bool:
        return self._new(kind, direction) != NONE

    def new_gap(self, direction: int) -> Gap | None:
        """The gap that became known at the last bar."""
        position = self._new(Kind.FVG, direction)
        return None if position == NONE else self._gap(position)

    def new_block(self, direction: int) -> Block | None:
        """The order block that became known at the last bar."""
        position = self._new(Kind.OB, direction)
        return None if position == NONE else self._block(position)

    def new_breaker(self, direction: int) -> Block | None:
        """The breaker block that became known at the last bar, with its older low (high) inside memory."""
        position = self._new(Kind.BREAKER, direction)
        return None if position == NONE or self._findings.index[position] < self.oldest else self._block(position)

    def new_rejection(self, direction: int) -> Block | None:
        """The rejection block that became known at the last bar."""
        position = self._new(Kind.REJECTION_BLOCK, direction)
        return None if position == NONE else self._block(position)

    def live_blocks(self, direction: int, age_bars: int) -> Iterator[Block]:
        """Order blocks of the last `age_bars` bars that no close broke, the newest first."""
        since, f = max(self.oldest, self.last - age_bars), self._findings
        blocks = self._chart.known(BLOCKS[direction], since, self.last)
        if not blocks:
            return
        broken = self._about(BLOCK_BREAKS[-direction], since)
        touched_at = {
            f.origin.item(touch): f.index.item(touch)
            for touch in self._chart.known(BLOCK_TOUCHES[direction], since, self.last)
        }
        for position in reversed(blocks):
            if position not in broken and f.ref.item(position) >= self.oldest:
                yield self._block(position, touched_at.get(position))

    def live_gaps(self, direction: int, since_index: int) -> Iterator[Gap]:
        """Gaps around a bar from `since_index` on that no close inverted, the newest first."""
        since = max(since_index, self.oldest)
        gaps = self._chart.known(GAPS[direction], since, self.last)
        if not gaps:
            return
        inverted = self._about(GAP_INVERSIONS[-direction], since)
        for position in reversed(gaps):
            if position not in inverted and self._findings.index.item(position) >= since_index:
                yield self._gap(position)

    def last_raid(self, side: int, first: int, last: int) -> Raid | None:
        """The pools of `side` taken in the last raiding bar of first..last."""
        f, chart = self._findings, self._chart
        known = [p for p in chart.known(RAIDS[side], max(first, self.oldest), last) if f.ref.item(p) >= self.oldest]
        if not known:
            return None
        bar = f.index.item(known[-1])
        taken = [p for p in known if f.index.item(p) == bar]
        level = max(f.upper.item(p) * side for p in taken) * side
        sweeps = [f.kind.item(p) == Kind.SWEEP for p in taken]
        reclaimed = frozenset() if all(sweeps) else self._about(RECLAIMS[-side], bar)
        return Raid(
            index=bar,
            side=side,
            level=level,
            count=len(taken),
            depth=(self.extreme(side, bar, bar) - level) * side,
            is_sweep=all(sweeps),
            is_rejected=all(swept or p in reclaimed for p, swept in zip(taken, sweeps, strict=True)),
            is_equal=any(self.is_equal(f.ref.item(p), side) for p in taken),
        )

    def last_judas_raid(self, direction: int, first: int) -> Raid | None:
        """The last raid of the Asian range in the Judas window, from bar `first` on, that implies `direction`."""
        if not any("judas" in self.windows_of(bar) for bar in range(max(first, self.oldest), self.last + 1)):
            return None
        raids = self._chart.judas_raids
        begin, end = raids.bar.searchsorted((max(first, self.oldest), self.last + 1)).tolist()
        for at in range(end - 1, begin - 1, -1):
            if raids.direction[at] == direction:
                bar, level = raids.bar.item(at), raids.level.item(at)
                back = (self.close - level) * direction >= 0
                depth = (self.extreme(-direction, bar, bar) - level) * -direction
                return Raid(bar, -direction, level, 1, depth, False, back, False, "Asian range")
        return None

    def was_raided(self, side: int, since: int) -> bool:
        """Whether a pool of `side` was taken at bar `since` or later."""
        ref, oldest = self._findings.ref.item, self.oldest
        raids = self._chart.known(RAIDS[side], max(since, oldest), self.last)
        return any(ref(position) >= oldest for position in raids)

    def was_answered(self, direction: int, since: int) -> bool:
        """Whether displacement or a structure break in `direction` came at bar `since` or later."""
        return self._chart.is_any_known(ANSWERS[direction], max(since, self.oldest), self.last)

    def was_inverted(self, direction: int, since: int) -> bool:
        """Whether a close inverted a gap of `direction` at bar `since` or later."""
        return self._chart.is_any_known(GAP_INVERSIONS[-direction], max(since, self.oldest), self.last)

    def break_at(self, bar: int, direction: int) -> Break | None:
        """The structure break at the close of `bar`; of a CHoCH that is also an MSS, the MSS."""
        positions = self._chart.known(BREAKS[direction], bar, bar)
        return self._break(positions[-1]) if positions else None

    def last_break(self, direction: int, first: int, last: int) -> Break | None:
        """The last structure break of first..last."""
        positions = self._chart.known(BREAKS[direction], max(first, self.oldest), last)
        return self._break(positions[-1]) if positions else None

    def is_displacement(self, index: int, direction: int) -> bool:
        return self._chart.last_known(Kind.DISPLACEMENT, direction, index, index) != NONE

    def last_displacement(self, direction: int, first: int, last: int) -> int | None:
        """The last bar of first..last that is a displacement."""
        position = self._chart.last_known(Kind.DISPLACEMENT, direction, last, max(first, self.oldest))
        return None if position == NONE else self._findings.index.item(position)

    def last_internal_swing(self, side: int) -> float | None:
        """The price of the newest confirmed internal high (side +1) or low (-1)."""
        f = self._findings
        position = self._chart.last_known(Kind.ISWING, side, self.last, self.oldest)
        return f.upper.item(position) if position != NONE and f.index.item(position) >= self.oldest else None

    def is_equal(self, swing_bar: int, side: int) -> bool:
        """Whether the swing within memory at `swing_bar` is known to be one of equal highs (side +1) or lows (-1)."""
        if side not in self._equals:
            index, ref = self._findings.index.item, self._findings.ref.item
            pairs = self._chart.known(EQUALS[side], self.oldest, self.last)
            self._equals[side] = frozenset(bar(pair) for pair in pairs for bar in (index, ref))
        return swing_bar in self._equals[side]

    def pools(self, side: int) -> Iterator[tuple[float, int]]:
        """(level, bar) of every pool of `side` that was not raided yet, the newest first."""
        f, memory = self._findings, self._findings.between(self.oldest, self.last)
        sorts = self._chart.sorts[memory]
        raided = set(f.origin[memory][IS_RAID[side].take(sorts)].tolist())
        swings = (sorts == sort_of(Kind.SWING, side)).nonzero()[0][::-1]
        levels, bars = f.upper[memory][swings].tolist(), f.index[memory][swings].tolist()
        for position, level, bar in zip((swings + memory.start).tolist(), levels, bars, strict=True):
            if position not in raided and bar >= self.oldest:
                yield level, bar

    def dealing_range(self) -> tuple[float, float] | None:
        """Low and high of the last confirmed swings; None before both are known, or while they are crossed."""
        f, last_known = self._findings, self._chart.last_known
        high_at, low_at = last_known(Kind.SWING, 1, self.last), last_known(Kind.SWING, -1, self.last)
        if NONE in (high_at, low_at) or min(f.index.item(high_at), f.index.item(low_at)) < self.first:
            return None
        high, low = f.upper.item(high_at), f.upper.item(low_at)
        return (low, high) if high > low else None

    def equilibrium(self) -> float | None:
        """The middle of the dealing range."""
        dealing = self.dealing_range()
        return None if dealing is None else (dealing[0] + dealing[1]) / 2

    def previous_day(self, back: int = 1) -> Day | None:
        """The `back`-th UTC day, of those that have candles, that was finished when the last bar closed."""
        if back not in self._days:
            self._days[back] = self._finished(Timeframe.D1, self.closed_at_ms, back)
        return self._days[back]

    def previous_week(self, at_ms: int) -> Day | None:
        """The last ISO week that was finished at `at_ms`; None where the window does not hold it whole."""
        return self._finished(Timeframe.W1, at_ms)

    def body_strength(self, index: int) -> float | None:
        """Body of bar `index` in mean true ranges of the bars before it; None where there are too few."""
        mean = self._chart.mean_range_before(index)
        if mean is None or mean <= 0:
            return None
        return abs(self._candles.close.item(index) - self._candles.open.item(index)) / mean

    def volume_ratio(self, index: int) -> float | None:
        """Volume of bar `index` over the mean of the 20 before it; None without volume."""
        if index - VOLUME_BARS < self.first:
            return None
        before = self._candles.volume[index - VOLUME_BARS : index].tolist()
        mean, own = sum(before) / VOLUME_BARS, self._candles.volume.item(index)
        return own / mean if mean > 0 and math.isfinite(own) else None

    def _finished(self, period: Timeframe, at_ms: int, back: int = 1) -> Day | None:
        """The `back`-th period with candles before the one that holds `at_ms`; None where the window lacks its begin."""
        opened = self._candles.open_ms.data
        begin = end = bisect_left(opened, period.floor(at_ms))
        starts_ms = 0
        for _ in range(back):
            end = begin
            if end == 0:
                return None
            starts_ms = period.floor(self.open_ms(end - 1))
            begin = bisect_left(opened, starts_ms, 0, end)
        if begin < self.first or (begin == self.first and self.open_ms(begin) != starts_ms):
            return None
        return Day(self.extreme(1, begin, end - 1), self.extreme(-1, begin, end - 1), self._candles.close.item(end - 1))

    def _new(self, kind: Kind, direction: int) -> int:
        begin, sorts = self._news
        place = sorts.rfind(sort_of(kind, direction))
        return NONE if place < 0 else begin + place

    @cached_property
    def _news(self) -> tuple[int, bytes]:
        return self._chart.news_of(self.last)

    def _about(self, sorts: Sorts, since: int) -> frozenset[int]:
        """The positions of what those known since the close of bar `since` are about."""
        return frozenset(map(self._findings.origin.item, self._chart.known(sorts, since, self.last)))

    def _gap(self, position: int) -> Gap:
        f = self._findings
        return Gap(f.index.item(position), self._chart.known_at(position), f.upper.item(position), f.lower.item(position))

    def _block(self, position: int, touched_at: int | None = None) -> Block:
        f = self._findings
        return Block(
            f.index.item(position),
            self._chart.known_at(position),
            f.upper.item(position),
            f.lower.item(position),
            touched_at,
        )

    def _break(self, position: int) -> Break:
        f = self._findings
        return Break(Kind(f.kind.item(position)), f.index.item(position), f.ref.item(position), f.upper.item(position))
