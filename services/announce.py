"""What the channels are told: each signal once, each thing that becomes of it as a reply to it.

A message is queued in the transaction that records its fact and carries facts, not text: the words are chosen where it
is sent. Who hears of it is `audience`'s to say, at that moment. Without chats (replay) nothing is queued.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from engine.vocabulary import Direction, Signal
from services.audience import SILENT_IN, Listeners, News, listeners, reply_listeners, signal_listeners
from storage.codec import Json
from storage.preferences import Subject
from storage.stores import Stores


class MessageKind(Enum):
    SIGNAL = "signal"
    ENTRY = "entry"
    TARGET = "target"
    STOP_MOVED = "stop_moved"
    CLOSE = "close"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    INCIDENT = "incident"
    CHECKPOINT = "checkpoint"
    ADVICE = "advice"
    HAND_CLOSE = "hand_close"
    HAND_PART = "hand_part"
    HAND_STOP = "hand_stop"
    DIGEST = "digest"


SUBJECTS: Mapping[MessageKind, Subject] = {
    MessageKind.ENTRY: Subject.ENTRY,
    MessageKind.TARGET: Subject.TARGET,
    MessageKind.STOP_MOVED: Subject.STOP,
    MessageKind.CLOSE: Subject.CLOSE,
    MessageKind.EXPIRED: Subject.CLOSE,
    MessageKind.CANCELLED: Subject.CLOSE,
    MessageKind.CHECKPOINT: Subject.CHECKPOINT,
    MessageKind.HAND_CLOSE: Subject.CLOSE,
    MessageKind.HAND_PART: Subject.TARGET,
    MessageKind.HAND_STOP: Subject.STOP,
}
"""What each reply is about, as far as a chat may choose."""


@dataclass(frozen=True, slots=True)
class Announcements:
    """The chats (ids of the book) that signals are meant for; `zone` is that of chats that named none."""

    chat_ids: tuple[int, ...] = ()
    zone: str = "UTC"

    def signal(self, stores: Stores, signal_id: int, signal: Signal, at_ms: int) -> bool:
        """Queue the post of a signal; False when no chat wants it, now or in a digest.

        It is dropped as missed when it cannot be sent within its validity.
        """
        heard_by = signal_listeners(stores, self.chat_ids, signal, self.zone)
        if heard_by.chat_ids:
            stores.outbox.queue(
                MessageKind.SIGNAL.value,
                _payload({"signal_id": signal_id}, heard_by),
                signal_key(signal_id),
                heard_by.chat_ids,
                at_ms,
                signal_id=signal_id,
                expires_ms=signal.valid_until_ms,
                not_before_ms=heard_by.not_before_ms,
            )
        return heard_by.anybody

    def update(
        self, stores: Stores, kind: MessageKind, signal_id: int, at_ms: int, facts: dict[str, Json], part: str = ""
    ) -> None:
        """Queue one reply under a signal's post; `part` tells replies of one kind apart (target 1, target 2)."""
        if not self.chat_ids:
            return
        news = News(SUBJECTS[kind], at_ms)
        heard_by = reply_listeners(stores, signal_key(signal_id), news, self.zone)
        if not heard_by.chat_ids:
            return
        stores.outbox.queue(
            kind.value,
            _payload({"signal_id": signal_id, "at_ms": at_ms, **facts}, heard_by),
            f"{kind.value}:{signal_id}:{part}",
            heard_by.chat_ids,
            at_ms,
            signal_id=signal_id,
            reply_to_dedupe_key=signal_key(signal_id),
            not_before_ms=heard_by.not_before_ms,
        )

    def advise(
        self, stores: Stores, chat_ids: Iterable[int], signal_id: int, key: str, at_ms: int, facts: dict[str, Json]
    ) -> None:
        """Queue advice about a signal's position to those who handle it, told once by its `key`."""
        heard_by = listeners(stores, chat_ids, News(Subject.CHECKPOINT, at_ms), self.zone)
        if heard_by.chat_ids:
            stores.outbox.queue(
                MessageKind.ADVICE.value,
                _payload({"signal_id": signal_id, "at_ms": at_ms, **facts}, heard_by),
                f"{MessageKind.ADVICE.value}:{key}",
                heard_by.chat_ids,
                at_ms,
                signal_id=signal_id,
                reply_to_dedupe_key=signal_key(signal_id),
                not_before_ms=heard_by.not_before_ms,
            )

    def incident(self, stores: Stores, key: str, at_ms: int, facts: dict[str, Json], symbol: str | None = None) -> None:
        """Queue what happened to the bot itself, told once by its `key`; it may be about one symbol."""
        heard_by = listeners(stores, self.chat_ids, News(Subject.INCIDENT, at_ms, symbol), self.zone)
        if heard_by.chat_ids:
            stores.outbox.queue(
                MessageKind.INCIDENT.value,
                _payload({"at_ms": at_ms, "symbol": symbol, **facts}, heard_by),
                f"{MessageKind.INCIDENT.value}:{key}",
                heard_by.chat_ids,
                at_ms,
                not_before_ms=heard_by.not_before_ms,
            )

    def digest(self, stores: Stores, day: str, at_ms: int, facts: dict[str, Json]) -> bool:
        """Queue the digest of a day (ISO date), told once; False when it was queued before or nobody wants it."""
        heard_by = listeners(stores, self.chat_ids, News(Subject.REPORT, at_ms), self.zone)
        if not heard_by.chat_ids:
            return False
        queued = stores.outbox.queue(
            MessageKind.DIGEST.value,
            _payload({"day": day, **facts}, heard_by),
            digest_key(day),
            heard_by.chat_ids,
            at_ms,
            not_before_ms=heard_by.not_before_ms,
        )
        return queued is not None


def digest_key(day: str) -> str:
    """The dedupe key of a day's digest."""
    return f"{MessageKind.DIGEST.value}:{day}"


def signal_key(signal_id: int) -> str:
    """The dedupe key of a signal's post, to which every reply refers."""
    return f"{MessageKind.SIGNAL.value}:{signal_id}"


def about(symbol: str, direction: Direction) -> dict[str, Json]:
    """The facts every reply names."""
    return {"symbol": symbol, "direction": direction.value}


def _payload(facts: dict[str, Json], heard_by: Listeners) -> dict[str, Json]:
    return {**facts, SILENT_IN: list(heard_by.silent)} if heard_by.silent else facts
