"""Where the bot is put and thrown out: the owners hear of it, and a chat it knows is opened or closed by it."""

from dataclasses import dataclass

from engine.timeframes import HOUR_MS
from services.access import DECIDERS, author
from storage.chats import ChatKind
from storage.events import EventType
from storage.stores import Stores

MEMBERSHIP = "membership"
MOVES_TOLD_AN_HOUR = 20
THROWN_OUT = "the bot was taken out of this chat"


@dataclass(frozen=True, slots=True)
class Membership:
    """A change of what the bot may do in a chat; ids are Telegram's."""

    chat_id: int
    kind: ChatKind
    title: str
    is_open: bool
    by: int
    by_name: str


def moved(tx: Stores, change: Membership, now_ms: int) -> None:
    """Open or close the chat if the book knows it; tell the owners of groups and channels, a few times an hour."""
    for chat in tx.chats.of_telegram(change.chat_id):
        if change.is_open:
            tx.chats.enable(chat.id)
        else:
            tx.chats.disable(chat.id, THROWN_OUT)
    type = EventType.CHAT_JOINED if change.is_open else EventType.CHAT_LEFT
    told = sum(tx.events.count(word, now_ms - HOUR_MS) for word in (EventType.CHAT_JOINED, EventType.CHAT_LEFT))
    tx.events.add(type, now_ms, actor=author(change.by), message=f"{change.chat_id} {change.title}")
    if change.kind is ChatKind.PRIVATE or told >= MOVES_TOLD_AN_HOUR:
        return
    owners = [tx.chats.ensure(user.telegram_id, ChatKind.PRIVATE).id for user in tx.users.with_any_role(DECIDERS)]
    facts = {
        "chat_id": change.chat_id,
        "kind": change.kind.value,
        "title": change.title,
        "is_open": change.is_open,
        "by": change.by,
        "by_name": change.by_name,
    }
    tx.outbox.queue(MEMBERSHIP, facts, f"{MEMBERSHIP}:{change.chat_id}:{now_ms}", owners, now_ms)
