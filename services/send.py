"""Drains the outbox: per chat in order, within Telegram's limits, nothing lost and nothing twice.

SENDING is committed before a call and its end after it. A row found SENDING at the next start, or whose answer never
came, is of unknown end: each time that is declared for ever in an event, and the message, which names its signal, is
sent again once Telegram is heard again (`services/doubt.py`), the rest of its chat waiting behind it. What is late,
overtaken or without the message it belongs to is dropped, with the reason kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from engine.vocabulary import SignalStatus
from gateways.telegram_words import (
    ChatGone,
    Flood,
    Migrated,
    NoButtons,
    NoOriginal,
    NoPicture,
    NoTopic,
    ParseError,
    Rejected,
    SendsMessages,
    Sent,
    ServerTrouble,
    TimedOut,
    TooLong,
    Unreachable,
)
from services.announce import MessageKind
from services.chart_desk import Draw, NoChart
from services.delivery import End, Sending, deliver, revise
from services.doubt import Line, back_off_ms, declare_doubt, declare_trouble, doubts_of
from services.incidents import chat_closed
from services.pace import WALL_TIME, Pace
from services.post import Picture, Render
from services.publish import publish
from services.throttle import Throttle
from storage.book import Book
from storage.errors import BookError
from storage.events import EventType
from storage.outbox import KILLED_WHILE_SENDING, OutboxItem, OutboxState
from storage.publications import Delivery
from storage.stores import Stores
from storage.writer import Writer

BATCH = 100
SECOND_MS = 1000
LONGEST_SLEEP_S = 5.0
SHORTEST_SLEEP_S = 0.02
NEWS_AFTER_S = 0.25
NOTICE = "notice"
UNSENT = (OutboxState.DROPPED, OutboxState.FAILED)

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Sender:
    """The one who sends; without `draw` every message goes out without its chart."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        telegram: SendsMessages,
        render: Render,
        now_ms: Callable[[], int],
        *,
        draw: Draw | None = None,
        pace: Pace = WALL_TIME,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._book = book
        self._writer = writer
        self._telegram = telegram
        self._render = render
        self._now_ms = now_ms
        self._draw = draw
        self._pace = pace
        self._sleep = sleep
        self._throttle = Throttle()
        self._line = Line(telegram, now_ms)
        self._woken = asyncio.Event()
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._lost_topics: set[int] = set()
        self._stopping = False
        self._trouble: str | None = None
        self._gate = asyncio.Lock()
        self._charted: tuple[int, Picture | None] = (0, None)  # of one message, whose copies ask alike

    def wake(self) -> None:
        """Something new may wait in the outbox."""
        self._woken.set()

    async def recover(self) -> None:
        """At start: what was being sent when the last bot ended is of unknown end."""
        now_ms = self._now_ms()

        def declare(tx: Stores) -> None:
            for item in tx.outbox.sending_to_unknown(now_ms):
                if item.edits:
                    self._try_again(tx, item, KILLED_WHILE_SENDING, now_ms)
                else:
                    declare_doubt(tx, item, KILLED_WHILE_SENDING, now_ms)

        await self._writer.run(declare)

    async def drain(self) -> None:
        """Send everything that may be sent now; rows that have to wait stay."""
        while await self._fill_lanes():
            # one chat that has to wait for its bucket does not keep news from the others
            with suppress(TimeoutError):
                async with asyncio.timeout(NEWS_AFTER_S):
                    await self._until_there_is_room()
            self._clear_lanes()

    async def drain_patiently(self) -> None:
        """The same; where the book cannot be written (a full disk, say), that is said once and waited for."""
        try:
            await self.drain()
        except BookError as error:
            self._complain(error)
            await self._until_the_book_is_well()

    async def run(self) -> None:
        """Send for ever; cancelled, it first lets what is on the wire come to its end."""
        try:
            while True:
                self._woken.clear()
                await self.drain_patiently()
                with suppress(TimeoutError):
                    async with asyncio.timeout(await self._pause_s()):
                        await self._woken.wait()
        finally:
            self._stopping = True
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

    async def _until_there_is_room(self) -> None:
        """Wait until a chat is done, and while many are at work, until half are: asking for more costs time."""
        while self._lanes:
            await asyncio.wait(self._lanes.values(), return_when=asyncio.FIRST_COMPLETED)
            self._clear_lanes()
            if len(self._lanes) <= BATCH // 2:
                return

    def _clear_lanes(self) -> None:
        for chat_id, lane in tuple(self._lanes.items()):
            if lane.done():
                del self._lanes[chat_id]
                lane.result()  # an error of our own must show itself

    async def _pause_s(self) -> float:
        try:
            with self._book.reading() as view:
                due_ms = view.outbox.next_due_ms()
        except BookError as error:
            self._complain(error)
            return LONGEST_SLEEP_S
        if due_ms is None:
            return LONGEST_SLEEP_S
        return min(max(self._pace.wall_seconds(due_ms - self._now_ms()), SHORTEST_SLEEP_S), LONGEST_SLEEP_S)

    async def _deliver(self, item: OutboxItem) -> None:
        if item.tries and not await self._may_repeat(item):
            return
        png = await self._picture(item)
        sending = await self._depart(item, lambda tx: self._begin(tx, item.id, png))
        if sending is None:
            return
        await self._keep_end(sending.item, await self._say(sending))

    async def _keep_end(self, item: OutboxItem, end: End) -> None:
        """Write down what Telegram answered, however long the book cannot be written: it is known, and no doubt."""
        while True:
            try:
                await self._writer.run(lambda tx: self._book_end(tx, item, end))
            except BookError as error:
                if self._stopping:
                    logger.error("%s The next start finds outbox row %d of unknown end.", error, item.id)
                    return
                self._complain(error)
                await self._sleep(LONGEST_SLEEP_S)
            else:
                self._trouble = None
                facts = {"outbox": item.id, "kind": item.kind, "chat": item.chat_telegram_id, "try": item.tries + 1}
                logger.info("message handed over", extra={"facts": facts | {"result": type(end.result).__name__}})
                return

    def _complain(self, error: BookError) -> None:
        """Log what is wrong with the book, once until something was booked again."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            logger.error("%s Nothing is sent until that is put right.", error)

    async def _until_the_book_is_well(self) -> None:
        """Wait until what was begun has ended and could be written down; of the rest the end is unknown."""
        while True:
            if self._lanes:
                await asyncio.wait(self._lanes.values())
            with suppress(BookError):
                self._clear_lanes()
                await self.recover()
                return
            await self._sleep(LONGEST_SLEEP_S)

    async def _may_repeat(self, item: OutboxItem) -> bool:
        """Whether what was tried before may be tried now; what may have arrived waits until Telegram is heard again."""
        with self._book.reading() as view:
            doubts = doubts_of(view, item)
        wait_ms = await self._line.wait_ms(doubts.last_ms) if doubts.count else 0
        if wait_ms:
            until_ms = self._now_ms() + wait_ms
            await self._writer.run(lambda tx: tx.outbox.postpone(item.id, until_ms, "Telegram does not answer"))
        return not wait_ms

    async def _depart(self, item: OutboxItem, work: Callable[[Stores], T | None]) -> T | None:
        """Do `work` when one more call may go to a chat, and count the call; None, and nothing counted, where it is None.

        One departs at a time, and counts when it really does: after a stall nobody catches up all at once.
        """
        chat_id, is_order = item.chat_telegram_id, item.kind == MessageKind.ORDER.value
        while not self._stopping:
            await self._rest(self._throttle.chat_wait_ms(chat_id, self._now_ms(), is_order=is_order))
            async with self._gate:
                if self._throttle.chat_wait_ms(chat_id, self._now_ms(), is_order=is_order):
                    continue  # another topic of the chat was faster
                done = await self._writer.run(work)
                if done is not None:
                    await self._rest(self._throttle.all_wait_ms(self._now_ms()))
                    self._throttle.take(chat_id, self._now_ms(), is_order=is_order)
                return done
        return None

    async def _rest(self, wait_ms: float) -> None:
        if wait_ms > 0:
            await self._sleep(self._pace.wall_seconds(wait_ms))

    async def _picture(self, item: OutboxItem) -> bytes | None:
        """The row's chart, drawn before it is marked; without one the words go out alone, and why is kept."""
        draw = self._draw
        if draw is None or item.edits:
            return None
        if item.message_id != self._charted[0]:
            with self._book.reading() as view:
                self._charted = (item.message_id, self._render(view, item).chart)
        request = self._charted[1]
        if request is None:
            return None
        try:
            return await draw(request)
        except NoChart as error:
            reason = f"no chart: {error}"
            await self._writer.run(lambda tx: _defect(tx, item, reason, self._now_ms()))
            return None

    def _why_not(self, view: Stores, item: OutboxItem) -> str | None:
        """Why a row is not worth sending any more; None when it is."""
        if item.edits and item.reply_to_telegram_id is None:
            return "the message it would change never arrived"
        if item.edits and view.outbox.has_newer_edit(item):
            return "a newer change of the same message follows"
        if item.is_reply and item.original_state in UNSENT:
            return "what it belongs to was not sent to this chat"
        late = _is_late(item, self._now_ms())
        missed = item.signal_id is not None and view.signals.get(item.signal_id).status is SignalStatus.MISSED
        if item.kind == MessageKind.SIGNAL.value:  # late, but heard by nobody, it still goes out: as missed
            return "its validity passed before this chat's turn" if late and not missed and _heard(view, item) else None
        if missed:
            return "its signal was never sent as live"
        return "its time was over before its turn came" if late else None

    def _begin(self, tx: Stores, outbox_id: int, png: bytes | None) -> Sending | None:
        """Mark the row SENDING and word it; None when it is not worth sending any more."""
        item, now_ms = tx.outbox.get(outbox_id), self._now_ms()
        if item.kind == MessageKind.SIGNAL.value:
            _miss_if_late(tx, item, now_ms)
        why_not = self._why_not(tx, item)
        if why_not is not None:
            if doubts_of(tx, item).count:
                tx.outbox.mark_unknown(item.id, why_not, now_ms)
            else:
                tx.outbox.drop(item.id, why_not)
            return None
        tx.outbox.mark_sending(item.id)
        post = self._render(tx, item)
        parts = _parts_sent(tx, item)
        return Sending(item, post, None if post.chart is None else png, len(parts), parts[0] if parts else None)

    async def _say(self, sending: Sending) -> End:
        item = sending.item

        async def turn() -> None:
            await self._depart(item, lambda tx: True)

        async def tell(number: int, message_id: int) -> None:
            await self._writer.run(lambda tx: _part_sent(tx, item, number, message_id, self._now_ms()))

        if item.edits:
            return await revise(self._telegram, sending, turn)
        return await deliver(self._telegram, sending, turn, tell, item.chat_id in self._lost_topics)

    def _book_end(self, tx: Stores, item: OutboxItem, end: End) -> None:
        now_ms = self._now_ms()
        for reason in end.defects:
            _defect(tx, item, reason, now_ms)
        if end.lost_topic:
            self._lost_topics.add(item.chat_id)
            where = f"topic {item.topic_id} of {item.chat_telegram_id} is gone; its messages go to the chat itself"
            tx.events.add(EventType.TOPIC_LOST, now_ms, message=where, idem_key=f"topic lost:{item.chat_id}")
        match end.result:
            case Sent(message_id):
                self._throttle.delivered()
                tx.outbox.mark_sent(item.id, message_id, now_ms, doubts_of(tx, item).note)
                publish(tx, item, Delivery.SENT, now_ms)
                signal_is_out(tx, item, now_ms)
            case TimedOut(reason) if item.edits:  # a change made twice is one change
                self._try_again(tx, item, reason, now_ms)
            case TimedOut(reason):
                tx.outbox.mark_unknown(item.id, reason, now_ms)
                declare_doubt(tx, item, reason, now_ms)
            case ServerTrouble(reason):
                declare_trouble(tx, item, reason, now_ms)
                self._try_again(tx, item, reason, now_ms)
            case Unreachable(reason):
                self._try_again(tx, item, reason, now_ms)
            case Flood(retry_after_s):
                until_ms = now_ms + round(retry_after_s * SECOND_MS)
                self._throttle.flooded(item.chat_telegram_id, until_ms)
                tx.outbox.postpone(item.id, until_ms, "Telegram asked for a pause")
            case Migrated(new_chat_id):
                tx.outbox.postpone(item.id, now_ms, f"the group moved to {new_chat_id}")
                _move_chat(tx, item.chat_id, new_chat_id)
            case ChatGone(reason):
                logger.error("chat %d is closed to us: %s", item.chat_telegram_id, reason)
                tx.outbox.postpone(item.id, now_ms, reason)
                chat_closed(tx, item.chat_id, reason, now_ms)
            case (
                ParseError(reason)
                | TooLong(reason)
                | NoPicture(reason)
                | NoButtons(reason)
                | NoTopic(reason)
                | NoOriginal(reason)
                | Rejected(reason)
            ):
                _defect(tx, item, reason, now_ms)
                tx.outbox.mark_failed(item.id, reason)
                _miss_unless_heard(tx, item, f"Telegram refused it: {reason}", now_ms)

    def _try_again(self, tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
        tx.outbox.postpone(item.id, now_ms + back_off_ms(item.tries + 1), reason)


def signal_is_out(tx: Stores, item: OutboxItem, now_ms: int) -> None:
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
    if _heard(tx, item):
        return
    key = f"missed:{item.signal_id}"
    if tx.events.add(EventType.SIGNAL_MISSED, now_ms, signal_id=item.signal_id, message=reason, idem_key=key):
        tx.signals.set_status(item.signal_id, SignalStatus.MISSED, reason, now_ms)


def _heard(view: Stores, item: OutboxItem) -> bool:
    """Whether any chat was given this message."""
    return any(row.state in (OutboxState.SENT, OutboxState.UNKNOWN) for row in view.outbox.of_message(item.message_id))


def _is_late(item: OutboxItem, now_ms: int) -> bool:
    return item.expires_ms is not None and now_ms > item.expires_ms


def _move_chat(tx: Stores, chat_id: int, new_telegram_id: int) -> None:
    """Follow a group to its new id; where the book knows that one already, its queue goes there."""
    if not tx.chats.of_telegram(new_telegram_id):
        tx.chats.migrate(chat_id, new_telegram_id)
        return
    left = tx.chats.get(chat_id)
    tx.outbox.move(chat_id, tx.chats.ensure(new_telegram_id, left.kind, left.topic_id).id)
    tx.chats.disable(chat_id, f"the group moved to {new_telegram_id}")


def _defect(tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
    """Keep that a message of ours was not as it should be."""
    logger.error("outbox row %d (%s): %s", item.id, item.kind, reason)
    message = f"outbox row {item.id} ({item.kind}): {reason}"
    tx.events.add(EventType.DEFECT, now_ms, signal_id=item.signal_id, message=message)


def _part_sent(tx: Stores, item: OutboxItem, number: int, message_id: int, now_ms: int) -> None:
    key = _part_key(item, number)
    tx.events.add(EventType.PART_SENT, now_ms, signal_id=item.signal_id, message=str(message_id), idem_key=key)


def _parts_sent(tx: Stores, item: OutboxItem) -> tuple[int, ...]:
    """The message ids of the parts of a row that are out, in order."""
    found = list[int]()
    while (event := tx.events.by_key(_part_key(item, len(found)))) is not None:
        found.append(int(event.message or 0))
    return tuple(found)


def _part_key(item: OutboxItem, number: int) -> str:
    return f"part:{item.chat_id}:{number}:{item.dedupe_key}"
