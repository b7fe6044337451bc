"""Backups for the owner: /backup."""

from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from services.backup import backups_of
from services.backup_jobs import BackupJobs
from storage.errors import BookError
from storage.users import Role

BYTES_PER_MB = 1_000_000


async def backup(desk: Desk, asked: Asked) -> Answer:
    """Make a backup now, try it out, and say what came of it."""
    alone(asked, "backup")
    jobs = BackupJobs(desk.book, desk.now_ms)
    try:
        made = await jobs.make()
    except BookError as error:
        raise CommandError("backup.failed", reason=str(error)) from error
    tried = await jobs.try_newest()
    if tried is None or tried.problem is not None:
        raise CommandError("backup.failed", reason=made.path.name if tried is None else str(tried.problem))
    return Answer(
        asked.say(
            "backup.made",
            name=made.path.name,
            size=f"{made.size_bytes / BYTES_PER_MB:.1f}",
            rows=f"{tried.rows:,}",
            count=len(backups_of(desk.book.path)),
        )
    )


COMMANDS = (Command("backup", "", "about.backup", Role.OWNER, backup, changes=True),)
