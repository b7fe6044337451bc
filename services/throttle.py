"""Telegram's limits kept before Telegram has to: 30 messages a second, 1 a second a chat, 20 a minute a group."""

import math
from collections import defaultdict

SECOND_MS = 1000
MINUTE_MS = 60_000
ALL_A_SECOND = 30
ONE_CHAT_A_SECOND = 1
GROUP_A_MINUTE = 20
GROUP_BURST = 5
ORDERS_A_MINUTE = 7
ORDER_BURST = 3
"""Programs that copy a channel's executor blocks read no more of them than this; three signals may share an instant."""
FLOODED_CHATS = 3
"""So many chats flooded in a row, with nothing delivered between them, are not the chats' floods but the bot's own."""


class Bucket:
    """At most `count` in any `period_ms`: `burst` at once, the rest evenly after them.

    But for a count of 1, one fewer would fit: what goes out a little late must not meet what follows it in one period.
    """

    def __init__(self, count: int, period_ms: int, burst: int = 1) -> None:
        self._interval_ms = period_ms / max(count - burst, 1)
        self._allowance_ms = (burst - 1) * self._interval_ms
        self._next_ms = 0.0

    def wait_ms(self, now_ms: int) -> float:
        """How long until the next one may go."""
        return max(0.0, self._next_ms - self._allowance_ms - now_ms)

    def take(self, now_ms: int) -> None:
        """Count one that goes now."""
        self._next_ms = max(self._next_ms, now_ms) + self._interval_ms

    def block(self, until_ms: int) -> None:
        """Let nothing go before an instant."""
        self._next_ms = max(self._next_ms, until_ms + self._allowance_ms)


class Throttle:
    """The buckets of one bot: one for everything, one or two for each chat.

    Chat ids are Telegram's: those of people are above zero, those of groups and channels below. All times are epoch ms.
    """

    def __init__(self) -> None:
        self._all = Bucket(ALL_A_SECOND, SECOND_MS)
        self._chats: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(ONE_CHAT_A_SECOND, SECOND_MS))
        self._groups: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(GROUP_A_MINUTE, MINUTE_MS, GROUP_BURST))
        self._orders: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(ORDERS_A_MINUTE, MINUTE_MS, ORDER_BURST))
        self._flooded: set[int] = set()

    def chat_wait_ms(self, chat_id: int, now_ms: int, *, is_order: bool = False) -> int:
        """How long until this chat may hear a message again, or an executor block."""
        return math.ceil(max(bucket.wait_ms(now_ms) for bucket in self._of(chat_id, is_order)))

    def all_wait_ms(self, now_ms: int) -> int:
        """How long until any chat may hear a message again."""
        return math.ceil(self._all.wait_ms(now_ms))

    def take(self, chat_id: int, now_ms: int, *, is_order: bool = False) -> None:
        """Count a message to this chat that goes now."""
        for bucket in (self._all, *self._of(chat_id, is_order)):
            bucket.take(now_ms)

    def flooded(self, chat_id: int, until_ms: int) -> None:
        """Telegram wants silence in this chat; where it says so in one chat after the other, everywhere."""
        self._chats[chat_id].block(until_ms)
        self._flooded.add(chat_id)
        if len(self._flooded) >= FLOODED_CHATS:
            self._all.block(until_ms)

    def delivered(self) -> None:
        """Telegram took a message: it is not the bot as a whole that it wants silent."""
        self._flooded.clear()

    def _of(self, chat_id: int, is_order: bool) -> tuple[Bucket, ...]:
        groups = (self._groups[chat_id],) if chat_id < 0 else ()
        orders = (self._orders[chat_id],) if is_order else ()
        return (self._chats[chat_id], *groups, *orders)
