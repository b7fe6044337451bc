"""The outbox: one row per message and chat, sent in order, and never twice but for a declared UNKNOWN."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.codec import Json, decoded
from storage.database import Connection
from storage.messages import Messages

NO_WAIT: Mapping[int, int] = {}
EDITS = "edits"
KILLED_WHILE_SENDING = "the answer was not stored before the bot ended"


class OutboxState(Enum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A message on its way to one chat; `reply_to_telegram_id` is None when the original never got there.

    `edits` says that it replaces the original instead of replying to it.
    """

    id: int
    message_id: int
    kind: str
    signal_id: int | None
    payload: Mapping[str, Json]
    created_ms: int
    expires_ms: int | None
    dedupe_key: str
    chat_id: int
    chat_telegram_id: int
    topic_id: int
    state: OutboxState
    tries: int
    sent_ms: int | None
    telegram_message_id: int | None
    error: str | None
    is_reply: bool
    reply_to_telegram_id: int | None
    original_state: OutboxState | None
    original_sent_ms: int | None
    edits: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many rows, since when the oldest, and how many sends are of unknown end."""

    waiting: int
    oldest_created_ms: int | None
    unknown: int


class NotInOutbox(LookupError):
    """The row is not in a state that allows this step."""


_SELECT = """
SELECT o.id, o.message_id, m.kind, m.signal_id, m.payload, m.created_ms, m.expires_ms, m.dedupe_key, o.chat_id,
  c.telegram_id, c.topic_id, o.state, o.tries, o.sent_ms, o.telegram_message_id, o.error, o.reply_to IS NOT NULL,
  original.telegram_message_id, original.state, original.sent_ms, json_extract(m.payload,'$.edits') IS NOT NULL
FROM outbox o JOIN messages m ON m.id=o.message_id JOIN chats c ON c.id=o.chat_id
LEFT JOIN outbox original ON original.id=o.reply_to
WHERE """

# the head of each chat's queue: whatever stands behind a row that is being sent or not yet due has to wait
_DUE = (
    _SELECT
    + """o.id IN(SELECT MIN(id) FROM outbox WHERE state IN('PENDING','SENDING') GROUP BY chat_id)
  AND o.state='PENDING' AND o.not_before_ms<=? AND c.enabled=1
  AND (original.id IS NULL OR original.state NOT IN('PENDING','SENDING'))
