"""A market out of a seed: regimes, fat tails, sessions and correlated symbols, and never a word about a real one.

Prices are built from the top down, so that any day can be had without the days before it: one skeleton of daily closes
per symbol, then the minutes of a day as a bridge between two closes. Every timeframe is made of the same minutes.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles, resampled
from engine.timeframes import DAY_MS, MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.market import Instrument, UnknownSymbol

SOURCE = "simulated"
MINUTES_PER_DAY = DAY_MS // MINUTE_MS
FIRST_DAY = 14_610  # 2010-01-01 in days since the epoch
DAYS = 14_610  # forty years

_TAIL_DEGREES = 4  # Student's t: the fourth moment does not exist, as in real returns
_PULL_PER_DAY = 0.004  # daily closes return to their level with a half-life of about half a year
_MINUTE_DAYS_CACHED = 32  # 1,440 bars each, per symbol
_BUILT_DAYS_CACHED = 2_000  # at most 96 bars each, per symbol and timeframe
_MIN_NOTIONAL = 5.0

# One row a regime: how long it lasts, where it drifts (in daily volatilities) and how wild it is.
_REGIME_DAYS = 6.0
_REGIME_DRIFT = np.array([0.0, 0.55, -0.55, 0.0])
_REGIME_VOLATILITY = np.array([0.7, 0.9, 1.1, 1.7])

# Activity by UTC hour: a quiet Asia, London's open, the loudest hours where London and New York overlap.
_HOURLY_ACTIVITY = np.array(
    [
        1.0,
        0.8,
        0.7,
        0.65,
        0.6,
        0.6,
        0.8,
        1.3,
        1.5,
        1.2,
        1.0,
        1.0,
        1.3,
        1.9,
        2.1,
        1.8,
        1.4,
        1.1,
        1.0,
        0.9,
        0.9,
        0.7,
        0.6,
        0.7,
    ]
)
_ACTIVITY = np.repeat(_HOURLY_ACTIVITY, 60) / _HOURLY_ACTIVITY.mean()
_BURST_MEMORY = 0.985  # wildness of one minute that is left in the next one
_BURST_SIZE = 0.12
_WICK = 0.6  # how far a minute's wick reaches, in the volatility of that minute
_VOLUME_NOISE = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimulatedSymbol:
    """One invented market: its usual price, its steps, and how it moves with the market of all symbols.

    `daily_volatility_ratio` is the usual move of a day (0.03 = 3 %), `market_share_ratio` the share of its variance
    that it has in common with the others, `daily_volume` is in base units.
    """

    symbol: str
    price: float
    tick_size: float
    step_size: float
    daily_volatility_ratio: float
    market_share_ratio: float
    daily_volume: float


DEFAULT_SYMBOLS = (
    SimulatedSymbol("BTCUSDT", 60_000.0, 0.1, 0.001, 0.024, 0.85, 250_000.0),
    SimulatedSymbol("ETHUSDT", 2_600.0, 0.01, 0.001, 0.031, 0.75, 2_500_000.0),
    SimulatedSymbol("SOLUSDT", 150.0, 0.001, 0.01, 0.042, 0.60, 20_000_000.0),
    SimulatedSymbol("XRPUSDT", 0.58, 0.0001, 0.1, 0.038, 0.50, 900_000_000.0),
    SimulatedSymbol("ADAUSDT", 0.39, 0.0001, 1.0, 0.040, 0.55, 400_000_000.0),
    SimulatedSymbol("BNBUSDT", 580.0, 0.01, 0.01, 0.027, 0.60, 600_000.0),
)


class SimulatedMarket:
    """`MarketData` without an exchange: the same seed tells the same story, minute by minute, whatever is asked first.

    `now_ms` is the market's clock: no bar that closes after it is ever given.
    """

    source = SOURCE

    def __init__(
        self,
        seed: int,
        now_ms: Callable[[], int],
        symbols: Iterable[SimulatedSymbol] = DEFAULT_SYMBOLS,
        market: Market = Market.USDT_M,
    ) -> None:
        self._now_ms = now_ms
        self._market = market
        self._factor = _MarketFactor(seed)
        self._stories = {known.symbol: _Story(seed, known, self._factor) for known in symbols}

    async def candles(self, symbol: str, timeframe: Timeframe, count: int, until_ms: int) -> Candles:
        until_ms = min(until_ms, self._now_ms())
        since_ms = timeframe.floor(until_ms) - count * timeframe.ms
        return self.bars(symbol, timeframe, since_ms, until_ms)

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        return self.bars(symbol, timeframe, since_ms, min(until_ms, self._now_ms()))

    async def instrument(self, symbol: str) -> Instrument:
        known = self._story(symbol).known
        return Instrument(symbol, known.tick_size, known.step_size, _MIN_NOTIONAL, self._market)

    async def server_time_ms(self) -> int:
        return self._now_ms()

    async def symbols(self) -> tuple[str, ...]:
        return tuple(sorted(self._stories))

    async def volumes(self) -> dict[str, float]:
        now_ms = self._now_ms()
        days = {symbol: self.bars(symbol, Timeframe.H1, now_ms - DAY_MS, now_ms) for symbol in self._stories}
        return {symbol: float((day.volume * day.close).sum()) for symbol, day in days.items()}

    def bars(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        """Every bar that opens at or after `since_ms` and closes at or before `until_ms`; asks no clock.

        Costs one day's minutes per day touched, most of them once; days outside 2010 to 2049 are empty.
        """
        story = self._story(symbol)
        daily = min(timeframe, Timeframe.D1, key=lambda one: one.ms)
        first_day = max(timeframe.floor(since_ms) // DAY_MS, FIRST_DAY)
        end_day = min(-(-until_ms // DAY_MS), FIRST_DAY + DAYS - 1)
        days = [story.day(day, daily) for day in range(first_day, end_day)]
        candles = resampled(_chained(symbol, daily, days), timeframe).until(until_ms)
        return candles.window(len(candles), int((candles.open_ms >= since_ms).sum()))

    def _story(self, symbol: str) -> "_Story":
        if symbol not in self._stories:
            raise UnknownSymbol(symbol, "The simulated market", self._stories)
        return self._stories[symbol]


class _MarketFactor:
    """What all symbols have in common: the regime of each day, its shock, and the noise inside it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        generator = _generator(seed, "market")
        self.regimes = _regimes(generator)
        self.shocks = _shocks(generator, DAYS)
        self.minutes = lru_cache(maxsize=_MINUTE_DAYS_CACHED)(self._minutes)

    def _minutes(self, day: int) -> Floats:
        return _shocks(_generator(self._seed, "market minutes", day), MINUTES_PER_DAY)


