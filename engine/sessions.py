"""The clock of the market: session windows in New York time, trading days and weeks, and the levels they leave."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import NEW_YORK, DetectionParams
from engine.detection_params import UTC as UTC_NAME
from engine.timeframes import EPOCH_WEEKDAY, MINUTE_MS

DAY_MINUTES = 24 * 60
NOON_MINUTES = 12 * 60


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """A window of the New York day, [start, end) in minutes after midnight; a bar belongs by its open."""

    name: str
    start: int
    end: int


WINDOWS = (
    SessionWindow("asian_range", 20 * 60, 24 * 60),
    SessionWindow("judas", 0, 5 * 60),
    SessionWindow("london_close_kz", 10 * 60, 12 * 60),
    SessionWindow("london_kz", 2 * 60, 5 * 60),
    SessionWindow("ny_kz", 7 * 60, 10 * 60),
    SessionWindow("sb_am", 10 * 60, 11 * 60),
    SessionWindow("sb_london", 3 * 60, 4 * 60),
    SessionWindow("sb_pm", 14 * 60, 15 * 60),
)
"""In the order of their names; the position of a window is its bit in `Sessions.windows`."""

_BIT = {window.name: np.uint8(1 << position) for position, window in enumerate(WINDOWS)}
ASIAN_RANGE = _BIT["asian_range"]
JUDAS = _BIT["judas"]
SILVER_BULLETS = _BIT["sb_london"] | _BIT["sb_am"] | _BIT["sb_pm"]


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Trading days or weeks that have data, in order; the columns have one entry a period."""

    first_bar: NDArray[np.int32]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]

    def of_bars(self, bars: NDArray[np.intp]) -> NDArray[np.intp]:
        """The position of the period that holds each bar."""
        return np.searchsorted(self.first_bar, bars, side="right") - 1

    def before(self, bar: int, since: int | None = None) -> tuple[float, float] | None:
        """High and low of the period before that of `bar`; None when there is none.

        With `since`, also None unless a bar from `since` on lies before that period: only then would a window that
        starts at `since` know all of it.
        """
        previous = int(np.searchsorted(self.first_bar, bar, side="right")) - 2
        if previous < 0 or (since is not None and self.first_bar[previous] <= since):
            return None
        return float(self.high[previous]), float(self.low[previous])


@dataclass(frozen=True, slots=True, eq=False)
class NewYork:
    """What a clock in New York shows when each bar opens."""

    date: NDArray[np.int32]
    """Days since 1970-01-01."""
    minute: NDArray[np.int16]
    """Minutes after midnight."""

    @classmethod
    def of(cls, candles: Candles) -> "NewYork":
        minutes = local_minutes(candles.open_ms, NEW_YORK)
        date = minutes // DAY_MINUTES
        minutes -= date * DAY_MINUTES
        return cls(date, minutes.astype(np.int16))

    @property
    def minutes(self) -> NDArray[np.int32]:
        """Minutes since 1970-01-01 00:00."""
        return self.date * DAY_MINUTES + self.minute

    @property
    def windows(self) -> NDArray[np.uint8]:
        """A bit for each of WINDOWS that holds the bar's open."""
        return _WINDOWS_OF_MINUTE[self.minute]


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """What the clock says about each bar of one series."""

    windows: NDArray[np.uint8]
    """A bit for each of WINDOWS that holds the bar's open."""
    days: Periods
    weeks: Periods

    def names(self, bar: int) -> list[str]:
        """The windows that hold the open of `bar`, by name."""
        return list(window_names(self.windows.item(bar)))


