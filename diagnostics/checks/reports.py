"""Whether the owner was told how the last closed day went, and whether what he was told can be true."""

from diagnostics.checks.finding import Asked, Check, Said, Status
from engine.timeframes import MINUTE_MS
from services.periods import CalendarPeriod
from services.report_calendar import DUE_AT, PATIENCE_MS, SCOPE, counts_in, report_zone
from storage.snapshots import SnapshotPeriod

LATE_AFTER_MS = PATIENCE_MS + 10 * MINUTE_MS


def daily_report(asked: Asked) -> Said:
    """The report of the last day that is due is kept, made after its end, and counts nothing that is not there."""
    zone = report_zone(asked.view)
    day = CalendarPeriod.last_closed(SnapshotPeriod.DAY, asked.now_ms, zone)
    if asked.now_ms < day.after_ms(DUE_AT) + LATE_AFTER_MS:
        day = day.previous
    if day.span.to_ms <= max(asked.view.meta.created_ms(), _running_since_ms(asked)):
        return Said(Status.IDLE, "none due", "the bot has not seen a day to its end yet")
    kept = asked.view.snapshots.at(SCOPE, zone, SnapshotPeriod.DAY, day.span.from_ms)
    if kept is None:
        return Said(Status.FAIL, f"none of {day.first}", "it is overdue", since_ms=day.after_ms(DUE_AT))
    counts = counts_in(kept)
    if counts.made_ms < counts.to_ms or counts.sent > counts.decided or counts.ended != counts.trades:
        detail = "it was made before the day's end, or its counts do not add up"
        return Said(Status.WARN, f"{day.first} cannot be true", detail, since_ms=counts.made_ms)
    return Said(Status.OK, str(day.first), "kept, and its counts add up")


def _running_since_ms(asked: Asked) -> int:
    """A bot that was started today is not blamed for the days before."""
    return asked.now_ms if asked.pulse is None else asked.pulse.started_ms


CHECKS = (
    Check(
        "daily report",
        "the report of the last day that is due, by the clock of the owner",
        f"{DUE_AT:%H:%M} and {LATE_AFTER_MS // MINUTE_MS} min",
        "see the check of jobs; it is made within five minutes once the bot runs, /daily shows the day anyway",
        daily_report,
    ),
)
