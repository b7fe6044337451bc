"""What follows from a send whose answer never came: it is declared for ever, and repeated until an answer is had.

Who reads a channel loses more by a stop that was never told than by one told twice, so nothing is given up; and nothing
is repeated blindly, because an outage that swallows answers would fill the channel with copies. A repeat waits until
Telegram has answered a harmless call since the doubt, and four times as long after each doubt that comes all the same.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateways.telegram_words import SendsMessages
from services.publish import publish
from storage.events import EventType
from storage.outbox import OutboxItem
from storage.publications import Delivery
from storage.stores import Stores

SECOND_MS = 1000
RESEND_FIRST_MS = 2 * SECOND_MS
RESEND_FACTOR = 4
RESEND_LAST_MS = 6 * 3600 * SECOND_MS
"""Where calls get through and their answers never do, a day costs a reader ten copies, and the next one four."""
BACK_OFF_FIRST_MS = SECOND_MS
BACK_OFF_LAST_MS = 60 * SECOND_MS


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many sends of a row are of unknown end, and when the last of them was declared, epoch ms."""

    count: int = 0
    last_ms: int = 0

    @property
    def note(self) -> str | None:
        """What a row that was answered at last says of its copies; None without a doubt."""
        if not self.count:
            return None
        return f"answered after {self.count} without an answer: the chat may hold up to {self.count + 1} copies"


class Line:
    """Whether Telegram answers: asked with a call that does nothing, by one at a time for all who want to know."""

    def __init__(self, telegram: SendsMessages, now_ms: Callable[[], int]) -> None:
        self._telegram = telegram
        self._now_ms = now_ms
        self._answered_ms = 0
        self._unanswered = 0
        self._ask_again_ms = 0
        self._asking = asyncio.Lock()

    async def wait_ms(self, doubt_ms: int) -> int:
        """How long to wait before what is in doubt since an instant is repeated; 0 when an answer came since."""
        async with self._asking:
            if self._answered_ms > doubt_ms:
                return 0
            asked_ms = self._now_ms()
            if asked_ms < self._ask_again_ms:
                return self._ask_again_ms - asked_ms
            if await self._telegram.answers():
                self._answered_ms, self._unanswered = asked_ms, 0
                return 0
            self._unanswered += 1
            pause_ms = back_off_ms(self._unanswered)
            self._ask_again_ms = self._now_ms() + pause_ms
            return pause_ms


def declare_doubt(tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
    """Write down for ever that nobody knows whether an UNKNOWN row arrived, and let it wait for its repeat."""
    publish(tx, item, Delivery.UNKNOWN, now_ms)
    number = doubts_of(tx, item).count + 1
    tx.events.add(
        EventType.SEND_UNKNOWN,
        now_ms,
        signal_id=item.signal_id,
        message=f"{item.kind} to {item.chat_telegram_id}, doubt {number}: {reason}",
        idem_key=_key(item, number),
    )
    pause_ms = min(RESEND_FIRST_MS * RESEND_FACTOR ** min(number - 1, 10), RESEND_LAST_MS)
    tx.outbox.postpone(item.id, now_ms + pause_ms, f"no answer to {number} of its sends: {reason}")


def declare_trouble(tx: Stores, item: OutboxItem, reason: str, now_ms: int) -> None:
    """Telegram says it failed; should it have delivered all the same, the next try is the second to arrive."""
    tx.events.add(
        EventType.SEND_UNKNOWN,
        now_ms,
        signal_id=item.signal_id,
        message=f"{item.kind} to {item.chat_telegram_id}: {reason}",
        idem_key=f"unknown:{item.id}:server trouble:{item.dedupe_key}",
    )


def doubts_of(view: Stores, item: OutboxItem) -> Doubts:
    """What was declared of a row so far."""
    count, last_ms = 0, 0
    while (event := view.events.by_key(_key(item, count + 1))) is not None:
        count, last_ms = count + 1, event.at_ms
    return Doubts(count, last_ms)


def back_off_ms(tries: int) -> int:
    """The pause after so many tries, from 1, that certainly delivered nothing."""
    return min(BACK_OFF_FIRST_MS << min(max(tries - 1, 0), 10), BACK_OFF_LAST_MS)


def _key(item: OutboxItem, number: int) -> str:
    again = "" if number == 1 else f"doubt {number}:"
    return f"unknown:{item.id}:{again}{item.dedupe_key}"  # ids of forgotten rows come again, dedupe keys do not
