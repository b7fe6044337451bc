"""Backups by themselves: one an hour, and one a week tried out; each answers in a thread, the bot goes on."""

import asyncio
from collections.abc import Callable

from engine.timeframes import DAY_MS
from services.allocator import give_back
from services.backup import Backup, BackupError, Drill, back_up, backups_of, drill, is_due
from services.schedule import NothingToDo
from storage.book import Book
from storage.job_runs import DRILL_JOB, JobStatus

DRILL_EVERY_MS = 7 * DAY_MS


class BackupJobs:
    """What the schedule and the owner ask of a book's backups."""

    def __init__(self, book: Book, now_ms: Callable[[], int]) -> None:
        self._book = book
        self._now_ms = now_ms

    async def hourly(self) -> None:
        """Make a backup; NothingToDo while that of a large book is younger than six hours.

        The hour's largest job is also where freed memory goes back to the system.
        """
        try:
            if not is_due(self._book.path, self._now_ms()):
                raise NothingToDo("a large book is backed up every six hours")
            await self.make()
        finally:
            await asyncio.to_thread(give_back)

    async def make(self) -> Backup:
        """Make a backup now; BookError in one sentence where it cannot be made."""
        return await asyncio.to_thread(back_up, self._book.path, self._now_ms())

    async def weekly(self) -> None:
        """Try the newest backup out; NothingToDo in the week after one stood the trial, BackupError if it does not."""
        with self._book.reading() as view:
            last = view.job_runs.last(DRILL_JOB, JobStatus.OK)
        if last is not None and self._now_ms() - last.slot_ms < DRILL_EVERY_MS:
            raise NothingToDo("a backup was tried out within the last week")
        if (tried := await self.try_newest()) is None:
            raise NothingToDo("there is no backup yet")
        if tried.problem is not None:
            raise BackupError(tried.problem)

    async def try_newest(self) -> Drill | None:
        """What comes of restoring the newest backup into a scratch file; None when there is no backup."""
        newest = next(iter(backups_of(self._book.path)), None)
        return None if newest is None else await asyncio.to_thread(drill, newest)
