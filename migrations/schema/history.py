"""The versions as sqlite-utils applies and records them."""

from sqlite_utils import Database, Migrations

from migrations.schema import SET, VERSIONS, OpenConnection
from migrations.schema.version_1 import STATEMENTS as SPINE
from migrations.schema.version_2 import STATEMENTS as LEGACY_IMPORT
from migrations.schema.version_3 import STATEMENTS as PUBLIC_RECORD
from migrations.schema.version_4 import STATEMENTS as LEARNING
from migrations.schema.version_5 import STATEMENTS as REPORTS

HISTORY = Migrations(SET)


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


def migrate(connection: OpenConnection, stop_before: str | None) -> None:
    """See `migrations.schema.migrate`."""
    # recursive_triggers is a session pragma that the book does not use; the connection stays as storage opened it.
    HISTORY.apply(Database(connection, recursive_triggers=False), stop_before=stop_before)  # type: ignore[arg-type]
