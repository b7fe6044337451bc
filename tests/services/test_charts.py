import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

import matplotlib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from engine.candles import Candles
from engine.setups import SETUPS
from engine.timeframes import Timeframe
from engine.vocabulary import (
    SETUP_WORDS,
    CloseReason,
    Direction,
    FillKind,
    Market,
    Outcome,
    Position,
    Signal,
    Target,
    Witness,
)
from services.chart_canvas import HEIGHT, WIDTH, Canvas, own_style
from services.chart_layout import Bars, Box, decimals_of, placed, price_ticks, spread, time_ticks
from services.chart_panel import FRAME
from services.charts import ChartError, closing_chart, draw_closing, draw_signal, signal_chart
from storage.fills import Fill
from tests.drawing import drawn, random_walk

BARS, DECIDED = 160, 120
PIXEL = 1.0
HALF_LABEL_LINE = 30.0  # names stand 15 pixels above the middle of their label


def walk(seed: int = 3, scale: float = 1.0, symbol: str = "BTCUSDT") -> Candles:
    """A random walk whose first price is about 100 times `scale`."""
    raw = random_walk(seed, BARS, timeframe=Timeframe.M30)
    prices = (column * scale for column in (raw.open, raw.high, raw.low, raw.close))
    return Candles.checked(symbol, raw.timeframe, raw.open_ms, *prices, raw.volume)


def mirrored(candles: Candles) -> Candles:
    """The same candles upside down between the same extremes."""
    top = _turn(candles)
    columns = (top - column for column in (candles.open, candles.low, candles.high, candles.close))
    return Candles.checked(candles.symbol, candles.timeframe, candles.open_ms, *columns, candles.volume)


def _turn(candles: Candles) -> float:
    return float(candles.high.max() + candles.low.min())


def signal_on(candles: Candles, direction: Direction = Direction.LONG, decided: int = DECIDED) -> Signal:
    """A signal decided at the close of bar `decided` - 1 with every kind of finding, risking 2 % of the price."""
    seen = candles.window(decided, decided)
    sign, price = direction.sign, float(seen.close[-1])

    def near(share: float) -> float:
        return price * (1 + sign * share)

    def witness(name: str, back: int, known: int, first: float, second: float) -> Witness:
        formed_ms = int(seen.open_ms[max(-back, -len(seen))])
        known_ms = int(seen.open_ms[max(-known, -len(seen))]) + seen.timeframe.ms
        return Witness(name, formed_ms, known_ms, min(first, second), max(first, second))

    return Signal(
        symbol=candles.symbol,
        timeframe=candles.timeframe,
        market=Market.SPOT,
        direction=direction,
        setup="ob_fvg_discount",
        setup_key="drawn",
        candle_close_ms=seen.closed_at_ms,
        entry=near(-0.02),
        zone_low=min(near(-0.025), near(-0.015)),
        zone_high=max(near(-0.025), near(-0.015)),
        stop_loss=near(-0.04),
        targets=(Target(1, near(0.02), 0.4), Target(2, near(0.04), 0.35), Target(3, near(0.1), 0.25)),
        valid_until_ms=seen.closed_at_ms + 24 * seen.timeframe.ms,
        rr=6.0,
        plan_r=3.4,
        cost_r=0.1,
        confidence=77.0,
        base_confidence=77.0,
        contributions=(),
        params_hash="drawn",
        witnesses=(
            witness("sell-side liquidity taken", 20, 20, near(-0.03), near(-0.03)),
            witness("mss", 30, 6, near(0.01), near(0.01)),
            witness("displacement", 8, 8, near(-0.01), near(0.015)),
            witness("fvg", 7, 6, near(-0.012), near(-0.005)),
            witness("zone", 12, 1, near(-0.025), near(-0.015)),
        ),
    )


