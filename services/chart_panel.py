"""The frame that both charts share: header, candles, price and time grid, kill zones, price labels, footer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.sessions import WINDOWS, NewYork
from engine.timeframes import HOUR_MS
from services.chart_canvas import BACKGROUND, HEIGHT, WIDTH, Anchor, Canvas, Weight
from services.chart_layout import (
    Bars,
    Box,
    Scale,
    placed,
    price_range,
    price_ticks,
    spread,
    time_ticks,
)

MARGIN = 32.0
FRAME = Box(MARGIN, 168.0, 804.0, 1140.0)
LABEL_LEFT = FRAME.right + 24.0
LABEL_MARGIN = 14.0
LABEL_HEIGHT = 70.0
LABEL_GAP = 8.0
LABEL_PADDING = 12.0
FRAME_PADDING_RATIO = 0.05
LEVELS_STRETCH = 2.2  # levels may stretch the prices shown to this many times the range of the candles
FUTURE_RATIO = 0.19
FUTURE_SLOTS = 6
BODY_RATIO = 0.68
PRICE_TICKS = 7
TIME_TICKS = 6

WHITE = "#f0f4f8"
GREY = "#8f9bab"
FAINT = "#1d2530"
PANEL = "#161c25"
RISING = "#2bb596"
FALLING = "#ef5a5a"
GOOD = "#34d17f"
BAD = "#ff6161"
ENTRY = "#ffc94d"

TITLE = 54.0
SUBTITLE = 30.0
FACTS = 25.0
PRICE = 26.0
SMALLEST_PRICE = 21.0
DETAIL = 20.0
NOTE = 22.0
SMALL = 20.0
NOTE_SHIFTS = np.array([(0.0, 0.0), *((across / 3, along / 2) for along in range(-12, 13) for across in range(-4, 5))])
"""Where words may stand, from where they belong: the first there, the others farther, in widths and heights."""


@dataclass(frozen=True, slots=True)
class KillZone:
    """A session window that is shaded, by its name in WINDOWS."""

    window: str
    name: str
    color: str


KILL_ZONES = (
    KillZone("asian_range", "Asia", "#7f8cff"),
    KillZone("london_kz", "London", "#38c6ff"),
    KillZone("ny_kz", "New York", "#ffb347"),
    KillZone("london_close_kz", "London close", "#d783ff"),
)
KILL_ZONE_ALPHA = 0.10
SHORTEST_KILL_ZONE_MS = 2 * HOUR_MS  # longer bars cannot show one
NARROWEST_SHADE = 10.0  # pixels; narrower stripes are noise


@dataclass(frozen=True, slots=True)
class Level:
    """A price with its label in the right margin; the line begins at bar `since`."""

    name: str
    price: float
    detail: str
    color: str
    since: float
    reached: bool = False


@dataclass(frozen=True, slots=True)
class Badge:
    """What stands large in the upper right corner."""

    value: str
    word: str
    color: str


class Panel:
    """A canvas with the candles' scale; `levels` are prices that should be seen, the most wanted first."""

    def __init__(
        self, candles: Candles, levels: Sequence[float], decimals: int, most_bars: int, future_ratio: float
    ) -> None:
        self.canvas = Canvas()
        self.bars = Bars.of(candles, most_bars)
        low, high = price_range(self.bars, levels, LEVELS_STRETCH, FRAME_PADDING_RATIO)
        slots = len(self.bars) + FUTURE_SLOTS + round(len(self.bars) * future_ratio)
        self.scale = Scale(FRAME, slots, low, high)
        self._candles = candles
        self._decimals = decimals
        self._taken: list[Box] = []

    @property
    def last_edge(self) -> float:
        """Where the last bar ends, in bars: beyond it nothing is known."""
        return len(self.bars) - 0.5

    def price_text(self, price: float) -> str:
        return f"{price:.{self._decimals}f}"

    def paint_header(self, lead: str, color: str, subtitle: str, facts: str, badge: Badge) -> None:
        """The `lead` in its color before the series' name, two lines below it, and the badge."""
        canvas, top = self.canvas, HEIGHT - 66.0
        self._paint_badge(badge)
        right = WIDTH - MARGIN - 190.0
        side = canvas.text(MARGIN, top, lead, TITLE, color, weight=Weight.BOLD)
        words = self._candles.timeframe.text
        timeframe, _ = canvas.measured(words, TITLE)
        room = right - side.right - timeframe - 40.0
        symbol = canvas.text(side.right + 20.0, top, self._candles.symbol, TITLE, WHITE, weight=Weight.BOLD, width=room)
        canvas.text(symbol.right + 20.0, top, words, TITLE, GREY)
        canvas.text(MARGIN, top - 62.0, subtitle, SUBTITLE, WHITE, width=right - MARGIN)
        canvas.text(MARGIN, top - 108.0, facts, FACTS, GREY, width=right - MARGIN)

    def paint_grounds(self) -> None:
        """What lies behind the candles: kill zones with their legend, grid and times."""
        self._paint_kill_zones()
        for price in price_ticks(self.scale.low, self.scale.high, PRICE_TICKS)[0]:
            y = self.scale.y(price)
            self.canvas.line([(FRAME.left, y), (FRAME.right, y)], FAINT, 1.0)
        for bar, words in time_ticks(self.bars, TIME_TICKS):
            x = self.scale.x(bar)
            self.canvas.line([(x, FRAME.bottom), (x, FRAME.top)], FAINT, 1.0)
            width, _ = self.canvas.measured(words, SMALL)
            if FRAME.left + width / 2 <= x <= FRAME.right - width / 2:
                self.canvas.text(x, FRAME.bottom - 22.0, words, SMALL, GREY, anchor=Anchor.CENTER)

    def paint_candles(self) -> None:
        bars, body = self.bars, max(1.0, self.scale.step * BODY_RATIO)
        opens, closes = self._ys(bars.open), self._ys(bars.close)
        bottoms = np.minimum(opens, closes)
        tops = np.maximum(np.maximum(opens, closes), bottoms + 2.0)
        colors = np.where(bars.close >= bars.open, RISING, FALLING).tolist()
        wick = 1.0 if body < 3 else 2.0
        self.canvas.boxes(self._columns(wick, self._ys(bars.low), self._ys(bars.high)), colors)
        self.canvas.boxes(self._columns(body, bottoms, tops), colors)

    def paint_levels(self, levels: Sequence[Level]) -> None:
        """The lines of `levels`, each joined to its label, and the price grid where the labels leave it room."""
        ordered = sorted(levels, key=lambda level: level.price)
        heights = [LABEL_HEIGHT + LABEL_GAP] * len(ordered)
        middles = spread([self.scale.y(level.price) for level in ordered], heights, FRAME.bottom, FRAME.top)
        size = self._price_size(ordered)
        for level, middle in zip(ordered, middles, strict=True):
            self._paint_line(level, middle)
        for level, middle in zip(ordered, middles, strict=True):
            self._paint_label(level, middle, size)
        spans = [
            (
                min(middle - LABEL_HEIGHT / 2, self.scale.y(level.price)),
                max(middle + LABEL_HEIGHT / 2, self.scale.y(level.price)),
            )
            for level, middle in zip(ordered, middles, strict=True)
        ]
        self._paint_price_grid(spans)

    def note(self, words: str, color: str, x: float, y: float, side: int) -> None:
        """Words near a point, above it (side +1) or below (-1) where there is room, never over other words."""
        canvas = self.canvas
        words, size = canvas.fitted(words, NOTE, FRAME.width)
        width, height = canvas.measured(words, size)
        width += 8.0
        near = y + side * (height / 2 + 8.0)
        candidates = np.array([x, near]) + NOTE_SHIFTS * (width, height * side)
        box = placed(width, height, candidates, self._candle_boxes(), self._taken, FRAME.padded(-4.0))
        self._taken.append(box)
        canvas.rectangle(box, BACKGROUND, 0.72)
        canvas.text(*box.middle, words, size, color, anchor=Anchor.CENTER)

    def keep_clear(self, box: Box) -> None:
        """No note stands on `box`."""
        self._taken.append(box)

    def paint_footer(self, left: str, right: str) -> None:
        y = 42.0
        self.canvas.line([(MARGIN, 76.0), (WIDTH - MARGIN, 76.0)], FAINT, 1.5)
        box = self.canvas.text(
            WIDTH - MARGIN, y, right, NOTE, GREY, anchor=Anchor.RIGHT, width=(WIDTH - 2 * MARGIN) / 3
        )
        self.canvas.text(MARGIN, y, left, NOTE, GREY, width=box.left - MARGIN - 20.0)

    def _paint_badge(self, badge: Badge) -> None:
        box = Box(WIDTH - MARGIN - 170.0, HEIGHT - 170.0, WIDTH - MARGIN, HEIGHT - 32.0)
        self.canvas.pill(box, PANEL, badge.color, radius=18.0)
        x, room = box.middle[0], box.width - 24.0
        self.canvas.text(
            x, box.top - 54.0, badge.value, TITLE, badge.color, weight=Weight.BOLD, anchor=Anchor.CENTER, width=room
        )
        self.canvas.text(x, box.bottom + 32.0, badge.word, NOTE, GREY, anchor=Anchor.CENTER, width=room)

    def _paint_kill_zones(self) -> None:
        slot_ms = self._candles.timeframe.ms * self.bars.merged
        if self.scale.step * SHORTEST_KILL_ZONE_MS / slot_ms < NARROWEST_SHADE or slot_ms > SHORTEST_KILL_ZONE_MS:
            return
        bits = NewYork.of(self._candles).windows[:: self.bars.merged]
        names = [window.name for window in WINDOWS]
        x = FRAME.left
        for zone in KILL_ZONES:
            inside = (bits >> names.index(zone.window) & 1).astype(np.int8)
            if not inside.any():
                continue
            edges = np.flatnonzero(np.diff(inside, prepend=0, append=0)).reshape(-1, 2)
            for first, end in edges.tolist():
                left, right = (FRAME.left + bar * self.scale.step for bar in (first, end))
                self.canvas.rectangle(Box(left, FRAME.bottom, right, FRAME.top), zone.color, KILL_ZONE_ALPHA)
            self.canvas.rectangle(Box(x, 92.0, x + 18.0, 110.0), zone.color, 0.6)
            x = self.canvas.text(x + 26.0, 101.0, zone.name, SMALL, GREY).right + 28.0
        if x > FRAME.left:
            self.canvas.text(x, 101.0, "kill zones, New York time", SMALL, GREY)

    def _paint_line(self, level: Level, middle: float) -> None:
        y, shown = self.scale.y(level.price), self.scale.holds(level.price)
        if shown:
            start = self.scale.x(level.since)
            self.canvas.line([(start, y), (FRAME.right, y)], level.color, 2.5)
            self.keep_clear(Box(start, y - 2.0, FRAME.right, y + 2.0))
        self.canvas.line([(FRAME.right, y), (LABEL_LEFT, middle)], level.color, 2.0, alpha=0.8)

    def _paint_label(self, level: Level, middle: float, size: float) -> None:
        box = Box(LABEL_LEFT, middle - LABEL_HEIGHT / 2, WIDTH - LABEL_MARGIN, middle + LABEL_HEIGHT / 2)
        self.canvas.pill(box, PANEL, level.color)
        left, right, upper, lower = box.left + LABEL_PADDING, box.right - LABEL_PADDING, middle + 15.0, middle - 16.0
        name = self.canvas.text(left, upper, self._label_name(level), PRICE, level.color, weight=Weight.BOLD)
        price = self.price_text(level.price)
        if size >= SMALLEST_PRICE:
            self.canvas.text(right, upper, price, size, WHITE, weight=Weight.BOLD, anchor=Anchor.RIGHT)
            self.canvas.text(right, lower, level.detail, DETAIL, GREY, anchor=Anchor.RIGHT, width=right - left)
        else:  # a price of many digits has a line of its own
            self.canvas.text(
                right, lower, price, PRICE, WHITE, weight=Weight.BOLD, anchor=Anchor.RIGHT, width=right - left
            )
            room = right - name.right - 10.0
            self.canvas.text(right, upper, level.detail, DETAIL, GREY, anchor=Anchor.RIGHT, width=room)

    def _label_name(self, level: Level) -> str:
        if self.scale.holds(level.price):
            return level.name
        return f"{level.name} {'↑' if level.price > self.scale.high else '↓'}"

    def _price_size(self, levels: Sequence[Level]) -> float:
        """One size for all prices, so small that the longest stands beside its name."""
        size = PRICE
        for level in levels:
            name, _ = self.canvas.measured(self._label_name(level), PRICE, Weight.BOLD)
            room = WIDTH - LABEL_MARGIN - LABEL_LEFT - 2 * LABEL_PADDING - name - 12.0
            width, _ = self.canvas.measured(self.price_text(level.price), PRICE, Weight.BOLD)
            size = min(size, PRICE * room / width)
        return size * 0.98 if size < PRICE else size

    def _paint_price_grid(self, spans: Sequence[tuple[float, float]]) -> None:
        ticks, decimals = price_ticks(self.scale.low, self.scale.high, PRICE_TICKS)
        for price in ticks:
            y = self.scale.y(price)
            free = all(y + SMALL < bottom or y - SMALL > top for bottom, top in spans)
            if free:
                self.canvas.text(LABEL_LEFT, y, f"{price:.{decimals}f}", SMALL, GREY)

    def _ys(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        share = (prices - self.scale.low) / (self.scale.high - self.scale.low)
        return FRAME.bottom + share * FRAME.height

    def _columns(self, width: float, bottoms: NDArray[np.float64], tops: NDArray[np.float64]) -> NDArray[np.float64]:
        """Left, bottom, right, top of one upright rectangle a bar, on whole pixels across."""
        left = np.rint(FRAME.left + (np.arange(len(self.bars)) + 0.5) * self.scale.step - width / 2)
        return np.stack([left, bottoms, left + max(1, round(width)), tops], axis=1, dtype=np.float64)

    def _candle_boxes(self) -> NDArray[np.float64]:
        return self._columns(self.scale.step, self._ys(self.bars.low), self._ys(self.bars.high))
