"""Looks at one series: the decision at any bar, on the window that a live look at that bar would have had.

The kernel reads a series once. Where its findings are proved equal to those of the window alone they are used, elsewhere
the window is read anew, so that replay, backtest and live decide the same (DESIGN 5, memory).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

from engine.candles import Candles
from engine.chart import Chart, read_chart
from engine.decide import Describe, Readings, decide, too_short
from engine.findings import Kind
from engine.kernel import window_is_equal
from engine.params import Params, WindowParams
from engine.reading import Reading, window_bounds
from engine.runner import Kernel
from engine.setups import COMPLETING, may_complete
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected, Signal, Stage

CHARTS_KEPT = 32
"""What the stacks of one symbol share, and what they share with all others, on every timeframe."""

LEAD_BARS = 100
"""Bars before memory from which on a live look's charts are told: in 199 of 200 real windows that is proved enough."""


class ReadChart(Protocol):
    """Reads the chart of candles, of what became known from bar `since` on."""

    def __call__(self, candles: Candles, /, since: int = 0) -> Chart: ...


@dataclass(frozen=True, slots=True)
class Stack:
    """What a decision looks at: closed candles of the signal's timeframe, of the higher one, and BTC's beside them."""

    own: Candles
    context: Candles
    btc: Candles | None = None

    def seen_from(self, first: int, last: int, window_bars: int) -> "Stack":
        """The candles that looks at the bars first..last-1 may see with windows of so many bars, and no others."""
        opened = self.own.open_ms
        first_ms, last_ms = (opened.item(bar) + self.own.timeframe.ms for bar in (first, last - 1))

        def seen(candles: Candles) -> Candles:
            end = candles.closed_by(last_ms)
            return candles.window(end, end - candles.closed_by(first_ms) + window_bars)

        own = self.own.window(last, last - first - 1 + window_bars)
        return Stack(own, seen(self.context), None if self.btc is None else seen(self.btc))


Describer = Callable[[Stack], Describe]
"""Makes what describes the signals of one stack."""


def chart_reader(params: Params, kernel: Kernel) -> ReadChart:
    """Reads charts with this form of the kernel."""
    return lambda candles, since=0: read_chart(candles, params.detection, kernel, since)


def each_once(read: ReadChart) -> ReadChart:
    """Reads each window once for the stacks that follow each other: one's own is the context of the next, BTC's all's."""
    charts: OrderedDict[tuple[str, Timeframe, int, int, int], Chart] = OrderedDict()

    def read_once(candles: Candles, /, since: int = 0) -> Chart:
        key = (candles.symbol, candles.timeframe, candles.closed_at_ms, len(candles), since)
        chart = charts.pop(key, None) or read(candles, since)
        charts[key] = chart
        if len(charts) > CHARTS_KEPT:
            charts.popitem(last=False)
        return chart

    return read_once


class Looks:
    """Every decision that the bars of one stack can give; its signals are described where a describer is given."""

    def __init__(
        self,
        stack: Stack,
        params: Params,
        read: ReadChart,
        tick_size: float | None = None,
        describer: Describer | None = None,
    ) -> None:
        self._params = params
        self._tick_size = tick_size
        self._describe = None if describer is None else describer(stack)
        self._own = _Pass(stack.own, params.window, read)
        self._context = _Pass(stack.context, params.window, read)
        self._btc: _Pass | None = None
        if stack.btc is not None and stack.btc.symbol != stack.own.symbol:
            self._btc = _Pass(stack.btc, _without_memory(params.window), read)

    def at(self, index: int) -> Signal | Rejected:
        """The decision at the close of bar `index`, on nothing later and nothing older than its window."""
        own = self._own.reading(index)
        context = self._context.reading_at(own.closed_at_ms)
        if context is None:
            return self._without(self._context)
        # BTC only weighs in a confidence, and most bars complete nothing
        btc = self._btc.reading_at(own.closed_at_ms) if self._btc is not None and may_complete(own) else None
        return decide(Readings(own, context, btc), self._params, self._tick_size, self._describe)

    def completing(self, first: int, last: int) -> Iterator[int]:
        """The bars of first..last-1 that made anything known that can complete a setup; at others `at` finds no zone."""
        return self._own.bars_with(COMPLETING, first, last)

    def readings_at(self, ms: int) -> Readings | Rejected:
        """What a look at the last close at or before `ms` sees, whether or not anything completes there."""
        own = self._own.reading_at(ms)
        if own is None:
            return self._without(self._own)
        context = self._context.reading_at(own.closed_at_ms)
        if context is None:
            return self._without(self._context)
        readings = Readings(own, context, None if self._btc is None else self._btc.reading_at(own.closed_at_ms))
        return too_short(readings, self._params) or readings

    def _without(self, series: "_Pass") -> Rejected:
        return Rejected(Stage.CONTEXT, f"no {series.name} candle has closed yet", "0", "1")


