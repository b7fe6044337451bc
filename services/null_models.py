"""Null models beside a backtest: would the same have come out without the setups?

Random entries keep direction, stop, targets and holding of each trade and draw only its instant. Shifted signals keep
each plan, scaled to the price at another instant. Shuffled candles run the whole engine on the same candles with their
order in time drawn anew in blocks of a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.evaluation import Performance, performance
from engine.follow import EntryOrder, FollowRules, Plan
from engine.params import Params
from engine.simulate import Result, simulate
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import Signal, Target
from services.backtest import Tested, backtest

DRAWS = 20
SHIFT_DAYS = (2, 30)
SEED = 20_240_201
FOREVER_MS = 2**62

SeriesKey = tuple[str, Timeframe]


@dataclass(frozen=True, slots=True)
class NullModel:
    """How a model without knowledge did on the same candles."""

    name: str
    performance: Performance


def null_models(tested: Tested, series: Sequence[Candles], params: Params, now_ms: int) -> tuple[NullModel, ...]:
    """The three null models of a backtest of `series`."""
    candles = {(one.symbol, one.timeframe): one for one in series}
    shuffled = backtest(
        shuffled_in_blocks(series, SEED), params, now_ms=now_ms, from_ms=tested.from_ms, to_ms=tested.to_ms
    )
    return (
        NullModel("random entries", _judged(random_entries(tested, candles, params))),
        NullModel("shifted signals", _judged(shifted_signals(tested, candles, params))),
        NullModel("shuffled candles", shuffled.performance),
    )


def random_entries(tested: Tested, candles: Mapping[SeriesKey, Candles], params: Params) -> Iterator[Result]:
    """Market entries at random instants of the range, each with direction, stop, targets and holding of a real trade."""
    draw = np.random.default_rng(SEED)
    for signal, trade in zip(tested.signals, tested.trades, strict=True):
        if trade.opened_ms is None or trade.closed_ms is None:
            continue
        own = candles[signal.symbol, signal.timeframe]
        holding_ms = max(trade.closed_ms - trade.opened_ms, signal.timeframe.ms)
        rules = replace(params.follow, entry_order=EntryOrder.MARKET, max_hold_ms=holding_ms)
        for index in _instants(draw, own, tested):
            plan = _scaled(signal, float(own.open[index]) / signal.entry, int(own.open_ms[index]), FOREVER_MS)
            yield from _followed(plan, own, index, rules, params)


def shifted_signals(tested: Tested, candles: Mapping[SeriesKey, Candles], params: Params) -> Iterator[Result]:
    """Every sent plan, moved by 2 to 30 days either way and scaled to the price there."""
    draw = np.random.default_rng(SEED)
    for signal in tested.signals:
        own = candles[signal.symbol, signal.timeframe]
        decided = int(np.searchsorted(own.open_ms, signal.candle_close_ms)) - 1
        days = draw.uniform(*SHIFT_DAYS, DRAWS) * draw.choice((-1, 1), DRAWS)
        for shift in (days * DAY_MS / signal.timeframe.ms).astype(int).tolist():
            index = decided + shift
            if not 0 <= index < len(own) - 1 or not tested.from_ms <= int(own.open_ms[index]) < tested.to_ms:
                continue
            armed_ms = int(own.open_ms[index]) + signal.timeframe.ms
            validity_ms = signal.valid_until_ms - signal.candle_close_ms
            scale = float(own.close[index]) / float(own.close[decided])
            yield from _followed(
                _scaled(signal, scale, armed_ms, armed_ms + validity_ms), own, index + 1, params.follow, params
            )


def shuffled_in_blocks(series: Sequence[Candles], seed: int) -> list[Candles]:
    """The same bars in another order: days drawn with replacement, the same days for every symbol, prices chained."""
    return [_shuffled(candles, seed) for candles in series]


def _shuffled(candles: Candles, seed: int) -> Candles:
    bars = max(1, DAY_MS // candles.timeframe.ms)
    blocks = -(-len(candles) // bars)
    starts = np.random.default_rng(seed).integers(0, max(1, len(candles) - bars), blocks)
    order = (starts[:, None] + np.arange(bars)).ravel()[: len(candles)]
    before = np.concatenate((candles.open[:1], candles.close[:-1]))
    steps = np.log(candles.close / before)[order]
    closes = candles.open[0] * np.exp(np.cumsum(steps))
    chained = np.concatenate((candles.open[:1], closes[:-1]))

    def moved(column: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = chained * (column / before)[order]
        return scaled

    opens, highs, lows = moved(candles.open), moved(candles.high), moved(candles.low)
    return Candles.checked(
        candles.symbol,
        candles.timeframe,
        candles.open_ms,
        opens,
        np.maximum.reduce((highs, opens, closes)),  # chaining rounds: a close may pass its own high by a bit
        np.minimum.reduce((lows, opens, closes)),
        closes,
        candles.volume[order],
    )


def _instants(draw: np.random.Generator, own: Candles, tested: Tested) -> list[int]:
    first, last = np.searchsorted(own.open_ms, (tested.from_ms, tested.to_ms)).tolist()
    return [] if last - first < 2 else draw.integers(first, last - 1, DRAWS).tolist()


def _scaled(signal: Signal, scale: float, armed_ms: int, valid_until_ms: int) -> Plan:
    targets = tuple(Target(t.no, t.price * scale, t.share_ratio) for t in signal.targets)
    return Plan(signal.direction, signal.entry * scale, signal.stop_loss * scale, targets, armed_ms, valid_until_ms)


def _followed(plan: Plan, own: Candles, index: int, rules: FollowRules, params: Params) -> Iterator[Result]:
    result = simulate(plan, own, index, rules, params.costs.fee_ratio)
    if result is not None:
        yield result


def _judged(results: Iterator[Result]) -> Performance:
    found = list(results)
    return performance(
        np.array([result.r_multiple for result in found], dtype=float),
        np.array([result.closed_ms for result in found], dtype=np.int64),
        np.array([result.cost_r for result in found], dtype=float),
    )
