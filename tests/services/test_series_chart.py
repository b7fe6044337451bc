"""The chart of a series as it is read now."""

import pytest

from engine.candles import Candles
from engine.chart import read_chart
from engine.params import Params
from engine.reading import Reading
from engine.runner import INTERPRETED
from engine.timeframes import Timeframe
from services.chart_canvas import HEIGHT, WIDTH
from services.charts import ChartError
from services.series_chart import ZONES_A_SIDE, Zone, draw_series, series_chart, zones_near
from tests.drawing import random_walk
from tests.services.test_charts import assert_legible, words

PARAMS = Params()


def walk(bars: int = 300, timeframe: Timeframe = Timeframe.H1, seed: int = 3) -> Candles:
    return random_walk(seed, bars, timeframe=timeframe)


def reading(candles: Candles) -> Reading:
    return Reading(read_chart(candles, PARAMS.detection, INTERPRETED), len(candles) - 1, PARAMS.window)


@pytest.mark.parametrize("timeframe", [Timeframe.M15, Timeframe.H4, Timeframe.D1])
@pytest.mark.parametrize("seed", [3, 5, 9])
def test_any_series_is_drawn_with_its_price_and_where_it_stands(timeframe, seed):
    candles = walk(timeframe=timeframe, seed=seed)
    canvas = draw_series(candles, source="binance")

    assert {"WALK", timeframe.text, "Price", "no signal by itself"} <= set(words(canvas))
    assert any(word in words(canvas) for word in ("▲ UP", "▼ DOWN", "SIDEWAYS"))
    assert_legible(canvas)


def test_the_same_candles_give_the_same_picture():
    first, second = (series_chart(walk(), source="binance") for _ in range(2))

    assert first == second
    assert (int.from_bytes(first[16:20]), int.from_bytes(first[20:24])) == (WIDTH, HEIGHT)


def test_only_zones_that_no_close_undid_are_shown_the_nearest_first():
    candles = walk()
    at_end = reading(candles)
    zones = list(zones_near(at_end))

    assert zones
    for name in {zone.words for zone in zones}:
        alike = [zone for zone in zones if zone.words == name]
        distances = [zone.distance(at_end.close) for zone in alike]
        assert len(alike) <= ZONES_A_SIDE
        assert distances == sorted(distances)
    for zone in zones:
        closes = candles.close[zone.index + 2 :]
        undone = closes < zone.lower if zone.direction > 0 else closes > zone.upper
        assert not undone.any(), zone


def test_a_zone_the_price_is_in_is_no_way_off():
    zone = Zone("FVG ▲", "#fff", 1, 0, 10.0, 12.0)

    assert [zone.distance(price) for price in (9.0, 11.0, 15.0)] == [1.0, 0.0, 3.0]


def test_a_series_that_has_only_begun_is_not_drawn():
    with pytest.raises(ChartError, match="has 5 candles"):
        draw_series(walk(5), source="binance")
