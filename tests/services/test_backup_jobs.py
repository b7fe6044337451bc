"""The bot makes a backup every hour and tries one out every week, and says FAILED when one cannot be restored."""

from pathlib import Path

from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import BookKind
from services.backup import backups_of
from services.backup_jobs import BackupJobs
from services.schedule import Job, Schedule
from storage.book import Book
from storage.job_runs import JobStatus
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.storage.samples import NOW_MS


async def test_backups_come_hourly_and_drills_weekly(tmp_path: Path):
    clock = ManualClock(NOW_MS)
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        own = BackupJobs(book, clock.now_ms)
        backup = Job("backup", Timeframe.H1, 0, 60.0, True, own.hourly)
        trial = Job("drill", Timeframe.D1, 0, 60.0, True, own.weekly)
        schedule = Schedule([], writer, "test", clock.now_ms)

        async def ended(job: Job) -> tuple[JobStatus, str | None]:
            await schedule.knock(job)
            with book.reading() as view:
                run = view.job_runs.last(job.name)
            assert run is not None
            return run.status, run.detail

        assert await ended(trial) == (JobStatus.SKIPPED, "there is no backup yet")
        assert await ended(backup) == (JobStatus.OK, None)
        clock.advance(HOUR_MS)
        assert await ended(backup) == (JobStatus.OK, None)
        assert len(backups_of(book.path)) == 2

        clock.advance(DAY_MS)
        assert await ended(trial) == (JobStatus.OK, None)
        clock.advance(DAY_MS)
        assert (await ended(trial))[0] is JobStatus.SKIPPED
        clock.advance(6 * DAY_MS)
        backups_of(book.path)[0].path.write_bytes(b"rotten")
        status, detail = await ended(trial)

        assert status is JobStatus.FAILED
        assert detail is not None
        assert "its hash has changed" in detail
