"""Clocks that tests wind: one that stands until it is pushed, one that runs faster than the wall's."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

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

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """The three numbers as options of a fake that runs as a process; without them it keeps real time."""
        real_ms = time.time_ns() // 1_000_000
        parser.add_argument("--anchor-virtual-ms", type=int, default=real_ms)
        parser.add_argument("--anchor-real-ms", type=int, default=real_ms)
        parser.add_argument("--speed", type=float, default=1.0)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Self:
        return cls(arguments.anchor_virtual_ms, arguments.anchor_real_ms, arguments.speed)
