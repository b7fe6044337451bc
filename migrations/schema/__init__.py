"""The book's schema history: append-only, one version a file, recorded by sqlite-utils' own migrations.

The caller opens the transaction (BEGIN IMMEDIATE); every pending version then happens in it, whole or not at all.
A version that was released is never edited: a mistake is corrected by the next one.
"""

import importlib
from typing import Protocol

SET = "onebook"
APPLIED_TABLE = "_sqlite_migrations"
"""Where sqlite-utils keeps what a file has been through."""
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


def applied(connection: OpenConnection) -> tuple[str, ...]:
    """The names of the versions this file has been through, oldest first; none when the file is no book."""
    tables = connection.execute(f"SELECT name FROM sqlite_master WHERE type='table' AND name='{APPLIED_TABLE}'")
    if not tables.fetchall():
        return ()
    names = connection.execute(
        f"SELECT name FROM {APPLIED_TABLE} WHERE migration_set='{SET}' ORDER BY rowid"
    ).fetchall()
    return tuple(name for (name,) in names)


def unknown(versions: tuple[str, ...]) -> tuple[str, ...]:
    """The versions among `versions` that this code has never heard of: a newer program made them."""
    return tuple(name for name in versions if name not in VERSIONS)


def migrate(connection: OpenConnection, *, stop_before: str | None = None) -> None:
    """Bring the file to the newest version (or to the one before `stop_before`) inside the caller's transaction.

    sqlite-utils and all it imports come when a file is to be changed; whoever reads a book does not wait for them.
    """
    importlib.import_module("migrations.schema.history").migrate(connection, stop_before)
