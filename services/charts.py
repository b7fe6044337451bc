"""The charts of a signal, as PNG: what was seen when it was decided, and the path its position took to the close."""

from collections.abc import Iterator, Sequence

import numpy as np

from engine.candles import Candles
from engine.timeframes import duration_text
from engine.vocabulary import (
    SETUP_WORDS,
    Direction,
    FillKind,
    Outcome,
    Position,
    Signal,
    Target,
    Witness,
)
from services.chart_canvas import Canvas, Shape
from services.chart_layout import Box, decimals_of, utc_text
from services.chart_panel import (
    BAD,
    ENTRY,
    FRAME,
    FUTURE_RATIO,
    GOOD,
    GREY,
    WHITE,
    Badge,
    Level,
    Panel,
)
from storage.fills import Fill

FEWEST_BARS = 80
MOST_BARS = 130
BARS_BEFORE_FINDINGS = 8
BARS_BEFORE_DECISION = 36
BARS_AFTER_CLOSE = 3
MOST_BARS_TO_CLOSE = 220
POOL_BARS = 14  # how far a raided level is drawn back when no bar shown made it

ZONE = "#5b9dff"
GAP = "#b792ff"
RAID = "#ffb054"
STRUCTURE = "#6fd3ff"
DISPLACEMENT = "#e6e9ee"
LEADS = {Direction.LONG: ("▲ LONG", GOOD), Direction.SHORT: ("▼ SHORT", BAD)}
STRUCTURE_WORDS = {"bos": "BOS", "choch": "CHoCH", "mss": "MSS"}
OUTCOME_COLORS = {Outcome.WIN: GOOD, Outcome.LOSS: BAD, Outcome.BREAKEVEN: ENTRY}


class ChartError(ValueError):
    """A chart that cannot be drawn; one sentence for a person says why."""


def signal_chart(signal: Signal, candles: Candles, *, name: str, source: str) -> bytes:
    """The chart on which `signal` was decided, as PNG of 1080 x 1350; the same input gives the same bytes.

    Nothing later than the decision is drawn. `name` is what people call the signal, `source` where the candles come
    from. ChartError when the candles are of another series or do not hold the candle of the decision.
    """
    return draw_signal(signal, candles, name=name, source=source).png()


def closing_chart(
    signal: Signal, position: Position, fills: Sequence[Fill], candles: Candles, *, name: str, source: str
) -> bytes:
    """The path from the signal to the close of `position`: fills, best and worst excursion, the result in R; as above.

    ChartError also when the position is still open or has no fills.
    """
    return draw_closing(signal, position, fills, candles, name=name, source=source).png()


def draw_signal(signal: Signal, candles: Candles, *, name: str, source: str) -> Canvas:
    """The canvas behind `signal_chart`."""
    seen = _checked(signal, candles).until(signal.candle_close_ms)
    seen = seen.window(len(seen), _bars_wanted(signal, seen))
    prices = (*_prices(signal)[:2], signal.zone_low, signal.zone_high, *_prices(signal)[2:])
    panel = Panel(seen, prices, decimals_of(_prices(signal)), MOST_BARS, FUTURE_RATIO)
    setup = SETUP_WORDS.get(signal.setup, signal.setup.replace("_", " "))
    facts = f"RR {signal.rr:.1f}  ·  whole plan {signal.plan_r:+.1f}R  ·  costs {signal.cost_r:.2f}R  ·  {signal.market.value}"
    panel.paint_header(*LEADS[signal.direction], setup, facts, Badge(f"{signal.confidence:.0f}", "score", WHITE))
    panel.paint_grounds()
    edge = panel.scale.x(panel.last_edge)
    panel.canvas.rectangle(Box(edge, FRAME.bottom, FRAME.right, FRAME.top), WHITE, 0.035)
    _paint_zones(panel, signal)
    panel.paint_candles()
    panel.paint_levels(list(_levels(signal, panel.last_edge)))
    _paint_findings(panel, signal)
    closed = utc_text(signal.candle_close_ms)
    panel.paint_footer(f"{source}  ·  candle closed {closed}", name)
    return panel.canvas


