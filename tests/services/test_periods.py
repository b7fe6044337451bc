"""Days, weeks and months of a zone: without hole or overlap, whatever its clocks do."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.timeframes import HOUR_MS
from services.periods import CalendarPeriod, local
from storage.snapshots import SnapshotPeriod

DAY, WEEK, MONTH = SnapshotPeriod.DAY, SnapshotPeriod.WEEK, SnapshotPeriod.MONTH
ZONES = ("UTC", "Europe/Sofia", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
PERIODS = st.builds(
    CalendarPeriod.holding,
    st.sampled_from((DAY, WEEK, MONTH)),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.sampled_from(ZONES),
)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@given(PERIODS)
def test_one_begins_where_the_one_before_ends(period: CalendarPeriod):
    assert period.previous.span.to_ms == period.span.from_ms
    assert period.next.span.from_ms == period.span.to_ms
    assert period.next.previous == period


@given(PERIODS)
def test_the_last_closed_one_is_known_from_its_end_to_the_end_of_the_next(period: CalendarPeriod):
    first_ms, last_ms = period.span.to_ms, period.next.span.to_ms - 1

    assert CalendarPeriod.last_closed(period.period, first_ms, period.zone) == period
    assert CalendarPeriod.last_closed(period.period, last_ms, period.zone) == period
    assert CalendarPeriod.last_closed(period.period, first_ms - 1, period.zone) == period.previous


@given(PERIODS)
def test_it_holds_whole_days_of_its_zone(period: CalendarPeriod):
    assert local(period.span.from_ms, period.zone).time() == time()
    assert local(period.span.to_ms - 1, period.zone).date() == period.last_day
    assert period.last_day - period.first in (timedelta(0), timedelta(6), *(timedelta(days) for days in range(27, 31)))


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)])
def test_a_day_of_changing_clocks_has_23_or_25_hours(day: str, hours: int):
    span = CalendarPeriod.holding(DAY, date.fromisoformat(day), "Europe/Sofia").span

    assert span.to_ms - span.from_ms == hours * HOUR_MS


def test_a_week_begins_on_monday_and_a_month_on_its_first():
    assert CalendarPeriod.holding(WEEK, date(2025, 10, 12), "UTC").first == date(2025, 10, 6)
    assert CalendarPeriod.holding(MONTH, date(2025, 12, 31), "UTC").next.first == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("day", "eight"),
    [("2025-03-29", "2025-03-30T05:00"), ("2025-10-25", "2025-10-26T06:00"), ("2025-06-01", "2025-06-02T05:00")],
)
def test_eight_in_the_morning_is_meant_by_the_clock_of_that_morning(day: str, eight: str):
    period = CalendarPeriod.holding(DAY, date.fromisoformat(day), "Europe/Sofia")

    assert period.after_ms(time(8)) == at(eight)


def test_an_hour_has_no_calendar():
    with pytest.raises(ValueError, match="days, weeks and months"):
        CalendarPeriod.holding(SnapshotPeriod.HOUR, date(2025, 1, 1), "UTC")
