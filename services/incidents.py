"""What goes wrong between the bot and Telegram: kept as events, and told to the owners where only they can help."""

from dataclasses import dataclass

from storage.chats import WHOLE_CHAT, ChatKind
from storage.codec import Json
from storage.events import EventType
from storage.stores import Stores
from storage.users import Role

CHAT_CLOSED = "chat_closed"
OTHER_BOT = "other_bot"
OPS_CHAT = "ops_chat"
"""Where the book's meta holds the chat that looks after the bot, by the book's id."""
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class OpsChat:
    """Where what breaks and heals is told: a chat of Telegram, and a topic of it where it is a forum."""

    telegram_id: int
    topic_id: int = WHOLE_CHAT

    @classmethod
    def parse(cls, text: str) -> "OpsChat":
        """`CHAT` or `CHAT:TOPIC`; ValueError in words for anything else."""
        try:
            numbers = [int(part) for part in text.split(":")]
            return cls(*numbers)
        except (ValueError, TypeError) as error:
            raise ValueError("it is written like -1001234567890 or, with a topic, -1001234567890:5") from error


@dataclass(frozen=True, slots=True)
class Deaf:
    """Telegram's updates were not heard for so long; the connection was made anew."""

    silent_s: float


@dataclass(frozen=True, slots=True)
class Rival:
    """Another program asks for the same bot's updates; `words` are Telegram's, `waits_s` how long this one steps back."""

    username: str
    words: str
    waits_s: float


Trouble = Deaf | Rival


def note(tx: Stores, trouble: Trouble, own_name: str, now_ms: int) -> None:
    """Keep a trouble of listening; the owners hear of a rival at most once an hour. `own_name` is this program's."""
    match trouble:
        case Deaf(silent_s):
            tx.events.add(EventType.POLLING_RESTARTED, now_ms, message=f"nothing was heard for {silent_s:.0f} s")
        case Rival(username, words, waits_s):
            message = f"@{username} is polled elsewhere too ({words}); {own_name} steps back for {waits_s:.0f} s"
            tx.events.add(EventType.OTHER_BOT, now_ms, message=message)
            facts: dict[str, Json] = {"username": username, "words": words, "own_name": own_name}
            tell_owners(tx, OTHER_BOT, facts, str(now_ms // HOUR_MS), now_ms)


def chat_closed(tx: Stores, chat_id: int, reason: str, now_ms: int) -> None:
    """Stop writing to a chat (id of the book) that shut the bot out, and tell the owners; its queue waits for it."""
    chat = tx.chats.get(chat_id)
    tx.chats.disable(chat_id, reason)
    tx.events.add(EventType.CHAT_DISABLED, now_ms, message=f"{chat.telegram_id}: {reason}")
    facts: dict[str, Json] = {"chat_id": chat.telegram_id, "reason": reason}
    tell_owners(tx, CHAT_CLOSED, facts, f"{chat_id}:{now_ms}", now_ms)


def tell_owners(tx: Stores, kind: str, facts: dict[str, Json], key: str, now_ms: int) -> None:
    """Queue a message to every owner whose private chat is open; once for each `key`."""
    chats = [tx.chats.ensure(user.telegram_id, ChatKind.PRIVATE) for user in tx.users.with_any_role((Role.OWNER,))]
    tx.outbox.queue(kind, facts, f"{kind}:{key}", [chat.id for chat in chats if chat.enabled], now_ms)


def set_ops_chat(tx: Stores, ops: OpsChat | None) -> None:
    """From now on this chat hears what breaks and heals, though it was closed before; None: the owners do."""
    if ops is None:
        tx.meta.set(OPS_CHAT, "")
        return
    kind = ChatKind.PRIVATE if ops.telegram_id > 0 else ChatKind.GROUP
    chat = tx.chats.ensure(ops.telegram_id, kind, ops.topic_id)
    tx.chats.enable(chat.id)
    tx.meta.set(OPS_CHAT, str(chat.id))


def tell_ops(tx: Stores, kind: str, facts: dict[str, Json], key: str, now_ms: int) -> None:
    """Queue a message to the chat that looks after the bot, to the owners where there is none; once for each `key`."""
    chat_id = tx.meta.get(OPS_CHAT)
    if chat_id and tx.chats.get(int(chat_id)).enabled:
        tx.outbox.queue(kind, facts, f"{kind}:{key}", [int(chat_id)], now_ms)
    else:
        tell_owners(tx, kind, facts, key, now_ms)
