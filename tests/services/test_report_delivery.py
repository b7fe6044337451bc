"""Reports come by themselves: each closed day, week and month once, at eight of the owner's morning, whatever happened."""

from datetime import UTC, datetime

import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from services.access import ensure_owners
from services.announce import Announcements
from services.report_calendar import PATIENCE_MS
from services.report_delivery import CAUGHT_UP_MS, due_reports, keep_reports, report_told
from storage.book import Book
from storage.chats import ChatKind
from storage.preferences import Loudness, Preferences, Subject
from storage.snapshots import SnapshotPeriod
from tests.storage.samples import NOW_MS, book, opened

__all__ = ["book"]

OWNER = 77


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def owned(book: Book, zone: str = "UTC") -> Book:
    with book.transaction() as tx:
        ensure_owners(tx, (OWNER,), zone, NOW_MS)
    return book


def knock(book: Book, now_ms: int) -> list[str]:
    """What the job does every five minutes; the messages it queued now, by their keys."""
    with book.transaction() as tx:
        before = {message.dedupe_key for message in tx.messages.all()}
        keep_reports(tx, due_reports(tx, now_ms), Announcements(), now_ms)
        return [message.dedupe_key for message in tx.messages.all() if message.dedupe_key not in before]


def kept(book: Book, period: SnapshotPeriod = SnapshotPeriod.DAY) -> int:
    with book.reading() as view:
        [[count]] = view.connection.execute("SELECT COUNT(*) FROM snapshots WHERE period=?", (period.value,))
    return int(count)


def test_a_day_is_told_once_from_eight_in_the_morning_on(book: Book):
    owned(book)

    assert knock(book, at("2025-10-10T07:59:59")) == []
    assert knock(book, at("2025-10-10T08:00")) == ["report:day:2025-10-09"]
    assert [knock(book, at("2025-10-10T08:00") + n * 5 * MINUTE_MS) for n in range(1, 280, 30)] == [[]] * 10


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Sofia", "2025-10-10T05:00"),
        ("Asia/Kolkata", "2025-10-10T02:30"),
        ("America/New_York", "2025-10-10T12:00"),
    ],
)
def test_the_morning_is_the_owners(book: Book, zone: str, first: str):
    owned(book, zone)

    assert knock(book, at(first) - 1) == []
    assert knock(book, at(first)) == ["report:day:2025-10-09"]


@pytest.mark.parametrize(
    ("begun", "eight"),
    [
        ("2026-03-28T12:00", "2026-03-29T05:00"),  # clocks go forward in that night: the day has 24 hours, the next 23
        ("2026-03-29T12:00", "2026-03-30T05:00"),
        ("2025-10-25T12:00", "2025-10-26T06:00"),
        ("2025-10-26T12:00", "2025-10-27T06:00"),
    ],
)
def test_each_day_of_changing_clocks_is_told_once_at_eight(begun: str, eight: str):
    with Book.temporary(BookKind.LIVE, now_ms=at(begun)) as book:
        owned(book, "Europe/Sofia")
        told = [knock(book, at(eight) + hour * HOUR_MS) for hour in (-1, 0, 1, 2)]

    assert [[key for key in keys if "day" in key] for keys in told] == [[], [f"report:day:{begun[:10]}"], [], []]


def test_a_missed_hour_and_a_restart_change_nothing_but_the_time(book: Book):
    owned(book)

    assert knock(book, at("2025-10-10T21:40")) == ["report:day:2025-10-09"]
    assert knock(book, at("2025-10-11T07:00")) == []
    assert knock(book, at("2025-10-11T08:00")) == ["report:day:2025-10-10"]


def test_days_that_were_slept_through_are_kept_and_the_newest_is_told(book: Book):
    owned(book)

    assert knock(book, NOW_MS + 5 * DAY_MS) == ["report:day:2025-10-13", "report:week:2025-10-06"]
    assert kept(book) == 5
    assert knock(book, NOW_MS + 60 * DAY_MS)[0] == "report:day:2025-12-07"
    assert kept(book) == 5 + CAUGHT_UP_MS // DAY_MS


def test_a_week_is_told_on_monday_and_a_month_on_its_first(book: Book):
    owned(book)
    told = {day: knock(book, at(f"{day}T08:00")) for day in ("2025-10-12", "2025-10-13", "2025-10-31", "2025-11-01")}

    assert told == {
        "2025-10-12": ["report:day:2025-10-11"],
        "2025-10-13": ["report:day:2025-10-12", "report:week:2025-10-06"],
        "2025-10-31": ["report:day:2025-10-30", "report:week:2025-10-20"],
        "2025-11-01": ["report:day:2025-10-31", "report:month:2025-10-01"],
    }
    assert (kept(book, SnapshotPeriod.WEEK), kept(book, SnapshotPeriod.MONTH)) == (3, 1)


def test_it_waits_a_while_for_positions_that_were_not_followed_to_the_end_of_the_day(book: Book):
    owned(book)
    eight = at("2025-10-10T08:00")
    with book.transaction() as tx:
        opened(tx, settled_ms=NOW_MS, settled_on="1m")

    assert knock(book, eight + PATIENCE_MS - 1) == []
    assert knock(book, eight + PATIENCE_MS) == ["report:day:2025-10-09"]


def test_it_does_not_wait_for_what_was_followed(book: Book):
    owned(book)
    with book.transaction() as tx:
        opened(tx, settled_ms=at("2025-10-10T00:00"), settled_on="1m")

    assert knock(book, at("2025-10-10T08:00")) == ["report:day:2025-10-09"]


def test_before_the_book_began_there_is_nothing_to_tell(book: Book):
    owned(book)

    assert knock(book, at("2025-10-09T10:00")) == []
    assert kept(book) == 0


def test_who_switched_reports_off_is_not_told_and_the_report_is_kept(book: Book):
    with owned(book).transaction() as tx:
        chat = tx.chats.ensure(OWNER, ChatKind.PRIVATE)
        tx.chats.prefer(chat.id, Preferences(loudness={Subject.REPORT: Loudness.OFF}))

    assert knock(book, at("2025-10-10T08:00")) == []
    assert kept(book) == 1


def test_a_book_without_owner_keeps_its_reports_by_utc(book: Book):
    assert knock(book, at("2025-10-10T08:00")) == []
    assert kept(book) == 1


def test_a_new_zone_does_not_tell_a_day_twice(book: Book):
    owned(book)
    knock(book, at("2025-10-10T08:00"))
    with book.transaction() as tx:
        tx.users.set_timezone(OWNER, "Europe/Sofia")

    assert knock(book, at("2025-10-10T09:00")) == []


def test_the_message_leads_to_the_report_that_was_kept(book: Book):
    owned(book)
    now_ms = at("2025-10-10T08:00")
    knock(book, now_ms)
    with book.reading() as view:
        [item] = view.outbox.due(now_ms, 9)
        report = report_told(view, item)

    assert (item.kind, report.first, report.made_ms) == ("report", "2025-10-09", now_ms)
