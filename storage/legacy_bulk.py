"""What makes a million imported rows cheap in one transaction: few statements, room for pages, indexes built once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from storage.database import CACHE_KIB, Connection

BULK_FROM_BYTES = 32 << 20
BULK_CACHE_KIB = 262_144
ROWS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a legacy file is large by, and the memory for its pages.

    From `from_bytes` on, a process of its own pays for the reading, and indexes set aside for the writing; in
    `cache_kib` the indexes grow that decide what a duplicate is, and are written once.
    """

    from_bytes: int = BULK_FROM_BYTES
    cache_kib: int = BULK_CACHE_KIB


BULK = Bulk()

# unique indexes stay: they decide what may stand in the book
_INDEXES = (
    "SELECT name, sql FROM sqlite_master WHERE type='index' AND sql LIKE 'CREATE INDEX %'"
    " AND tbl_name IN('signals','positions','fills','ledger','events') ORDER BY rowid"
)


class ManyRows:
    """An INSERT of rows that are kept until `write`.

    Many go with one statement, because SQLite makes ready anew at each what its CHECKs look words up in.
    """

    def __init__(self, table: str, *, columns: str, values: str, width: int, beside: str = "") -> None:
        """`values` are SQL over column1..columnN of a row of `width` values, and over the tables joined `beside`."""
        row = f"({','.join('?' * width)})"
        insert = f"INSERT INTO {table}({columns}) SELECT {values} FROM (VALUES"
        self._one = f"{insert}{row}) {beside}"
        self._many = f"{insert}{','.join([row] * ROWS_AT_ONCE)}) {beside}"
        self._rows: list[Sequence[object]] = []

    def add(self, row: Sequence[object]) -> None:
        self._rows.append(row)

    def write(self, connection: Connection) -> None:
        """Write what was added, in its order, and begin anew."""
        rows = self._rows
        rest = len(rows) - len(rows) % ROWS_AT_ONCE
        for at in range(0, rest, ROWS_AT_ONCE):
            connection.execute(self._many, tuple(chain.from_iterable(rows[at : at + ROWS_AT_ONCE])))
        connection.executemany(self._one, rows[rest:])
        rows.clear()


class BulkWriting:
    """A long write inside the caller's transaction, from the construction to `end`.

    Indexes are set aside only for a large file into a book without signals, where building them anew is the cheaper
    way; a transaction that is rolled back brings them back as it does everything else.
    """

    def __init__(self, connection: Connection, file_bytes: int, bulk: Bulk = BULK) -> None:
        self._connection = connection
        connection.execute(f"PRAGMA cache_size=-{bulk.cache_kib}")
        is_worth_it = file_bytes >= bulk.from_bytes and not _has_signals(connection)
        self._set_aside: tuple[tuple[str, str], ...] = tuple(connection.execute(_INDEXES)) if is_worth_it else ()
        for name, _ in self._set_aside:
            connection.execute(f"DROP INDEX {name}")

    def end(self) -> None:
        """Build what was set aside, and give the memory back."""
        for _, sql in self._set_aside:
            self._connection.execute(sql)
        self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")


def _has_signals(connection: Connection) -> bool:
    return connection.execute("SELECT 1 FROM signals LIMIT 1").fetchone() is not None
