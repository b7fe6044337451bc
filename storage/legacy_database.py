"""Other programs' SQLite files: reads the rows of a legacy positions.db, and moves one out of a book's place."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from migrations.legacy.position_tables import TABLES, TableRow, is_legacy_schema
from storage.book import SIDE_FILES, SQLITE_HEADER
from storage.database import Access, Connection, DatabaseError, connect, explained, primary_code
from storage.errors import UnreachableBook

WAL_VERSION = 2
WAL_VERSION_AT = 18  # the byte of the header that says how the file is written
SQLITE_READONLY = 8
MS_PER_SECOND = 1000


def is_database(path: Path) -> bool:
    """Whether the file begins as every SQLite file does; OSError when it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def is_legacy_database(path: Path) -> bool:
    """Whether this SQLite file holds legacy positions, by its tables and columns; BookError when it cannot be asked."""
    with _opened(path) as connection:
        return is_legacy_schema(_columns(connection))


def legacy_rows(path: Path) -> tuple[TableRow, ...]:
    """Every row of the legacy tables of this file, which is only read; BookError when it is locked or damaged."""
    with _opened(path) as connection:
        present = _columns(connection)
        return tuple(row for table in TABLES if table in present for row in _rows(connection, table))


def move_aside(path: Path, now_ms: int) -> Path | None:
    """Take a legacy positions.db out of a book's place and return its new path; None when there is none at `path`.

    Nothing is overwritten: the new name is free. BookError when the file cannot be asked or moved.
    """
    try:
        if not path.is_file() or not is_database(path) or not is_legacy_database(path):
            return None
        aside = _free_name(path, now_ms)
        for side in SIDE_FILES:
            beside = path.with_name(path.name + side)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + side))
        return path.rename(aside)
    except OSError as error:
        raise UnreachableBook(f"{path} cannot be moved aside: {error.strerror}.") from error


def _free_name(path: Path, now_ms: int) -> Path:
    day = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).strftime("%Y-%m-%d")
    aside = path.with_name(f"{path.stem}.legacy-{day}{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.legacy-{day}-{number}{path.suffix}")
    return aside


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    """The file for reading; as a copy where reading it in place would write beside it."""
    try:
        if _is_in_wal_mode(path) or _must_be_recovered(path):
            with _copied(path) as connection:
                yield connection
            return
        with _connected(path) as connection:
            yield connection
    except DatabaseError as error:
        sentence = explained(error, path)
        raise UnreachableBook(f"{path} cannot be read: {error}.") if sentence is None else sentence from error


@contextmanager
def _connected(path: Path) -> Iterator[Connection]:
    connection = connect(path, Access.READ)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _copied(path: Path) -> Iterator[Connection]:
    with tempfile.TemporaryDirectory(prefix="onebook-") as folder:
        copy = Path(folder) / path.name
        for side in ("", *SIDE_FILES):
            part = path.with_name(path.name + side)
            if part.exists():
                shutil.copyfile(part, copy.with_name(copy.name + side))
        connection = connect(copy, Access.WRITE)  # a copy may recover from its own journal
        try:
            yield connection
        finally:
            connection.close()


def _is_in_wal_mode(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(WAL_VERSION_AT + 1)
    return header[WAL_VERSION_AT:] == bytes([WAL_VERSION])


def _must_be_recovered(path: Path) -> bool:
    """True when a journal of an unfinished write stands beside the file: reading in place would need to write."""
    with _connected(path) as connection:
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master")
        except DatabaseError as error:
            if primary_code(error) != SQLITE_READONLY:
                raise
            return True
    return False


def _columns(connection: Connection) -> dict[str, frozenset[str]]:
    rows = connection.execute(
        "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type='table'"
    )
    columns: dict[str, frozenset[str]] = {}
    for table, column in rows:
        columns[table] = columns.get(table, frozenset()) | {column}
    return columns


def _rows(connection: Connection, table: str) -> Iterator[TableRow]:
    cursor = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")
    names = [description[0] for description in cursor.description][1:]
    for no, *values in cursor:
        yield TableRow(table, no, dict(zip(names, values, strict=True)))
