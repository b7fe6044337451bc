"""Signals collected into one message at the hours a chat chose, for chats that do not want each as it comes.

What a chat was told in such a message is followed to its end in the next ones, whatever the chat chooses meanwhile, so
that nobody is shown the winners alone. The public channel never collects: its record is one of posts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.vocabulary import SignalStatus
from services.announce import Announcements, MessageKind, signal_key
from services.audience import SILENT_IN, News, Way, collects, hearing_of, hearing_of_reply
from storage.chats import Chat
from storage.codec import Json
from storage.events import SYSTEM
from storage.outbox import OutboxItem
from storage.preferences import Preferences, Subject
from storage.signals import StoredSignal
from storage.stores import Stores

KEPT = "collected"
MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Collecting:
    """How far a chat's collection is: the last hour it was told at, the last signal seen, what it was told and stands."""

    hour_ms: int
    last_id: int
    standing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """What one message tells: signals that still stand, and signals that have ended."""

    signals: tuple[StoredSignal, ...]
    ended: tuple[StoredSignal, ...]


def queue_collections(tx: Stores, announcements: Announcements, now_ms: int) -> int:
    """Queue what is due in every chat that collects, and say how many messages that were."""
    audience = (*map(tx.chats.get, announcements.chat_ids), *tx.chats.followers())
    collecting = {chat.id: chat for chat in audience if collects(chat)}
    known = _kept(tx)
    collecting.update({chat_id: tx.chats.get(chat_id) for chat_id in known if chat_id not in collecting})
    return sum(_collect(tx, chat, known.get(chat_id), announcements, now_ms) for chat_id, chat in collecting.items())


def collection_of(stores: Stores, item: OutboxItem) -> Collection:
    """What a message of kind collected tells, as things stand now."""
    named, told_ended = item.payload["signals"], item.payload["ended"]
    assert isinstance(named, list)
    assert isinstance(told_ended, list)
    found = [stores.signals.get(int(str(signal_id))) for signal_id in (*named, *told_ended)]
    return Collection(
        tuple(stored for stored in found if stored.is_live), tuple(stored for stored in found if not stored.is_live)
    )


def due_hour_ms(preferences: Preferences, zone: str, now_ms: int) -> int:
    """The last of a chat's hours that has begun, epoch ms; `now_ms` for a chat that has none."""
    if not preferences.digest_hours:
        return now_ms
    here = ZoneInfo(preferences.zone or zone)
    today = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).astimezone(here).date()
    hours = (
        datetime(day.year, day.month, day.day, hour, tzinfo=here).timestamp()
        for day in (today - timedelta(days=1), today)
        for hour in preferences.digest_hours
    )
    return max(at_ms for at in hours if (at_ms := round(at * MS_PER_SECOND)) <= now_ms)


def _collect(tx: Stores, chat: Chat, known: Collecting | None, announcements: Announcements, now_ms: int) -> bool:
    """Queue one chat's message when it is due and there is something to tell; whether there was."""
    hour_ms = due_hour_ms(chat.preferences, announcements.zone, now_ms)
    if known is None:  # it begins to collect now
        _keep(tx, chat, Collecting(hour_ms, tx.signals.last_id(), ()), now_ms)
        return False
    if known.hour_ms >= hour_ms:
        return False
    fresh = [stored for stored in tx.signals.given_after(known.last_id) if _wants(chat, stored, announcements.zone)]
    told = [tx.signals.get(signal_id) for signal_id in known.standing]
    standing = [stored.id for stored in (*told, *fresh) if stored.is_live]
    ended = [stored.id for stored in (*told, *fresh) if not stored.is_live]
    if standing or collects(chat):
        _keep(tx, chat, Collecting(hour_ms, tx.signals.last_id(), tuple(standing)), now_ms)
    else:
        tx.settings.remove(_key(chat))
    if not fresh and not ended:
        return False
    _queue(tx, chat, [stored.id for stored in fresh if stored.is_live], ended, announcements.zone, now_ms)
    for stored in fresh:
        if stored.status is SignalStatus.ACCEPTED and tx.messages.by_dedupe_key(signal_key(stored.id)) is None:
            tx.signals.set_status(stored.id, SignalStatus.SENT, None, now_ms)
    return True


def _queue(tx: Stores, chat: Chat, signals: list[int], ended: list[int], zone: str, now_ms: int) -> None:
    subject = Subject.SIGNAL if signals else Subject.CLOSE
    hearing = hearing_of_reply(chat.preferences, News(subject, now_ms), zone)
    assert hearing.way is not Way.NO, "whoever wants no signals was given none"
    topic = tx.chats.topic(chat, chat.preferences.topics.get(Subject.SIGNAL, chat.topic_id))
    payload: dict[str, Json] = {"at_ms": now_ms, "signals": list(signals), "ended": list(ended)}
    if hearing.way is Way.SILENT:
        payload[SILENT_IN] = [topic.id]
    kind = MessageKind.COLLECTED.value
    key, not_before_ms = f"{kind}:{chat.id}:{now_ms}", {topic.id: hearing.not_before_ms}
    tx.outbox.queue(kind, payload, key, (topic.id,), now_ms, not_before_ms=not_before_ms)


def _wants(chat: Chat, stored: StoredSignal, zone: str) -> bool:
    return collects(chat) and hearing_of(chat.preferences, News.of_signal(stored.signal), zone).way is Way.DIGEST


def _kept(stores: Stores) -> dict[int, Collecting]:
    """How far the collections are, by id of the chat in the book."""
    settings = (setting for setting in stores.settings.all() if setting.key.startswith(f"{KEPT}."))
    return {int(setting.key.removeprefix(f"{KEPT}.")): _collecting(setting.value) for setting in settings}


def _keep(tx: Stores, chat: Chat, collecting: Collecting, now_ms: int) -> None:
    value: list[Json] = [collecting.hour_ms, collecting.last_id, list(collecting.standing)]
    tx.settings.set(_key(chat), value, SYSTEM, now_ms)


def _collecting(value: Json) -> Collecting:
    assert isinstance(value, list)
    hour_ms, last_id, standing = value
    return Collecting(hour_ms, last_id, tuple(standing))


def _key(chat: Chat) -> str:
    return f"{KEPT}.{chat.id}"