ORDER BY o.id LIMIT ?"""
)


class Outbox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages = Messages(connection)

    def queue(
        self,
        kind: str,
        payload: Mapping[str, Json],
        dedupe_key: str,
        chat_ids: Iterable[int],
        created_ms: int,
        *,
        signal_id: int | None = None,
        reply_to_dedupe_key: str | None = None,
        expires_ms: int | None = None,
        not_before_ms: Mapping[int, int] = NO_WAIT,
    ) -> int | None:
        """Say something to chats (ids of the book), as a reply to the row that carried the original to the same chat.

        A payload that names a dedupe key under EDITS replaces what that message shows, instead of saying more.
        `not_before_ms` holds the row of a chat back until an instant. Returns the message's id, None when `dedupe_key`
        was said before; then nothing is queued.
        """
        message_id = self._messages.add(
            kind, payload, dedupe_key, created_ms, signal_id=signal_id, expires_ms=expires_ms
        )
        if message_id is None:
            return None
        self._connection.executemany(
            "INSERT INTO outbox(message_id, chat_id, not_before_ms, reply_to) VALUES(?1,?2,?4,(SELECT o.id FROM outbox o"
            " JOIN messages m ON m.id=o.message_id WHERE m.dedupe_key=?3 AND o.chat_id=?2))",
            [
                (message_id, chat_id, payload.get(EDITS, reply_to_dedupe_key), not_before_ms.get(chat_id, 0))
                for chat_id in chat_ids
            ],
        )
        return message_id

    def due(self, now_ms: int, limit: int) -> tuple[OutboxItem, ...]:
        """What may be sent now: at most one row per enabled chat, the first of its queue; replies after originals."""
        return tuple(_item(row) for row in self._connection.execute(_DUE, (now_ms, limit)))

    def get(self, outbox_id: int) -> OutboxItem:
        """The row with this id; NotInOutbox when there is none."""
        row = self._connection.execute(_SELECT + "o.id=?", (outbox_id,)).fetchone()
        if row is None:
            raise NotInOutbox(f"There is no outbox row {outbox_id}.")
        return _item(row)

    def of_message(self, message_id: int) -> tuple[OutboxItem, ...]:
        """A message's way to each chat."""
        return tuple(
            _item(row) for row in self._connection.execute(_SELECT + "o.message_id=? ORDER BY o.id", (message_id,))
        )

    def has_newer_edit(self, item: OutboxItem) -> bool:
        """Whether a later row will replace what `item` makes the same message show."""
        row = self._connection.execute(
            "SELECT 1 FROM outbox o JOIN messages m ON m.id=o.message_id WHERE o.state='PENDING' AND o.id>?1"
            " AND o.reply_to=(SELECT reply_to FROM outbox WHERE id=?1) AND json_extract(m.payload,'$.edits') IS NOT NULL",
            (item.id,),
        ).fetchone()
        return row is not None

    def mark_sending(self, outbox_id: int) -> None:
        """PENDING becomes SENDING; committed before the call goes out."""
        self._step(outbox_id, "state='SENDING', tries=tries+1", (), (OutboxState.PENDING,))

    def mark_sent(self, outbox_id: int, telegram_message_id: int, sent_ms: int, note: str | None = None) -> None:
        """It arrived; `note` tells what is to be known of it all the same."""
        self._step(
            outbox_id,
            "state='SENT', telegram_message_id=?, sent_ms=?, error=?",
            (telegram_message_id, sent_ms, note),
            (OutboxState.SENDING, OutboxState.UNKNOWN),
        )

    def mark_unknown(self, outbox_id: int, error: str, at_ms: int) -> None:
        """The answer never came: it may have been sent, at `at_ms` at the latest. Also a resend that came too late."""
        allowed_from = (OutboxState.SENDING, OutboxState.PENDING)
        self._step(outbox_id, "state='UNKNOWN', error=?, sent_ms=?", (error, at_ms), allowed_from)

    def mark_failed(self, outbox_id: int, error: str) -> None:
        """It cannot be sent, now or later."""
        self._step(outbox_id, "state='FAILED', error=?", (error,), (OutboxState.SENDING, OutboxState.PENDING))

    def postpone(self, outbox_id: int, not_before_ms: int, error: str | None) -> None:
        """Try (again) later; the chat's queue waits behind it. Also a resend of an UNKNOWN."""
        self._step(
            outbox_id,
            "state='PENDING', not_before_ms=?, error=?, sent_ms=NULL",
            (not_before_ms, error),
            (OutboxState.SENDING, OutboxState.PENDING, OutboxState.UNKNOWN),
        )

    def drop(self, outbox_id: int, why: str) -> None:
        """It is not worth sending any more."""
        self._step(outbox_id, "state='DROPPED', error=?", (why,), (OutboxState.PENDING, OutboxState.UNKNOWN))

    def drop_chat(self, chat_id: int, why: str) -> int:
        """Drop everything that waits for a chat, and say how many rows that were."""
        return self._connection.execute(
            "UPDATE outbox SET state='DROPPED', error=? WHERE chat_id=? AND state='PENDING'", (why, chat_id)
        ).rowcount

    def move(self, from_chat_id: int, to_chat_id: int) -> None:
        """Let what waits for one chat wait for another; what that one has already is dropped."""
        self._connection.execute(
            "UPDATE OR IGNORE outbox SET chat_id=? WHERE chat_id=? AND state='PENDING'", (to_chat_id, from_chat_id)
        )
        self.drop_chat(from_chat_id, "the chat it moved to has it already")

    def sending_to_unknown(self, now_ms: int) -> tuple[OutboxItem, ...]:
        """At start: rows found SENDING become UNKNOWN and are returned, oldest first."""
        ids = [row[0] for row in self._connection.execute("SELECT id FROM outbox WHERE state='SENDING' ORDER BY id")]
        for outbox_id in ids:
            self.mark_unknown(outbox_id, KILLED_WHILE_SENDING, now_ms)
        return tuple(self.get(outbox_id) for outbox_id in ids)

    def next_due_ms(self) -> int | None:
        """When the next head of a queue may be sent; None when nothing waits."""
        row = self._connection.execute(
            "SELECT MIN(o.not_before_ms) FROM outbox o JOIN chats c ON c.id=o.chat_id"
            " WHERE o.state='PENDING' AND c.enabled=1"
            " AND o.id IN(SELECT MIN(id) FROM outbox WHERE state IN('PENDING','SENDING') GROUP BY chat_id)"
        ).fetchone()
        due_ms: int | None = row[0]
        return due_ms

    def backlog(self) -> Backlog:
        row = self._connection.execute(
            "SELECT COUNT(*), MIN(m.created_ms), (SELECT COUNT(*) FROM outbox WHERE state='UNKNOWN')"
            " FROM outbox o JOIN messages m ON m.id=o.message_id WHERE o.state IN('PENDING','SENDING')"
        ).fetchone()
        return Backlog(*row)

    def _step(self, outbox_id: int, change: str, values: Sequence[object], allowed_from: Sequence[OutboxState]) -> None:
        places = ",".join("?" * len(allowed_from))
        row = self._connection.execute(
            f"UPDATE outbox SET {change} WHERE id=? AND state IN({places}) RETURNING id",
            (*values, outbox_id, *(state.value for state in allowed_from)),
        ).fetchone()
        if row is None:
            states = " or ".join(state.value for state in allowed_from)
            raise NotInOutbox(f"Outbox row {outbox_id} is not {states}.")


def _item(row: Sequence[Any]) -> OutboxItem:
    (
        outbox_id, message_id, kind, signal_id, payload, created_ms, expires_ms, dedupe_key, chat_id,
        chat_telegram_id, topic_id, state, tries, sent_ms, telegram_message_id, error, is_reply, original_id,
        original_state, original_sent_ms, edits,
    ) = row  # fmt: skip
    return OutboxItem(
        id=outbox_id,
        message_id=message_id,
        kind=kind,
        signal_id=signal_id,
        payload=decoded(payload),
        created_ms=created_ms,
        expires_ms=expires_ms,
        dedupe_key=dedupe_key,
        chat_id=chat_id,
        chat_telegram_id=chat_telegram_id,
        topic_id=topic_id,
        state=OutboxState(state),
        tries=tries,
        sent_ms=sent_ms,
        telegram_message_id=telegram_message_id,
        error=error,
        is_reply=bool(is_reply),
        reply_to_telegram_id=original_id,
        original_state=None if original_state is None else OutboxState(original_state),
        original_sent_ms=original_sent_ms,
        edits=bool(edits),
    )
