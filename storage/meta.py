"""What the book says about itself: its kind, its birth, and other facts of one line."""

from engine.vocabulary import BookKind
from storage.database import Connection

KIND = "kind"
CREATED_MS = "created_ms"


class Meta:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, key: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO meta(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value", (key, value)
        )

    def kind(self) -> BookKind:
        """The book's kind; ValueError when the book does not say a known one."""
        return BookKind(self.get(KIND))

    def created_ms(self) -> int:
        return int(self.get(CREATED_MS) or 0)
