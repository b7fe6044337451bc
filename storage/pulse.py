"""The pulse of the live bot: what it knows of itself and of the exchange, written into the book every minute.

The book is all that other processes see of the bot, so what only the running process can measure is kept here.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from storage.codec import decoded, encoded
from storage.meta import Meta

KEY = "live.pulse"


@dataclass(frozen=True, slots=True)
class Cadence:
    """A job that leaves a run in the book for every slot: a slot begins `after_ms` behind each start of a period."""

    job: str
    period_ms: int
    after_ms: int
    timeout_ms: int

    def slot_ms(self, now_ms: int) -> int:
        """The newest slot that has begun."""
        return (now_ms - self.after_ms) // self.period_ms * self.period_ms


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the process takes of the machine; None where the system does not tell."""

    memory_bytes: int | None = None
    open_files: int | None = None
    most_open_files: int | None = None


@dataclass(frozen=True, slots=True)
class ExchangeState:
    """How the exchange treats us: its clock against ours, the weight used of this minute's, and until when it is silent.

    `ahead_ms` is how far its clock is ahead of ours, None before it was asked.
    """

    ahead_ms: int | None = None
    used_weight: int = 0
    most_weight: int = 0
    blocked_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """The bot as it was at `at_ms`; `heard_ms` is when Telegram last answered the question for updates.

    `speed` is above 1 in a rehearsal, where the book's time runs ahead of the wall's.
    """

    at_ms: int
    started_ms: int
    heard_ms: int | None = None
    vitals: Vitals = Vitals()
    exchange: ExchangeState = ExchangeState()
    symbols: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()
    jobs: tuple[Cadence, ...] = ()
    speed: float = 1.0


def beat(meta: Meta, pulse: Pulse) -> None:
    """Write the pulse over the one before."""
    meta.set(KEY, encoded(asdict(pulse)))


def pulse_of(meta: Meta) -> Pulse | None:
    """The last pulse of the bot that writes this book; None before the first, and while that is one of another version."""
    text = meta.get(KEY)
    if text is None:
        return None
    stored: dict[str, Any] = decoded(text)
    if stored.keys() != {field.name for field in fields(Pulse)}:
        return None
    return Pulse(
        at_ms=stored["at_ms"],
        started_ms=stored["started_ms"],
        heard_ms=stored["heard_ms"],
        vitals=Vitals(**stored["vitals"]),
        exchange=ExchangeState(**stored["exchange"]),
        symbols=tuple(stored["symbols"]),
        timeframes=tuple(stored["timeframes"]),
        jobs=tuple(Cadence(**job) for job in stored["jobs"]),
        speed=stored["speed"],
    )
