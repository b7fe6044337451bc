"""Drains the outbox: per chat in order, within Telegram's limits, nothing lost and nothing twice.

SENDING is committed before a call and its end after it. A row found SENDING at the next start, or whose answer never
came, is of unknown end: that is declared once and for ever in an event, and the message, which names its signal, is
sent at most once more.
"""

import asyncio
import html
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from engine.vocabulary import SignalStatus
from gateways.telegram_sender import (
    ChatGone,
    Flood,
    Migrated,
    ParseError,
    Rejected,
    Result,
    Sent,
    TimedOut,
    TooLong,
    Unreachable,
)
from services.announce import MessageKind
from services.pace import WALL_TIME, Pace
from services.post import Render
from services.publish import publish
from services.throttle import Throttle
from storage.book import Book
from storage.events import EventType
from storage.outbox import OutboxItem, OutboxState
from storage.publications import Delivery
from storage.stores import Stores
from storage.writer import Writer

BATCH = 100
SECOND_MS = 1000
RESEND_AFTER_MS = 2 * SECOND_MS
BACK_OFF_FIRST_MS = SECOND_MS
BACK_OFF_LAST_MS = 60 * SECOND_MS
LONGEST_SLEEP_S = 5.0
SHORTEST_SLEEP_S = 0.02
NEWS_AFTER_S = 0.25
TEXT_LIMIT = 4096  # UTF-16 units, as Telegram counts them
NOTICE = "notice"
TAG = re.compile(r"</?[a-zA-Z][^>]*>")

logger = logging.getLogger(__name__)


class SendsMessages(Protocol):
    """The one thing asked of Telegram here."""

    async def send_message(
        self, chat_id: int, text: str, *, reply_to: int | None = None, topic_id: int = 0, html: bool = True
    ) -> Result: ...


@dataclass(frozen=True, slots=True)
class Sending:
    """A row marked SENDING, and what it says."""

    item: OutboxItem
    text: str


