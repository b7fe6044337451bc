"""What signals made, by what they have in common, and how the jobs went: /stats, /jobs."""

from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from handlers.telegram.texts_report import results_table
from services.public_record import ENOUGH_TO_JUDGE
from storage.job_runs import JobRun, JobStatus
from storage.reports import Dimension, results_by
from storage.users import Role

JOB_MARKS = {
    JobStatus.STARTED: "⏳",
    JobStatus.OK: "✅",
    JobStatus.FAILED: "❌",
    JobStatus.SKIPPED: "💤",
    JobStatus.MISSED: "⚠️",
    JobStatus.ABANDONED: "⚠️",
}


async def stats(desk: Desk, asked: Asked) -> Answer:
    """Trades of sent signals by symbol, timeframe, setup, session, score or direction."""
    words = {dimension.value: dimension for dimension in Dimension}
    if len(asked.words) > 1 or (asked.words and asked.words[0].lower() not in words):
        raise CommandError("ask.stats", words=", ".join(words))
    dimension = words[asked.words[0].lower()] if asked.words else Dimension.SYMBOL
    with desk.book.reading() as view:
        found = results_by(view.connection, dimension)
    if not found:
        return Answer(asked.say("stats.none"))
    total = sum(group.n for group in found)
    lines = [asked.say("stats.head", by=dimension.value, n=total), results_table(asked.user.language, found)]
    if total < ENOUGH_TO_JUDGE:
        lines.append(asked.say("stats.few", enough=ENOUGH_TO_JUDGE))
    return Answer(joined(lines))


async def jobs(desk: Desk, asked: Asked) -> Answer:
    """The last run of every job."""
    alone(asked, "jobs")
    with desk.book.reading() as view:
        runs = view.job_runs.last_of_each()
    return Answer(joined(_job_line(asked, run) for run in runs) if runs else asked.say("jobs.none"))


def _job_line(asked: Asked, run: JobRun) -> Markup:
    mark, at = JOB_MARKS[run.status], asked.clock(run.finished_ms or run.started_ms or run.slot_ms)
    if run.detail:
        return asked.say("jobs.line_why", mark=mark, job=run.job, at=at, why=run.detail)
    return asked.say("jobs.line", mark=mark, job=run.job, at=at)


COMMANDS = (
    Command("stats", "[symbol|tf|setup|session|score|direction]", "about.stats", Role.OPERATOR, stats),
    Command("jobs", "", "about.jobs", Role.OPERATOR, jobs),
)
