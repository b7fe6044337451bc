"""Clocks that tests wind: one that stands until it is pushed, one that runs faster than the wall's."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_MS_PER_SECOND = 1000


@dataclass(slots=True)
class ManualClock:
    """Stands still; `sleep` moves it, so that waiting takes no time."""

    ms: int
    slept_s: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.ms

    def advance(self, ms: int) -> None:
        self.ms += ms

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.ms += round(seconds * _MS_PER_SECOND)


@dataclass(slots=True)
class VirtualClock:
    """Runs `speed` times as fast as real time from an anchor: anchor_virtual_ms + (real now - anchor_real_ms) x speed.

    Two processes with the same three numbers read the same time.
    """

    anchor_virtual_ms: int
    anchor_real_ms: int
    speed: float = 1.0
    real_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def now_ms(self) -> int:
        return self.anchor_virtual_ms + int((self.real_ms() - self.anchor_real_ms) * self.speed)

    def advance(self, ms: int) -> None:
        self.anchor_virtual_ms += ms
