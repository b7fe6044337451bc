"""Classical indicators that neither look ahead nor go wrong on pandas 3, NaN until they are warm: all but one by `ta`.

`ta` itself shows 0.0 or a half-filled mean while it warms up; here the first value is the first one by the indicator's
own definition. Every column depends on earlier bars alone, so a longer series has the same bits at the same bar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ta.momentum import RSIIndicator
from ta.trend import MACD, EMAIndicator
from ta.volatility import AverageTrueRange, BollingerBands
from ta.volume import OnBalanceVolumeIndicator, VolumeWeightedAveragePrice

from engine.candles import Candles

Column = NDArray[np.float64]

MACD_SLOW, MACD_FAST, MACD_SIGNAL = 26, 12, 9
BOLLINGER_DEVIATIONS = 2


@dataclass(frozen=True)
class Indicators:
    """The indicators of one stretch of candles, each a float64 column as long as the candles."""

    candles: Candles

    def rsi(self, bars: int = 14) -> Column:
        """Relative strength index, 0..100 (Wilder 1978)."""
        return _warm(lambda: RSIIndicator(self._close, bars).rsi(), len(self.candles), bars)

    def atr(self, bars: int = 14) -> Column:
        """Average true range in price (Wilder 1978)."""
        return _warm(
            lambda: AverageTrueRange(self._high, self._low, self._close, bars).average_true_range(),
            len(self.candles),
            bars,
        )

    def adx(self, bars: int = 14) -> Column:
        """Average directional index, 0..100 (Wilder 1978); NaN up to bar 2 * `bars`.

        Not through `ta`, whose own takes as long as deciding the bars it describes; the same bits (tests/engine).
        """
        return _adx(self.candles, bars)

    def ema(self, bars: int) -> Column:
        """Exponential moving average of the close, in price."""
        return _warm(lambda: EMAIndicator(self._close, bars).ema_indicator(), len(self.candles), bars - 1)

    def macd_histogram(self) -> Column:
        """MACD 12/26 minus its signal line of 9, in price (Appel)."""
        return _warm(
            lambda: MACD(self._close, MACD_SLOW, MACD_FAST, MACD_SIGNAL).macd_diff(),
            len(self.candles),
            MACD_SLOW + MACD_SIGNAL - 2,
        )

    def bollinger_position(self, bars: int = 20) -> Column:
        """Where the close stands between the bands at two deviations: 0 the lower, 1 the upper, beyond them outside."""
        return _warm(
            lambda: BollingerBands(self._close, bars, BOLLINGER_DEVIATIONS).bollinger_pband(),
            len(self.candles),
            bars - 1,
        )

    def obv(self) -> Column:
        """On-balance volume since the first candle (Granville): only its changes mean anything."""
        return _warm(
            lambda: OnBalanceVolumeIndicator(self._close, self._volume).on_balance_volume(), len(self.candles), 1
        )

    def vwap(self, bars: int = 20) -> Column:
        """Volume-weighted average of the typical price over `bars`, in price."""
        return _warm(
            lambda: VolumeWeightedAveragePrice(
                self._high, self._low, self._close, self._volume, bars
            ).volume_weighted_average_price(),
            len(self.candles),
            bars - 1,
        )

    @cached_property
    def _high(self) -> pd.Series:
        return pd.Series(self.candles.high)

    @cached_property
    def _low(self) -> pd.Series:
        return pd.Series(self.candles.low)

    @cached_property
    def _close(self) -> pd.Series:
        return pd.Series(self.candles.close)

    @cached_property
    def _volume(self) -> pd.Series:
        return pd.Series(self.candles.volume)


def _adx(candles: Candles, bars: int) -> Column:
    high, low, before = candles.high[1:], candles.low[1:], candles.close[:-1]
    adx = np.full(len(candles), np.nan)
    if len(candles) <= 2 * bars:
        return adx
    up, down = np.diff(candles.high), -np.diff(candles.low)
    ranges = _wilder_sums(np.maximum(high, before) - np.minimum(low, before), bars)
    rises = _wilder_sums(np.where((up > down) & (up > 0), up, 0.0), bars)
    falls = _wilder_sums(np.where((down > up) & (down > 0), down, 0.0), bars)
    rising, falling = _percent(rises, ranges), _percent(falls, ranges)
    index = _percent(np.abs(rising - falling), rising + falling)
    smoothed = float(index[:bars].mean())
    for bar, value in enumerate(index[bars:].tolist(), 2 * bars):
        smoothed = (smoothed * (bars - 1) + value) / bars
        adx[bar] = smoothed
    return adx


def _wilder_sums(moves: Column, bars: int) -> Column:
    """Wilder's running sums: that of the first `bars` moves, then each less one part in `bars` of itself plus the next."""
    total = float(moves[:bars].sum())
    sums = [total]
    for move in moves[bars:].tolist():
        total = total - total / bars + move
        sums.append(total)
    return np.array(sums)


def _percent(part: Column, whole: Column) -> Column:
    """100 times `part / whole`, 0 where there is no whole."""
    return 100 * np.divide(part, whole, out=np.zeros(len(whole)), where=whole != 0)


def _warm(column: Callable[[], pd.Series], length: int, first: int) -> Column:
    """The column with NaN before bar `first`; `ta` is not asked where nothing would be left of it."""
    if length <= first:
        return np.full(length, np.nan)
    warm = np.array(column(), dtype=np.float64)
    warm[:first] = np.nan
    return warm
