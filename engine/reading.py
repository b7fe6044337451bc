"""A chart as it stood at the close of one bar: what was known then, and nothing older than the memory of a decision.

`Chart` holds the findings of a series with the life of every pool, gap and block worked out once; a `Reading` is one
bar of it. Live looks read a chart of one window at its last bar; replay reads a chart of the whole series bar by bar.
Both see the same, because a reading reaches back `memory_bars` and no further (proved by tests/engine/test_reading.py).
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import NONE, Findings, Kind
from engine.kernel_columns import GivenRows
from engine.params import WindowParams
from engine.runner import Kernel, price_findings
from engine.session_findings import asian_ranges, judas_raids, midnight_opens
from engine.sessions import NewYork, window_bits, window_names
from engine.timeframes import Timeframe

NEVER = np.iinfo(np.int32).max
VOLUME_BARS = 20
CLOCK_BARS = 128
"""So many bars ask the clock at once: no dearer than one, and a live look asks for few."""
RAIDS = (Kind.SWEEP, Kind.RUN)
BREAKS = (Kind.BOS, Kind.CHOCH, Kind.MSS)
TRIGGERS = frozenset((Kind.FVG, Kind.OB, Kind.MSS, Kind.REJECTION_BLOCK, Kind.SWEEP, Kind.RUN, Kind.TURTLE_SOUP))
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


@dataclass(frozen=True, slots=True)
class Day:
    """High, low and close of one finished trading day or week."""

    high: float
    low: float
    close: float


class Chart:
    """One series with its findings and the life of every object in them, worked out once."""

    def __init__(self, candles: Candles, findings: Findings, params: DetectionParams) -> None:
        self.candles = candles
        self._params = params
        self.findings = findings
        self._first_event: list[int] = findings.bars.first_event.tolist()
        self._kinds = findings.kind.tobytes()
        self._positions: dict[tuple[tuple[Kind, ...], int], list[int]] = {}
        self._equal_from: dict[int, NDArray[np.int32]] = {}
        self._windows: dict[int, bytes] = {}

    def positions(self, kinds: tuple[Kind, ...], direction: int) -> list[int]:
        """Where findings of these kinds and direction stand in the columns, in the order they became known."""
        key = (kinds, direction)
        found = self._positions.get(key)
        if found is None:
            found = list(chain.from_iterable(self._ordered[self._group(kind, direction)] for kind in kinds))
            if len(kinds) > 1:
                found.sort()
            self._positions[key] = found
        return found

    def known(self, kinds: tuple[Kind, ...], direction: int, first_bar: int, last_bar: int) -> list[int]:
        """The positions of those known from the close of `first_bar` to that of `last_bar`."""
        if first_bar > last_bar:
            return []
        positions = self.positions(kinds, direction)
        begin = bisect_left(positions, self._first_event[max(first_bar, 0)])
        return positions[begin : bisect_left(positions, self._first_event[last_bar + 1], begin)]

    def new_at(self, bar: int) -> dict[tuple[int, int], int]:
        """By kind and direction, the position of the last of those that became known at the close of `bar`."""
        begin, end = self._first_event[bar], self._first_event[bar + 1]
        directions = self.findings.direction[begin:end].tolist()
        return dict(zip(zip(self._kinds[begin:end], directions, strict=True), range(begin, end), strict=True))

    def last_position(self, kinds: tuple[Kind, ...], direction: int, bar: int) -> int:
        """The position of the last of these that was known at the close of `bar`; NONE before the first."""
        positions = self.positions(kinds, direction)
        count = bisect_left(positions, self._first_event[bar + 1])
        return positions[count - 1] if count else NONE

    def latest(self, kinds: tuple[Kind, ...], direction: int, bar: int) -> int:
        """The last bar up to `bar` at which one of these became known; NONE before the first."""
        position = self.last_position(kinds, direction, bar)
        return NONE if position == NONE else self.findings.known_at.item(position)

    def has_trigger(self, bar: int) -> bool:
        """Whether anything became known at the close of `bar` that can complete a setup."""
        return not TRIGGERS.isdisjoint(self._kinds[self._first_event[bar] : self._first_event[bar + 1]])

    def mean_range_before(self, bar: int) -> float | None:
        """Mean true range of the `disp_n` bars before `bar`, as displacement is measured; None where there are fewer."""
        count = self._params.disp_n
        if bar < count:
            return None
        total = 0.0  # oldest first, as the kernel adds them
        for true_range in self.findings.bars.true_range[bar - count : bar].tolist():
            total += true_range
        return total / count

    @cached_property
    def ended_at(self) -> NDArray[np.int32]:
        """By position: the bar that ended it (block broken, gap inverted, pool raided); NEVER while it lives."""
        return self._first_about((Kind.OB_BREAK, Kind.IFVG, Kind.SWEEP, Kind.RUN))

    @cached_property
    def touched_at(self) -> NDArray[np.int32]:
        """By position: the bar that first came back to a block or gap; NEVER before."""
        return self._first_about((Kind.OB_TOUCH, Kind.FVG_TOUCH))

    @cached_property
    def reclaimed_at(self) -> NDArray[np.int32]:
        """By position of a run: the bar whose close was back inside; NEVER without one."""
        return self._first_about((Kind.TURTLE_SOUP,))

    def is_equal(self, swing_bar: int, side: int, bar: int) -> bool:
        """Whether the swing at `swing_bar` was known at the close of `bar` to be one of equal highs or lows."""
        equal_from = self._equal_from.get(side)
        if equal_from is None:
            equal_from = self._equal_from[side] = self._first_equals(side)
        return equal_from.item(swing_bar) <= bar

    def windows_of(self, bar: int) -> tuple[str, ...]:
        """The session windows that hold the open of `bar`."""
        block, place = divmod(bar, CLOCK_BARS)
        bits = self._windows.get(block)
        if bits is None:
            opened = self.candles.open_ms[block * CLOCK_BARS : (block + 1) * CLOCK_BARS]
            bits = self._windows[block] = window_bits(opened).tobytes()
        return window_names(bits[place])

    @cached_property
    def judas_raids(self) -> GivenRows:
        """Raids of each Asian range in its Judas window, in the order of bars."""
        candles, new_york = self.candles, NewYork.of(self.candles)
        windows = new_york.windows
        asian = asian_ranges(candles, windows, new_york)
        return judas_raids(candles, windows, asian, midnight_opens(candles, new_york))

    @cached_property
    def _ordered(self) -> list[int]:
        positions: list[int] = self._groups[0].tolist()
        return positions

    @cached_property
    def _groups(self) -> tuple[NDArray[np.intp], list[int]]:
        """Positions ordered by kind and direction, then as they became known; and where each group of them starts."""
        group = self.findings.kind * np.int8(2) + (self.findings.direction > 0)
        sizes = np.bincount(group, minlength=2 * len(Kind))
        return np.argsort(group, kind="stable"), [0, *np.cumsum(sizes).tolist()]

    def _group(self, kind: Kind, direction: int) -> slice:
        """Where the findings of a kind and direction stand in `_groups`."""
        starts, group = self._groups[1], 2 * kind + (direction > 0)
        return slice(starts[group], starts[group + 1])

    def _first_about(self, kinds: tuple[Kind, ...]) -> NDArray[np.int32]:
        first = np.full(len(self.findings), NEVER, dtype=np.int32)
        by_group, starts = self._groups
        for kind in kinds:
            about = by_group[starts[2 * kind] : starts[2 * kind + 2]]  # of both directions
            first[self.findings.origin[about]] = self.findings.known_at[about]  # each object ends, or is met, once
        return first

    def _first_equals(self, side: int) -> NDArray[np.int32]:
        """By bar of a swing: the bar at which it was first known to have an equal; else NEVER."""
        first = np.full(self.findings.bar_count, NEVER, dtype=np.int32)
        latest_first = self._groups[0][self._group(Kind.EQ, side)][::-1]
        swings = np.stack((self.findings.index[latest_first], self.findings.ref[latest_first]), axis=1)
        # where a bar is written to more than once the last entry stays, which is the earliest pair's
        first[swings.ravel()] = self.findings.known_at[latest_first].repeat(2)
        return first


def read_chart(candles: Candles, params: DetectionParams, kernel: Kernel) -> Chart:
    """The chart of `candles`: one pass of the price kernel; what only the clock tells is worked out when asked for."""
    return Chart(candles, price_findings(candles, params, kernel), params)


class Reading:
    """The chart at the close of bar `last`; bars are positions in the chart's candles."""

    def __init__(self, chart: Chart, last: int, window: WindowParams) -> None:
        self._chart = chart
        self._findings = chart.findings
        self._candles = chart.candles
        self.last = last
        self.first = max(0, last + 1 - window.window_bars)
        self.oldest = max(self.first, last + 1 - window.memory_bars)
        self._atr_bars = window.atr_bars

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

    @property
    def close(self) -> float:
        return float(self._candles.close[self.last])

    def close_at(self, index: int) -> float | None:
        """The close of bar `index`; None where it lies before the window."""
        return float(self._candles.close[index]) if index >= self.first else None

    @property
    def closed_at_ms(self) -> int:
        return self.open_ms(self.last) + self.timeframe.ms

    @property
    def trend(self) -> int:
        """-1, 0, +1: the side of the last structure break."""
        return int(self._findings.bars.trend[self.last])

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
        return self._chart.windows_of(index)

    def open_ms(self, index: int) -> int:
        return int(self._candles.open_ms[index])

    def first_bar_since(self, ms: int) -> int:
        """The first bar of the window that opened at or after `ms`; one beyond the last bar when none did."""
        opened = self._candles.open_ms[: self.last + 1]
        return max(self.first, int(opened.searchsorted(ms, side="left")))

    def extreme(self, side: int, first: int, last: int) -> float:
        """The highest high (side +1) or lowest low (-1) of the bars first..last."""
        span = slice(first, last + 1)
        return float(self._candles.high[span].max() if side > 0 else self._candles.low[span].min())

    def extreme_since(self, side: int, since_ms: int) -> float | None:
        """The extreme of the window's bars that opened at or after `since_ms`; None when none did."""
        first = self.first_bar_since(since_ms)
        return self.extreme(side, first, self.last) if first <= self.last else None

    def has_new(self, kind: Kind, direction: int) -> bool:
        return self._new(kind, direction) is not None

    def new_gap(self, direction: int) -> Gap | None:
        """The gap that became known at the last bar."""
        position = self._new(Kind.FVG, direction)
        return None if position is None else self._gap(position)

    def new_block(self, direction: int) -> Block | None:
        """The order block that became known at the last bar."""
        position = self._new(Kind.OB, direction)
        return None if position is None else self._block(position)

    def new_breaker(self, direction: int) -> Block | None:
        """The breaker block that became known at the last bar, with its older low (high) inside memory."""
        position = self._new(Kind.BREAKER, direction)
        return None if position is None or self._findings.index[position] < self.oldest else self._block(position)

    def new_rejection(self, direction: int) -> Block | None:
        """The rejection block that became known at the last bar."""
        position = self._new(Kind.REJECTION_BLOCK, direction)
        return None if position is None else self._block(position)

    def live_blocks(self, direction: int, age_bars: int) -> Iterator[Block]:
        """Order blocks of the last `age_bars` bars that no close broke, the newest first."""
        since = max(self.oldest, self.last - age_bars)
        for position in reversed(self._chart.known((Kind.OB,), direction, since, self.last)):
            if self._chart.ended_at.item(position) > self.last and self._findings.ref.item(position) >= self.oldest:
                yield self._block(position)

    def live_gaps(self, direction: int, since_index: int) -> Iterator[Gap]:
        """Gaps around a bar from `since_index` on that no close inverted, the newest first."""
        for position in reversed(self._chart.known((Kind.FVG,), direction, max(since_index, self.oldest), self.last)):
            if self._chart.ended_at.item(position) > self.last and self._findings.index.item(position) >= since_index:
                yield self._gap(position)

    def last_raid(self, side: int, first: int, last: int) -> Raid | None:
        """The pools of `side` taken in the last raiding bar of first..last."""
        f, chart = self._findings, self._chart
        known = [p for p in chart.known(RAIDS, side, max(first, self.oldest), last) if f.ref.item(p) >= self.oldest]
        if not known:
            return None
        bar = f.known_at.item(known[-1])
        taken = [p for p in known if f.known_at.item(p) == bar]
        level = max(f.upper.item(p) * side for p in taken) * side
        sweeps = [f.kind.item(p) == Kind.SWEEP for p in taken]
        back = [swept or chart.reclaimed_at.item(p) <= self.last for p, swept in zip(taken, sweeps, strict=True)]
        return Raid(
            index=bar,
            side=side,
            level=level,
            count=len(taken),
            depth=(self.extreme(side, bar, bar) - level) * side,
            is_sweep=all(sweeps),
            is_rejected=all(back),
            is_equal=any(chart.is_equal(f.ref.item(p), side, self.last) for p in taken),
        )

    def last_judas_raid(self, direction: int, first: int) -> Raid | None:
        """The last raid of the Asian range in the Judas window, from bar `first` on, that implies `direction`."""
        rows = self._chart.judas_raids
        first = max(first, self.oldest)
        begin, end = np.searchsorted(rows.known_at, (first, self.last + 1))
        for at in range(int(end) - 1, int(begin) - 1, -1):
            if rows.direction[at] == direction:
                bar, level = int(rows.known_at[at]), float(rows.upper[at])
                back = (self.close - level) * direction >= 0
                depth = (self.extreme(-direction, bar, bar) - level) * -direction
                return Raid(bar, -direction, level, 1, depth, False, back, False, "Asian range")
        return None

    def was_raided(self, side: int, since: int) -> bool:
        """Whether a pool of `side` was taken at bar `since` or later."""
        ref, oldest = self._findings.ref.item, self.oldest
        for position in reversed(self._chart.known(RAIDS, side, max(since, oldest), self.last)):
            if ref(position) >= oldest:
                return True
        return False

    def was_answered(self, direction: int, since: int) -> bool:
        """Whether displacement or a structure break in `direction` came at bar `since` or later."""
        return self._chart.latest((Kind.DISPLACEMENT, *BREAKS), direction, self.last) >= max(since, self.oldest)

    def was_inverted(self, direction: int, since: int) -> bool:
        """Whether a close inverted a gap of `direction` at bar `since` or later."""
        return self._chart.latest((Kind.IFVG,), -direction, self.last) >= max(since, self.oldest)

    @property
    def has_trigger(self) -> bool:
        """Whether the last bar made anything known that can complete a setup."""
        return self._chart.has_trigger(self.last)

    def break_at(self, bar: int, direction: int, only: Kind | None = None) -> Break | None:
        """The structure break at the close of `bar`; of a CHoCH that is also an MSS, the MSS."""
        positions = self._chart.known((only,) if only is not None else BREAKS, direction, bar, bar)
        return self._break(positions[-1]) if positions else None

    def last_break(self, direction: int, first: int, last: int) -> Break | None:
        """The last structure break of first..last."""
        positions = self._chart.known(BREAKS, direction, max(first, self.oldest), last)
        return self._break(positions[-1]) if positions else None

    def is_displacement(self, index: int, direction: int) -> bool:
        return bool(self._chart.known((Kind.DISPLACEMENT,), direction, index, index))

    def last_displacement(self, direction: int, first: int, last: int) -> int | None:
        """The last bar of first..last that is a displacement."""
        positions = self._chart.known((Kind.DISPLACEMENT,), direction, max(first, self.oldest), last)
        return self._findings.known_at.item(positions[-1]) if positions else None

    def last_internal_swing(self, side: int) -> float | None:
        """The price of the newest confirmed internal high (side +1) or low (-1)."""
        f = self._findings
        known = self._chart.known((Kind.ISWING,), side, self.oldest, self.last)
        return f.upper.item(known[-1]) if known and f.index.item(known[-1]) >= self.oldest else None

    def pools(self, side: int) -> Iterator[tuple[float, bool]]:
        """(level, is one of equals) of every pool of `side` that was not raided yet, the newest first."""
        f, chart = self._findings, self._chart
        for position in reversed(chart.known((Kind.SWING,), side, self.oldest, self.last)):
            if chart.ended_at.item(position) > self.last and f.index.item(position) >= self.oldest:
                yield f.upper.item(position), chart.is_equal(f.index.item(position), side, self.last)

    def dealing_range(self) -> tuple[float, float] | None:
        """Low and high of the last confirmed swings; None before both are known, or while they are crossed."""
        f, known = self._findings, self._chart.last_position
        high_at, low_at = known((Kind.SWING,), 1, self.last), known((Kind.SWING,), -1, self.last)
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
        return self._finished(Timeframe.D1, self.closed_at_ms, back)

    def previous_week(self, at_ms: int) -> Day | None:
        """The last ISO week that was finished at `at_ms`; None where the window does not hold it whole."""
        return self._finished(Timeframe.W1, at_ms)

    def body_strength(self, index: int) -> float | None:
        """Body of bar `index` in mean true ranges of the bars before it; None where there are too few."""
        mean = self._chart.mean_range_before(index)
        if mean is None or mean <= 0:
            return None
        return abs(float(self._candles.close[index]) - float(self._candles.open[index])) / mean

    def volume_ratio(self, index: int) -> float | None:
        """Volume of bar `index` over the mean of the 20 before it; None without volume."""
        if index - VOLUME_BARS < self.first:
            return None
        before = self._candles.volume[index - VOLUME_BARS : index].tolist()
        mean, own = sum(before) / VOLUME_BARS, float(self._candles.volume[index])
        return own / mean if mean > 0 and math.isfinite(own) else None

    def _finished(self, period: Timeframe, at_ms: int, back: int = 1) -> Day | None:
        """The `back`-th period with candles before the one that holds `at_ms`; None where the window lacks its begin."""
        opened = self._candles.open_ms
        begin = end = int(opened.searchsorted(period.floor(at_ms)))
        starts_ms = 0
        for _ in range(back):
            end = begin
            if end == 0:
                return None
            starts_ms = period.floor(self.open_ms(end - 1))
            begin = int(opened.searchsorted(starts_ms))
        if begin < self.first or (begin == self.first and self.open_ms(begin) != starts_ms):
            return None
        return Day(self.extreme(1, begin, end - 1), self.extreme(-1, begin, end - 1), self._candles.close.item(end - 1))

    def _new(self, kind: Kind, direction: int) -> int | None:
        return self._new_ones.get((kind, direction))

    @cached_property
    def _new_ones(self) -> dict[tuple[int, int], int]:
        return self._chart.new_at(self.last)

    def _gap(self, position: int) -> Gap:
        f = self._findings
        return Gap(f.index.item(position), f.known_at.item(position), f.upper.item(position), f.lower.item(position))

    def _block(self, position: int) -> Block:
        f = self._findings
        touched = self._chart.touched_at.item(position)
        return Block(
            f.index.item(position),
            f.known_at.item(position),
            f.upper.item(position),
            f.lower.item(position),
            touched if touched <= self.last else None,
        )

    def _break(self, position: int) -> Break:
        f = self._findings
        kind = Kind(f.kind.item(position))
        return Break(kind, f.known_at.item(position), f.ref.item(position), f.upper.item(position))
