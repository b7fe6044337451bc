"""The chats: where messages go, and which of them Telegram has closed to us."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.codec import decoded, encoded
from storage.database import Connection
from storage.preferences import Preferences, from_json, to_json

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
    preferences: Preferences


_COLUMNS = "id, telegram_id, topic_id, kind, enabled, disabled_reason, preferences"
_NOT_BARRED = (
    "NOT EXISTS(SELECT 1 FROM users u WHERE u.telegram_id=chats.telegram_id AND u.role IN('PENDING','BLOCKED'))"
)


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

    def of_telegram(self, telegram_id: int) -> tuple[Chat, ...]:
        """The chat with this Telegram id as the book knows it, and its topics."""
        return self._select("telegram_id=? ORDER BY id", (telegram_id,))

    def enabled(self, kind: ChatKind) -> tuple[Chat, ...]:
        return self._select("kind=? AND enabled=1 ORDER BY id", (kind.value,))

    def followers(self) -> tuple[Chat, ...]:
        """The private chats that asked for copies of the signals, of people who may have them."""
        return self._select(
            f"kind='PRIVATE' AND topic_id=0 AND enabled=1 AND json_extract(preferences,'$.follows') AND {_NOT_BARRED}"
            " AND EXISTS(SELECT 1 FROM users u WHERE u.telegram_id=chats.telegram_id) ORDER BY id",
            (),
        )

    def given(self, dedupe_key: str) -> tuple[Chat, ...]:
        """The chats that were given a message or will be, as far as they may still hear of it.

        Preferences are those of the whole chat, for a forum topic too.
        """
        rows = self._connection.execute(
            "SELECT chats.id, chats.telegram_id, chats.topic_id, chats.kind, chats.enabled, chats.disabled_reason,"
            " COALESCE(whole.preferences, chats.preferences) FROM outbox o JOIN messages m ON m.id=o.message_id"
            " JOIN chats ON chats.id=o.chat_id LEFT JOIN chats whole ON whole.telegram_id=chats.telegram_id AND whole.topic_id=0"
            f" WHERE m.dedupe_key=? AND o.state IN('PENDING','SENDING','SENT','UNKNOWN') AND {_NOT_BARRED}"
            " ORDER BY o.id",
            (dedupe_key,),
        )
        return tuple(_chat(row) for row in rows)

    def topic(self, chat: Chat, topic_id: int) -> Chat:
        """A forum topic of a chat, written as enabled when new."""
        return chat if topic_id == chat.topic_id else self.ensure(chat.telegram_id, chat.kind, topic_id)

    def prefer(self, chat_id: int, preferences: Preferences) -> None:
        """Write what a chat wants over whatever it wanted."""
        self._connection.execute("UPDATE chats SET preferences=? WHERE id=?", (encoded(to_json(preferences)), chat_id))

    def disable(self, chat_id: int, reason: str) -> None:
        self._connection.execute("UPDATE chats SET enabled=0, disabled_reason=? WHERE id=?", (reason, chat_id))

    def enable(self, chat_id: int) -> None:
        self._connection.execute("UPDATE chats SET enabled=1, disabled_reason=NULL WHERE id=?", (chat_id,))

    def migrate(self, chat_id: int, telegram_id: int) -> None:
        """Follow a group, with all its topics, to the new id Telegram gave it."""
        self._connection.execute(
            "UPDATE chats SET telegram_id=? WHERE telegram_id=(SELECT telegram_id FROM chats WHERE id=?)",
            (telegram_id, chat_id),
        )

    def _select(self, where: str, values: Sequence[object]) -> tuple[Chat, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM chats WHERE {where}", values)
        return tuple(_chat(row) for row in rows)


def _chat(row: Sequence[Any]) -> Chat:
    chat_id, telegram_id, topic_id, kind, enabled, disabled_reason, preferences = row
    return Chat(
        id=chat_id,
        telegram_id=telegram_id,
        topic_id=topic_id,
        kind=ChatKind(kind),
        enabled=bool(enabled),
        disabled_reason=disabled_reason,
        preferences=from_json(decoded(preferences)),
    )
