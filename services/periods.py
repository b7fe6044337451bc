"""Days, weeks and months by the clock on the wall of a zone, days of changing clocks included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.pace import MS_PER_SECOND
from storage.snapshots import SnapshotPeriod
from storage.span import Span

MIDNIGHT = time()


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """A day, an ISO week or a month that begins at midnight of `first` in `zone`."""

    period: SnapshotPeriod
    first: date
    zone: str

    @classmethod
    def holding(cls, period: SnapshotPeriod, day: date, zone: str) -> "CalendarPeriod":
        """The period of this length that holds a day; ValueError for an hour, which has no calendar."""
        match period:
            case SnapshotPeriod.DAY:
                first = day
            case SnapshotPeriod.WEEK:
                first = day - timedelta(days=day.weekday())
            case SnapshotPeriod.MONTH:
                first = day.replace(day=1)
            case SnapshotPeriod.HOUR:
                raise ValueError("reports are about days, weeks and months")
        return cls(period, first, zone)

    @classmethod
    def last_closed(cls, period: SnapshotPeriod, now_ms: int, zone: str) -> "CalendarPeriod":
        """The latest period that is over."""
        return cls.holding(period, local(now_ms, zone).date(), zone).previous

    @property
    def previous(self) -> "CalendarPeriod":
        return self.holding(self.period, self.first - timedelta(days=1), self.zone)

    @property
    def next(self) -> "CalendarPeriod":
        return CalendarPeriod(self.period, self._end, self.zone)

    @property
    def last_day(self) -> date:
        return self._end - timedelta(days=1)

    @property
    def span(self) -> Span:
        """From its first midnight up to the midnight behind it; a day has 23 to 25 hours."""
        return Span(instant_ms(self.first, MIDNIGHT, self.zone), instant_ms(self._end, MIDNIGHT, self.zone))

    def after_ms(self, at: time) -> int:
        """The instant at which clocks first show `at` on the day behind it, epoch ms."""
        return instant_ms(self._end, at, self.zone)

    @property
    def _end(self) -> date:
        """The day behind it."""
        match self.period:
            case SnapshotPeriod.WEEK:
                return self.first + timedelta(days=7)
            case SnapshotPeriod.MONTH:
                return (self.first + timedelta(days=31)).replace(day=1)
            case _:
                return self.first + timedelta(days=1)


def local(at_ms: int, zone: str) -> datetime:
    """An instant by the clock on the wall of a zone."""
    return datetime.fromtimestamp(at_ms / MS_PER_SECOND, UTC).astimezone(ZoneInfo(zone))


def instant_ms(day: date, at: time, zone: str) -> int:
    """When clocks of a zone show `at` on a day, epoch ms; the first time where they show it twice."""
    return round(datetime.combine(day, at, ZoneInfo(zone)).timestamp() * MS_PER_SECOND)
