"""What the channels are told: each signal once, each thing that becomes of it as a reply to it.

A message is queued in the transaction that records its fact and carries facts, not text: the words are chosen where it
is sent. Without chats (replay) nothing is queued.
"""

from dataclasses import dataclass
from enum import Enum

from engine.vocabulary import Direction, Signal
from storage.codec import Json
from storage.stores import Stores


class MessageKind(Enum):
    SIGNAL = "signal"
    ENTRY = "entry"
    TARGET = "target"
    STOP_MOVED = "stop_moved"
    CLOSE = "close"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Announcements:
    """The chats (ids of the book) that follow every signal."""

    chat_ids: tuple[int, ...] = ()

    def signal(self, stores: Stores, signal_id: int, signal: Signal, at_ms: int) -> None:
        """Queue the post of a signal; it is dropped as missed when it cannot be sent within its validity."""
        if not self.chat_ids:
            return
        stores.outbox.queue(
            MessageKind.SIGNAL.value,
            {"signal_id": signal_id},
            signal_key(signal_id),
            self.chat_ids,
            at_ms,
            signal_id=signal_id,
            expires_ms=signal.valid_until_ms,
        )

    def update(
        self, stores: Stores, kind: MessageKind, signal_id: int, at_ms: int, facts: dict[str, Json], part: str = ""
    ) -> None:
        """Queue one reply under a signal's post; `part` tells replies of one kind apart (target 1, target 2)."""
        if not self.chat_ids:
            return
        stores.outbox.queue(
            kind.value,
            {"signal_id": signal_id, "at_ms": at_ms, **facts},
            f"{kind.value}:{signal_id}:{part}",
            self.chat_ids,
            at_ms,
            signal_id=signal_id,
            reply_to_dedupe_key=signal_key(signal_id),
        )


def signal_key(signal_id: int) -> str:
    """The dedupe key of a signal's post, to which every reply refers."""
    return f"{MessageKind.SIGNAL.value}:{signal_id}"


def about(symbol: str, direction: Direction) -> dict[str, Json]:
    """The facts every reply names."""
    return {"symbol": symbol, "direction": direction.value}
