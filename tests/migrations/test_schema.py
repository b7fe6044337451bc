import re
from enum import Enum
from itertools import count
from pathlib import Path

import pytest

from engine.vocabulary import (
    BookKind,
    CloseReason,
    ConditionStatus,
    Direction,
    FillKind,
    LedgerKind,
    PortfolioKind,
    Severity,
    SignalSource,
    SignalStatus,
)
from migrations import schema
from migrations.schema.history import HISTORY
from storage.book import Book
from storage.chats import ChatKind
from storage.conditions import TriggerOp
from storage.database import Access, Connection, begin_immediate, connect
from storage.job_runs import JobStatus
from storage.meta import CREATED_MS, KIND
from storage.outbox import OutboxState
from storage.portfolios import PortfolioStatus
from storage.positions import ExitQuality
from storage.stores import Stores
from storage.users import Role
from tests.shared import SHARED, needs_shared
from tests.storage.crashing import Crash, CrashAt, in_child, kill_process, raise_crash
from tests.storage.samples import LONG, NOW_MS, recorded

EARLIER = range(1, len(schema.VERSIONS))


def schema_of(connection: Connection) -> dict[str, str]:
    """Every table, index, view and trigger of the file, by name, as SQL without comments and spacing."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: without_spacing(sql) for name, sql in rows if schema.APPLIED_TABLE not in sql}


def without_spacing(sql: str) -> str:
    return re.sub(r" ?([(),=<>+*/;-]) ?", r"\1", re.sub(r"\s+", " ", re.sub(r"--.*", "", sql))).strip()


def book_of_version(path: Path, versions: int) -> None:
    """Write a live book with one signal as the program of that time left it."""
    path.touch()
    connection = connect(path, Access.WRITE)
    begin_immediate(connection)
    later = schema.VERSIONS[versions:]
    schema.migrate(connection, stop_before=later[0] if later else None)
    stores = Stores(connection)
    stores.meta.set(KIND, BookKind.LIVE.value)
    stores.meta.set(CREATED_MS, str(NOW_MS))
    stores.portfolios.ensure(PortfolioKind.PAPER, "paper", "USDT", NOW_MS)
    recorded(stores, LONG)
    connection.execute("COMMIT")
    connection.close()


def versions_in(path: Path) -> tuple[str, ...]:
    connection = connect(path, Access.WRITE)
    versions = schema.applied(connection)
    connection.close()
    return versions


@needs_shared
def test_names_and_constraints_are_those_of_the_contract(book: Book, tmp_path: Path):
    path = tmp_path / "reference.db"
    path.touch()
    reference = connect(path, Access.WRITE)
    reference.executescript((SHARED / "design" / "schema.sql").read_text())
    contract = schema_of(reference)

    with book.reading() as view:
        ours = schema_of(view.connection)
    assert ours == {name: contract.get(name) for name in ours}


def test_a_version_name_is_unique_and_numbered_in_order():
    assert [name.split()[1] for name in schema.VERSIONS] == [str(n + 1) for n in range(len(schema.VERSIONS))]
    assert [migration.name for migration in HISTORY._migrations] == list(schema.VERSIONS)
    assert HISTORY.migrations_table == schema.APPLIED_TABLE


def test_every_word_of_the_engine_is_a_word_of_the_book(book: Book):
    with book.reading() as view:
        reasons = {word for (word,) in view.connection.execute("SELECT word FROM close_reasons")}
        kinds = {word for (word,) in view.connection.execute("SELECT word FROM portfolio_kinds")}

    assert reasons == {reason.value for reason in CloseReason}
    assert kinds >= {kind.value for kind in PortfolioKind}


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("signals", "direction", Direction),
        ("signals", "source", SignalSource),
        ("signals", "status", SignalStatus),
        ("decisions", "severity", Severity),
        ("conditions", "trigger_op", TriggerOp),
        ("conditions", "status", ConditionStatus),
        ("positions", "exit_quality", ExitQuality),
        ("fills", "kind", FillKind),
        ("ledger", "kind", LedgerKind),
        ("portfolios", "status", PortfolioStatus),
        ("users", "role", Role),
        ("chats", "kind", ChatKind),
        ("outbox", "state", OutboxState),
        ("job_runs", "status", JobStatus),
    ],
)
def test_a_closed_set_of_the_code_is_the_one_the_book_checks(book: Book, table: str, column: str, words: type[Enum]):
    with book.reading() as view:
        [(sql,)] = view.connection.execute("SELECT sql FROM sqlite_master WHERE name=?", (table,))

    [checked] = re.findall(rf"CHECK\({column} IN\(([^)]*)\)\)", sql)
    assert set(re.findall(r"'([^']*)'", checked)) == {word.value for word in words}


@pytest.mark.parametrize("version", EARLIER)
def test_a_book_of_an_earlier_version_becomes_the_newest_and_keeps_its_rows(tmp_path: Path, book: Book, version: int):
    path = tmp_path / "positions.db"
    book_of_version(path, version)
    with book.reading() as view:
        newest = schema_of(view.connection)

    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as upgraded, upgraded.reading() as view:
        assert schema_of(view.connection) == newest
        assert view.signals.get(1).signal == LONG
        assert schema.applied(view.connection) == schema.VERSIONS


def test_an_error_after_any_statement_of_a_creation_leaves_no_file(tmp_path: Path):
    path = tmp_path / "positions.db"

    for statement in count():
        crash = CrashAt(statement, raise_crash)
        try:
            Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=crash).close()
        except Crash:
            assert list(tmp_path.iterdir()) == []
        if not crash.struck:
            break
    assert statement > 50
    assert versions_in(path) == schema.VERSIONS


@pytest.mark.parametrize("version", EARLIER)
def test_an_error_after_any_statement_of_an_upgrade_leaves_the_earlier_book(tmp_path: Path, version: int):
    path = tmp_path / "positions.db"
    book_of_version(path, version)

    for statement in count():
        crash = CrashAt(statement, raise_crash)
        try:
            Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=crash).close()
        except Crash:
            assert versions_in(path) in (schema.VERSIONS[:version], schema.VERSIONS)
        if not crash.struck:
            break
    assert versions_in(path) == schema.VERSIONS


def open_and_die(path: Path, statement: int) -> None:
    crash = CrashAt(statement, kill_process)
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=crash).close()


@pytest.mark.long
def test_a_kill_after_any_statement_of_a_creation_leaves_a_file_that_becomes_a_book(tmp_path: Path):
    for statement in count():
        path = tmp_path / f"{statement}.db"
        survived = in_child(open_and_die, path, statement) == 0

        assert versions_in(path) in ((), schema.VERSIONS)
        with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.reading() as view:
            assert view.meta.kind() is BookKind.LIVE
            assert len(view.portfolios.all()) == 2
        if survived:
            break


@pytest.mark.long
@pytest.mark.parametrize("version", EARLIER)
def test_a_kill_after_any_statement_of_an_upgrade_leaves_the_earlier_or_the_newest_book(tmp_path: Path, version: int):
    for statement in count():
        path = tmp_path / f"{statement}.db"
        book_of_version(path, version)
        survived = in_child(open_and_die, path, statement) == 0

        assert versions_in(path) in (schema.VERSIONS[:version], schema.VERSIONS)
        with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.reading() as view:
            assert view.signals.get(1).signal == LONG
        if survived:
            break