class _Story:
    """One symbol's prices, day by day."""

    def __init__(self, seed: int, known: SimulatedSymbol, factor: _MarketFactor) -> None:
        self.known = known
        self._seed = seed
        self._factor = factor
        self._volatility = known.daily_volatility_ratio * _REGIME_VOLATILITY[factor.regimes]
        self._closes = self._skeleton()
        self._minutes = lru_cache(maxsize=_MINUTE_DAYS_CACHED)(self._minutes_of)
        self._built = lru_cache(maxsize=_BUILT_DAYS_CACHED)(self._built_of)

    def day(self, day: int, timeframe: Timeframe) -> Candles:
        """All bars of one day; `timeframe` divides a day."""
        return self._minutes(day) if timeframe is Timeframe.M1 else self._built(day, timeframe)

    def _skeleton(self) -> Floats:
        """The logarithm of each day's close, the one before the first day included."""
        own = _shocks(_generator(self._seed, self.known.symbol), DAYS)
        moves = self._volatility * (self._mixed(self._factor.shocks, own) + _REGIME_DRIFT[self._factor.regimes])
        closes = np.empty(DAYS + 1)
        closes[0] = 0.0
        for day, move in enumerate(moves.tolist()):
            closes[day + 1] = closes[day] * (1 - _PULL_PER_DAY) + move
        return np.asarray(closes + np.log(self.known.price))

    def _mixed(self, common: Floats, own: Floats) -> Floats:
        share = self.known.market_share_ratio
        return np.asarray(common * share**0.5 + own * (1 - share) ** 0.5)

    def _built_of(self, day: int, timeframe: Timeframe) -> Candles:
        return resampled(self._minutes(day), timeframe)

    def _minutes_of(self, day: int) -> Candles:
        generator = _generator(self._seed, self.known.symbol, day)
        own = _shocks(generator, MINUTES_PER_DAY)
        volatility = self._minute_volatility(generator, day)
        noise = self._mixed(self._factor.minutes(day), own) * volatility
        path = _bridge(noise, volatility, *self._closes[day - FIRST_DAY : day - FIRST_DAY + 2])
        opens, closes = path[:-1], path[1:]
        reach = _WICK * volatility
        highs = np.maximum(opens, closes) + reach * generator.exponential(size=MINUTES_PER_DAY)
        lows = np.minimum(opens, closes) - reach * generator.exponential(size=MINUTES_PER_DAY)
        stir = 1 + np.abs(closes - opens) / volatility
        lively = _ACTIVITY * stir * np.exp(generator.normal(0, _VOLUME_NOISE, MINUTES_PER_DAY))
        volume = self.known.daily_volume / MINUTES_PER_DAY / 2 * lively
        open_ms = day * DAY_MS + np.arange(MINUTES_PER_DAY, dtype=np.int64) * MINUTE_MS
        prices = (_to_steps(np.exp(column), self.known.tick_size) for column in (opens, highs, lows, closes))
        columns = (*prices, _to_steps(volume, self.known.step_size))
        return Candles.checked(self.known.symbol, Timeframe.M1, open_ms, *columns)

    def _minute_volatility(self, generator: np.random.Generator, day: int) -> Floats:
        """Expected move of each minute: the day's, shaped by the hour, in bursts that die down slowly."""
        bursts = generator.normal(0, _BURST_SIZE, MINUTES_PER_DAY)
        memory = np.convolve(bursts, _BURST_KERNEL)[:MINUTES_PER_DAY]
        usual = self._volatility[day - FIRST_DAY] / np.sqrt(MINUTES_PER_DAY)
        return np.asarray(usual * np.sqrt(_ACTIVITY) * np.exp(memory))


