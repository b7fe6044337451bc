"""What a chat wants to hear, when and how: one value, kept as JSON in the chat's row.

Defaults are left out of the JSON, so that a chat that chose nothing follows the defaults of later versions too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.sessions import DAY_MINUTES, WINDOWS
from engine.timeframes import Timeframe
from storage.codec import Json

HOURS_A_DAY = 24
SESSIONS = tuple(window.name for window in WINDOWS)


class Subject(Enum):
    """What a message is about, as far as a chat may choose."""

    SIGNAL = "signal"
    ENTRY = "entry"
    TARGET = "target"
    STOP = "stop"
    CLOSE = "close"
    CHECKPOINT = "checkpoint"
    REPORT = "report"
    INCIDENT = "incident"


class Loudness(Enum):
    ON = "on"
    SILENT = "silent"
    OFF = "off"


TOPIC_SUBJECTS = (Subject.SIGNAL, Subject.REPORT, Subject.INCIDENT)
"""What may have a forum topic of its own; everything else is a reply and stands where its signal stands."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one minute of the chat's day to another, over midnight too: messages come silently, or wait for the end."""

    begin_minute: int
    end_minute: int
    held: bool = False

    def __post_init__(self) -> None:
        for minute in (self.begin_minute, self.end_minute):
            if not 0 <= minute < DAY_MINUTES:
                raise ValueError(f"a minute of the day is 0 to {DAY_MINUTES - 1}, not {minute}")
        if self.begin_minute == self.end_minute:
            raise ValueError("quiet hours begin and end at different minutes")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices of one chat; empty tuples let everything through.

    `language` and `zone` are None where the chat follows the bot's. `min_score` is in points of confidence, `min_rr` the
    RR to the last target. `digest_hours` are hours of the chat's day: with any, signals come collected at those hours
    alone. `follows` gives a private chat its own copy of every signal. `muted_until_ms` keeps new signals away.
    """

    loudness: Mapping[Subject, Loudness] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    timeframes: tuple[Timeframe, ...] = ()
    sessions: tuple[str, ...] = ()
    min_score: float = 0.0
    min_rr: float = 0.0
    quiet: QuietHours | None = None
    digest_hours: tuple[int, ...] = ()
    topics: Mapping[Subject, int] = field(default_factory=dict)
    language: str | None = None
    zone: str | None = None
    executor_block: bool = False
    leverage_hint: bool = False
    follows: bool = False
    muted_until_ms: int | None = None

    def __post_init__(self) -> None:
        if unknown := [session for session in self.sessions if session not in SESSIONS]:
            raise ValueError(f"there is no session {unknown[0]}; known are {', '.join(SESSIONS)}")
        if not all(0 <= hour < HOURS_A_DAY for hour in self.digest_hours):
            raise ValueError(f"an hour of the day is 0 to {HOURS_A_DAY - 1}")
        if not all(topic > 0 for topic in self.topics.values()):
            raise ValueError("a forum topic has a number above zero")
        if replies := [subject for subject in self.topics if subject not in TOPIC_SUBJECTS]:
            raise ValueError(f"{replies[0].value} stands where its signal stands and has no topic of its own")
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{self.zone} is no zone of the IANA database, like Europe/Sofia") from error

    def loudness_of(self, subject: Subject) -> Loudness:
        """How loud a subject is; what nobody chose is on, but for incidents, which come silently."""
        return self.loudness.get(subject, Loudness.SILENT if subject is Subject.INCIDENT else Loudness.ON)


def to_json(preferences: Preferences) -> dict[str, Json]:
    """What differs from the defaults, as the book keeps it."""
    quiet = preferences.quiet
    whole: dict[str, Json] = {
        "loudness": {subject.value: loudness.value for subject, loudness in preferences.loudness.items()},
        "symbols": list(preferences.symbols),
        "timeframes": [timeframe.text for timeframe in preferences.timeframes],
        "sessions": list(preferences.sessions),
        "min_score": preferences.min_score,
        "min_rr": preferences.min_rr,
        "quiet": None if quiet is None else [quiet.begin_minute, quiet.end_minute, quiet.held],
        "digest_hours": list(preferences.digest_hours),
        "topics": {subject.value: topic for subject, topic in preferences.topics.items()},
        "language": preferences.language,
        "zone": preferences.zone,
        "executor_block": preferences.executor_block,
        "leverage_hint": preferences.leverage_hint,
        "follows": preferences.follows,
        "muted_until_ms": preferences.muted_until_ms,
    }
    return {name: value for name, value in whole.items() if value}


def from_json(kept: Mapping[str, Any]) -> Preferences:
    """The preferences behind what `to_json` gave; ValueError or TypeError for anything else."""
    values = dict(kept)
    for name in ("symbols", "sessions", "digest_hours"):
        if name in values:
            values[name] = tuple(values[name])
    if "loudness" in values:
        values["loudness"] = {Subject(name): Loudness(word) for name, word in values["loudness"].items()}
    if "topics" in values:
        values["topics"] = {Subject(name): topic for name, topic in values["topics"].items()}
    if "timeframes" in values:
        values["timeframes"] = tuple(Timeframe.parse(text) for text in values["timeframes"])
    if "quiet" in values:
        values["quiet"] = QuietHours(*values["quiet"])
    return Preferences(**values)