def draw_closing(
    signal: Signal, position: Position, fills: Sequence[Fill], candles: Candles, *, name: str, source: str
) -> Canvas:
    """The canvas behind `closing_chart`."""
    if position.is_open or position.closed_ms is None or not fills:
        raise ChartError(f"Position {position.id} is not closed yet.")
    taken = _path(_checked(signal, candles), signal, position.closed_ms)
    prices = (
        position.entry_price,
        signal.stop_loss,
        *(fill.price for fill in fills),
        _excursion(signal, position, position.mfe_r),
        _excursion(signal, position, -position.mae_r),
        *(target.price for target in signal.targets),
    )
    panel = Panel(taken, prices, decimals_of(_prices(signal)), MOST_BARS_TO_CLOSE, 0.0)
    panel.paint_header(
        *LEADS[signal.direction], _result_words(position), _result_facts(signal, position), _result(position)
    )
    panel.paint_grounds()
    _paint_stretch(panel, signal, position)
    panel.paint_candles()
    panel.paint_levels(list(_closing_levels(panel, signal, position, fills)))
    _paint_path(panel, signal, position, fills)
    merged = f"  ·  {panel.bars.merged} candles in one" if panel.bars.merged > 1 else ""
    panel.paint_footer(f"{source}  ·  closed {utc_text(position.closed_ms)}{merged}", name)
    return panel.canvas


def _checked(signal: Signal, candles: Candles) -> Candles:
    wanted, given = ((s.symbol, s.timeframe) for s in (signal, candles))
    if wanted != given:
        raise ChartError(
            f"The signal is of {wanted[0]} {wanted[1].text}, the candles are of {given[0]} {given[1].text}."
        )
    opened_ms = signal.candle_close_ms - signal.timeframe.ms
    at = int(np.searchsorted(candles.open_ms, opened_ms))
    if at == len(candles) or candles.open_ms[at] != opened_ms:
        raise ChartError(
            f"The candles do not hold the signal's own, which closed at {utc_text(signal.candle_close_ms)}."
        )
    return candles


def _bars_wanted(signal: Signal, seen: Candles) -> int:
    """So many bars that the findings are on the chart, where they are not too old."""
    oldest_ms = min((witness.formed_at_ms for witness in signal.witnesses), default=signal.candle_close_ms)
    reach = len(seen) - int(np.searchsorted(seen.open_ms, oldest_ms)) + BARS_BEFORE_FINDINGS
    return min(max(reach, FEWEST_BARS), MOST_BARS)


def _prices(signal: Signal) -> tuple[float, ...]:
    return (signal.entry, signal.stop_loss, *(target.price for target in signal.targets))


def _levels(signal: Signal, since: float) -> Iterator[Level]:
    yield Level("Stop", signal.stop_loss, f"{_change_pct(signal, signal.stop_loss):+.2f} %", BAD, since)
    yield Level("Entry", signal.entry, "limit order", ENTRY, since)
    for target in signal.targets:
        detail = f"{_reward_r(signal, target):+.2f}R  ·  {target.share_ratio:.0%}"
        yield Level(f"TP{target.no}", target.price, detail, GOOD, since)


def _paint_zones(panel: Panel, signal: Signal) -> None:
    """The entry zone, shaded to the right edge, and a gap that is not the zone itself."""
    zone = _witness(signal, "zone")
    start = 0.0 if zone is None else panel.bars.opened_at(zone.formed_at_ms) - 0.5
    paint_area(panel, signal.zone_low, signal.zone_high, panel.scale.x(start), FRAME.right, ZONE)
    gap = _witness(signal, "fvg")
    if gap is not None and not _is_zone(gap, signal):
        left = panel.scale.x(panel.bars.opened_at(gap.formed_at_ms) - 0.5)
        paint_area(panel, gap.lower, gap.upper, left, panel.scale.x(panel.last_edge), GAP)


def paint_area(panel: Panel, low: float, high: float, left: float, right: float, color: str) -> None:
    """A shaded stretch of prices with its two edges; `left` and `right` in pixels."""
    bottom, top = panel.scale.y(low), panel.scale.y(high)
    panel.canvas.rectangle(Box(left, bottom, right, max(top, bottom + 2.0)), color, 0.22)
    for y in (bottom, top):
        panel.canvas.line([(left, y), (right, y)], color, 1.5, alpha=0.7)


def _paint_findings(panel: Panel, signal: Signal) -> None:
    """Marks first, so that no word stands on one; then the words."""
    notes = [note for witness in signal.witnesses if (note := _paint_finding(panel, signal, witness)) is not None]
    for words, color, x, y, side in notes:
        panel.note(words, color, x, y, side)


_Note = tuple[str, str, float, float, int]


