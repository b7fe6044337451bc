"""Drawn, random and real candles for tests."""

import csv
import gzip
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np

from engine.candles import Candles
from engine.timeframes import Timeframe
from tests.shared import SHARED

START_MS = 1_704_758_400_000  # 2024-01-09 00:00 UTC, a Tuesday in winter
Row = tuple[float, float, float, float]


def drawn(rows: Sequence[Row], timeframe: Timeframe = Timeframe.M15, start_ms: int = START_MS) -> Candles:
    """Candles from (open, high, low, close) rows, one after the other without a hole."""
    opens, highs, lows, closes = zip(*rows, strict=True) if rows else ((), (), (), ())
    times = [start_ms + position * timeframe.ms for position in range(len(rows))]
    return Candles.checked("DRAWN", timeframe, times, opens, highs, lows, closes, [100.0] * len(rows))


def random_walk(
    seed: int,
    bars: int,
    *,
    tick: float = 0.5,
    timeframe: Timeframe = Timeframe.M15,
    holes: bool = False,
    start_ms: int = START_MS,
) -> Candles:
    """A walk of whole ticks around 100, so that prices meet exactly; opens may leave the close before them.

    With `holes`, a few runs of bars are missing in time.
    """
    dice = np.random.default_rng(seed)
    strength = np.where(dice.random(bars) < 0.06, 12, 2)
    steps = np.rint(dice.normal(size=bars) * strength).astype(int)
    reach = np.where(dice.random(bars) < 0.3, 12, 2)
    jumps = np.where(dice.random(bars) < 0.3, dice.integers(-reach, reach + 1, bars), 0)
    closes = np.cumsum(steps + jumps)
    opens = closes - steps
    highs = np.maximum(opens, closes) + dice.integers(0, 4, bars)
    lows = np.minimum(opens, closes) - dice.integers(0, 4, bars)
    floor = 100.0 - tick * min(0, int(lows.min()))  # keeps every price above zero
    times = np.arange(bars)
    if holes:
        times = times + np.cumsum(np.where(dice.random(bars) < 0.02, dice.integers(1, 120, bars), 0))
    prices = (np.round(floor + column * tick, 6) for column in (opens, highs, lows, closes))
    open_ms = start_ms + times * timeframe.ms
    return Candles.checked("WALK", timeframe, open_ms, *prices, dice.random(bars) * 1000)


def candle_file(path: Path, timeframe: Timeframe) -> Candles:
    """The bars of a shared candle file, read without the program's own reader."""
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines))
    times = [int(datetime.fromisoformat(row["time"]).timestamp() * 1000) for row in rows]
    names = ("open", "high", "low", "close", "volume")
    columns = ([float(row[name]) for row in rows] for name in names)
    return Candles.checked(path.name.split("-")[0], timeframe, times, *columns)


@cache
def eurusd() -> Candles:
    """24,424 real bars of EURUSD 15m with weekend holes."""
    return candle_file(SHARED / "candles" / "forex" / "EURUSD-15m.csv.gz", Timeframe.M15)
