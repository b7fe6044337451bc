"""What makes a million imported rows cheap in one transaction: room for their pages, and indexes built once, sorted."""

from dataclasses import dataclass

from storage.database import CACHE_KIB, Connection

BULK_FROM_BYTES = 32 << 20
BULK_CACHE_KIB = 262_144


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