@lru_cache(maxsize=4096)
def windows_at(open_ms: int) -> tuple[str, ...]:
    """The windows that hold a bar that opens at this instant, sorted: every pair asks about the same instants."""
    changes = _offset_changes(NEW_YORK, datetime.fromtimestamp(open_ms / 1000, UTC).year)
    offset_ms = next(offset_ms for since_ms, offset_ms in reversed(changes) if since_ms <= open_ms)
    return window_names(_WINDOWS_OF_MINUTE.item((open_ms + offset_ms) // MINUTE_MS % DAY_MINUTES))


@lru_cache(maxsize=1 << len(WINDOWS))
def window_names(bits: int) -> tuple[str, ...]:
    """The names behind the bits of `Sessions.windows`, sorted."""
    return tuple(window.name for position, window in enumerate(WINDOWS) if bits >> position & 1)


def sessions(candles: Candles, params: DetectionParams, new_york: NewYork | None = None) -> Sessions:
    """The clock over `candles`: windows in New York time with its summer time, days and weeks as `params` roll them."""
    new_york = new_york or NewYork.of(candles)
    home = new_york.minutes if params.tz == NEW_YORK else local_minutes(candles.open_ms, params.tz)
    day = trading_day(home, params)
    return Sessions(
        windows=new_york.windows,
        days=_periods(day, candles),
        weeks=_periods((day + EPOCH_WEEKDAY) // 7, candles),
    )


def trading_day(local: NDArray[np.int32], params: DetectionParams) -> NDArray[np.int32]:
    """The trading day of each reading of the clock in `params.tz` (`local_minutes`), in days since 1970-01-01.

    A day that rolls in the afternoon is named after the next morning: Sunday 18:00 New York is Monday's.
    """
    roll = params.roll_minutes
    shift_minutes = DAY_MINUTES - roll if roll >= NOON_MINUTES else -roll
    return (local + np.int32(shift_minutes)) // DAY_MINUTES


def local_minutes(open_ms: NDArray[np.int64], zone: str) -> NDArray[np.int32]:
    """What the zone's clock shows at each of the ascending instants, in whole minutes since its 1970-01-01 00:00.

    One look-up a change of the distance from UTC.
    """
    minutes = np.empty(open_ms.shape, dtype=np.int32)
    if not open_ms.size:
        return minutes
    if zone == UTC_NAME:
        return np.floor_divide(open_ms, MINUTE_MS, out=minutes, casting="same_kind")
    first_ms, last_ms = int(open_ms[0]), int(open_ms[-1])
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).year for ms in (first_ms, last_ms))
    changes = [change for year in range(first, last + 1) for change in _offset_changes(zone, year)]
    while len(changes) > 1 and changes[1][0] <= first_ms:
        changes.pop(0)
    local_ms = open_ms + changes[0][1]
    for (_, before_ms), (since_ms, offset_ms) in pairwise(changes):
        if since_ms <= last_ms:
            local_ms[open_ms.searchsorted(since_ms) :] += offset_ms - before_ms
    return np.floor_divide(local_ms, MINUTE_MS, out=minutes, casting="same_kind")


@lru_cache(maxsize=512)
def _offset_changes(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """(instant from which it holds, offset), both ms: at the start of the UTC year, then at each change in it."""
    info = ZoneInfo(zone)
    day = datetime(year, 1, 1, tzinfo=UTC)
    changes = [(_ms(day), _offset_ms(day, info))]
    while day.year == year:
        following = day + timedelta(days=1)
        if _offset_ms(following, info) != changes[-1][1]:
            before, after = day, following
            while after - before > timedelta(minutes=1):  # zones change on whole minutes
                middle = before + timedelta(minutes=(after - before) // timedelta(minutes=2))
                before, after = (middle, after) if _offset_ms(middle, info) == changes[-1][1] else (before, middle)
            changes.append((_ms(after), _offset_ms(after, info)))
        day = following
    return tuple(change for change in changes if datetime.fromtimestamp(change[0] / 1000, UTC).year == year)


def is_new(label: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a label differs from the one before it; the first always does."""
    new = np.empty(label.shape, dtype=bool)
    new[:1] = True
    np.not_equal(label[1:], label[:-1], out=new[1:])
    return new


def _ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def _offset_ms(instant: datetime, info: ZoneInfo) -> int:
    return (instant.astimezone(info).utcoffset() or timedelta()) // timedelta(milliseconds=1)


def _windows_of_minute() -> NDArray[np.uint8]:
    bits = np.zeros(DAY_MINUTES, dtype=np.uint8)
    for window in WINDOWS:
        bits[window.start : window.end] |= _BIT[window.name]
    return bits


_WINDOWS_OF_MINUTE = _windows_of_minute()


def _periods(label: NDArray[np.int32], candles: Candles) -> Periods:
    first = np.flatnonzero(is_new(label))
    if not first.size:
        nothing = np.zeros(0, dtype=np.float64)
        return Periods(np.zeros(0, np.int32), nothing, nothing, nothing)
    end = np.append(first[1:], label.size)
    return Periods(
        first_bar=first.astype(np.int32),
        high=np.maximum.reduceat(candles.high, first),
        low=np.minimum.reduceat(candles.low, first),
        close=candles.close[end - 1],
    )
