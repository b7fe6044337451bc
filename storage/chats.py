"""The chats: where messages go, and which of them Telegram has closed to us."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.database import Connection

WHOLE_CHAT = 0


class ChatKind(Enum):
    CHANNEL = "CHANNEL"
    GROUP = "GROUP"
    PRIVATE = "PRIVATE"


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat or one topic of it; `id` is the book's, `telegram_id` Telegram's."""

    id: int
    telegram_id: int
    topic_id: int
    kind: ChatKind
    enabled: bool
    disabled_reason: str | None


_COLUMNS = "id, telegram_id, topic_id, kind, enabled, disabled_reason"


class Chats:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(self, telegram_id: int, kind: ChatKind, topic_id: int = WHOLE_CHAT) -> Chat:
        """The chat with this Telegram id and topic, written as enabled when new."""
        self._connection.execute(
            "INSERT INTO chats(telegram_id, topic_id, kind) VALUES(?,?,?) ON CONFLICT(telegram_id,topic_id) DO NOTHING",
            (telegram_id, topic_id, kind.value),
        )
        [found] = self._select("telegram_id=? AND topic_id=?", (telegram_id, topic_id))
        return found

    def get(self, chat_id: int) -> Chat:
        """The chat with this id of the book; LookupError when there is none."""
        found = self._select("id=?", (chat_id,))
        if not found:
            raise LookupError(f"There is no chat {chat_id}.")
        return found[0]

    def enabled(self, kind: ChatKind) -> tuple[Chat, ...]:
        return self._select("kind=? AND enabled=1 ORDER BY id", (kind.value,))

    def disable(self, chat_id: int, reason: str) -> None:
        self._connection.execute("UPDATE chats SET enabled=0, disabled_reason=? WHERE id=?", (reason, chat_id))

    def enable(self, chat_id: int) -> None:
        self._connection.execute("UPDATE chats SET enabled=1, disabled_reason=NULL WHERE id=?", (chat_id,))

    def migrate(self, chat_id: int, telegram_id: int) -> None:
        """Follow a group to the new id Telegram gave it."""
        self._connection.execute("UPDATE chats SET telegram_id=? WHERE id=?", (telegram_id, chat_id))

    def _select(self, where: str, values: Sequence[object]) -> tuple[Chat, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM chats WHERE {where}", values)
        return tuple(_chat(row) for row in rows)


def _chat(row: Sequence[Any]) -> Chat:
    chat_id, telegram_id, topic_id, kind, enabled, disabled_reason = row
    return Chat(chat_id, telegram_id, topic_id, ChatKind(kind), bool(enabled), disabled_reason)
