"""What the disk says around a book: sizes, room, who may read it, and the newest backup."""

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from services.backup import LARGE_BOOK_BYTES, backups_of

ENV_FILE = Path(".env")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Place:
    """`open_to_others` names the files with secrets or money in them that somebody else on the machine may read."""

    book_bytes: int
    wal_bytes: int
    free_bytes: int
    open_to_others: tuple[Path, ...]
    newest_backup_ms: int | None

    @property
    def is_large(self) -> bool:
        """Whether the book is backed up more seldom than every hour."""
        return self.book_bytes > LARGE_BOOK_BYTES


def place_of(book: Path, secrets: Path = ENV_FILE) -> Place:
    """The surroundings of an existing book; `secrets` is the file with the token, if there is one."""
    wal = book.with_name(book.name + "-wal")
    newest = next(iter(backups_of(book)), None)
    return Place(
        book_bytes=book.stat().st_size,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        free_bytes=shutil.disk_usage(book.absolute().parent).free,
        open_to_others=tuple(path for path in (book, secrets) if is_open_to_others(path)),
        newest_backup_ms=None if newest is None else newest.made_ms,
    )


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read or write a file; on systems without such rights nobody is asked."""
    return os.name == "posix" and path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)