_BURST_KERNEL = _BURST_MEMORY ** np.arange(240)


def _generator(seed: int, name: str, day: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode()), day])


def _shocks(generator: np.random.Generator, count: int) -> Floats:
    """Fat-tailed numbers of mean 0 and variance 1."""
    scale = np.sqrt(_TAIL_DEGREES / (_TAIL_DEGREES - 2))
    return np.asarray(generator.standard_t(_TAIL_DEGREES, count) / scale)


def _regimes(generator: np.random.Generator) -> NDArray[np.int64]:
    """The regime of each day; one ends with the same chance every day, whatever its age."""
    changes = generator.random(DAYS) < 1 / _REGIME_DAYS
    changes[0] = True
    drawn = generator.integers(0, len(_REGIME_DRIFT), DAYS)
    started = np.maximum.accumulate(np.where(changes, np.arange(DAYS), 0))
    return np.asarray(drawn[started])


def _bridge(noise: Floats, volatility: Floats, start: float, end: float) -> Floats:
    """A path of len(noise) + 1 points from `start` to `end`; what is missing at the end is spread over the variance."""
    walked = np.concatenate([[0.0], np.cumsum(noise)])
    clock = np.concatenate([[0.0], np.cumsum(volatility**2)])
    return np.asarray(start + walked + (end - start - walked[-1]) * clock / clock[-1])


def _to_steps(values: Floats, step: float) -> Floats:
    """Rounded to multiples of `step`, at least one of them; divides by whole steps, so that 0.1 stays 0.1."""
    steps_per_unit = round(1 / step)
    return np.asarray(np.maximum(np.rint(values * steps_per_unit), 1.0) / steps_per_unit)


def _chained(symbol: str, timeframe: Timeframe, days: list[Candles]) -> Candles:
    """Days in a row as one series; none make an empty one."""
    if not days:
        return Candles.checked(symbol, timeframe, np.empty(0, dtype=np.int64), [], [], [], [], [])
    return Candles(
        symbol,
        timeframe,
        np.concatenate([day.open_ms for day in days]),
        np.concatenate([day.open for day in days]),
        np.concatenate([day.high for day in days]),
        np.concatenate([day.low for day in days]),
        np.concatenate([day.close for day in days]),
        np.concatenate([day.volume for day in days]),
    )
