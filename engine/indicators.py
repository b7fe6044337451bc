"""Classical indicators through `ta`: those that neither look ahead nor go wrong on pandas 3, NaN until they are warm.

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
from ta.trend import MACD, ADXIndicator, EMAIndicator
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
        """Average directional index, 0..100 (Wilder 1978)."""
        return _warm(lambda: ADXIndicator(self._high, self._low, self._close, bars).adx(), len(self.candles), 2 * bars)

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


def _warm(column: Callable[[], pd.Series], length: int, first: int) -> Column:
    """The column with NaN before bar `first`; `ta` is not asked where nothing would be left of it."""
    if length <= first:
        return np.full(length, np.nan)
    warm = np.array(column(), dtype=np.float64)
    warm[:first] = np.nan
    return warm
