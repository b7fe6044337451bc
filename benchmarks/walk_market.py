"""A market of many random walks held in memory, for benchmarks of what happens behind the network."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

from engine.candles import Candles, resampled
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.market import Instrument

TICK = 0.01
PRICE, HOURLY_VOLATILITY = 1_000.0, 0.006
PULL_RATIO = 0.001  # prices come back to their level, as they must in a market that lives for twenty years
MINUTES_AN_HOUR = HOUR_MS // MINUTE_MS
BUILT = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1, Timeframe.W1)
KEPT_BARS = 2_000  # of each timeframe: a window and some weeks


class WalkMarket:
    """`MarketData` of `count` symbols from `begin_ms` to `end_ms`; nothing closes after `now_ms()`.

    The timeframes of BUILT come from the same hours; minutes go straight from an hour's open to its close.
    """

    source = "walk"

    def __init__(self, count: int, begin_ms: int, end_ms: int, now_ms: Callable[[], int]) -> None:
        self._begin_ms, self._end_ms = begin_ms, end_ms
        self._now_ms = now_ms
        self._names = ("BTCUSDT", *(f"C{number:03d}USDT" for number in range(1, count)))
        self._series = lru_cache(maxsize=None)(self._built)

    async def candles(self, symbol: str, timeframe: Timeframe, count: int, until_ms: int) -> Candles:
        whole = self._closed(symbol, timeframe, until_ms)
        return whole.window(len(whole), count)

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        if timeframe is Timeframe.M1:
            return self._minutes(symbol, since_ms, min(until_ms, self._now_ms()))
        whole = self._closed(symbol, timeframe, until_ms)
        return whole.window(len(whole), int((whole.open_ms >= since_ms).sum()))

    async def instrument(self, symbol: str) -> Instrument:
        return Instrument(symbol, TICK, TICK, 5.0, Market.USDT_M)

    async def server_time_ms(self) -> int:
        return self._now_ms()

    async def symbols(self) -> tuple[str, ...]:
        return self._names

    async def volumes(self) -> dict[str, float]:
        return dict.fromkeys(self._names, 1.0)

    def _closed(self, symbol: str, timeframe: Timeframe, until_ms: int) -> Candles:
        return self._series(symbol)[timeframe].until(min(until_ms, self._now_ms()))

    def _built(self, symbol: str) -> dict[Timeframe, Candles]:
        hours = self._hours(symbol)
        built = (resampled(hours, timeframe) for timeframe in BUILT)
        return {one.timeframe: one.window(len(one), min(len(one), KEPT_BARS)) for one in built}

    def _hours(self, symbol: str) -> Candles:
        bars = (self._end_ms - self._begin_ms) // HOUR_MS
        dice = np.random.default_rng(self._names.index(symbol))
        moves = dice.standard_t(4, bars) * HOURLY_VOLATILITY / 2**0.5
        path = lfilter([1.0], [1.0, PULL_RATIO - 1.0], moves)
        prices = PRICE * np.exp(np.concatenate([[0.0], path]))
        opens, closes = prices[:-1], prices[1:]
        reach = prices[:-1] * HOURLY_VOLATILITY / 2
        highs = np.maximum(opens, closes) + reach * dice.exponential(size=bars)
        lows = np.minimum(opens, closes) - reach * dice.exponential(size=bars)
        open_ms = self._begin_ms + np.arange(bars, dtype=np.int64) * HOUR_MS
        columns = (np.round(column / TICK) * TICK for column in (opens, highs, lows, closes))
        return Candles.checked(symbol, Timeframe.H1, open_ms, *columns, dice.exponential(1_000.0, bars))

    def _minutes(self, symbol: str, since_ms: int, until_ms: int) -> Candles:
        hours = self._series(symbol)[Timeframe.H1]
        open_ms = np.arange(-(-since_ms // MINUTE_MS) * MINUTE_MS, until_ms - MINUTE_MS + 1, MINUTE_MS, dtype=np.int64)
        at = (open_ms - hours.open_ms[0]) // HOUR_MS
        part = open_ms % HOUR_MS / HOUR_MS
        first, last = hours.open[at], hours.close[at]
        opens = first + (last - first) * part
        closes = first + (last - first) * (part + 1 / MINUTES_AN_HOUR)
        columns = (opens, np.maximum(opens, closes), np.minimum(opens, closes), closes)
        return Candles.checked(symbol, Timeframe.M1, open_ms, *columns, np.ones(len(open_ms)))