def trade_of(signal: Signal) -> tuple[Position, tuple[Fill, ...]]:
    """A position that took its first target and came back to its entry."""
    bar_ms = signal.timeframe.ms
    opened_ms, target_ms, closed_ms = (signal.candle_close_ms + bars * bar_ms for bars in (3, 12, 30))
    position = Position(
        id=9, portfolio_id=1, signal_id=1, symbol=signal.symbol, timeframe=signal.timeframe.text,
        direction=signal.direction, qty=1.0, entry_price=signal.entry, opened_ms=opened_ms,
        initial_stop=signal.stop_loss, stop_loss=signal.entry, risk_amount=100.0, closed_ratio=1.0, mark_price=None,
        settled_ms=closed_ms, settled_on="1m", mfe_r=2.4, mae_r=0.6, is_open=False, exit_price=signal.entry,
        closed_ms=closed_ms, close_reason=CloseReason.BREAK_EVEN, pnl_pct=0.4, r_multiple=0.7, outcome=Outcome.WIN,
    )  # fmt: skip
    fills = (
        Fill(9, opened_ms, FillKind.ENTRY, 1.0, signal.entry, "entry:9"),
        Fill(9, target_ms, FillKind.TARGET, 0.4, signal.targets[0].price, "target:9:1", target_no=1),
        Fill(9, closed_ms, FillKind.STOP, 0.6, signal.entry, "stop:9"),
    )
    return position, fills


def drawn_signal(candles: Candles, signal: Signal, name: str = "S-1") -> Canvas:
    return draw_signal(signal, candles, name=name, source="tests")


def drawn_closing(candles: Candles, signal: Signal) -> Canvas:
    return draw_closing(signal, *trade_of(signal), candles, name="S-1", source="tests")


def extents(canvas: Canvas) -> Iterator[tuple[str, Bbox]]:
    """Every text with the pixels matplotlib gives it."""
    renderer = FigureCanvasAgg(canvas.figure).get_renderer()
    with own_style():
        for text in canvas.figure.texts:
            yield text.get_text(), text.get_window_extent(renderer)


def words(canvas: Canvas) -> list[str]:
    return [text.get_text() for text in canvas.figure.texts]


