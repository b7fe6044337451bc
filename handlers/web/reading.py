"""The book as the web process looks at it: read-only, in a thread, and not again for every question."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diagnostics.checks import CheckResult, Health, Status, health_of
from engine.params import Params
from services.watch_health import courses_of
from storage.book import Book
from storage.errors import BookError
from storage.gauges import Gauges, gauges_of
from storage.job_runs import JobRun
from storage.lock import Holder, holder_of
from storage.pulse import Pulse, pulse_of

FRESH_MS = 5_000
"""How long a reading answers for: however many ask, the book is read once in this time."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is counted in a book: its gauges, the last run of each job, open incidents, who runs on it and how it is."""

    gauges: Gauges
    jobs: tuple[JobRun, ...]
    incidents_open: int
    holder: Holder | None
    pulse: Pulse | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the book; there are no numbers where there is no book, or none that can be read."""

    taken_ms: int
    health: Health
    numbers: Numbers | None


def read(path: Path, params: Params, now_ms: int) -> Reading:
    """Look at the book at this path; one that cannot be read is a FAIL that says why."""
    try:
        return Reading(now_ms, health_of(path, now_ms, params), _numbers(path) if path.exists() else None)
    except BookError as error:
        return Reading(now_ms, Health((CheckResult("book", Status.FAIL, "-", "-", str(error)),)), None)


def _numbers(path: Path) -> Numbers:
    with Book.open_read_only(path) as book, book.reading() as view:
        return Numbers(
            gauges_of(view.connection),
            view.job_runs.last_of_each(),
            sum(course.is_told for course in courses_of(view.meta).values()),
            holder_of(path),
            pulse_of(view.meta),
        )


class Readings:
    """The newest reading of a book, taken anew when it is older than FRESH_MS, by one at a time."""

    def __init__(self, path: Path, params: Params, now_ms: Callable[[], int]) -> None:
        self._path = path
        self._params = params
        self._now_ms = now_ms
        self._one_at_a_time = asyncio.Lock()
        self._newest: Reading | None = None

    async def newest(self) -> Reading:
        """A reading that is young enough."""
        async with self._one_at_a_time:
            now_ms = self._now_ms()
            if self._newest is None or not 0 <= now_ms - self._newest.taken_ms < FRESH_MS:
                self._newest = await asyncio.to_thread(read, self._path, self._params, now_ms)
            return self._newest