class Sender:
    """The one who sends. `owner_chat_id` (of the book) hears of chats that have shut us out."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        telegram: SendsMessages,
        render: Render,
        now_ms: Callable[[], int],
        *,
        owner_chat_id: int | None = None,
        pace: Pace = WALL_TIME,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._book = book
        self._writer = writer
        self._telegram = telegram
        self._render = render
        self._now_ms = now_ms
        self._owner_chat_id = owner_chat_id
        self._pace = pace
        self._sleep = sleep
        self._throttle = Throttle()
        self._woken = asyncio.Event()
        self._lanes: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Something new may wait in the outbox."""
        self._woken.set()

    async def recover(self) -> None:
        """At start: what was being sent when the last bot ended is of unknown end."""
        now_ms = self._now_ms()

        def declare(tx: Stores) -> None:
            for item in tx.outbox.sending_to_unknown(now_ms):
                _declare_unknown(tx, item, now_ms)

        await self._writer.run(declare)

    async def drain(self) -> None:
        """Send everything that may be sent now; rows that have to wait stay."""
        while await self._fill_lanes():
            # one chat that has to wait for its bucket does not keep news from the others
            await asyncio.wait(self._lanes.values(), timeout=NEWS_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
            self._clear_lanes()

    async def run(self) -> None:
        """Send for ever; cancelled, it first lets what is on the wire come to its end."""
        try:
            while True:
                self._woken.clear()
                await self.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), await self._pause_s())
        finally:
            if self._lanes:
                await asyncio.wait(self._lanes.values(), timeout=LONGEST_SLEEP_S)

    async def _fill_lanes(self) -> bool:
        """Give every chat that has something due a task of its own; whether any is at work."""
        with self._book.reading() as view:
            due = view.outbox.due(self._now_ms(), BATCH)
        for item in due:
            if item.chat_id not in self._lanes:
                self._lanes[item.chat_id] = asyncio.create_task(self._deliver(item))
        return bool(self._lanes)

    def _clear_lanes(self) -> None:
        for chat_id, lane in tuple(self._lanes.items()):
            if lane.done():
                del self._lanes[chat_id]
                lane.result()  # an error of our own must show itself

    async def _pause_s(self) -> float:
        with self._book.reading() as view:
            due_ms = view.outbox.next_due_ms()
        if due_ms is None:
            return LONGEST_SLEEP_S
        return min(max(self._pace.wall_seconds(due_ms - self._now_ms()), SHORTEST_SLEEP_S), LONGEST_SLEEP_S)

    async def _deliver(self, item: OutboxItem) -> None:
        while wait_ms := self._throttle.reserve(item.chat_telegram_id, self._now_ms()):
            await self._sleep(self._pace.wall_seconds(wait_ms))
        sending = await self._writer.run(lambda tx: self._begin(tx, item.id))
        if sending is None:
            return
        result = await self._say(sending)
        await self._writer.run(lambda tx: self._book_end(tx, sending.item, result))

    def _begin(self, tx: Stores, outbox_id: int) -> Sending | None:
        """Mark the row SENDING and word it; None when it is not worth sending any more."""
        item, now_ms = tx.outbox.get(outbox_id), self._now_ms()
        if item.kind == MessageKind.SIGNAL.value:
            _miss_if_late(tx, item, now_ms)
        elif item.signal_id is not None and tx.signals.get(item.signal_id).status is SignalStatus.MISSED:
            tx.outbox.drop(item.id, "its signal was never sent as live")
            return None
        tx.outbox.mark_sending(item.id)
        return Sending(item, self._render(tx, item).html)

    async def _say(self, sending: Sending) -> Result:
        """One call; where Telegram cannot read or hold the text, one more with a plainer or shorter one."""
        text, as_html = sending.text, True
        result = await self._call(sending.item, text, as_html)
        if isinstance(result, ParseError):
            logger.error("outbox row %d: Telegram cannot parse it (%s); sent plain", sending.item.id, result.reason)
            text, as_html = plain(text), False
            result = await self._call(sending.item, text, as_html)
        if isinstance(result, TooLong):
            logger.error("outbox row %d is too long (%s); sent shortened", sending.item.id, result.reason)
            result = await self._call(sending.item, shortened(plain(text) if as_html else text), as_html=False)
        return result

    def _call(self, item: OutboxItem, text: str, as_html: bool) -> Awaitable[Result]:
        return self._telegram.send_message(
            item.chat_telegram_id, text, reply_to=item.reply_to_telegram_id, topic_id=item.topic_id, html=as_html
        )

    def _book_end(self, tx: Stores, item: OutboxItem, result: Result) -> None:
        now_ms = self._now_ms()
        match result:
            case Sent(message_id):
                tx.outbox.mark_sent(item.id, message_id, now_ms)
                publish(tx, item, Delivery.SENT, now_ms)
                _signal_is_out(tx, item, now_ms)
            case TimedOut(reason):
                tx.outbox.mark_unknown(item.id, reason, now_ms)
                _declare_unknown(tx, item, now_ms)
            case Unreachable(reason):
                tx.outbox.postpone(item.id, now_ms + _back_off_ms(tx.outbox.get(item.id).tries), reason)
            case Flood(retry_after_s):
                tx.outbox.postpone(item.id, now_ms + round(retry_after_s * SECOND_MS), "Telegram asked for a pause")
            case Migrated(new_chat_id):
                tx.chats.migrate(item.chat_id, new_chat_id)
                tx.outbox.postpone(item.id, now_ms, f"the group moved to {new_chat_id}")
            case ChatGone(reason):
                self._close_chat(tx, item, reason, now_ms)
            case ParseError(reason) | TooLong(reason) | Rejected(reason):
                logger.error("outbox row %d was refused: %s", item.id, reason)
                tx.outbox.mark_failed(item.id, reason)
                _miss_unless_heard(tx, item, f"Telegram refused it: {reason}", now_ms)

    def _close_chat(self, tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
        """Stop writing to a chat that shut us out and tell the owner; its queue waits for it to be opened again."""
        logger.error("chat %d is closed to us: %s", item.chat_telegram_id, reason)
        tx.outbox.postpone(item.id, now_ms, reason)
        tx.chats.disable(item.chat_id, reason)
        tx.events.add(EventType.CHAT_DISABLED, now_ms, message=f"{item.chat_telegram_id}: {reason}")
        if self._owner_chat_id not in (None, item.chat_id):
            tx.outbox.queue(
                NOTICE,
                {"text": f"Chat {item.chat_telegram_id} is closed to me: {reason}. Let me in again and restart me."},
                f"{NOTICE}:closed:{item.chat_id}:{now_ms}",
                (self._owner_chat_id,),
                now_ms,
            )


def plain(text: str) -> str:
    """An HTML text of ours as plain text."""
    return html.unescape(TAG.sub("", text))


def shortened(text: str, limit: int = TEXT_LIMIT) -> str:
    """The whole lines that fit into `limit` UTF-16 units, and a mark where something is missing."""
    mark, kept, used = "\n…", "", 0
    if _units(text) <= limit:
        return text
    for line in text.splitlines(keepends=True):
        if used + _units(line) > limit - _units(mark):
            room = limit - _units(mark) - used if not kept else 0
            kept += line.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
            break
        kept, used = kept + line, used + _units(line)
    return kept.rstrip("\n") + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _back_off_ms(tries: int) -> int:
    return min(BACK_OFF_FIRST_MS << min(max(tries - 1, 0), 10), BACK_OFF_LAST_MS)


def _declare_unknown(tx: Stores, item: OutboxItem, now_ms: int) -> None:
    """Write down for ever that nobody knows whether the row arrived; the first time it is worth one more try."""
    publish(tx, item, Delivery.UNKNOWN, now_ms)
    first = tx.events.add(
        EventType.SEND_UNKNOWN,
        now_ms,
        signal_id=item.signal_id,
        message=f"{item.kind} to {item.chat_telegram_id}",
        idem_key=f"unknown:{item.id}",
    )
    if first and not _is_late(item, now_ms):
        tx.outbox.postpone(item.id, now_ms + RESEND_AFTER_MS, "the answer to the first try never came")
    else:
        _signal_is_out(tx, item, now_ms)


def _signal_is_out(tx: Stores, item: OutboxItem, now_ms: int) -> None:
    """The channel has (as far as anybody knows) its signal; what became of it meanwhile stays as it is."""
    if item.kind != MessageKind.SIGNAL.value or item.signal_id is None:
        return
    status = tx.signals.get(item.signal_id).status
    if status is SignalStatus.MISSED:
        return
    if status is SignalStatus.ACCEPTED:
        tx.signals.set_status(item.signal_id, SignalStatus.SENT, None, now_ms)
    tx.events.add(EventType.SIGNAL_SENT, now_ms, signal_id=item.signal_id, idem_key=f"sent:{item.signal_id}")


def _miss_if_late(tx: Stores, item: OutboxItem, now_ms: int) -> None:
    if _is_late(item, now_ms):
        _miss_unless_heard(tx, item, "it could not be sent within its validity", now_ms)


def _miss_unless_heard(tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
    """A signal that no chat was given counts as missed, whatever became of its price."""
    if item.kind != MessageKind.SIGNAL.value or item.signal_id is None:
        return
    if any(row.state in (OutboxState.SENT, OutboxState.UNKNOWN) for row in tx.outbox.of_message(item.message_id)):
        return
    key = f"missed:{item.signal_id}"
    if tx.events.add(EventType.SIGNAL_MISSED, now_ms, signal_id=item.signal_id, message=reason, idem_key=key):
        tx.signals.set_status(item.signal_id, SignalStatus.MISSED, reason, now_ms)


def _is_late(item: OutboxItem, now_ms: int) -> bool:
    return item.expires_ms is not None and now_ms > item.expires_ms
