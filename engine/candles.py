"""Candles: one series of closed bars, checked once where it is born, so that every later reader may trust it."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.timeframes import Timeframe

_MS_PER_SECOND = 1000
_CALENDAR_END_MS = 253_370_764_800_000  # 9999-01-01: nanoseconds given for milliseconds end up far behind it


class InputError(ValueError):
    """Candles that cannot be read; the message names the bar and what is wrong with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Closed bars in time order: six read-only, C-contiguous arrays of one length.

    `open_ms` is the bar's OPEN in epoch ms UTC, int64, strictly increasing; the rest is float64, prices finite, volume
    possibly NaN. Build one with `Candles.checked`. `dropped` holds the raw positions at which a timestamp came again
    and replaced the row before it.
    """

    symbol: str
    timeframe: Timeframe
    open_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    dropped: tuple[int, ...] = ()

    @classmethod
    def checked(
        cls,
        symbol: str,
        timeframe: Timeframe,
        open_ms: ArrayLike,
        open: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
        *,
        signed: bool = False,
    ) -> Self:
        """The bars, a repeated timestamp keeping its last row; InputError names the first bad bar.

        Refused are a price that is no finite number, a price of zero or below (unless `signed`: mirrored charts and
        spreads), a high below or a low above the bar's body, time going back, columns of different lengths.
        """
        times = _times(open_ms)
        prices = tuple(_prices(name, column) for name, column in zip(_PRICES, (open, high, low, close), strict=True))
        volumes = _prices("volume", volume)
        _refuse_uneven((times, *prices, volumes))
        _refuse_bad_prices(times, prices, signed)
        steps = np.diff(times)
        if steps.size and steps.min() < 0:
            bar = int(np.flatnonzero(steps < 0)[0]) + 1
            raise InputError(f"{_bar(times, bar)} opens before the bar in front of it: time goes back")
        repeated = np.flatnonzero(steps == 0) + 1
        if repeated.size:
            kept = np.ones(times.size, dtype=bool)
            kept[repeated - 1] = False
            times, volumes = times[kept], volumes[kept]
            prices = tuple(column[kept] for column in prices)
        opens, highs, lows, closes = (_frozen(column) for column in prices)
        return cls(
            symbol, timeframe, _frozen(times), opens, highs, lows, closes, _frozen(volumes), tuple(repeated.tolist())
        )

    def __len__(self) -> int:
        return int(self.open_ms.size)

    @property
    def closed_ms(self) -> NDArray[np.int64]:
        """The instant each bar closes."""
        return self.open_ms + self.timeframe.ms

    @property
    def closed_at_ms(self) -> int:
        """The instant the last bar closes; InputError when there is no bar."""
        if not len(self):
            raise InputError(f"{self.symbol} {self.timeframe.text}: no candles")
        return int(self.open_ms[-1]) + self.timeframe.ms

    def window(self, end: int, count: int) -> Self:
        """The `count` bars before index `end`, fewer at the start of the series; shares memory, checks nothing anew."""
        start = max(0, end - count)
        return self._slice(start, end)

    def closed_by(self, ms: int) -> int:
        """How many bars closed at or before `ms`."""
        return bisect_right(self.open_ms.data, ms - self.timeframe.ms)

    def until(self, ms: int) -> Self:
        """The bars closed at or before `ms`."""
        return self._slice(0, self.closed_by(ms))

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """(index, bars missing before it) for every hole in time."""
        missing = missing_before(self.open_ms, self.timeframe)
        holes = np.flatnonzero(missing)
        return tuple(zip(holes.tolist(), missing[holes].tolist(), strict=True))

    def _slice(self, start: int, end: int) -> Self:
        return type(self)(
            self.symbol,
            self.timeframe,
            self.open_ms[start:end],
            self.open[start:end],
            self.high[start:end],
            self.low[start:end],
            self.close[start:end],
            self.volume[start:end],
        )


def missing_before(open_ms: NDArray[np.int64], timeframe: Timeframe) -> NDArray[np.int64]:
    """How many bars are missing right before each bar, rounded to whole bars; shape of `open_ms`, first is 0."""
    missing = np.zeros(open_ms.shape, dtype=np.int64)
    missing[1:] = (np.diff(open_ms) + timeframe.ms // 2) // timeframe.ms - 1
    return np.maximum(missing, 0)


def resampled(candles: Candles, timeframe: Timeframe) -> Candles:
    """The bars of the higher `timeframe` that `candles` complete.

    A bucket whose first bar is missing at the start of the series is left out; the last one is in only once its own
    close is reached by the last lower bar. Bars missing inside a bucket are tolerated. ValueError when `timeframe` is
    no multiple of the candles' own.
    """
    if timeframe.ms % candles.timeframe.ms:
        raise ValueError(f"{timeframe.text} bars cannot be built from {candles.timeframe.text} bars")
    bucket_ms = timeframe.floor(candles.open_ms)
    first = np.flatnonzero(np.diff(bucket_ms, prepend=bucket_ms[:1] - 1))
    if first.size and bucket_ms[0] != candles.open_ms[0]:
        first = first[1:]
    if first.size and bucket_ms[-1] + timeframe.ms > candles.closed_at_ms:
        candles = candles.window(int(first[-1]), int(first[-1]))
        first = first[:-1]
    if not first.size:
        return replace(candles.window(0, 0), timeframe=timeframe)
    last = np.append(first[1:], len(candles)) - 1
    return Candles(
        candles.symbol,
        timeframe,
        _frozen(bucket_ms[first]),
        _frozen(candles.open[first]),
        _frozen(np.maximum.reduceat(candles.high, first)),
        _frozen(np.minimum.reduceat(candles.low, first)),
        _frozen(candles.close[last]),
        _frozen(np.add.reduceat(candles.volume, first)),
    )


_PRICES = ("open", "high", "low", "close")


def _times(column: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(column)
    if values.ndim != 1:
        raise InputError("Open times must be one column")
    if values.size and values.dtype.kind not in "iu":
        raise InputError("Open times must be whole epoch milliseconds")
    values = values.astype(np.int64)
    outside = (values < 0) | (values >= _CALENDAR_END_MS)
    if outside.any():
        raise InputError(f"Bar {int(np.argmax(outside))}: its open time is no epoch millisecond of the years 1970-9998")
    return values


def _prices(name: str, column: ArrayLike) -> NDArray[np.float64]:
    try:
        values = np.array(column, dtype=np.float64)  # None becomes NaN and is refused with its bar below
    except (TypeError, ValueError) as error:
        raise InputError(f"A {name} is not a number") from error
    if values.ndim != 1:
        raise InputError(f"The {name}s must be one column")
    return values


def _refuse_uneven(columns: Iterable[NDArray[Any]]) -> None:
    lengths = {column.size for column in columns}
    if len(lengths) > 1:
        raise InputError(f"The columns have different lengths: {', '.join(map(str, sorted(lengths)))}")


def _refuse_bad_prices(times: NDArray[np.int64], prices: Sequence[NDArray[np.float64]], signed: bool) -> None:
    opens, highs, lows, closes = prices
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    good = (highs >= top) & (lows <= bottom) & (highs < np.inf) & (lows > (-np.inf if signed else 0.0))  # NaN fails
    if good.all():
        return
    bar = int(np.flatnonzero(~good)[0])
    name = _bar(times, bar)
    for label, column in zip(_PRICES, prices, strict=True):
        value = float(column[bar])
        if np.isnan(value):
            raise InputError(f"{name}: nan price, its {label} is not a number")
        if np.isinf(value):
            raise InputError(f"{name}: its {label} is infinite")
        if value <= 0 and not signed:
            raise InputError(f"{name}: its {label} {value:g} is not above zero")
    if highs[bar] < top[bar]:
        raise InputError(f"{name}: its high {highs[bar]:g} is below its body {top[bar]:g}")
    raise InputError(f"{name}: its low {lows[bar]:g} is above its body {bottom[bar]:g}")


def _bar(times: NDArray[np.int64], bar: int) -> str:
    opened = datetime.fromtimestamp(int(times[bar]) / _MS_PER_SECOND, UTC).isoformat(timespec="seconds")
    return f"Bar {bar} ({opened})"


def _frozen(column: NDArray[Any]) -> NDArray[Any]:
    column = np.ascontiguousarray(column)
    column.flags.writeable = False
    return column
