"""Legacy instants into epoch microseconds UTC: the form is known from source and shape, never from a number's size."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from functools import lru_cache

from migrations.legacy.normal_form import Unusable
from migrations.legacy.words import shown

US_PER_SECOND = 1_000_000
US_PER_MINUTE = 60 * US_PER_SECOND
US_PER_HOUR = 60 * US_PER_MINUTE
US_PER_DAY = 24 * US_PER_HOUR
FIRST_US = 1_230_940_800 * US_PER_SECOND  # 2009-01-03: there was no coin to trade before
LAST_US = 4_102_444_800 * US_PER_SECOND  # 2100-01-01
ZONE_SLACK_US = US_PER_DAY  # a clock read in the wrong zone may run ahead of ours, never by more than a day

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_ONE_US = timedelta(microseconds=1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class EpochUnit(Enum):
    """What one step of a numeric time is; the value is its length in microseconds."""

    SECONDS = US_PER_SECOND
    MILLISECONDS = 1_000


class Clock:
    """Reads the times of one file: naive ones in the file's zone, numbers in its unit; refuses the impossible."""

    __slots__ = ("_is_utc", "now_us", "unit", "zone")

    def __init__(self, zone: tzinfo, now_ms: int, unit: EpochUnit = EpochUnit.SECONDS) -> None:
        self.zone = zone
        self.unit = unit
        self._is_utc = zone is UTC
        self.now_us = now_ms * 1_000

    def of(self, unit: EpochUnit) -> "Clock":
        """The same clock over numbers of another unit."""
        return Clock(self.zone, self.now_us // 1_000, unit)

    def in_utc(self) -> "Clock":
        """The same clock for naive times that are UTC whatever the file's zone, as SQLite and candle times are."""
        return Clock(UTC, self.now_us // 1_000, self.unit)

    def read(self, value: object, field: str, repairs: list[str]) -> int:
        """Epoch microseconds of a time; Unusable when it is none, lies before there were coins or after now."""
        if isinstance(value, str):
            instant_us = self._of_text(value, field, repairs)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            instant_us = self._of_number(value, field)
        else:
            raise Unusable(f"{field} {shown(value)} is no time")
        return self.checked(instant_us, field)

    def checked(self, instant_us: int, field: str) -> int:
        """The instant itself; Unusable when it lies before there were coins or after now."""
        if instant_us < FIRST_US:
            raise Unusable(f"{field} lies before there was a coin to trade")
        if instant_us > self.now_us + ZONE_SLACK_US:
            raise Unusable(f"{field} lies in the future")
        return instant_us

    def read_until(self, value: object, field: str, repairs: list[str]) -> int:
        """Like `read`, for an end of validity: it may lie in the future."""
        return Clock(self.zone, LAST_US // 1_000, self.unit).read(value, field, repairs)

    def _of_text(self, text: str, field: str, repairs: list[str]) -> int:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise Unusable(f"{field} {shown(text)} is no time") from None
        if at.tzinfo is None and self._is_utc:
            return (at - _NAIVE_EPOCH) // _ONE_US
        if at.tzinfo is None:
            if _is_folded(at.replace(microsecond=0), self.zone):
                repairs.append(f"{field} falls into a clock change of {self.zone}: read as its first occurrence")
            at = at.replace(tzinfo=self.zone)
        try:
            return (at - _EPOCH) // _ONE_US
        except OverflowError:
            raise Unusable(f"{field} {shown(text)} is no time") from None

    def _of_number(self, number: float, field: str) -> int:
        if number != number or abs(number) > LAST_US:
            raise Unusable(f"{field} {shown(number)} is no time in {self.unit.name.lower()}, as this shape writes them")
        return round(number * self.unit.value)


def calendar_date(value: object) -> str:
    """A `YYYY-MM-DD` as it stands; Unusable when it is no date of the calendar."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Unusable(f"date {shown(value)} is no date")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Unusable(f"date {shown(value)} is no date") from None


@lru_cache(maxsize=4096)
def _is_folded(at: datetime, zone: tzinfo) -> bool:
    """True where a wall clock shows this time twice, or skips it."""
    return at.replace(tzinfo=zone, fold=0).utcoffset() != at.replace(tzinfo=zone, fold=1).utcoffset()
