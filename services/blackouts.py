"""Blackouts: dated events around which nothing is sent, from a CSV file and from the book.

The file has lines of `time_utc,event,minutes_before,minutes_after[,symbols]`, the symbols separated by blanks; it is
read again when it has changed. A line that cannot be read is named and left out, the others count.
"""

import csv
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.timeframes import DAY_MS, MINUTE_MS
from storage.codec import Json
from storage.events import EventType
from storage.stores import Stores

ADDED = "blackouts"
FIRST_CELL = "time_utc"
COMMENT = "#"
CELLS = 4
MS_PER_SECOND = 1000
LONGEST_MS = 7 * DAY_MS
"""The longest stretch on one side of an event; a number beyond it is a slip of the keyboard."""
DIGEST_DIGITS = 12

logger = logging.getLogger(__name__)


class BlackoutError(ValueError):
    """A blackout that cannot be meant; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Blackout:
    """Around `at_ms` nothing is sent in `symbols` (none named = in any)."""

    at_ms: int
    event: str
    before_ms: int
    after_ms: int
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.event:
            raise BlackoutError("the event has no name")
        if not (0 <= self.before_ms <= LONGEST_MS and 0 <= self.after_ms <= LONGEST_MS):
            raise BlackoutError(f"minutes before and after are 0 to {LONGEST_MS // MINUTE_MS}")
        if self.before_ms + self.after_ms == 0:
            raise BlackoutError("it lasts no time at all")

    @property
    def since_ms(self) -> int:
        return self.at_ms - self.before_ms

    @property
    def until_ms(self) -> int:
        """The first instant behind it."""
        return self.at_ms + self.after_ms

    def holds(self, at_ms: int) -> bool:
        return self.since_ms <= at_ms < self.until_ms

    @classmethod
    def parse(cls, time_utc: str, event: str, minutes_before: str, minutes_after: str, symbols: str = "") -> "Blackout":
        """The blackout that these words mean; BlackoutError says which of them means nothing."""
        before_ms, after_ms = _minutes(minutes_before), _minutes(minutes_after)
        named = tuple(dict.fromkeys(symbols.upper().split()))
        return cls(_instant(time_utc), " ".join(event.split()), before_ms, after_ms, named)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a file says: its blackouts, and a sentence for every line that could not be read."""

    blackouts: tuple[Blackout, ...] = ()
    faults: tuple[str, ...] = ()


class BlackoutFile:
    """A calendar on disk, read again whenever the file is another one; without a path it is empty."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._calendar = Calendar()

    def calendar(self) -> Calendar:
        """What the file says now; while it cannot be read, nothing, and its faults say so."""
        if self._path is None:
            return self._calendar
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size)
            if seen == self._seen:
                return self._calendar
            fresh = read_calendar(self._path.read_text(encoding="utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            seen, fresh = None, Calendar(faults=(f"{self._path} cannot be read: {error}",))
        if fresh.faults != self._calendar.faults:
            for fault in fresh.faults:
                logger.warning("blackouts: %s", fault)
        self._seen, self._calendar = seen, fresh
        return fresh


NO_BLACKOUTS = BlackoutFile(None)


def digest_of(blackouts: Iterable[Blackout], from_ms: int, to_ms: int) -> str | None:
    """Hex digits that name the blackouts of [from_ms, to_ms); None where there are none."""
    held = [repr(one) for one in blackouts if one.since_ms < to_ms and one.until_ms > from_ms]
    return hashlib.sha256("\n".join(sorted(held)).encode()).hexdigest()[:DIGEST_DIGITS] if held else None


def read_calendar(lines: Iterable[str]) -> Calendar:
    """The blackouts of a CSV; empty lines, comments behind # and the line of names are passed over."""
    blackouts, faults = [], []
    for number, cells in enumerate(csv.reader(lines), start=1):
        words = [cell.strip() for cell in cells]
        if not any(words) or words[0].startswith(COMMENT) or words[0].lower() == FIRST_CELL:
            continue
        try:
            if len(words) not in (CELLS, CELLS + 1):
                raise BlackoutError("a line is time_utc,event,minutes_before,minutes_after[,symbols]")
            blackouts.append(Blackout.parse(*words))
        except BlackoutError as error:
            faults.append(f"line {number}: {error}")
    return Calendar(tuple(blackouts), tuple(faults))


def added(stores: Stores) -> tuple[Blackout, ...]:
    """The blackouts that people added, in the order of time."""
    setting = stores.settings.get(ADDED)
    rows = [] if setting is None else setting.value
    assert isinstance(rows, list)
    return tuple(_from_json(row) for row in rows)


def add(tx: Stores, blackout: Blackout, by: str, at_ms: int) -> None:
    """Keep a blackout in the book; those that were over a day before `at_ms` are dropped."""
    kept = {known for known in added(tx) if known.until_ms > at_ms - DAY_MS} | {blackout}
    rows: list[Json] = [_to_json(known) for known in sorted(kept, key=lambda one: (one.at_ms, one.event))]
    tx.settings.set(ADDED, rows, by, at_ms)
    tx.events.add(EventType.SETTING_CHANGED, at_ms, actor=by, message=f"blackout {blackout.event}")


def _to_json(blackout: Blackout) -> dict[str, Json]:
    return {
        "at_ms": blackout.at_ms,
        "event": blackout.event,
        "before_ms": blackout.before_ms,
        "after_ms": blackout.after_ms,
        "symbols": list(blackout.symbols),
    }


def _from_json(row: Mapping[str, Json]) -> Blackout:
    at_ms, before_ms, after_ms, symbols = (row[name] for name in ("at_ms", "before_ms", "after_ms", "symbols"))
    assert isinstance(at_ms, int)
    assert isinstance(before_ms, int)
    assert isinstance(after_ms, int)
    assert isinstance(symbols, list)
    return Blackout(at_ms, str(row["event"]), before_ms, after_ms, tuple(map(str, symbols)))


def _instant(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BlackoutError(f"{text!r} is no time like 2026-01-28T19:00") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * MS_PER_SECOND)


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) * MINUTE_MS > LONGEST_MS:
        raise BlackoutError(f"{text!r} is no number of minutes up to {LONGEST_MS // MINUTE_MS}")
    return int(text) * MINUTE_MS
