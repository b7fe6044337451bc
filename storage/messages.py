"""The messages: what is said, once, however many chats hear it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.codec import Json, decoded, encoded
from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say; `payload` is what the renderer of this `kind` needs."""

    id: int
    kind: str
    signal_id: int | None
    payload: Mapping[str, Json]
    created_ms: int
    expires_ms: int | None
    dedupe_key: str


_COLUMNS = "id, kind, signal_id, payload, created_ms, expires_ms, dedupe_key"


class Messages:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        kind: str,
        payload: Mapping[str, Json],
        dedupe_key: str,
        created_ms: int,
        *,
        signal_id: int | None = None,
        expires_ms: int | None = None,
    ) -> int | None:
        """Write a message and return its id; None when its `dedupe_key` was said before."""
        row = self._connection.execute(
            "INSERT INTO messages(kind, signal_id, payload, created_ms, expires_ms, dedupe_key) VALUES(?,?,?,?,?,?)"
            " ON CONFLICT(dedupe_key) DO NOTHING RETURNING id",
            (kind, signal_id, encoded(payload), created_ms, expires_ms, dedupe_key),
        ).fetchone()
        return None if row is None else int(row[0])

    def by_dedupe_key(self, dedupe_key: str) -> Message | None:
        found = self._select("dedupe_key=?", (dedupe_key,))
        return found[0] if found else None

    def all(self) -> tuple[Message, ...]:
        """Every message the book still holds, in the order they were said."""
        return self._select("1 ORDER BY id", ())

    def of_signal(self, signal_id: int) -> tuple[Message, ...]:
        """What was said about a signal, in order."""
        return self._select("signal_id=? ORDER BY id", (signal_id,))

    def _select(self, where: str, values: Sequence[object]) -> tuple[Message, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM messages WHERE {where}", values)
        return tuple(_message(row) for row in rows)


def _message(row: Sequence[Any]) -> Message:
    message_id, kind, signal_id, payload, created_ms, expires_ms, dedupe_key = row
    return Message(message_id, kind, signal_id, decoded(payload), created_ms, expires_ms, dedupe_key)
