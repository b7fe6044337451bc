"""Reports by themselves: each closed day, week and month once, from eight in the morning of the owner's zone on.

That a report was told is its snapshot, written with its message in one transaction. What was missed while the bot was
down is kept without a message, but for the newest of each kind.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.timeframes import DAY_MS
from services.announce import Announcements
from services.periods import CalendarPeriod
from services.report_calendar import DUE_AT, PATIENCE_MS, REPORTS, SCOPE, report_zone
from services.reports import Report, report_in, report_of, snapshot_of
from storage.book import Book
from storage.chats import ChatKind
from storage.outbox import OutboxItem
from storage.reports import unsettled
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores
from storage.users import Role
from storage.writer import Writer

CAUGHT_UP_MS = 14 * DAY_MS
"""Periods that ended so long before the newest are not made up for."""


@dataclass(frozen=True, slots=True)
class Due:
    """A report that is to be kept, and whether it is news; older ones are not."""

    report: Report
    is_news: bool


class Reporting:
    """The job that makes reports: beside the event loop, and in the writer's turn only what is to be kept."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        announcements: Announcements,
        now_ms: Callable[[], int],
        wake: Callable[[], None],
    ) -> None:
        self._book = book
        self._writer = writer
        self._announcements = announcements
        self._now_ms = now_ms
        self._wake = wake

    async def run(self) -> None:
        """Make what is due and was not made, and wake the sender when anybody is told."""
        now_ms = self._now_ms()
        due = await asyncio.to_thread(self._made, now_ms)
        if not due:
            return
        told = await self._writer.run(lambda tx: keep_reports(tx, due, self._announcements, now_ms))
        if told:
            self._wake()

    def _made(self, now_ms: int) -> tuple[Due, ...]:
        with self._book.reading() as view:
            return due_reports(view, now_ms)


def due_reports(view: Stores, now_ms: int) -> tuple[Due, ...]:
    """The reports that are due and not kept, in the order of time; periods before the book began have none."""
    return tuple(_due(view, report_zone(view), now_ms))


def keep_reports(tx: Stores, due: tuple[Due, ...], announcements: Announcements, now_ms: int) -> int:
    """Keep each report and queue those that are news to the owners; how many of them anybody is told."""
    chats = [tx.chats.ensure(user.telegram_id, ChatKind.PRIVATE) for user in tx.users.with_role(Role.OWNER)]
    chat_ids = [chat.id for chat in chats if chat.enabled]
    told = 0
    for one in due:
        report = one.report
        if tx.snapshots.keep(snapshot_of(report)) and one.is_news:
            name, facts = f"{report.period.value}:{report.first}", {"period": report.period.value, "zone": report.zone}
            told += announcements.report(tx, chat_ids, name, now_ms, {**facts, "from_ms": report.from_ms})
    return told


def report_told(stores: Stores, item: OutboxItem) -> Report:
    """The report that a message of kind report is about, as it was kept; LookupError when it was not."""
    facts = item.payload
    period, zone, from_ms = SnapshotPeriod(facts["period"]), str(facts["zone"]), int(str(facts["from_ms"]))
    snapshot = stores.snapshots.at(SCOPE, zone, period, from_ms)
    if snapshot is None:
        raise LookupError(f"The book keeps no report of the {period.value} from {from_ms}.")
    return report_in(snapshot)


def _due(view: Stores, zone: str, now_ms: int) -> Iterator[Due]:
    for period in REPORTS.values():
        newest = CalendarPeriod.last_closed(period, now_ms, zone)
        due_ms = newest.after_ms(DUE_AT)
        if now_ms < due_ms:
            continue
        if now_ms < due_ms + PATIENCE_MS and unsettled(view.connection, newest.span.to_ms):
            continue
        for calendar in reversed(tuple(_not_kept(view, newest))):
            yield Due(report_of(view, calendar, now_ms), calendar == newest)


def _not_kept(view: Stores, newest: CalendarPeriod) -> Iterator[CalendarPeriod]:
    """This period and those before it, back to the last that was kept, the book's beginning, or what is too long ago."""
    since_ms, calendar = max(view.meta.created_ms(), newest.span.to_ms - CAUGHT_UP_MS), newest
    while calendar.span.to_ms > since_ms:
        if view.snapshots.at(SCOPE, calendar.zone, calendar.period, calendar.span.from_ms) is not None:
            return
        yield calendar
        calendar = calendar.previous