def look(
    stack: Stack,
    params: Params,
    read: ReadChart,
    tick_size: float | None = None,
    describer: Describer | None = None,
) -> Signal | Rejected:
    """The decision at the last closed candle of the stack."""
    if not len(stack.own):
        return Rejected(Stage.DATA, f"{stack.own.symbol} {stack.own.timeframe.text} has no candles", "0")
    end = len(stack.own)
    seen = stack.seen_from(end - 1, end, params.window.window_bars)
    return Looks(seen, params, read, tick_size, describer).at(len(seen.own) - 1)


@lru_cache(maxsize=16)
def _without_memory(window: WindowParams) -> WindowParams:
    """Of BTC beside other symbols the trend, the range and the close count: nothing that must be remembered."""
    return replace(window, memory_bars=1)


class _Pass:
    """One series read once, and read again by window where one pass would say something else.

    Of a single window, as a live look has it, only the last bars are read where they are proved to say the same.
    """

    def __init__(self, candles: Candles, window: WindowParams, read: ReadChart) -> None:
        self._candles = candles
        self._window = window
        self._read = read
        self._last: tuple[int, Reading] | None = None

    @cached_property
    def _whole(self) -> Chart:
        return self._read(self._candles)

    @property
    def name(self) -> str:
        return f"{self._candles.symbol} {self._candles.timeframe.text}"

    def reading_at(self, ms: int) -> Reading | None:
        """The reading at the last bar closed at or before `ms`; None before the first."""
        closed = self._candles.closed_by(ms)
        return self.reading(closed - 1) if closed else None

    def reading(self, index: int) -> Reading:
        """The reading at bar `index`; the last one is kept, since a higher timeframe stays the same over several looks."""
        if self._last is None or self._last[0] != index:
            self._last = (index, self._read_at(index))
        return self._last[1]

    def bars_with(self, kinds: frozenset[Kind], first: int, last: int) -> Iterator[int]:
        """The bars of first..last-1 at which the window that ends there has one of these kinds as news."""
        whole, told = self._whole.findings, self._whole.bars_with(kinds).tolist()
        for bar in range(first, last):
            if window_is_equal(whole, *window_bounds(bar, self._window)):
                is_told = told[bar]
            else:
                is_told = not kinds.isdisjoint(self.reading(bar).new_kinds)
            if is_told:
                yield bar

    def _read_at(self, index: int) -> Reading:
        if index + 1 == len(self._candles) <= self._window.window_bars:
            return self._newest(self._candles)
        whole = Reading(self._whole, index, self._window)
        if window_is_equal(self._whole.findings, whole.first, whole.oldest):
            return whole
        return self._newest(self._candles.window(index + 1, self._window.window_bars))

    def _newest(self, window: Candles) -> Reading:
        last = len(window) - 1
        since = max(0, last + 1 - self._window.memory_bars - LEAD_BARS)
        late = self._read(window, since)
        reading = Reading(late, last, self._window)
        if window_is_equal(late.findings, since, reading.oldest):
            return reading
        return Reading(self._read(window), last, self._window)
