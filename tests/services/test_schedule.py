"""Jobs come at their time, once a slot, and faster where time is rehearsed."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine.timeframes import MINUTE_MS, Timeframe
from engine.vocabulary import BookKind
from gateways.market import MarketError
from services.pace import Pace
from services.schedule import Job, NothingToDo, PacedTrigger, Schedule, cron
from storage.book import Book
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.writer import Writer
from tests.storage.samples import NOW_MS


def fire_times(trigger, start, count):
    times, previous, now = [], None, start
    for _ in range(count):
        previous = now = trigger.get_next_fire_time(previous, now)
        times.append(now)
    return times


@pytest.mark.parametrize(
    ("timeframe", "after_ms", "expected"),
    [
        ("15m", 3_000, ["10:15:03", "10:30:03", "10:45:03"]),
        ("1h", 3_000, ["11:00:03", "12:00:03", "13:00:03"]),
        ("4h", 3_000, ["12:00:03", "16:00:03", "20:00:03"]),
        ("1m", 30_000, ["10:01:30", "10:02:30", "10:03:30"]),
        ("1d", 11_820_000, ["03:17:00", "03:17:00", "03:17:00"]),
    ],
)
def test_a_slot_comes_its_time_after_every_start_of_a_period(timeframe, after_ms, expected):
    trigger = cron(Timeframe.parse(timeframe), after_ms)

    times = fire_times(trigger, datetime(2024, 3, 5, 10, 1, tzinfo=UTC), 3)

    assert [f"{time:%H:%M:%S}" for time in times] == expected


def test_periods_that_no_cron_can_tell_are_refused():
    with pytest.raises(ValueError, match="no cron"):
        cron(Timeframe.D3, 0)


def test_a_rehearsal_meets_every_slot_once_at_its_own_speed():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    pace = Pace(book_ms=1_704_067_200_000, wall_ms=round(start.timestamp() * 1000), speed=700.0)
    trigger = PacedTrigger(cron(Timeframe.M1, 3_000), pace)

    times = fire_times(trigger, start, 500)

    steps = {round((after - before) / timedelta(minutes=1) * 700) for before, after in pairwise(times)}
    assert steps == {1}
    assert abs((times[0] - start).total_seconds() * 700 - 3) < 0.01


@pytest.mark.parametrize(
    ("ends", "status", "detail"),
    [
        (None, JobStatus.OK, None),
        (NothingToDo("trained yesterday"), JobStatus.SKIPPED, "trained yesterday"),
        (TimeoutError("took long"), JobStatus.FAILED, "took long"),
    ],
)
async def test_slot_and_log_keep_how_a_job_ended_and_why(
    ends: Exception | None, status: JobStatus, detail: str | None, caplog: pytest.LogCaptureFixture
):
    async def run() -> None:
        if ends is not None:
            raise ends

    caplog.set_level(logging.INFO, "services.schedule")
    job = Job("train", Timeframe.D1, 0, 5.0, True, run)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        await Schedule([job], writer, "test", lambda: NOW_MS).knock(job)
        with book.reading() as view:
            kept = view.job_runs.last("train")

    assert kept is not None
    assert (kept.status, kept.detail) == (status, detail)
    [facts] = [vars(record)["facts"] for record in caplog.records if record.msg == "job ended"]
    assert (facts["job"], facts["slot_ms"], facts["status"]) == ("train", job.slot_ms(NOW_MS), status.value)
    assert facts.get("why") == detail


async def nothing() -> None:
    """A job that has no trouble."""


async def test_slots_that_passed_without_a_run_leave_a_row_with_their_number():
    job = Job("settle", Timeframe.M1, 0, 5.0, True, nothing)
    now_ms = [NOW_MS]
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        schedule = Schedule([job], writer, "test", lambda: now_ms[0])
        await schedule.knock(job)
        now_ms[0] += 90 * MINUTE_MS
        await schedule.knock(job)
        with book.reading() as view:
            missed = view.job_runs.last("settle", JobStatus.MISSED)
            last = view.job_runs.last("settle")

    assert (missed.slot_ms, missed.detail) == (last.slot_ms - MINUTE_MS, "89 slots passed without a run")
    assert last.status is JobStatus.OK


async def test_a_run_that_a_dead_bot_left_is_given_up_as_an_event_and_its_slot_is_done_once_more():
    runs: list[int] = []

    async def run() -> None:
        runs.append(1)

    job = Job("backup", Timeframe.D1, 0, 5.0, True, run)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        await writer.run(lambda tx: tx.job_runs.claim("backup", job.slot_ms(NOW_MS), "dead", NOW_MS - 1))
        schedule = Schedule([job], writer, "test", lambda: NOW_MS)
        await schedule.begin()
        await schedule.knock(job)
        await schedule.knock(job)
        with book.reading() as view:
            [healed] = view.events.latest(5, EventType.HEALED)

    assert healed.message == "run done anew: backup, which dead had begun and not ended"
    assert runs == [1]


async def test_a_job_that_fails_again_and_again_is_logged_once_and_once_more_when_it_is_well(caplog):
    troubles = ["the exchange is down", "the exchange is down still", None]

    async def run() -> None:
        if (trouble := troubles.pop(0)) is not None:
            raise MarketError(trouble)

    job = Job("scan", Timeframe.M1, 0, 5.0, False, run)
    caplog.set_level("INFO", "services.schedule")
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        schedule = Schedule([job], writer, "test", lambda: NOW_MS)
        for _ in range(3):
            await schedule.knock(job)

    said = [record.getMessage() for record in caplog.records if "scan" in record.getMessage()]
    assert said[0] == "scan: the exchange is down"
    assert sum("down" in line for line in said) == 1
    assert "scan is well again" in said
