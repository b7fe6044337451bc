"""One bot per book: a lock the system itself drops when its holder dies, with a note of who holds it."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import IO

from storage.errors import BookInUse, MissingDirectory, ReadOnlyBook

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_SUFFIX = ".lock"
NOTE_BYTES = 512
# locked far behind the note, because a locked byte cannot be read by others on Windows
WINDOWS_LOCK_OFFSET = 1 << 30
MS_PER_SECOND = 1000
# somebody who only asks who runs holds the lock for an instant
ATTEMPT_PAUSES_S = (0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs on a book, since when, and when it last gave a sign of life."""

    owner: str
    pid: int
    since_ms: int
    heartbeat_ms: int


class BookLock:
    """The right to run on a book; held until `release()`, or until the process ends in whatever way."""

    def __init__(self, file: IO[bytes], holder: Holder) -> None:
        self._file = file
        self.holder = holder

    @classmethod
    def acquire(cls, book: Path | str, owner: str, now_ms: int) -> "BookLock":
        """Take the lock of the book at this path; BookInUse says who has it. What a dead bot left is taken over."""
        path = _lock_path(book)
        if not path.parent.is_dir():
            raise MissingDirectory(f"The directory {path.parent} does not exist.")
        try:
            # append mode creates the file and never truncates another holder's note
            with path.open("ab"):
                pass
            file = path.open("r+b", buffering=0)
        except OSError as error:
            raise ReadOnlyBook(f"{path} cannot be written: {error.strerror}.") from error
        if not _lock_patiently(file):
            with file:
                raise BookInUse(_in_use(book, _note(file)))
        lock = cls(file, Holder(owner, os.getpid(), now_ms, now_ms))
        lock._write_note()
        return lock

    def beat(self, now_ms: int) -> None:
        """Give a sign of life."""
        self.holder = Holder(self.holder.owner, self.holder.pid, self.holder.since_ms, now_ms)
        self._write_note()

    def release(self) -> None:
        """Let the next bot run; the file stays, because removing it could take another's lock away."""
        if self._file.closed:
            return
        self._file.seek(0)
        self._file.write(b" " * NOTE_BYTES)
        self._file.close()

    def __enter__(self) -> "BookLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _write_note(self) -> None:
        self._file.seek(0)
        self._file.write(json.dumps(asdict(self.holder)).encode().ljust(NOTE_BYTES))


def holder_of(book: Path | str) -> Holder | None:
    """Who runs on the book now; None when nobody does. The lock is asked, not the note."""
    try:
        file = _lock_path(book).open("r+b", buffering=0)
    except OSError:
        return None
    with file:
        return None if _try_lock(file) else _note(file)


def _lock_path(book: Path | str) -> Path:
    # two names of one file must share their lock
    resolved = Path(book).resolve()
    return resolved.with_name(resolved.name + LOCK_SUFFIX)


def _lock_patiently(file: IO[bytes]) -> bool:
    for pause_s in ATTEMPT_PAUSES_S:
        if _try_lock(file):
            return True
        sleep(pause_s)
    return _try_lock(file)


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(WINDOWS_LOCK_OFFSET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _note(file: IO[bytes]) -> Holder | None:
    """What the holder wrote; None while it is just writing it."""
    file.seek(0)
    try:
        return Holder(**json.loads(file.read(NOTE_BYTES)))
    except (ValueError, TypeError):
        return None


def _in_use(book: Path | str, holder: Holder | None) -> str:
    if holder is None:
        return f"Another Onebook runs on {book}; stop it first."
    since = datetime.fromtimestamp(holder.since_ms / MS_PER_SECOND, UTC).isoformat(sep=" ", timespec="seconds")
    return f"Another Onebook ({holder.owner}, pid {holder.pid}, since {since}) runs on {book}; stop it first."
