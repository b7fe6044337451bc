"""Whether the bot runs, and whether everything it does by itself is done when it is due, to its end, and well."""

from diagnostics.checks.finding import Asked, Check, Said, Status, some
from engine.timeframes import MINUTE_MS, duration_text
from storage.events import EventType
from storage.job_runs import JobRun, JobStatus
from storage.pulse import Cadence

PULSE_LATE_MS = 3 * MINUTE_MS
SLOT_LATE_MS = 10 * MINUTE_MS
"""A bot that comes back catches up first; only then are its jobs late."""
STUCK_AFTER_MS = 10 * MINUTE_MS


def process(asked: Asked) -> Said:
    """The bot writes its pulse every minute."""
    pulse = asked.pulse
    if pulse is None:
        return Said(Status.IDLE, "never ran", "the bot was not started on this book")
    silent_ms = asked.now_ms - pulse.at_ms
    if silent_ms <= asked.of_wall_ms(PULSE_LATE_MS):
        return Said(
            Status.OK, f"up {duration_text(asked.now_ms - pulse.started_ms)}", "it runs", since_ms=pulse.started_ms
        )
    stopped = asked.view.events.latest(1, EventType.BOT_STOPPED)
    if stopped and stopped[0].at_ms >= pulse.at_ms:
        return Said(Status.WARN, "stopped", "somebody stopped it", since_ms=stopped[0].at_ms)
    return Said(
        Status.FAIL, f"silent for {duration_text(silent_ms)}", "it ended in the middle, or hangs", since_ms=pulse.at_ms
    )


def on_time(asked: Asked) -> Said:
    """Every job has taken its last slot."""
    if not (cadences := _cadences(asked)):
        return Said(Status.IDLE, "no jobs", "the bot was not started on this book")
    last = {run.job: run for run in asked.runs}
    late = [one for one in cadences if _is_late(asked, one, last.get(one.job))]
    if late:
        slots = [run.slot_ms for one in late if (run := last.get(one.job)) is not None]
        names = some(tuple(one.job for one in late))
        return Said(Status.FAIL, f"{len(late)} late", names, since_ms=min(slots, default=None))
    return Said(Status.OK, f"{len(cadences)} jobs", "each took its last slot")


def done_well(asked: Asked) -> Said:
    """The last run of every job did not fail and was not given up."""
    if not asked.runs:
        return Said(Status.IDLE, "none ran", "the bot was not started on this book")
    bad = [run for run in _present(asked) if run.status in (JobStatus.FAILED, JobStatus.ABANDONED)]
    if bad:
        told = "; ".join(f"{run.job}: {run.detail or run.status.value}" for run in bad[:2])
        return Said(Status.FAIL, f"{len(bad)} failed", told, since_ms=min(run.slot_ms for run in bad))
    return Said(Status.OK, f"{len(asked.runs)} jobs", "every last run ended well")


def not_stuck(asked: Asked) -> Said:
    """No run takes longer than its job may."""
    allowed_ms = {one.job: max(one.timeout_ms, STUCK_AFTER_MS) for one in _cadences(asked)}
    stuck = [
        run
        for run in asked.runs
        if run.status is JobStatus.STARTED
        and asked.now_ms - (run.started_ms or run.slot_ms) > allowed_ms.get(run.job, STUCK_AFTER_MS)
    ]
    if stuck:
        begun_ms = min(run.started_ms or run.slot_ms for run in stuck)
        return Said(Status.FAIL, f"{len(stuck)} stuck", some(tuple(run.job for run in stuck)), since_ms=begun_ms)
    return Said(Status.OK, "none", "no run takes too long")


def _cadences(asked: Asked) -> tuple[Cadence, ...]:
    return () if asked.pulse is None else asked.pulse.jobs


def _present(asked: Asked) -> list[JobRun]:
    """The runs of the jobs there are: a timeframe that is watched no more left a last run, too."""
    known = {one.job for one in _cadences(asked)}
    return [run for run in asked.runs if not known or run.job in known]


def _is_late(asked: Asked, cadence: Cadence, last: JobRun | None) -> bool:
    assert asked.pulse is not None, "cadences come with the pulse"
    due_ms = cadence.slot_ms(asked.now_ms - asked.of_wall_ms(SLOT_LATE_MS))
    if due_ms < asked.pulse.started_ms:
        return False  # the bot was not there to run it
    return last is None or last.slot_ms < due_ms


CHECKS = (
    Check(
        "process",
        "the pulse of the bot and how long it is up",
        f"{PULSE_LATE_MS // MINUTE_MS} min",
        "start it: python bot.py run; if it runs, restart it",
        process,
    ),
    Check(
        "jobs on time",
        "the last slot of every job against its cadence",
        f"{SLOT_LATE_MS // MINUTE_MS} min",
        "restart the bot; what was missed is caught up with",
        on_time,
    ),
    Check(
        "jobs done well",
        "how the last run of every job ended",
        "none failed",
        "the reason stands behind the name; the next slot tries again",
        done_well,
    ),
    Check(
        "jobs not stuck",
        "runs that were begun and not ended",
        "the job's time, at least 10 min",
        "restart the bot",
        not_stuck,
    ),
)
