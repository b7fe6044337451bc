"""The settings people change while the bot runs, each with who changed it and when."""

from dataclasses import dataclass

from storage.codec import Json, decoded, encoded
from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    value: Json
    updated_ms: int
    updated_by: str


class Settings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> Setting | None:
        row = self._connection.execute(
            "SELECT key, value, updated_ms, updated_by FROM settings WHERE key=?", (key,)
        ).fetchone()
        if row is None:
            return None
        found_key, value, updated_ms, updated_by = row
        return Setting(found_key, decoded(value), updated_ms, updated_by)

    def set(self, key: str, value: Json, by: str, at_ms: int) -> None:
        """Write a setting and its author over whatever it was."""
        self._connection.execute(
            "INSERT INTO settings(key, value, updated_ms, updated_by) VALUES(?,?,?,?) ON CONFLICT(key) DO UPDATE SET"
            " value=excluded.value, updated_ms=excluded.updated_ms, updated_by=excluded.updated_by",
            (key, encoded(value), at_ms, by),
        )

    def remove(self, key: str) -> None:
        """Return a setting to its default."""
        self._connection.execute("DELETE FROM settings WHERE key=?", (key,))

    def all(self) -> tuple[Setting, ...]:
        """Every setting that was changed, by key."""
        rows = self._connection.execute("SELECT key, value, updated_ms, updated_by FROM settings ORDER BY key")
        return tuple(Setting(key, decoded(value), updated_ms, by) for key, value, updated_ms, by in rows)
