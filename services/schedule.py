"""When what is done: one table of jobs, run by APScheduler, with the book's job runs as the truth.

The scheduler only knocks: it keeps nothing on disk, and a knock that comes late or twice does no harm, because a slot
is claimed in the book. What was missed while the bot was down is found by the jobs themselves when it starts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from gateways.market import MarketError
from services.heal import Mend, healed
from services.live import AFTER_CLOSE_MS, Live, MarketSilent, scan_job
from services.pace import MS_PER_SECOND, WALL_TIME, Pace
from storage.errors import BookError
from storage.job_runs import DRILL_JOB, TRAIN_JOB, JobStatus
from storage.stores import Stores
from storage.writer import Writer

FORESEEN = (MarketError, MarketSilent, BookError, TimeoutError)
"""What may go wrong in a job without being a defect: the next slot tries again."""


class NothingToDo(Exception):
    """A job that has no reason to run now; its slot is SKIPPED and keeps the message."""


HALF_A_SECOND = timedelta(milliseconds=500)
STOP_TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table: `run` is done `after_ms` behind every start of a `period`, within `timeout_s` of wall time.

    A job that `claims` has one row per slot in the book; the others keep their own.
    """

    name: str
    period: Timeframe
    after_ms: int
    timeout_s: float
    claims: bool
    run: Callable[[], Awaitable[None]]

    def slot_ms(self, now_ms: int) -> int:
        """The newest slot that has begun."""
        return int(self.period.floor(now_ms - self.after_ms))


@dataclass(frozen=True, slots=True)
class Chores:
    """What the jobs do besides looking and settling, handed in by bot.py."""

    retention: Callable[[], Awaitable[None]]
    heartbeat: Callable[[], Awaitable[None]]
    digest: Callable[[], Awaitable[None]]
    report: Callable[[], Awaitable[None]]
    symbols: Callable[[], Awaitable[None]]
    train: Callable[[], Awaitable[None]]
    backup: Callable[[], Awaitable[None]]
    drill: Callable[[], Awaitable[None]]
    heal: Callable[[], Awaitable[None]]
    verify: Callable[[], Awaitable[None]]
    soundness: Callable[[], Awaitable[None]]
    health: Callable[[], Awaitable[None]]
    deadman: Callable[[], Awaitable[None]] | None


def jobs(live: Live, timeframes: Sequence[Timeframe], chores: Chores) -> tuple[Job, ...]:
    """JOBS: everything this bot does by itself, and when."""
    scans = (Job(scan_job(tf), tf, AFTER_CLOSE_MS, 55.0, False, live.advance) for tf in timeframes)
    return (
        *scans,
        Job("settle", Timeframe.M1, 2_000, 55.0, True, live.advance),
        Job("heal", Timeframe.M1, 40_000, 50.0, False, chores.heal),
        Job("retention", Timeframe.D1, 3 * HOUR_MS + 17 * MINUTE_MS, 600.0, True, chores.retention),
        Job("heartbeat", Timeframe.M1, 30_000, 10.0, False, chores.heartbeat),
        # a zone's morning begins on a multiple of five minutes of UTC; report and digest themselves know when they are due
        Job("symbols", Timeframe.D1, 2 * MINUTE_MS, 60.0, False, chores.symbols),
        Job("report", Timeframe.M5, 4_000, 120.0, False, chores.report),
        Job("digest", Timeframe.M5, 5_000, 30.0, False, chores.digest),
        Job("backup", Timeframe.H1, 7 * MINUTE_MS, 600.0, True, chores.backup),
        # asked every day, done once a week
        Job(DRILL_JOB, Timeframe.D1, 5 * HOUR_MS + 23 * MINUTE_MS, 600.0, True, chores.drill),
        Job(TRAIN_JOB, Timeframe.D1, 4 * HOUR_MS + 41 * MINUTE_MS, 3_600.0, True, chores.train),
        Job("verify", Timeframe.H1, 12 * MINUTE_MS, 600.0, True, chores.verify),
        Job("soundness", Timeframe.D1, 5 * HOUR_MS + 47 * MINUTE_MS, 600.0, True, chores.soundness),
        # last, because it looks at what the others left
        Job("health", Timeframe.M5, 50_000, 60.0, False, chores.health),
        *([] if chores.deadman is None else [Job("deadman", Timeframe.M5, 55_000, 60.0, False, chores.deadman)]),
    )


class PacedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger in book time for a scheduler that lives in wall time."""

    def __init__(self, trigger: BaseTrigger, pace: Pace) -> None:
        self._trigger = trigger
        self._pace = pace

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        book_now = self._book(now)
        if previous_fire_time is not None:
            # the way to wall time and back may lose some of a second, and a slot must not come twice
            book_now = max(book_now, self._book(previous_fire_time)) + HALF_A_SECOND
        due = self._trigger.get_next_fire_time(None, book_now)
        return None if due is None else _at(self._pace.wall(_ms(due)))

    def _book(self, wall: datetime) -> datetime:
        return _at(self._pace.book(_ms(wall)))


class Schedule:
    """Runs a table of jobs until it is stopped."""

    def __init__(
        self, table: Sequence[Job], writer: Writer, owner: str, now_ms: Callable[[], int], pace: Pace = WALL_TIME
    ) -> None:
        self.table = tuple(table)
        self._writer = writer
        self._owner = owner
        self._now_ms = now_ms
        self._pace = pace
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._at_work: set[asyncio.Task[object]] = set()
        self._failing: set[str] = set()

    async def begin(self) -> None:
        """Give up what an earlier bot left unfinished."""
        now_ms = self._now_ms()
        await self._writer.run(lambda tx: self._give_up_abandoned(tx, now_ms))

    async def start(self) -> None:
        """Do every job once for what was missed, then go by the clock."""
        await self.begin()
        self._scheduler.add_job(self._knock_everywhere, misfire_grace_time=None)
        for job in self.table:
            self._scheduler.add_job(
                self.knock,
                PacedTrigger(cron(job.period, job.after_ms), self._pace),
                args=(job,),
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    async def stop(self) -> None:
        """Knock no more and let what runs come to its end, for a bounded time."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=STOP_TIMEOUT_S)
        self._scheduler.shutdown(wait=False)

    async def _knock_everywhere(self) -> None:
        for job in self.table:
            await self.knock(job)

    async def knock(self, job: Job) -> None:
        """Run a job for its newest slot, unless that slot is taken."""
        me = asyncio.current_task()
        assert me is not None
        self._at_work.add(me)
        me.add_done_callback(self._at_work.discard)
        slot_ms = job.slot_ms(self._now_ms())
        try:
            if job.claims and not await self._writer.run(lambda tx: self._take(tx, job, slot_ms)):
                return
        except BookError as error:
            self._say_once(job, str(error))
            return
        status, detail, began_ms = JobStatus.FAILED, "it ended in the middle", self._now_ms()
        try:
            async with asyncio.timeout(job.timeout_s):
                await job.run()
            status, detail = JobStatus.OK, ""
        except NothingToDo as reason:
            status, detail = JobStatus.SKIPPED, str(reason)
        except FORESEEN as error:
            detail = str(error) or f"took longer than {job.timeout_s:g} s"
        finally:
            self._say_once(job, detail if status is JobStatus.FAILED else None)
            facts = {"job": job.name, "slot_ms": slot_ms, "status": status.value, "took_ms": self._now_ms() - began_ms}
            logger.info("job ended", extra={"facts": facts | ({"why": detail} if detail else {})})
            if job.claims:
                await self._finish(job, slot_ms, status, detail or None)

    async def _finish(self, job: Job, slot_ms: int, status: JobStatus, detail: str | None) -> None:
        """Write down how a run ended; where the book cannot be written, the next start finds it not ended."""
        try:
            await self._writer.run(lambda tx: tx.job_runs.finish(job.name, slot_ms, status, detail, self._now_ms()))
        except BookError as error:
            self._say_once(job, str(error))

    def _say_once(self, job: Job, trouble: str | None) -> None:
        """Log the first failure of a row of them, and its end."""
        if trouble is not None and job.name not in self._failing:
            logger.warning("%s: %s", job.name, trouble)
            self._failing.add(job.name)
        elif trouble is None and job.name in self._failing:
            logger.info("%s is well again", job.name)
            self._failing.discard(job.name)

    def _give_up_abandoned(self, tx: Stores, now_ms: int) -> None:
        """Runs that a process did not live to end: what is still due of them is done by the first knock."""
        for run in tx.job_runs.abandon_unended(now_ms):
            logger.warning("%s of slot %d was begun by %s and not ended", run.job, run.slot_ms, run.owner)
            message = f"{run.job}, which {run.owner} had begun and not ended"
            healed(tx, Mend.CAUGHT_UP, message, now_ms, key=f"abandoned:{run.job}:{run.slot_ms}:{run.started_ms}")

    def _take(self, tx: Stores, job: Job, slot_ms: int) -> bool:
        now_ms = self._now_ms()
        _account_for(tx, job, slot_ms, now_ms)
        return tx.job_runs.claim(job.name, slot_ms, self._owner, now_ms) or tx.job_runs.retake(
            job.name, slot_ms, self._owner, now_ms
        )


def _account_for(tx: Stores, job: Job, slot_ms: int, now_ms: int) -> None:
    """Leave a row where slots passed without a run: the bot was down, or the run before took their time."""
    last = tx.job_runs.last(job.name)
    passed = 0 if last is None else (slot_ms - last.slot_ms) // job.period.ms - 1
    if passed > 0:
        tx.job_runs.miss(job.name, slot_ms - job.period.ms, f"{passed} slots passed without a run", now_ms)


def cron(period: Timeframe, after_ms: int) -> CronTrigger:
    """The UTC cron of `after_ms` behind every start of `period`; ValueError for periods that no cron can tell."""
    seconds, minutes, hours = after_ms // MS_PER_SECOND % 60, after_ms // MINUTE_MS % 60, after_ms // HOUR_MS
    if period.ms < HOUR_MS and after_ms < MINUTE_MS and HOUR_MS % period.ms == 0:
        return CronTrigger(minute=f"*/{period.ms // MINUTE_MS}", second=seconds, timezone=UTC)
    if HOUR_MS <= period.ms < DAY_MS and after_ms < HOUR_MS and DAY_MS % period.ms == 0:
        return CronTrigger(hour=f"*/{period.ms // HOUR_MS}", minute=minutes, second=seconds, timezone=UTC)
    if period is Timeframe.D1 and after_ms < DAY_MS:
        return CronTrigger(hour=hours, minute=minutes, second=seconds, timezone=UTC)
    raise ValueError(f"no cron runs {after_ms} ms behind every start of {period.text}")


def _ms(at: datetime) -> int:
    return round(at.timestamp() * MS_PER_SECOND)


def _at(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / MS_PER_SECOND, UTC)
