"""The number that a book and the log beside it share, so that the log of another book is never read into it.

SQLite's log (`-wal`) does not say whose it is: one that lies beside a book is taken for its own, and written into it when
it is closed. So every book carries a number in its first page, which is written before there is a log and never changes.
"""

import secrets
from pathlib import Path

from storage.database import Access, Connection, begin_immediate, connect, roll_back
from storage.errors import ForeignLog

LOG_SUFFIX = "-wal"
NUMBER_AT = 60  # of a file's header: the user version, a field that SQLite leaves to the application
NUMBER_BYTES = 4
LARGEST_NUMBER = 2**31 - 1


def give_number(connection: Connection) -> None:
    """Write a number into the first page of a new file that has none and no log yet."""
    begin_immediate(connection)
    try:
        [mode] = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal" and not _number_seen(connection):
            connection.execute(f"PRAGMA user_version={1 + secrets.randbelow(LARGEST_NUMBER)}")
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def refuse_foreign_log(path: Path) -> None:
    """ForeignLog when what stands in the log beside the file at `path` was written for another one; nothing is changed.

    To be asked before anybody opens the file for writing. Raises DatabaseError for a log that makes no sense with it.
    """
    log = path.with_name(path.name + LOG_SUFFIX)
    if not log.exists() or not log.stat().st_size or not path.stat().st_size:
        return
    with path.open("rb") as file:
        file.seek(NUMBER_AT)
        own = int.from_bytes(file.read(NUMBER_BYTES), "big")
    connection = connect(path, Access.READ)
    try:
        seen = _number_seen(connection)
    finally:
        connection.close()
    if seen != own:
        raise ForeignLog(
            f"{log} is the log of another book, so {path} was not opened. Move {log.name} away and start again."
        )


def _number_seen(connection: Connection) -> int:
    """The number as SQLite sees it, with the log."""
    [number] = connection.execute("PRAGMA user_version").fetchone()
    return int(number)
