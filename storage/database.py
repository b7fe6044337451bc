"""The one door to SQLite: opens connections as the book wants them, begins transactions, translates errors."""

import sqlite3 as _standard
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from operator import methodcaller
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import numpy as np

from storage.errors import BookError, BusyBook, CorruptBook, DiskFull, NotABook, ReadOnlyBook, UnreachableBook

if TYPE_CHECKING:
    sqlite3 = _standard
else:
    try:
        # its SQLite is newer than most systems' and free of the WAL-reset corruption
        import pysqlite3 as sqlite3
    except ImportError:
        sqlite3 = _standard

Connection = sqlite3.Connection
DatabaseError = sqlite3.DatabaseError
IntegrityError = sqlite3.IntegrityError
SQLITE_VERSION = sqlite3.sqlite_version

BUSY_TIMEOUT_S = 1.0
BUSY_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
CACHE_KIB = 16_384
CACHED_STATEMENTS = 256
PRIMARY_CODE_MASK = 0xFF
NUMPY_SCALARS = (
    np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16, np.float32, np.bool_,
)  # fmt: skip


class Access(Enum):
    """What a connection may do, and how hard its commits are pressed onto the disk."""

    READ = "ro"
    WRITE = "NORMAL"
    WRITE_DURABLY = "FULL"


class Moment(Enum):
    BEFORE = "before"
    AFTER = "after"


Fault = Callable[[Moment, str], None]
"""Called around every statement, COMMIT included; a crash test raises or kills in it."""


class FaultyConnection(sqlite3.Connection):
    """A connection that calls `fault` before and after every statement."""

    fault: Fault | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> _standard.Cursor:
        return self._around(sql, lambda: super(FaultyConnection, self).execute(sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> _standard.Cursor:
        return self._around(sql, lambda: super(FaultyConnection, self).executemany(sql, parameters))

    def _around(self, sql: str, run: Callable[[], _standard.Cursor]) -> _standard.Cursor:
        if self.fault is None:
            return run()
        self.fault(Moment.BEFORE, sql)
        cursor = run()
        try:
            self.fault(Moment.AFTER, sql)
        except BaseException:
            # a cursor that a traceback keeps alive would keep its lock, too
            cursor.close()
            raise
        return cursor


def connect(path: Path, access: Access, *, fault: Fault | None = None) -> Connection:
    """A connection to an existing file, in autocommit mode: transactions are begun by hand.

    It may be handed from thread to thread, but never used by two at once. Raises DatabaseError.
    """
    try:
        return _connected(path, access, fault)
    except DatabaseError as error:
        if access is not Access.READ or primary_code(error) != sqlite3.SQLITE_READONLY:
            raise
    # who died before the file had a log left a journal beside it, which only one who may write can roll back
    _connected(path, Access.WRITE, None).close()
    return _connected(path, access, fault)


def _connected(path: Path, access: Access, fault: Fault | None) -> Connection:
    mode = "ro" if access is Access.READ else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
        factory=FaultyConnection if fault else sqlite3.Connection,
    )
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    if access is not Access.READ:
        connection.execute(f"PRAGMA synchronous={access.value}")
    if isinstance(connection, FaultyConnection):
        connection.fault = fault
    return connection


def begin_immediate(connection: Connection, pauses_s: Sequence[float] = BUSY_PAUSES_S) -> None:
    """Take the write lock now, waiting for other processes a bounded time; then SQLITE_BUSY is raised."""
    _patiently(connection, "BEGIN IMMEDIATE", pauses_s)


def use_wal(connection: Connection) -> None:
    """Let readers read while one writes; a file that is in this mode already is not touched."""
    _patiently(connection, "PRAGMA journal_mode=WAL", BUSY_PAUSES_S)


def roll_back(connection: Connection) -> None:
    """End the transaction as if it had never been; SQLite may have done so itself (a full disk)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def insert(connection: Connection, sql: str, row: Sequence[object]) -> int:
    """Run an INSERT and return the id of its row."""
    rowid = connection.execute(sql, row).lastrowid
    assert rowid is not None
    return rowid


def primary_code(error: DatabaseError) -> int:
    """SQLite's primary result code of an error, 0 when the driver itself raised it."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & PRIMARY_CODE_MASK


def explained(error: DatabaseError, path: Path) -> BookError | None:
    """The sentence for a person behind an error of the disk, the file or the lock; None for an error of our own."""
    match primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyBook(f"{path} is busy: another process is writing and did not finish in time.")
        case sqlite3.SQLITE_FULL:
            return DiskFull(f"The disk of {path} is full; nothing was written.")
        case sqlite3.SQLITE_READONLY:
            return ReadOnlyBook(f"{path} cannot be written: the file, its directory or its disk is read-only.")
        case sqlite3.SQLITE_CORRUPT:
            return CorruptBook(f"{path} is damaged ({error}); restore a backup.")
        case sqlite3.SQLITE_NOTADB:
            return NotABook(f"{path} is not a book: it is no SQLite file.")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_PERM:
            return UnreachableBook(f"{path} cannot be opened, read or written: {error}.")
        case _:
            return None


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn SQLite's errors of disk, file and lock into sentences; errors of our own SQL pass."""
    try:
        yield
    except DatabaseError as error:
        sentence = explained(error, path)
        if sentence is None:
            raise
        raise sentence from error


def _patiently(connection: Connection, sql: str, pauses_s: Sequence[float]) -> None:
    for pause_s in pauses_s:
        try:
            connection.execute(sql).close()
        except DatabaseError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
            sleep(pause_s)
        else:
            return
    connection.execute(sql).close()


def _keep_numpy_out_of_blobs() -> None:
    """SQLite's driver would store a numpy integer as the bytes of its buffer; tell it to store the number."""
    for scalar in NUMPY_SCALARS:
        sqlite3.register_adapter(scalar, methodcaller("item"))


_keep_numpy_out_of_blobs()
