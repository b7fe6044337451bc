"""Blackouts: read from a file whenever it changes, bad lines named, and others added by people."""

import os
from pathlib import Path

import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from services.blackouts import Blackout, BlackoutError, BlackoutFile, add, added, digest_of, read_calendar
from storage.book import Book
from tests.storage.samples import NOW_MS
from tests.times import ms

FOMC = Blackout(ms("2026-01-28T19:00"), "FOMC", 30 * MINUTE_MS, 60 * MINUTE_MS)


def test_a_line_is_an_event_with_minutes_before_and_after_and_perhaps_symbols():
    calendar = read_calendar(
        [
            "time_utc,event,minutes_before,minutes_after,symbols",
            "# the Fed",
            "2026-01-28 19:00,FOMC,30,60",
            "",
            '2026-02-01T10:00+02:00,"Unlock, Solana",10,0,solusdt  ADAUSDT',
        ]
    )

    unlock = Blackout(ms("2026-02-01T08:00"), "Unlock, Solana", 10 * MINUTE_MS, 0, ("SOLUSDT", "ADAUSDT"))
    assert calendar.blackouts == (FOMC, unlock)
    assert calendar.faults == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tomorrow,FOMC,30,60", "'tomorrow' is no time"),
        ("2026-01-28T19:00,FOMC,-30,60", "'-30' is no number of minutes"),
        ("2026-01-28T19:00,FOMC,1e2,60", "'1e2' is no number of minutes"),
        ("2026-01-28T19:00,FOMC,30,999999999999", "no number of minutes up to 10080"),
        ("2026-01-28T19:00,,30,60", "the event has no name"),
        ("2026-01-28T19:00,FOMC,0,0", "it lasts no time at all"),
        ("2026-01-28T19:00,FOMC,30", "a line is time_utc,event"),
    ],
)
def test_a_bad_line_is_named_and_the_others_count(line: str, said: str):
    calendar = read_calendar(["2026-01-28T19:00,FOMC,30,60", line])

    assert calendar.blackouts == (FOMC,)
    assert len(calendar.faults) == 1
    assert calendar.faults[0].startswith("line 2: ")
    assert said in calendar.faults[0]


def test_the_blackouts_of_a_time_have_a_name_whatever_their_order_and_what_lies_outside():
    later = Blackout(ms("2026-02-01T08:00"), "Unlock", MINUTE_MS, 0)
    january = ms("2026-01-01"), ms("2026-02-01")
    named = digest_of([FOMC, later], *january)

    assert named == digest_of([later, FOMC], *january) == digest_of([FOMC], *january) is not None
    assert named != digest_of([FOMC, later], january[0], ms("2026-03-01"))
    assert digest_of([later], *january) is None


def test_a_blackout_holds_from_its_first_instant_to_before_its_last():
    begin, end = ms("2026-01-28T18:30"), ms("2026-01-28T20:00")

    assert [FOMC.holds(at) for at in (begin - 1, begin, end - 1, end)] == [False, True, True, False]


def test_the_file_is_read_again_when_it_has_changed(tmp_path: Path):
    path = tmp_path / "blackouts.csv"
    path.write_text("2026-01-28T19:00,FOMC,30,60\n")
    file = BlackoutFile(path)
    first = file.calendar()
    assert file.calendar() is first

    path.write_text("2026-01-28T19:00,ECB,30,60\n")
    os.utime(path, ns=(1, 1))

    assert [one.event for one in file.calendar().blackouts] == ["ECB"]


def test_a_file_that_is_not_there_is_a_fault_until_it_is(tmp_path: Path):
    file = BlackoutFile(tmp_path / "later.csv")
    [fault] = file.calendar().faults
    assert "cannot be read" in fault
    (tmp_path / "later.csv").write_text("2026-01-28T19:00,FOMC,30,60\n")

    assert file.calendar().blackouts == (FOMC,)


def test_no_file_is_no_fault():
    assert (BlackoutFile(None).calendar().blackouts, BlackoutFile(None).calendar().faults) == ((), ())


def test_people_add_blackouts_and_those_long_over_are_dropped():
    soon = Blackout(NOW_MS + HOUR_MS, "CPI", HOUR_MS, HOUR_MS, ("BTCUSDT",))
    over = Blackout(NOW_MS - 3 * DAY_MS, "old", HOUR_MS, HOUR_MS)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        add(tx, over, "77", NOW_MS - 4 * DAY_MS)
        add(tx, soon, "77", NOW_MS)
        add(tx, soon, "77", NOW_MS)

        assert added(tx) == (soon,)


def test_what_lasts_longer_than_a_week_is_a_slip():
    with pytest.raises(BlackoutError, match="minutes before and after"):
        Blackout(NOW_MS, "x", 8 * DAY_MS, 0)
