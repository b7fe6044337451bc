"""Indicators: right by their definitions, NaN until warm, and blind to what comes later."""

import numpy as np
import pandas as pd
import pytest
from ta.trend import ADXIndicator

from engine.candles import Candles
from engine.indicators import Column, Indicators
from engine.timeframes import HOUR_MS, Timeframe
from tests.drawing import random_walk

BARS = 400
FIRST = {"rsi": 14, "atr": 14, "adx": 28, "macd_histogram": 33, "bollinger_position": 19, "obv": 1, "vwap": 19}


def columns(candles: Candles) -> dict[str, Column]:
    indicators = Indicators(candles)
    return {name: getattr(indicators, name)() for name in FIRST} | {"ema": indicators.ema(20)}


@pytest.mark.parametrize("name", [*FIRST, "ema"])
def test_an_indicator_is_missing_until_it_is_warm_and_there_ever_after(name: str):
    column = columns(random_walk(1, BARS))[name]
    first = FIRST.get(name, 19)

    assert np.isnan(column[:first]).all()
    assert np.isfinite(column[first:]).all()


@pytest.mark.parametrize("bars", [0, 1, 14, 28])
def test_a_series_too_short_has_nothing_but_missing_values(bars: int):
    short = random_walk(2, 40).window(bars, bars)

    for name, column in columns(short).items():
        assert len(column) == bars
        assert np.isnan(column[: FIRST.get(name, 19)]).all()


def test_no_bar_of_a_longer_series_differs_by_a_bit_from_the_same_bar_of_a_shorter_one():
    whole = random_walk(3, BARS)
    expected = columns(whole)

    for end in (60, 61, 137, 250, BARS - 1):
        for name, column in columns(whole.window(end, end)).items():
            assert column.tobytes() == expected[name][:end].tobytes(), (name, end)


@pytest.mark.parametrize("bars", [2, 14])
def test_the_directional_index_has_the_bits_of_ta(bars: int):
    for seed in range(40):
        candles = random_walk(seed, 3 * bars + 11 * seed)
        columns = [pd.Series(column) for column in (candles.high, candles.low, candles.close)]
        expected = ADXIndicator(*columns, bars).adx().to_numpy()
        assert Indicators(candles).adx(bars)[2 * bars :].tobytes() == expected[2 * bars :].tobytes(), seed


def test_the_directional_index_of_a_market_that_stands_still_is_zero():
    still = np.full(60, 100.0)
    candles = Candles.checked("BTCUSDT", Timeframe.H1, np.arange(60) * HOUR_MS, still, still, still, still, still)
    assert (Indicators(candles).adx()[28:] == 0.0).all()


def test_values_follow_the_published_formulas():
    candles = random_walk(4, BARS)
    got = columns(candles)
    change = np.diff(candles.close)

    up, down = max(change[0], 0.0), max(-change[0], 0.0)
    for step in change[1:]:
        up, down = up + (max(step, 0.0) - up) / 14, down + (max(-step, 0.0) - down) / 14
    assert got["rsi"][-1] == pytest.approx(100 * up / (up + down), rel=1e-6)

    last = candles.close[-20:]
    position = (candles.close[-1] - (last.mean() - 2 * last.std())) / (4 * last.std())
    assert got["bollinger_position"][-1] == pytest.approx(position)

    average = candles.close[0]
    for close in candles.close[1:]:
        average += 2 / 21 * (close - average)
    assert got["ema"][-1] == pytest.approx(average)

    typical = ((candles.high + candles.low + candles.close) / 3)[-20:]
    assert got["vwap"][-1] == pytest.approx(np.average(typical, weights=candles.volume[-20:]))
    assert got["obv"][-1] - got["obv"][-2] == pytest.approx(
        candles.volume[-1] * (1 if candles.close[-1] >= candles.close[-2] else -1)
    )