def assert_legible(canvas: Canvas) -> None:
    """Every text lies on the canvas and none upon another."""
    found = list(extents(canvas))
    for text, box in found:
        assert 0 <= box.x0 <= box.x1 <= WIDTH, text
        assert 0 <= box.y0 <= box.y1 <= HEIGHT, text
    for (one, first), (other, second) in combinations(found, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= PIXEL or along <= 4 * PIXEL, f"{one!r} stands on {other!r}"


def test_both_charts_are_pngs_of_1080_by_1350():
    candles = walk()
    signal = signal_on(candles)

    for png in (
        signal_chart(signal, candles, name="S-1", source="tests"),
        closing_chart(signal, *trade_of(signal), candles, name="S-1", source="tests"),
    ):
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", png[16:24]) == (1080, 1350)


def test_the_same_input_gives_the_same_bytes_whatever_the_user_has_set_in_matplotlib():
    candles = walk()
    signal = signal_on(candles)
    position, fills = trade_of(signal)
    first = signal_chart(signal, candles, name="S-1", source="tests")
    first_closing = closing_chart(signal, position, fills, candles, name="S-1", source="tests")

    with matplotlib.rc_context({"font.size": 30, "text.hinting": "force_autohint", "lines.marker": "o"}):
        assert signal_chart(signal, candles, name="S-1", source="tests") == first
        assert closing_chart(signal, position, fills, candles, name="S-1", source="tests") == first_closing


def test_nothing_after_the_decision_is_drawn():
    candles = walk()
    signal = signal_on(candles)

    later = signal_chart(signal, candles, name="S-1", source="tests")

    assert later == signal_chart(signal, candles.until(signal.candle_close_ms), name="S-1", source="tests")


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("seed", range(4))
def test_every_text_stands_on_the_canvas_and_none_on_another(seed, direction):
    candles = walk(seed)
    signal = signal_on(candles, direction)

    assert_legible(drawn_signal(candles, signal))
    assert_legible(drawn_closing(candles, signal))


@pytest.mark.parametrize(
    "symbol", ["", "$\\oops$", "币安人生USDT", "A\nB\tC", "W" * 300, "\u202eUSDT", "e\u0301\u0301\u0301", "🚀"]
)
def test_no_symbol_breaks_a_chart(symbol):
    candles = walk(symbol=symbol)
    signal = replace(signal_on(candles), setup=symbol)

    assert_legible(draw_signal(signal, candles, name=symbol, source=symbol))


@pytest.mark.parametrize("exponent", range(-9, 5))
def test_prices_of_every_size_read_as_they_are(exponent):
    candles = walk(scale=10.0**exponent)
    signal = signal_on(candles)

    canvas = drawn_signal(candles, signal)

    assert_legible(canvas)
    shown = words(canvas)
    for price in (signal.entry, signal.stop_loss, *(target.price for target in signal.targets)):
        assert any(_is_number(text) and float(text) == pytest.approx(price, rel=1e-6) for text in shown), price


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@pytest.mark.parametrize("bars", [1, 2, 5, 30])
def test_a_few_candles_are_enough(bars):
    candles = walk().window(bars, bars)

    assert_legible(drawn_signal(candles, signal_on(candles, decided=bars)))


def test_candles_that_never_move_can_be_drawn():
    flat = drawn([(100.0, 100.0, 100.0, 100.0)] * 90)

    assert_legible(drawn_signal(flat, signal_on(flat, decided=90)))


def test_targets_out_of_reach_leave_the_candles_room_and_say_where_they_are():
    candles = walk()
    signal = signal_on(candles)
    far = replace(signal, targets=(Target(1, signal.entry * 50, 1.0),))

    canvas = drawn_signal(candles, far)

    assert_legible(canvas)
    assert "TP1 ↑" in words(canvas)


def test_a_mirrored_chart_stands_on_its_head():
    candles = walk()
    upside_down = mirrored(candles)
    signal = signal_on(candles)
    turn = _turn(candles)
    mirror = replace(
        signal,
        direction=Direction.SHORT,
        entry=turn - signal.entry,
        stop_loss=turn - signal.stop_loss,
        zone_low=turn - signal.zone_high,
        zone_high=turn - signal.zone_low,
        targets=tuple(target._replace(price=turn - target.price) for target in signal.targets),
        witnesses=tuple(w._replace(lower=turn - w.upper, upper=turn - w.lower) for w in signal.witnesses),
    )

    one, other = drawn_signal(candles, signal), drawn_signal(upside_down, mirror)

    heights, turned = ({text.get_text(): text.get_position()[1] for text in c.figure.texts} for c in (one, other))
    for name in ("Stop", "Entry", "TP1", "TP2", "TP3"):
        assert heights[name] + turned[name] == pytest.approx(FRAME.bottom + FRAME.top + HALF_LABEL_LINE)
    for name in ("MSS", "FVG", "displacement"):
        assert heights[name] + turned[name] == pytest.approx(FRAME.bottom + FRAME.top, abs=PIXEL)


def test_the_chart_says_what_it_shows():
    candles = walk()
    signal = replace(signal_on(candles), setup="sweep_displacement")

    told = words(drawn_signal(candles, signal, name="S-42"))

    for text in ("▲ LONG", "BTCUSDT", "30m", "sweep + displacement", "77", "S-42", "MSS", "FVG", "entry zone"):
        assert text in told
    assert "sell-side liquidity taken" in told
    assert "tests  ·  candle closed 2024-01-11 12:00 UTC" in told


def test_kill_zones_are_shaded_on_intraday_charts_only():
    intraday, too_long = walk(), drawn([(100.0, 101.0, 99.0, 100.5)] * 10, Timeframe.H4)

    assert "London" in words(drawn_signal(intraday, signal_on(intraday)))
    assert "London" not in words(drawn_signal(too_long, signal_on(too_long, decided=10)))


def test_the_closing_chart_says_how_it_ended():
    candles = walk()

    told = words(drawn_closing(candles, signal_on(candles)))

    for text in ("+0.70R", "win", "break even, held 13 h 30 min", "MFE +2.40R", "MAE -0.60R", "Exit", "signal"):
        assert text in told
    assert "+2.00R  ·  hit" in told
    assert "+3.00R  ·  not hit" in told


def test_a_close_in_the_candle_that_still_forms_is_drawn():
    candles = walk()
    signal = signal_on(candles)
    position, fills = trade_of(signal)
    known = candles.until(position.closed_ms - 1)

    assert_legible(draw_closing(signal, position, fills, known, name="S-1", source="tests"))


def test_a_trade_inside_the_candle_that_still_forms_is_drawn():
    candles = walk()
    signal = signal_on(candles)
    position, fills = trade_of(signal)
    at_ms = signal.candle_close_ms + 1
    brief = replace(position, opened_ms=at_ms, closed_ms=at_ms)
    known = candles.until(signal.candle_close_ms)

    canvas = draw_closing(
        signal, brief, [replace(fill, at_ms=at_ms) for fill in fills], known, name="S-1", source="tests"
    )

    assert "break even, held 0 min" in words(canvas)


def test_a_long_trade_is_drawn_with_several_candles_in_one():
    raw = random_walk(5, 1_000, timeframe=Timeframe.M30)
    signal = signal_on(raw)
    position, fills = trade_of(signal)
    closed_ms = signal.candle_close_ms + 800 * signal.timeframe.ms
    position = replace(position, closed_ms=closed_ms)
    fills = (*fills[:2], replace(fills[2], at_ms=closed_ms))

    canvas = draw_closing(signal, position, fills, raw, name="S-1", source="tests")

    assert_legible(canvas)
    assert any(text.endswith("4 candles in one") for text in words(canvas))


def test_candles_of_another_series_or_without_the_decision_are_refused():
    candles = walk()
    signal = signal_on(candles)

    with pytest.raises(ChartError, match="The signal is of BTCUSDT 30m, the candles are of OTHER 30m"):
        drawn_signal(walk(symbol="OTHER"), signal)
    with pytest.raises(ChartError, match="do not hold the signal's own"):
        drawn_signal(candles.window(DECIDED - 1, DECIDED), signal)
    with pytest.raises(ChartError, match="candles end before"):
        drawn_closing(candles.window(DECIDED + 20, DECIDED), signal)


def test_an_open_position_has_no_closing_chart():
    candles = walk()
    signal = signal_on(candles)
    position, fills = trade_of(signal)

    with pytest.raises(ChartError, match="not closed yet"):
        draw_closing(signal, replace(position, is_open=True), fills, candles, name="S-1", source="tests")


def test_every_setup_has_words():
    assert set(SETUP_WORDS) == {rule.find.__name__ for rule in SETUPS}


LABELS = st.lists(st.tuples(st.floats(0, 1000), st.floats(10, 100)), min_size=1, max_size=8)


@given(LABELS)
def test_spread_labels_keep_their_order_apart_and_in_bounds(labels):
    centres = sorted(centre for centre, _ in labels)
    heights = [height for _, height in labels]

    found = spread(centres, heights, 0.0, 1000.0)

    for (below, half), (above, other_half) in pairwise(zip(found, heights, strict=True)):
        assert above - below >= (half + other_half) / 2 - 1e-6
    assert found[0] - heights[0] / 2 >= -1e-6
    assert found[-1] + heights[-1] / 2 <= 1000 + 1e-6


def test_labels_with_room_stay_where_they_belong():
    assert spread([100.0, 300.0, 500.0], [70.0] * 3, 0.0, 1000.0) == [100.0, 300.0, 500.0]


def test_labels_in_one_place_share_the_shift():
    assert spread([500.0, 500.0], [70.0, 70.0], 0.0, 1000.0) == [465.0, 535.0]


def test_words_give_way_to_words_before_they_give_way_to_candles():
    frame, candle = Box(0, 0, 400, 400), np.array([(180.0, 120.0, 220.0, 400.0)])
    below, above = (200.0, 100.0), (200.0, 150.0)

    box = placed(40, 20, np.array([below, above]), candle, [Box.around(*below, 40, 20)], frame)

    assert box.middle == above


@settings(max_examples=50)
@given(st.floats(1e-8, 1e6), st.floats(1e-4, 10))
@example(0.005, 0.015625)  # the lowest price is a round one, and no quotient of its step
def test_price_ticks_are_round_inside_the_range_and_tell_each_other_apart(low, share):
    high = low * (1 + share)

    ticks, decimals = price_ticks(low, high, 7)

    assert 3 <= len(ticks) <= 15
    assert all(low < tick < high for tick in ticks)
    written = [f"{tick:.{decimals}f}" for tick in ticks]
    assert len(set(written)) == len(written)
    assert all(float(text) == pytest.approx(tick, rel=1e-9) for text, tick in zip(written, ticks, strict=True))


def test_prices_are_written_with_the_decimals_they_have():
    assert decimals_of([67226.4, 68012.0]) == 1
    assert decimals_of([0.6137, 0.59045]) == 5
    assert decimals_of([1.5e-7, 1.25e-7]) == 9
    assert decimals_of([100000.0, 99000.0]) == 0


def test_times_are_marked_where_round_periods_begin():
    bars = Bars.of(walk(), BARS)

    marked = time_ticks(bars, 6)

    assert [text for _, text in marked] == ["12:00", "10 Jan", "12:00", "11 Jan", "12:00", "12 Jan"]