def _paint_finding(panel: Panel, signal: Signal, witness: Witness) -> _Note | None:
    """Paint the mark of one finding; the words that belong to it, their color, place and side."""
    sign = signal.direction.sign
    bar = panel.bars.opened_at(witness.formed_at_ms)
    known = panel.bars.closed_at(witness.known_at_ms)
    level = panel.scale.y(witness.upper)
    if witness.name in STRUCTURE_WORDS:
        start, end = panel.scale.x(bar), panel.scale.x(known)
        panel.canvas.line([(start, level), (end, level)], STRUCTURE, 3.0)
        panel.keep_clear(Box(start, level - 4.0, end, level + 4.0))
        return STRUCTURE_WORDS[witness.name], STRUCTURE, (start + end) / 2, level, sign
    if witness.name.endswith(" taken"):
        return _paint_raid(panel, witness, -sign)
    if witness.name == "fvg" and not _is_zone(witness, signal):
        middle = panel.scale.x((bar + panel.last_edge) / 2)
        far = witness.upper if sign > 0 else witness.lower
        return "FVG", GAP, middle, panel.scale.y(far), sign
    if witness.name == "displacement" and bar >= 0:
        tip = witness.upper if sign > 0 else witness.lower
        return "displacement", DISPLACEMENT, panel.scale.x(bar), panel.scale.y(tip), sign
    if witness.name == "zone":
        gap = _witness(signal, "fvg")
        words = "entry FVG" if gap is not None and _is_zone(gap, signal) else "entry zone"
        near = signal.zone_low if sign > 0 else signal.zone_high
        middle = (panel.scale.x(panel.last_edge) + FRAME.right) / 2
        return words, ZONE, middle, panel.scale.y(near), -sign
    return None


def _paint_raid(panel: Panel, raid: Witness, side: int) -> _Note | None:
    """The level from the bar that made it to the raid, and a mark at the wick that went through it."""
    bars, scale = panel.bars, panel.scale
    bar = bars.opened_at(raid.formed_at_ms)
    if bar < 0:
        return None
    extremes = bars.high if side > 0 else bars.low
    made = np.flatnonzero(extremes[:bar] == raid.upper)
    start = int(made[-1]) if made.size else bar - POOL_BARS
    y = scale.y(raid.upper)
    panel.canvas.line([(scale.x(start), y), (scale.x(bar), y)], RAID, 2.5, dashes=True)
    panel.keep_clear(Box(scale.x(start), y - 3.0, scale.x(bar), y + 3.0))
    tip = scale.y(float(extremes[bar])) + side * 14.0
    panel.canvas.mark(scale.x(bar), tip, Shape.DOWN if side > 0 else Shape.UP, 17.0, RAID)
    panel.keep_clear(Box.around(scale.x(bar), tip, 16.0, 16.0))
    return raid.name, RAID, scale.x(bar), tip + side * 8.0, side


def _path(candles: Candles, signal: Signal, closed_ms: int) -> Candles:
    """From some bars before the decision to some after the close."""
    decided = len(candles.until(signal.candle_close_ms))
    first = max(0, decided - BARS_BEFORE_DECISION)
    end = int(np.searchsorted(candles.open_ms, closed_ms, side="left")) + BARS_AFTER_CLOSE
    end = min(end, len(candles))
    forming_ms = candles.timeframe.ms  # a position may close in a candle that has not closed yet
    if candles.open_ms[end - 1] + candles.timeframe.ms + forming_ms < closed_ms:
        raise ChartError(f"The candles end before the position was closed at {utc_text(closed_ms)}.")
    return candles.window(end, end - first)


def _result(position: Position) -> Badge:
    color = GREY if position.outcome is None else OUTCOME_COLORS[position.outcome]
    word = "closed" if position.outcome is None else position.outcome.value.lower()
    if position.r_multiple is None:
        return Badge(f"{position.pnl_pct or 0.0:+.1f} %", word, color)
    return Badge(f"{position.r_multiple:+.2f}R", word, color)


def _result_words(position: Position) -> str:
    reason = "closed" if position.close_reason is None else position.close_reason.value.replace("_", " ").lower()
    assert position.closed_ms is not None, "a closed position has its instant"
    return f"{reason}, held {duration_text(position.closed_ms - position.opened_ms)}"


def _result_facts(signal: Signal, position: Position) -> str:
    setup = SETUP_WORDS.get(signal.setup, signal.setup.replace("_", " "))
    change = "" if position.pnl_pct is None else f"{position.pnl_pct:+.2f} % after costs  ·  "
    return f"{change}{setup}"


def _excursion(signal: Signal, position: Position, r: float) -> float:
    """The price that lies `r` initial risks from the entry, in the position's direction."""
    return position.entry_price + position.direction.sign * r * signal.risk


