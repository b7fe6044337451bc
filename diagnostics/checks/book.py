"""Whether the book is whole, true, backed up, and its backups can be used."""

from collections.abc import Callable

from diagnostics.checks.finding import Asked, Check, Said, Status
from engine.timeframes import DAY_MS, HOUR_MS, duration_text
from storage.backup import Depth
from storage.health import missing_versions
from storage.job_runs import DRILL_JOB, JobStatus
from storage.legacy import LegacyRecords
from storage.verified import last_soundness

VERIFY_LATE_MS = 3 * HOUR_MS
BACKUP_LATE_MS = 2 * HOUR_MS + HOUR_MS // 2
LARGE_BACKUP_LATE_MS = 8 * HOUR_MS
QUICK_LATE_MS = DAY_MS + 12 * HOUR_MS
WEEKLY_LATE_MS = 8 * DAY_MS
MOST_QUARANTINED_RATIO = 0.05


def kind(asked: Asked) -> Said:
    """What kind of book it is; that is never wrong."""
    word = asked.view.meta.kind().value
    return Said(Status.OK, word, f"a {word} book")


def schema(asked: Asked) -> Said:
    """The book has been through every version of the schema."""
    if missing := missing_versions(asked.view):
        return Said(Status.FAIL, f"{len(missing)} missing", missing[0])
    return Said(Status.OK, "newest", "every version was applied")


def verify(asked: Asked) -> Said:
    """The last look over the whole book is not old, where the book is too large to be looked through on the spot."""
    at_ms = asked.truths.verified_ms
    if at_ms is None:
        return Said(Status.OK, "just now", "every identity was asked of every row")
    age_ms = asked.now_ms - at_ms
    value = f"{duration_text(age_ms)} ago"
    if age_ms > VERIFY_LATE_MS:
        return Said(Status.WARN, value, "older rows are not looked at", since_ms=at_ms)
    return Said(Status.OK, value, "and everything since was asked now")


def legacy_import(asked: Asked) -> Said:
    """The last import of legacy files came to its end and could use nearly all it found."""
    last = next(iter(LegacyRecords(asked.view.connection).imports()), None)
    if last is None:
        return Said(Status.IDLE, "none", "nothing was imported")
    if last.finished_ms is None:
        return Said(Status.WARN, "cut off", f"that of {last.directory}", since_ms=last.started_ms)
    totals = _totals(last.report)
    value = f"{totals['quarantined']:,} of {totals['records']:,} quarantined"
    if totals["quarantined"] > MOST_QUARANTINED_RATIO * totals["records"]:
        return Said(Status.WARN, value, f"that of {last.directory}", since_ms=last.finished_ms)
    return Said(Status.OK, value, f"that of {last.directory}")


def sound(depth: Depth, late_ms: int) -> Callable[[Asked], Said]:
    """The check of what SQLite said of the newest backup at this depth."""

    def answer(asked: Asked) -> Said:
        found = last_soundness(asked.view.meta, depth)
        if found is None:
            return Said(Status.IDLE, "none", "no backup was looked over yet")
        age_ms = asked.now_ms - found.at_ms
        if found.problem is not None:
            return Said(Status.FAIL, "damaged", found.problem, since_ms=found.at_ms)
        value = f"{duration_text(age_ms)} ago"
        if age_ms > late_ms:
            return Said(Status.WARN, value, f"{found.backup} was the last", since_ms=found.at_ms)
        return Said(Status.OK, value, f"{found.backup} is sound")

    return answer


def backup(asked: Asked) -> Said:
    """The newest backup is young."""
    place = asked.place
    if place is None:
        return Said(Status.IDLE, "-", "nobody looked at the disk")
    late_ms = LARGE_BACKUP_LATE_MS if place.is_large else BACKUP_LATE_MS
    if place.newest_backup_ms is not None and asked.now_ms - place.newest_backup_ms <= late_ms:
        return Said(Status.OK, f"{duration_text(asked.now_ms - place.newest_backup_ms)} ago", "a backup is there")
    since_ms = place.newest_backup_ms
    if since_ms is None:
        up_since_ms = asked.now_ms if asked.pulse is None else asked.pulse.started_ms
        if asked.now_ms - up_since_ms <= late_ms:
            return Said(Status.IDLE, "none", "the first hour is not over")
        return Said(Status.FAIL, "none", "there is no backup at all", since_ms=up_since_ms)
    return Said(
        Status.FAIL,
        f"{duration_text(asked.now_ms - since_ms)} ago",
        "that was the last one",
        duration_text(late_ms),
        since_ms,
    )


def restore_drill(asked: Asked) -> Said:
    """A backup was restored into a scratch file lately, and was whole."""
    last = asked.view.job_runs.last(DRILL_JOB, JobStatus.OK)
    if last is None:
        return Said(Status.IDLE, "none", "no backup was tried out yet")
    age_ms = asked.now_ms - last.slot_ms
    if age_ms > WEEKLY_LATE_MS:
        return Said(
            Status.WARN, f"{duration_text(age_ms)} ago", "that was the last one that stood", since_ms=last.slot_ms
        )
    return Said(Status.OK, f"{duration_text(age_ms)} ago", "the backup stood the trial")


def _totals(report: object) -> dict[str, int]:
    """The counts of an import's report."""
    assert isinstance(report, dict)
    return {name: int(report["totals"][name]) for name in ("records", "quarantined")}


CHECKS = (
    Check("book", "the kind of the book", "live, replay or demo", "", kind, every_book=True),
    Check(
        "schema",
        "the versions the book has been through",
        "all",
        "python bot.py upgrade",
        schema,
        every_book=True,
    ),
    Check(
        "verify",
        "the last look over the whole book, of more than 50,000 rows",
        f"{VERIFY_LATE_MS // HOUR_MS} h",
        "see the check of jobs; python bot.py verify looks now",
        verify,
        slow=True,
    ),
    Check(
        "import",
        "the last import of legacy files",
        f"{MOST_QUARANTINED_RATIO:.0%} quarantined",
        "docs/import.md tells the reasons; an import that was cut off goes on when it is started again",
        legacy_import,
    ),
    Check(
        "quick check",
        "what SQLite's daily quick_check said of the newest backup",
        f"{QUICK_LATE_MS // HOUR_MS} h, sound",
        "python bot.py backup, then verify; a disk that loses bits has to go",
        sound(Depth.QUICK, QUICK_LATE_MS),
    ),
    Check(
        "integrity check",
        "what SQLite's weekly integrity_check said of the newest backup",
        f"{WEEKLY_LATE_MS // DAY_MS} d, sound",
        "python bot.py backup, then verify; a disk that loses bits has to go",
        sound(Depth.WHOLE, WEEKLY_LATE_MS),
    ),
    Check(
        "backup",
        "the newest backup",
        f"{duration_text(BACKUP_LATE_MS)}, of a book above 200 MB {duration_text(LARGE_BACKUP_LATE_MS)}",
        "python bot.py backup says what is in the way",
        backup,
    ),
    Check(
        "restore drill",
        "the last backup that was tried out",
        f"{WEEKLY_LATE_MS // DAY_MS} d",
        "see the check of jobs",
        restore_drill,
    ),
)
