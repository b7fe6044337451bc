"""What the channels are told: each signal once, each thing that becomes of it as a reply to it.

A message is queued in the transaction that records its fact and carries facts, not text: the words are chosen where it
is sent. Who hears of it is `audience`'s to say, at that moment. Without chats (replay) nothing is queued.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from engine.vocabulary import CloseReason, Direction, Signal
from services.audience import SILENT_IN, Listeners, News, listeners, reply_listeners, signal_listeners
from storage.codec import Json
from storage.outbox import EDITS
from storage.preferences import Subject
from storage.stores import Stores


class MessageKind(Enum):
    """What a message is. `STATUS` is none of its own, it changes a signal's post; `ORDER` and its like are for programs."""

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
    REPORT = "report"
    COLLECTED = "collected"
    STATUS = "status"
    ORDER = "order"
    ORDER_CANCEL = "order_cancel"
    ORDER_CLOSE = "order_close"


CHANGE_STATUS = frozenset(
    {
        MessageKind.ENTRY,
        MessageKind.TARGET,
        MessageKind.STOP_MOVED,
        MessageKind.CLOSE,
        MessageKind.EXPIRED,
        MessageKind.CANCELLED,
    }
)
"""After these the status line of the signal's post reads differently."""
KNOWN_TO_EXECUTORS = (CloseReason.STOP_LOSS, CloseReason.BREAK_EVEN, CloseReason.TRAILING_STOP, CloseReason.TAKE_PROFIT)
"""A program that was given the order sees these ends by itself."""


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
            self._order(stores, signal_id, signal, heard_by, at_ms)
        return heard_by.anybody

    def update(
        self, stores: Stores, kind: MessageKind, signal_id: int, at_ms: int, facts: dict[str, Json], part: str = ""
    ) -> None:
        """Queue one reply under a signal's post, and an edit of the post's status line.

        `part` tells replies of one kind apart (target 1, target 2).
        """
        if not self.chat_ids:
            return
        self._reply(stores, kind, signal_id, at_ms, facts, part)
        self._take_back(stores, kind, signal_id, at_ms, facts)
        if kind in CHANGE_STATUS:
            self._restate(stores, signal_id, at_ms, f"{kind.value}:{part}")

    def _reply(
        self, stores: Stores, kind: MessageKind, signal_id: int, at_ms: int, facts: dict[str, Json], part: str
    ) -> None:
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

    def _restate(self, stores: Stores, signal_id: int, at_ms: int, after: str) -> None:
        """Queue an edit of the post wherever it went; what its status line says is read from the book when it is sent."""
        given = tuple(chat.id for chat in stores.chats.given(signal_key(signal_id)))
        stores.outbox.queue(
            MessageKind.STATUS.value,
            {"signal_id": signal_id, EDITS: signal_key(signal_id)},
            f"{MessageKind.STATUS.value}:{signal_id}:{after}",
            given,
            at_ms,
            signal_id=signal_id,
        )

    def _order(self, stores: Stores, signal_id: int, signal: Signal, heard_by: Listeners, at_ms: int) -> None:
        """Queue the executor block for the chats that want it, as a reply to the post."""
        wanting = [chat.id for chat in stores.chats.given(signal_key(signal_id)) if chat.preferences.executor_block]
        if wanting:
            stores.outbox.queue(
                MessageKind.ORDER.value,
                {"signal_id": signal_id},
                order_key(signal_id),
                wanting,
                at_ms,
                signal_id=signal_id,
                reply_to_dedupe_key=signal_key(signal_id),
                expires_ms=signal.valid_until_ms,
                not_before_ms=heard_by.not_before_ms,
            )

    def _take_back(
        self, stores: Stores, kind: MessageKind, signal_id: int, at_ms: int, facts: Mapping[str, Json]
    ) -> None:
        """Tell programs, in a reply to their block, of an end that they cannot see by themselves."""
        if kind in (MessageKind.EXPIRED, MessageKind.CANCELLED):
            word = MessageKind.ORDER_CANCEL
        elif kind is MessageKind.CLOSE and CloseReason(facts["reason"]) not in KNOWN_TO_EXECUTORS:
            word = MessageKind.ORDER_CLOSE
        else:
            return
        given = [chat.id for chat in stores.chats.given(order_key(signal_id))]
        if given:
            stores.outbox.queue(
                word.value,
                {"signal_id": signal_id},
                f"{word.value}:{signal_id}",
                given,
                at_ms,
                signal_id=signal_id,
                reply_to_dedupe_key=order_key(signal_id),
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
        news = News(Subject.INCIDENT, at_ms, symbol)
        facts = {"at_ms": at_ms, "symbol": symbol, **facts}
        self._tell(stores, MessageKind.INCIDENT, self.chat_ids, news, key, facts)

    def digest(self, stores: Stores, day: str, at_ms: int, facts: dict[str, Json]) -> bool:
        """Queue the digest of a day (ISO date), told once; False when it was queued before or nobody wants it."""
        news = News(Subject.REPORT, at_ms)
        return self._tell(stores, MessageKind.DIGEST, self.chat_ids, news, day, {"day": day, **facts})

    def report(self, stores: Stores, chat_ids: Iterable[int], name: str, at_ms: int, facts: Mapping[str, Json]) -> bool:
        """Queue a report to those who run the bot, told once by its `name`; False when nobody wants it."""
        return self._tell(stores, MessageKind.REPORT, chat_ids, News(Subject.REPORT, at_ms), name, facts)

    def _tell(
        self,
        stores: Stores,
        kind: MessageKind,
        chat_ids: Iterable[int],
        news: News,
        name: str,
        facts: Mapping[str, Json],
    ) -> bool:
        """Queue what is about no single signal, once by its name; False when it was queued before or nobody wants it."""
        heard_by = listeners(stores, chat_ids, news, self.zone)
        if not heard_by.chat_ids:
            return False
        queued = stores.outbox.queue(
            kind.value,
            _payload(facts, heard_by),
            f"{kind.value}:{name}",
            heard_by.chat_ids,
            news.at_ms,
            not_before_ms=heard_by.not_before_ms,
        )
        return queued is not None


def digest_key(day: str) -> str:
    """The dedupe key of a day's digest."""
    return f"{MessageKind.DIGEST.value}:{day}"


def order_key(signal_id: int) -> str:
    """The dedupe key of a signal's executor block."""
    return f"{MessageKind.ORDER.value}:{signal_id}"


def signal_key(signal_id: int) -> str:
    """The dedupe key of a signal's post, to which every reply refers."""
    return f"{MessageKind.SIGNAL.value}:{signal_id}"


def about(symbol: str, direction: Direction) -> dict[str, Json]:
    """The facts every reply names."""
    return {"symbol": symbol, "direction": direction.value}


def _payload(facts: Mapping[str, Json], heard_by: Listeners) -> Mapping[str, Json]:
    return {**facts, SILENT_IN: list(heard_by.silent)} if heard_by.silent else facts
