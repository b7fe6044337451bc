"""Stacks of random and real candles, and the decisions on them, for the tests of readings, looks and decisions."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles, resampled
from engine.chart import Chart, read_chart
from engine.compiled import COMPILED
from engine.looks import Looks, Stack
from engine.params import GateParams, Params, WindowParams
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected, Signal
from tests.drawing import candle_file, random_walk
from tests.shared import SHARED

Column = NDArray[np.float64]

MONDAY_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC
TICK = 0.5
PARAMS = Params(
    window=WindowParams(window_bars=300, memory_bars=150, min_bars=60, min_context_bars=10),
    gates=replace(GateParams(), store_from_confidence=0.0),
)
"""A small window, so that most bars of a short series lie beyond it, and no setup is too weak to be looked at."""


def read(candles: Candles, since: int = 0) -> Chart:
    return read_chart(candles, PARAMS.detection, COMPILED, since)


def stack_of(own: Candles, btc: Candles | None = None, context: Timeframe = Timeframe.H4) -> Stack:
    return Stack(own, resampled(own, context), btc)


def walk(seed: int, bars: int = 900, timeframe: Timeframe = Timeframe.M30, *, holes: bool = False) -> Candles:
    return random_walk(seed, bars, tick=TICK, timeframe=timeframe, holes=holes, start_ms=MONDAY_MS)


def named(candles: Candles, symbol: str) -> Candles:
    return replace(candles, symbol=symbol)


@dataclass(frozen=True, slots=True)
class Decided:
    """A stack and the decision at each of its bars."""

    stack: Stack
    results: tuple[Signal | Rejected, ...]

    @property
    def signals(self) -> dict[int, Signal]:
        return {bar: result for bar, result in enumerate(self.results) if isinstance(result, Signal)}


def decisions(stack: Stack, params: Params = PARAMS, tick_size: float | None = TICK) -> tuple[Signal | Rejected, ...]:
    looks = Looks(stack, params, read, tick_size)
    return tuple(looks.at(bar) for bar in range(len(stack.own)))


@cache
def corpus() -> tuple[Decided, ...]:
    """Decisions on random walks of several timeframes, with and without BTC beside them and holes in time."""
    stacks = [stack_of(walk(seed, holes=seed % 2 == 1), named(walk(seed + 50), "BTCUSDT")) for seed in range(4)]
    stacks += [stack_of(walk(seed, timeframe=Timeframe.M15), context=Timeframe.H1) for seed in range(4, 7)]
    stacks += [stack_of(walk(seed, timeframe=Timeframe.H4), context=Timeframe.D1) for seed in range(7, 9)]
    return tuple(Decided(stack, decisions(stack)) for stack in stacks)


def multiplied(candles: Candles, bars: NDArray[np.bool_], by: float) -> Candles:
    """The series with the prices of some bars times `by`."""
    prices = (candles.open, candles.high, candles.low, candles.close)
    return rewritten(candles, *(np.where(bars, column * by, column) for column in prices))


def rewritten(candles: Candles, open_: Column, high: Column, low: Column, close: Column) -> Candles:
    """The series at its times and with its volume, but with other prices."""
    columns = (candles.open_ms, open_, high, low, close, candles.volume)
    return Candles.checked(candles.symbol, candles.timeframe, *columns)


def mirrored(candles: Candles, about: float) -> Candles:
    """The chart upside down: every price p becomes 2 x `about` - p."""
    prices = (candles.open, candles.low, candles.high, candles.close)
    return rewritten(candles, *(2 * about - column for column in prices))


def with_noise_after(candles: Candles, bar: int, seed: int) -> Candles:
    """The series with everything after `bar` replaced by other prices."""
    noise = walk(seed, len(candles), candles.timeframe)
    kept = np.arange(len(candles)) <= bar
    pairs = ((getattr(candles, name), getattr(noise, name) * 2) for name in ("open", "high", "low", "close"))
    return rewritten(candles, *(np.where(kept, own, other) for own, other in pairs))


def major(name: str, bars: int) -> Candles:
    """The first `bars` real 30m candles of a major pair."""
    path: Path = SHARED / "candles" / "majors" / f"{name}-30m.csv.gz"
    return candle_file(path, Timeframe.M30).window(bars, bars)
