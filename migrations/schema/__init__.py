"""The book's schema history: append-only, one version a file, recorded by sqlite-utils' own migrations.

The caller opens the transaction (BEGIN IMMEDIATE); every pending version then happens in it, whole or not at all.
A version that was released is never edited: a mistake is corrected by the next one.
"""

from typing import Protocol

from sqlite_utils import Database, Migrations

from migrations.schema.version_1 import STATEMENTS as SPINE
from migrations.schema.version_2 import STATEMENTS as LEGACY_IMPORT
from migrations.schema.version_3 import STATEMENTS as PUBLIC_RECORD
from migrations.schema.version_4 import STATEMENTS as LEARNING
from migrations.schema.version_5 import STATEMENTS as REPORTS

HISTORY = Migrations("onebook")
APPLIED_TABLE = Migrations.migrations_table
VERSIONS = (
    "onebook 1 (the spine)",
    "onebook 2 (legacy import)",
    "onebook 3 (the public record)",
    "onebook 4 (learning)",
    "onebook 5 (reports)",
)
NEWEST = VERSIONS[-1]


class _Rows(Protocol):
    def fetchall(self) -> list[tuple[str]]: ...


class OpenConnection(Protocol):
    """What is asked of a connection here; storage opens the real one."""

    def execute(self, sql: str, /) -> _Rows: ...


@HISTORY(name=VERSIONS[0])
def the_spine(book: Database) -> None:
    for statement in SPINE:
        book.execute(statement)


@HISTORY(name=VERSIONS[1])
def legacy_import(book: Database) -> None:
    for statement in LEGACY_IMPORT:
        book.execute(statement)


@HISTORY(name=VERSIONS[2])
def public_record(book: Database) -> None:
    for statement in PUBLIC_RECORD:
        book.execute(statement)


@HISTORY(name=VERSIONS[3])
def learning(book: Database) -> None:
    for statement in LEARNING:
        book.execute(statement)


@HISTORY(name=VERSIONS[4])
def reports(book: Database) -> None:
    for statement in REPORTS:
        book.execute(statement)


def applied(connection: OpenConnection) -> tuple[str, ...]:
    """The names of the versions this file has been through, oldest first; none when the file is no book."""
    tables = connection.execute(f"SELECT name FROM sqlite_master WHERE type='table' AND name='{APPLIED_TABLE}'")
    if not tables.fetchall():
        return ()
    names = connection.execute(
        f"SELECT name FROM {APPLIED_TABLE} WHERE migration_set='{HISTORY.name}' ORDER BY rowid"
    ).fetchall()
    return tuple(name for (name,) in names)


def unknown(versions: tuple[str, ...]) -> tuple[str, ...]:
    """The versions among `versions` that this code has never heard of: a newer program made them."""
    return tuple(name for name in versions if name not in VERSIONS)


def migrate(connection: OpenConnection, *, stop_before: str | None = None) -> None:
    """Bring the file to the newest version (or to the one before `stop_before`) inside the caller's transaction."""
    # recursive_triggers is a session pragma that the book does not use; the connection stays as storage opened it.
    HISTORY.apply(Database(connection, recursive_triggers=False), stop_before=stop_before)  # type: ignore[arg-type]
