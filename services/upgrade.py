"""The way to a newer program: a backup that was tried out, the newest schema version, a true book, and the way back."""

from dataclasses import dataclass
from pathlib import Path

from engine.vocabulary import BookKind
from services.backup import Backup, BackupError, Step, back_up, drill, no_step, require_whole
from storage.book import Book
from storage.database import Fault
from storage.lock import BookLock

OWNER = "upgrade"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The backup that leads back, and the schema version the book has now."""

    backup: Backup
    version: str


def upgrade(book: Path, now_ms: int, *, step: Step = no_step, fault: Fault | None = None) -> Upgraded:
    """Bring the live book at this path to the newest schema version, which is one transaction.

    Nothing is changed before a backup was made and tried out. BackupError names that backup when the upgraded book does
    not hold its identities.
    """
    with BookLock.acquire(book, OWNER, now_ms):
        step("back up")
        backup = back_up(book, now_ms)
        step("try it out")
        if (problem := drill(backup).problem) is not None:
            raise BackupError(f"The backup cannot be restored, so nothing was changed: {problem}")
        step("migrate")
        with Book.open(book, BookKind.LIVE, now_ms=now_ms, create=False, fault=fault) as opened:
            version = opened.version
        step("ask its health")
        try:
            require_whole(book, book)
        except BackupError as error:
            raise BackupError(
                f"{error} The way back is {backup.path}, restored by the program it was made with."
            ) from error
    return Upgraded(backup, version)