def _closing_levels(panel: Panel, signal: Signal, position: Position, fills: Sequence[Fill]) -> Iterator[Level]:
    opened = panel.bars.closed_at(position.opened_ms)
    hit = {fill.target_no for fill in fills if fill.kind is FillKind.TARGET}
    yield Level("Stop", signal.stop_loss, f"{_change_pct(signal, signal.stop_loss):+.2f} %", BAD, opened)
    yield Level("Entry", position.entry_price, "filled", ENTRY, opened)
    for target in signal.targets:
        reached = target.no in hit
        detail = f"{_reward_r(signal, target):+.2f}R  ·  {'hit' if reached else 'not hit'}"
        yield Level(f"TP{target.no}", target.price, detail, GOOD if reached else GREY, opened)
    last = fills[-1]
    if last.kind in (FillKind.STOP, FillKind.CLOSE):
        share = last.qty / position.qty
        yield Level("Exit", last.price, f"{share:.0%} of the position", WHITE, panel.bars.closed_at(last.at_ms))


def _paint_stretch(panel: Panel, signal: Signal, position: Position) -> None:
    """What was risked and what was won at best, as long as the position was open."""
    assert position.closed_ms is not None, "a closed position has its instant"
    scale, bars = panel.scale, panel.bars
    left = scale.x(bars.closed_at(position.opened_ms) - 0.5)
    right = scale.x(bars.closed_at(position.closed_ms) + 0.5)
    entry = scale.y(position.entry_price)
    best = scale.y(_excursion(signal, position, position.mfe_r))
    for edge, color in ((scale.y(signal.stop_loss), BAD), (best, GOOD)):
        panel.canvas.rectangle(Box(left, min(entry, edge), right, max(entry, edge)), color, 0.14)
    decided = scale.x(bars.closed_at(signal.candle_close_ms) + 0.5)
    panel.canvas.line([(decided, FRAME.bottom), (decided, FRAME.top)], GREY, 1.5, dashes=True)


def _paint_path(panel: Panel, signal: Signal, position: Position, fills: Sequence[Fill]) -> None:
    """Fill to fill, and the best and worst price in between."""
    sign = position.direction.sign
    points = [(panel.scale.x(panel.bars.closed_at(fill.at_ms)), panel.scale.y(fill.price)) for fill in fills]
    panel.canvas.line(points, WHITE, 3.0, alpha=0.85)
    for x, y in points:
        panel.keep_clear(Box.around(x, y, 22.0, 22.0))
    for word, r, side, color in (("MFE", position.mfe_r, sign, GOOD), ("MAE", -position.mae_r, -sign, BAD)):
        price = _excursion(signal, position, r)
        x, y = panel.scale.x(_first_reach(panel, position, price, side)), panel.scale.y(price)
        panel.canvas.mark(x, y, Shape.DIAMOND, 13.0, color)
        panel.note(f"{word} {r:+.2f}R", color, x, y + side * 8.0, side)
    for (x, y), fill in zip(points, fills, strict=True):
        shape, color = _fill_mark(fill, sign)
        panel.canvas.mark(x, y, shape, 20.0, color)
    decided = panel.scale.x(panel.bars.closed_at(signal.candle_close_ms) + 0.5)
    panel.note("signal", GREY, decided, FRAME.top - 40.0, 1)


def _fill_mark(fill: Fill, sign: int) -> tuple[Shape, str]:
    match fill.kind:
        case FillKind.ENTRY:
            return (Shape.UP if sign > 0 else Shape.DOWN), ENTRY
        case FillKind.TARGET:
            return Shape.CIRCLE, GOOD
        case FillKind.STOP | FillKind.CLOSE:
            return Shape.CROSS, WHITE


def _first_reach(panel: Panel, position: Position, price: float, side: int) -> int:
    """The first bar of the position's life that traded at `price`; its most extreme bar where none quite did."""
    assert position.closed_ms is not None, "a closed position has its instant"
    bars = panel.bars
    first, last = bars.closed_at(position.opened_ms), bars.closed_at(position.closed_ms)
    extremes = (bars.high if side > 0 else bars.low)[first : last + 1] * side
    if not extremes.size:  # opened and closed in the candle that has not closed yet
        return first
    reached = extremes >= price * side - 1e-9 * price
    return first + int(np.argmax(reached) if reached.any() else np.argmax(extremes))


def _witness(signal: Signal, name: str) -> Witness | None:
    return next((witness for witness in signal.witnesses if witness.name == name), None)


def _is_zone(gap: Witness, signal: Signal) -> bool:
    zone = _witness(signal, "zone")
    return zone is not None and (gap.lower, gap.upper) == (zone.lower, zone.upper)


def _reward_r(signal: Signal, target: Target) -> float:
    return abs(target.price - signal.entry) / signal.risk


def _change_pct(signal: Signal, price: float) -> float:
    return 100.0 * (price - signal.entry) / signal.entry
