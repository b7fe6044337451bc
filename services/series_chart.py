"""The chart of a series as it is read now: candles, the zones that still hold, untouched liquidity, the last break."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.candles import Candles
from engine.chart import read_chart
from engine.params import Params
from engine.reading import Break, Reading
from engine.runner import INTERPRETED
from engine.timeframes import DAY_MS
from services.chart_canvas import Canvas
from services.chart_layout import Box, decimals_of, utc_text
from services.chart_panel import BAD, ENTRY, FRAME, GOOD, GREY, WHITE, Badge, Level, Panel
from services.charts import GAP, MOST_BARS, RAID, STRUCTURE, STRUCTURE_WORDS, ZONE, ChartError, paint_area

FEWEST_BARS = 20
ZONES_A_SIDE = 2
"""Of each kind, the nearest to the price: more would cover the candles."""
TREND_WORDS = {1: ("▲ UP", GOOD), -1: ("▼ DOWN", BAD), 0: ("SIDEWAYS", GREY)}
BIAS_WORDS = {1: "daily bias up", -1: "daily bias down", 0: "no daily bias", None: "no daily bias yet"}
DEFAULT_PARAMS = Params()


@dataclass(frozen=True, slots=True)
class Zone:
    """A gap or block that no close has undone, from the bar it was drawn by."""

    words: str
    color: str
    direction: int
    index: int
    lower: float
    upper: float

    def distance(self, price: float) -> float:
        """How far the price has to go to reach it; 0 inside."""
        return max(self.lower - price, price - self.upper, 0.0)


def series_chart(candles: Candles, *, source: str, params: Params = DEFAULT_PARAMS) -> bytes:
    """The last bars of `candles`, all closed, with what is read in them by `params`, as PNG of 1080 x 1350.

    The same input gives the same bytes. ChartError where there are too few candles to show anything.
    """
    return draw_series(candles, source=source, params=params).png()


def draw_series(candles: Candles, *, source: str, params: Params = DEFAULT_PARAMS) -> Canvas:
    """The canvas behind `series_chart`."""
    if len(candles) < FEWEST_BARS:
        raise ChartError(
            f"{candles.symbol} {candles.timeframe.text} has {len(candles)} candles; {FEWEST_BARS} are few."
        )
    read = candles.window(len(candles), params.window.window_bars)
    reading = Reading(read_chart(read, params.detection, INTERPRETED), len(read) - 1, params.window)
    shown = read.window(len(read), MOST_BARS)
    first = len(read) - len(shown)
    levels = list(_levels(reading, shown))
    panel = Panel(shown, [level.price for level in levels], decimals_of(_written(read, levels)), MOST_BARS, 0.0)
    low, high = panel.scale.low, panel.scale.high
    zones = [zone for zone in zones_near(reading) if zone.lower < high and zone.upper > low]
    word, color = TREND_WORDS[reading.trend]
    panel.paint_header(
        word, color, f"zones as read at {utc_text(reading.closed_at_ms)}", _facts(reading), _change(read)
    )
    panel.paint_grounds()
    for zone in zones:
        left = panel.scale.x(max(zone.index - first, 0) - 0.5)
        paint_area(panel, zone.lower, zone.upper, left, FRAME.right, zone.color)
    panel.paint_candles()
    panel.paint_levels(levels)
    found = reading.last_break(1, reading.oldest, reading.last), reading.last_break(-1, reading.oldest, reading.last)
    newest = max((one for one in found if one is not None), key=lambda one: one.index, default=None)
    if newest is not None and newest.index >= first:
        _paint_break(panel, newest, first)
    for zone in zones:
        middle = panel.scale.x((max(zone.index - first, 0) + panel.last_edge) / 2)
        far = zone.upper if zone.direction > 0 else zone.lower
        panel.note(zone.words, zone.color, middle, panel.scale.y(far), zone.direction)
    panel.paint_footer(f"{source}  ·  candle closed {utc_text(reading.closed_at_ms)}", "no signal by itself")
    return panel.canvas


def zones_near(reading: Reading) -> Iterator[Zone]:
    """The nearest gaps and blocks of both directions that hold at the last bar."""
    for direction in (1, -1):
        arrow = "▲" if direction > 0 else "▼"
        gaps = (
            Zone(f"FVG {arrow}", GAP, direction, gap.index, gap.bottom, gap.top)
            for gap in reading.live_gaps(direction, reading.oldest)
        )
        blocks = (
            Zone(f"OB {arrow}", ZONE, direction, block.index, block.bottom, block.top)
            for block in reading.live_blocks(direction, reading.bars)
        )
        for zones in (gaps, blocks):
            yield from sorted(zones, key=lambda zone: zone.distance(reading.close))[:ZONES_A_SIDE]


def _levels(reading: Reading, shown: Candles) -> Iterator[Level]:
    """The last price, the nearest pool of either side, the middle of the range, the day before."""
    right = len(shown) - 1.0
    yield Level("Price", reading.close, "last close", WHITE, right)
    for side, name, equal in ((1, "BSL", "equal highs"), (-1, "SSL", "equal lows")):
        beyond = [pool for pool in reading.pools(side) if (pool[0] - reading.close) * side > 0]
        if beyond:
            price, bar = min(beyond, key=lambda pool: abs(pool[0] - reading.close))
            word = equal if reading.is_equal(bar, side) else "liquidity"
            yield Level(name, price, word, RAID, _since(shown, price, side))
    middle = reading.equilibrium()
    if middle is not None:
        yield Level("EQ", middle, "equilibrium", ENTRY, right)
    day = reading.previous_day() if reading.timeframe.ms < DAY_MS else None
    if day is not None:
        yield Level("PDH", day.high, "previous day", GREY, 0.0)
        yield Level("PDL", day.low, "previous day", GREY, 0.0)


def _since(shown: Candles, price: float, side: int) -> float:
    """The bar whose extreme the level is; 0 where it lies before what is shown."""
    made = np.flatnonzero((shown.high if side > 0 else shown.low) == price)
    return float(made[-1]) if made.size else 0.0


def _written(candles: Candles, levels: list[Level]) -> list[float]:
    """Prices as the exchange writes them, which say how many decimals there are; a middle may have one more."""
    return [*candles.close[-5:].tolist(), *(level.price for level in levels if level.name in ("BSL", "SSL"))]


def _facts(reading: Reading) -> str:
    dealing = reading.dealing_range()
    if dealing is None:
        return BIAS_WORDS[reading.daily_bias]
    low, high = dealing
    share = (reading.close - low) / (high - low)
    where = "above the range" if share > 1 else "below the range" if share < 0 else f"{100 * share:.0f} % of the range"
    return f"{BIAS_WORDS[reading.daily_bias]}  ·  {'premium' if share > 0.5 else 'discount'}, {where}"


def _change(candles: Candles) -> Badge:
    """What the price did within the last day, or bar where that is longer."""
    back = max(DAY_MS // candles.timeframe.ms, 1)
    before = float(candles.close[max(len(candles) - 1 - back, 0)])
    change_pct = 100.0 * (float(candles.close[-1]) - before) / before
    return Badge(f"{change_pct:+.1f} %", "24 hours", GOOD if change_pct > 0 else BAD if change_pct < 0 else GREY)


def _paint_break(panel: Panel, found: Break, first: int) -> None:
    start, end = panel.scale.x(max(found.ref - first, 0)), panel.scale.x(found.index - first)
    level = panel.scale.y(found.level)
    panel.canvas.line([(start, level), (end, level)], STRUCTURE, 3.0)
    panel.keep_clear(Box(start, level - 4.0, end, level + 4.0))
    panel.note(STRUCTURE_WORDS[found.kind.name.lower()], STRUCTURE, (start + end) / 2, level, 1)
