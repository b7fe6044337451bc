"""Candles are checked once, where they are born, and shared without a copy afterwards."""

from typing import Any

import numpy as np
import pytest

from engine.candles import Candles, InputError, resampled
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from tests.drawing import START_MS, drawn, random_walk

RISING = [(10.0, 10.5, 9.8, 10.4), (10.4, 11.0, 10.3, 10.9), (10.9, 12.0, 10.8, 11.9)]


def checked(**changes: Any) -> Candles:
    """Three good bars but for what is changed."""
    opens, highs, lows, closes = (list(column) for column in zip(*RISING, strict=True))
    columns = {
        "open_ms": [START_MS, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS],
        "open": opens,
        "high": highs,
        "low": lows,
        "close": closes,
        "volume": [1.0, 2.0, 3.0],
    }
    return Candles.checked("X", Timeframe.H1, **{**columns, **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"close": [10.4, float("nan"), 11.9]}, "Bar 1 .* nan price, its close"),
        ({"open": [10.0, None, 10.9]}, "Bar 1 .* nan price, its open"),
        ({"high": [10.5, 11.0, float("inf")]}, "Bar 2 .* infinite"),
        ({"low": [9.8, -1.0, 10.8]}, "Bar 1 .* not above zero"),
        ({"low": [0.0, 10.3, 10.8]}, "Bar 0 .* not above zero"),
        ({"high": [10.5, 10.8, 12.0]}, "Bar 1 .* high 10.8 is below its body 10.9"),
        ({"low": [9.8, 10.3, 11.0]}, "Bar 2 .* low 11 is above its body 10.9"),
        ({"open_ms": [START_MS, START_MS + HOUR_MS, START_MS]}, "Bar 2 .* time goes back"),
        ({"open_ms": [START_MS, START_MS + HOUR_MS, START_MS * 10**6]}, "Bar 2: its open time"),
        ({"open_ms": [0.5, 1.5, 2.5]}, "whole epoch milliseconds"),
        ({"close": [10.4, 10.9]}, "different lengths: 2, 3"),
        ({"close": [10.4, "much", 11.9]}, "A close is not a number"),
    ],
)
def test_bad_input_names_the_bar(changes: dict[str, Any], sentence: str):
    with pytest.raises(InputError, match=sentence):
        checked(**changes)


def test_a_mirrored_chart_may_lie_below_zero():
    columns = {"open": [-10.0], "high": [-9.0], "low": [-11.0], "close": [-10.5], "volume": [1.0]}

    assert Candles.checked("X", Timeframe.H1, [START_MS], **columns, signed=True).close.tolist() == [-10.5]


def test_volume_may_be_missing():
    assert np.isnan(checked(volume=[1.0, None, float("nan")]).volume).tolist() == [False, True, True]


def test_a_repeated_timestamp_keeps_its_last_row():
    candles = checked(open_ms=[START_MS, START_MS, START_MS + HOUR_MS])

    assert candles.close.tolist() == [10.9, 11.9]
    assert candles.dropped == (1,)


def test_no_candles_are_candles_too():
    nothing = drawn([])

    assert len(nothing) == 0
    assert nothing.gaps() == ()
    with pytest.raises(InputError, match="no candles"):
        _ = nothing.closed_at_ms


def test_columns_are_read_only_and_windows_share_them():
    candles = random_walk(1, 50)
    window = candles.window(40, 10)

    assert np.shares_memory(window.close, candles.close)
    assert window.close.tolist() == candles.close[30:40].tolist()
    assert len(candles.window(5, 10)) == 5
    with pytest.raises(ValueError, match="read-only"):
        candles.close[0] = 1.0


def test_until_ends_with_the_last_bar_that_has_closed():
    candles = checked()

    assert len(candles.until(START_MS + 2 * HOUR_MS)) == 2
    assert len(candles.until(START_MS + 2 * HOUR_MS - 1)) == 1
    assert candles.closed_at_ms == candles.closed_ms[-1] == START_MS + 3 * HOUR_MS


def test_gaps_count_the_bars_that_are_missing():
    candles = checked(open_ms=[START_MS, START_MS + HOUR_MS, START_MS + 5 * HOUR_MS])

    assert candles.gaps() == ((2, 3),)


def test_resampled_bars_hold_whole_buckets_only():
    walk = random_walk(2, 50, timeframe=Timeframe.M30)  # the last of 50 half hours opens half an hour into a bucket
    later = walk.window(len(walk), 47)  # opens one hour and a half into a bucket

    whole, partial = resampled(walk, Timeframe.H4), resampled(later, Timeframe.H4)

    assert len(whole) == 50 * 30 // 240
    assert whole.open.tolist() == walk.open[::8][:6].tolist()
    assert whole.close.tolist() == walk.close[7::8].tolist()
    assert whole.high.tolist() == walk.high[:48].reshape(6, 8).max(axis=1).tolist()
    assert whole.low.tolist() == walk.low[:48].reshape(6, 8).min(axis=1).tolist()
    assert whole.volume == pytest.approx(walk.volume[:48].reshape(6, 8).sum(axis=1))
    assert partial.open_ms.tolist() == whole.open_ms[1:].tolist()


@pytest.mark.parametrize("bars", range(1, 60))
def test_a_higher_bar_appears_at_its_close_and_never_changes(bars: int):
    walk = random_walk(3, 60, timeframe=Timeframe.M30, holes=True)
    whole, seen = resampled(walk, Timeframe.H2), resampled(walk.window(bars, bars), Timeframe.H2)

    assert seen.close.tolist() == whole.close[: len(seen)].tolist()
    assert np.all(seen.closed_ms <= walk.closed_ms[bars - 1])
    assert len(seen) == int((whole.closed_ms <= walk.closed_ms[bars - 1]).sum())


def test_bars_cannot_be_built_from_longer_ones():
    with pytest.raises(ValueError, match="15m bars cannot be built from 1h"):
        resampled(checked(), Timeframe.M15)


def test_a_timeframe_in_minutes_is_the_bar_the_candles_have():
    assert checked().timeframe.ms == 60 * MINUTE_MS
