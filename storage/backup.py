"""Copies of a book's file: made whole while others write, counted, checked, and found again in a damaged one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from storage.database import Access, Connection, connect, explaining
from storage.errors import CorruptBook, NotABook, ReadOnlyBook
from storage.outbox import OutboxItem
from storage.own_log import refuse_foreign_log
from storage.stores import Stores

WHOLE_FILE = -1
"""Pages a step of SQLite's backup: all in one, because a step-wise one begins anew with every write of the bot."""
ONE_PASS_CACHE_KIB = 1_024
"""Who goes through a file once gains nothing from more, and every thread's heap would keep the room of it for good."""


class Depth(Enum):
    """How closely SQLite looks at a file: at its pages alone, or at every index entry against its row as well."""

    QUICK = "quick_check"
    WHOLE = "integrity_check"


@dataclass(frozen=True, slots=True)
class Census:
    """How many rows each table has, by its name."""

    rows: tuple[tuple[str, int], ...]

    def differences(self, other: "Census") -> tuple[str, ...]:
        """The tables whose count differs in `other`, in words."""
        mine, theirs = dict(self.rows), dict(other.rows)
        return tuple(
            f"{table}: {mine.get(table, 0)} rows became {theirs.get(table, 0)}"
            for table in sorted(mine.keys() | theirs.keys())
            if mine.get(table) != theirs.get(table)
        )


def copy_book(source: Path, target: Path) -> Census:
    """Write the book as it stands now, of whatever schema version, into a new single file; the rows it had then.

    Raises a BookError, then `target` may be there in part.
    """
    with _opened(source, Access.READ) as reading:
        reading.execute("BEGIN")  # the count and the copy are of one instant
        census = _census(reading)
        _create(target)
        with _opened(target, Access.WRITE) as writing:
            reading.backup(writing, pages=WHOLE_FILE)
            writing.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        reading.execute("ROLLBACK")
    return census


def census_of(path: Path) -> Census:
    """The rows of the book at `path`."""
    with _opened(path, Access.READ) as reading:
        return _census(reading)


def damage(path: Path, depth: Depth = Depth.QUICK) -> str | None:
    """What SQLite finds wrong with the file, None when it is sound; BookError where it cannot be asked."""
    try:
        with _opened(path, Access.READ) as reading:
            said = [text for (text,) in reading.execute(f"PRAGMA {depth.value}(1)") if text != "ok"]
    except (CorruptBook, NotABook) as error:
        return str(error)
    return said[0].splitlines()[-1] if said else None


def settle_into_one_file(path: Path) -> None:
    """Bring everything that stands beside the book into its file; nobody may have it open. Raises a BookError."""
    with _opened(path, Access.WRITE_DURABLY) as writing:
        writing.execute("PRAGMA journal_mode=DELETE").close()


def waiting(view: Stores) -> tuple[OutboxItem, ...]:
    """Every row of the outbox that the book holds as not yet sent or as being sent, oldest first."""
    found = view.connection.execute("SELECT id FROM outbox WHERE state IN('PENDING','SENDING') ORDER BY id").fetchall()
    return tuple(view.outbox.get(outbox_id) for (outbox_id,) in found)


def _census(connection: Connection) -> Census:
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
        )
    ]
    counts = (connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0] for table in tables)
    return Census(tuple(zip(tables, counts, strict=True)))


def _create(target: Path) -> None:
    try:
        target.touch(mode=0o600)
    except OSError as error:
        raise ReadOnlyBook(f"{target} cannot be created: {error.strerror}.") from error


@contextmanager
def _opened(path: Path, access: Access) -> Iterator[Connection]:
    with explaining(path):
        refuse_foreign_log(path)
        connection = connect(path, access)
        try:
            connection.execute(f"PRAGMA cache_size=-{ONE_PASS_CACHE_KIB}")
            yield connection
        finally:
            connection.close()
