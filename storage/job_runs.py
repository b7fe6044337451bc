"""The job runs: who took which slot of which job, and how it ended; the claim is the truth, not the scheduler."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.database import Connection

DRILL_JOB, TRAIN_JOB = "drill", "train"
"""Names of jobs whose runs are asked for elsewhere."""


class JobStatus(Enum):
    STARTED = "STARTED"
    OK = "OK"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True, slots=True)
class JobRun:
    job: str
    slot_ms: int
    owner: str | None
    started_ms: int | None
    finished_ms: int | None
    status: JobStatus
    detail: str | None


_COLUMNS = "job, slot_ms, owner, started_ms, finished_ms, status, detail"


class JobRuns:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, job: str, slot_ms: int, owner: str, now_ms: int) -> bool:
        """Take a slot: True for the one who got it, False for everybody after."""
        row = self._connection.execute(
            "INSERT INTO job_runs(job, slot_ms, owner, started_ms) VALUES(?,?,?,?)"
            " ON CONFLICT(job,slot_ms) DO NOTHING RETURNING job",
            (job, slot_ms, owner, now_ms),
        ).fetchone()
        return row is not None

    def retake(self, job: str, slot_ms: int, owner: str, now_ms: int) -> bool:
        """Take over a slot that was begun and came to nothing: True when it was ABANDONED or FAILED and is ours now."""
        row = self._connection.execute(
            "UPDATE job_runs SET owner=?, started_ms=?, finished_ms=NULL, status='STARTED', detail=NULL"
            " WHERE job=? AND slot_ms=? AND status IN('ABANDONED','FAILED') RETURNING job",
            (owner, now_ms, job, slot_ms),
        ).fetchone()
        return row is not None

    def finish(self, job: str, slot_ms: int, status: JobStatus, detail: str | None, now_ms: int) -> None:
        self._connection.execute(
            "UPDATE job_runs SET status=?, detail=?, finished_ms=? WHERE job=? AND slot_ms=?",
            (status.value, detail, now_ms, job, slot_ms),
        )

    def miss(self, job: str, slot_ms: int, detail: str, now_ms: int) -> bool:
        """Note a slot that nobody ran: True when it was free."""
        row = self._connection.execute(
            "INSERT INTO job_runs(job, slot_ms, finished_ms, status, detail) VALUES(?,?,?,'MISSED',?)"
            " ON CONFLICT(job,slot_ms) DO NOTHING RETURNING job",
            (job, slot_ms, now_ms, detail),
        ).fetchone()
        return row is not None

    def last(self, job: str, status: JobStatus | None = None) -> JobRun | None:
        """The run of the job's latest slot, of one status if given; None when there is none."""
        found = self._select(
            "job=?1 AND (?2 IS NULL OR status=?2) ORDER BY slot_ms DESC LIMIT 1",
            (job, None if status is None else status.value),
        )
        return found[0] if found else None

    def last_done_ms(self, job: str) -> int | None:
        """The job's latest slot that needs no run any more: done, skipped or missed; None when there is none."""
        row = self._connection.execute(
            "SELECT MAX(slot_ms) FROM job_runs WHERE job=? AND status IN('OK','SKIPPED','MISSED')", (job,)
        ).fetchone()
        slot_ms: int | None = row[0]
        return slot_ms

    def last_of_each(self) -> tuple[JobRun, ...]:
        """The run of every job's latest slot, by job."""
        return self._select("(job,slot_ms) IN(SELECT job, MAX(slot_ms) FROM job_runs GROUP BY job) ORDER BY job", ())

    def abandon_unended(self, now_ms: int) -> tuple[JobRun, ...]:
        """Mark every run that never ended as ABANDONED, and return them by slot; asked at start, by who holds the lock.

        When a run began does not matter: the clock may have been wrong then.
        """
        self._connection.execute(
            "UPDATE job_runs SET status='ABANDONED', finished_ms=?, detail='its process ended in the middle'"
            " WHERE status='STARTED'",
            (now_ms,),
        )
        return self._select("status='ABANDONED' AND finished_ms=? ORDER BY slot_ms, job", (now_ms,))

    def _select(self, where: str, values: Sequence[object]) -> tuple[JobRun, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM job_runs WHERE {where}", values)
        return tuple(_job_run(row) for row in rows)


def _job_run(row: Sequence[Any]) -> JobRun:
    job, slot_ms, owner, started_ms, finished_ms, status, detail = row
    return JobRun(job, slot_ms, owner, started_ms, finished_ms, JobStatus(status), detail)
