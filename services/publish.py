"""What the public channel was told becomes a row of the record, in the transaction that marks it SENT or UNKNOWN.

Nothing is published before it was sent, and nothing that was sent can be taken back: the table refuses it and the chain
shows it. Only the channel of the settings is public; copies for other chats are no publications.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.vocabulary import PortfolioKind, SignalStatus
from services.announce import MessageKind
from storage.chats import Chat
from storage.codec import Json
from storage.outbox import OutboxItem
from storage.publications import Delivery, Publication, PublicationKind
from storage.signals import StoredSignal
from storage.stores import Stores

PUBLIC_CHANNEL = "public_channel"
"""Where the book's meta holds the public channel, by the book's id of its chat."""

HEAD_DIGITS = 8
"""How many hex digits of the head stand in each post."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a kind of message goes on record: as what, and with which of the facts it was written from.

    `of_account`: it tells what was done by hand or by a checkpoint in the paper account, apart from the signal's plan.
    """

    kind: PublicationKind
    facts: tuple[str, ...] = ()
    of_account: bool = False


TOLD: Mapping[str, Told] = {
    MessageKind.SIGNAL.value: Told(PublicationKind.SIGNAL),
    MessageKind.ENTRY.value: Told(PublicationKind.ENTRY, ("price",)),
    MessageKind.TARGET.value: Told(PublicationKind.TARGET, ("no", "price", "share_ratio")),
    MessageKind.STOP_MOVED.value: Told(PublicationKind.STOP_MOVED, ("stop", "entry")),
    MessageKind.CLOSE.value: Told(
        PublicationKind.CLOSE,
        ("reason", "outcome", "r_multiple", "pnl_pct", "mfe_r", "mae_r", "opened_ms", "targets_hit"),
    ),
    MessageKind.EXPIRED.value: Told(PublicationKind.EXPIRED, ("reason",)),
    MessageKind.CANCELLED.value: Told(PublicationKind.CANCELLED, ("reason",)),
    MessageKind.HAND_CLOSE.value: Told(PublicationKind.CLOSE, ("price", "reason", "r_multiple"), of_account=True),
    MessageKind.HAND_PART.value: Told(PublicationKind.CLOSE, ("price", "reason", "share_ratio"), of_account=True),
    MessageKind.HAND_STOP.value: Told(PublicationKind.STOP_MOVED, ("stop", "entry", "reason"), of_account=True),
}
"""The messages that go on record, by the word of their kind; a signal that came too late goes on it as MISSED."""


def set_public_channel(tx: Stores, chat_id: int | None) -> None:
    """From now on posts in this chat (id of the book) go on record; None: no chat is public."""
    tx.meta.set(PUBLIC_CHANNEL, "" if chat_id is None else str(chat_id))


def public_channel(view: Stores) -> Chat | None:
    """The channel whose posts go on record; None where there is none."""
    chat_id = view.meta.get(PUBLIC_CHANNEL)
    return view.chats.get(int(chat_id)) if chat_id else None


def publish(tx: Stores, item: OutboxItem, delivery: Delivery, now_ms: int) -> Publication | None:
    """Put a row of the outbox on record when it went to the public channel; None when it does not belong there.

    A post that stands on record as SENT is not written again. One of unknown end may be: then the new row names the one
    it repeats in `resend_of`, so that whoever reads the record counts one post, and how many `copies` of it there may be.
    """
    told = TOLD.get(item.kind)
    if told is None or item.signal_id is None or item.edits or not _is_public(tx, item):
        return None
    stored = tx.signals.get(item.signal_id)
    is_missed = told.kind is PublicationKind.SIGNAL and stored.status is SignalStatus.MISSED
    kind = PublicationKind.MISSED if is_missed else told.kind
    facts: dict[str, Json] = {"post": item.dedupe_key, **_facts(stored, kind, told, item)}
    before = [row for row in tx.publications.of_signal(stored.id) if row.facts.get("post") == item.dedupe_key]
    if before:
        if before[-1].delivery is Delivery.SENT:
            return None
        facts |= {"resend_of": before[-1].seq, "copies": len(before) + 1}
    message_id = tx.outbox.get(item.id).telegram_message_id
    if message_id is not None:
        facts["message_id"] = message_id
    return tx.publications.append(stored.id, kind, delivery, facts, now_ms)


def append_correction(tx: Stores, text: str, now_ms: int) -> Publication | None:
    """Put on record that something about the record itself has to be told (a restored backup, a mistake).

    Every row belongs to a signal, so this one names the signal of the newest row, after which it holds. It is no post
    and its delivery is UNKNOWN. None while nothing was published: then there is nothing to correct.
    """
    last = tx.publications.last()
    if last is None:
        return None
    return tx.publications.append(
        last.signal_id, PublicationKind.CORRECTION, Delivery.UNKNOWN, {"text": text, "after_seq": last.seq}, now_ms
    )


def head8(view: Stores) -> str:
    """The beginning of the record's head, to stand in a post: the head before it, since a post cannot hold its own."""
    return view.publications.head()[:HEAD_DIGITS]


def _is_public(tx: Stores, item: OutboxItem) -> bool:
    """Whether it went to the public channel or a topic of it."""
    channel = public_channel(tx)
    return channel is not None and channel.telegram_id == item.chat_telegram_id


def _facts(stored: StoredSignal, kind: PublicationKind, told: Told, item: OutboxItem) -> dict[str, Json]:
    match kind:
        case PublicationKind.SIGNAL:
            return {**_identity(stored), **_levels(stored)}
        case PublicationKind.MISSED:
            return {**_identity(stored), "reason": stored.status_reason}
        case _:
            facts = {name: item.payload[name] for name in told.facts if name in item.payload}
            account: dict[str, Json] = {"account": PortfolioKind.PAPER.value} if told.of_account else {}
            return {**facts, **account, "happened_ms": item.payload.get("at_ms", item.created_ms)}


def _identity(stored: StoredSignal) -> dict[str, Json]:
    signal = stored.signal
    return {
        "uid": stored.uid,
        "symbol": signal.symbol,
        "timeframe": signal.timeframe.text,
        "market": signal.market.value,
        "direction": signal.direction.value,
        "setup": signal.setup,
        "candle_close_ms": signal.candle_close_ms,
        "valid_until_ms": signal.valid_until_ms,
    }


def _levels(stored: StoredSignal) -> dict[str, Json]:
    signal = stored.signal
    return {
        "entry": signal.entry,
        "zone": [signal.zone_low, signal.zone_high],
        "stop_loss": signal.stop_loss,
        "targets": [
            {"no": target.no, "price": target.price, "share_ratio": target.share_ratio} for target in signal.targets
        ],
        "rr": signal.rr,
        "plan_r": signal.plan_r,
        "cost_r": signal.cost_r,
        "confidence": signal.confidence,
    }
