"""Telegram's limits kept before Telegram has to: 30 messages a second, 1 a second a chat, 20 a minute a group."""

import math
from collections import defaultdict

SECOND_MS = 1000
MINUTE_MS = 60_000
ALL_A_SECOND = 30
ONE_CHAT_A_SECOND = 1
GROUP_A_MINUTE = 20
GROUP_BURST = 5


class Bucket:
    """At most `count` in any `period_ms`: `burst` at once, the rest evenly after them."""

    def __init__(self, count: int, period_ms: int, burst: int = 1) -> None:
        # a window that begins with a full bucket sees the burst and what flows in; both together must not exceed count
        self._interval_ms = period_ms / (count - burst + 1)
        self._allowance_ms = (burst - 1) * self._interval_ms
        self._next_ms = 0.0

    def wait_ms(self, now_ms: int) -> float:
        """How long until the next one may go."""
        return max(0.0, self._next_ms - self._allowance_ms - now_ms)

    def take(self, now_ms: int) -> None:
        """Count one that goes now."""
        self._next_ms = max(self._next_ms, now_ms) + self._interval_ms


class Throttle:
    """The buckets of one bot: one for everything, one or two for each chat."""

    def __init__(self) -> None:
        self._all = Bucket(ALL_A_SECOND, SECOND_MS)
        self._chats: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(ONE_CHAT_A_SECOND, SECOND_MS))
        self._groups: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(GROUP_A_MINUTE, MINUTE_MS, GROUP_BURST))

    def reserve(self, chat_id: int, now_ms: int) -> int:
        """0 and counted, when a message to this chat may go now; else how many ms until it is worth asking again.

        `chat_id` is Telegram's: those of people are above zero, those of groups and channels below.
        """
        buckets = [self._all, self._chats[chat_id]]
        if chat_id < 0:
            buckets.append(self._groups[chat_id])
        wait_ms = math.ceil(max(bucket.wait_ms(now_ms) for bucket in buckets))
        if not wait_ms:
            for bucket in buckets:
                bucket.take(now_ms)
        return wait_ms
