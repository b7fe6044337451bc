"""What the book of a soak says of it: whether every slot is accounted for, every incident explained, every identity true."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from engine.timeframes import DAY_MS, MINUTE_MS
from handlers.settings import DEFAULT_TIMEFRAMES
from services.live import scan_job
from storage.book import Book
from storage.events import Event, EventType
from storage.identities import identities
from storage.job_runs import JobStatus
from storage.stores import Stores
from tests.soak.causes import Explanation, Incident, Span, explanation

ALL_EVENTS = 1_000_000
LOOK_EVERY_MS = 5 * MINUTE_MS
HEALED_AFTER_MS = 2 * LOOK_EVERY_MS
"""An incident is resolved by the second look in a row that finds its check well; the last that found it ill was before."""
PASSED = re.compile(r"(\d+) (?:slots|closes) passed")


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of every job: how many there were, how many of them nobody took, and gaps that nothing accounts for."""

    expected: int
    missed: int
    unaccounted: tuple[str, ...]
    statuses: Counter[str]


@dataclass(frozen=True, slots=True)
class Explained:
    """An incident, and the trouble behind its beginning and behind its end; None where nothing explains it."""

    incident: Incident
    began: Explanation | None
    lasted: Explanation | None

    @property
    def is_whole(self) -> bool:
        return self.began is not None and self.lasted is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything the book says at one instant."""

    slots: Slots
    incidents: tuple[Explained, ...]
    events: Counter[EventType]
    mends: Counter[str]
    broken_identities: tuple[str, ...]
    looks: int
    signals: int
    closed: int

    @property
    def unexplained(self) -> tuple[str, ...]:
        return tuple(
            f"{_at(one.incident.opened_ms)} {one.incident.message}"
            + ("" if one.began is None else " (lasted too long)")
            for one in self.incidents
            if not one.is_whole
        )


def verdict_of(path: Path, spans: Sequence[Span], now_ms: int) -> Verdict:
    """The verdict over the book at `path`, which may be written meanwhile."""
    with Book.open_read_only(path) as book, book.reading() as view:
        return judged(view, spans, now_ms)


def judged(view: Stores, spans: Sequence[Span], now_ms: int) -> Verdict:
    """The verdict over the book as it stands; `spans` are all that was scripted."""
    events = view.events.latest(ALL_EVENTS)
    (signals,) = view.connection.execute("SELECT COUNT(*) FROM signals").fetchone()
    (closed,) = view.connection.execute("SELECT COUNT(*) FROM positions WHERE closed_ms IS NOT NULL").fetchone()
    return Verdict(
        slots=_slots(view),
        incidents=tuple(with_causes(one, spans, now_ms) for one in incidents_of(events)),
        events=Counter(event.type for event in events),
        mends=Counter((event.message or "").partition(":")[0] for event in events if event.type is EventType.HEALED),
        broken_identities=tuple(one.name for one in identities(view) if not one.holds),
        looks=view.scans.count(0),
        signals=signals,
        closed=closed,
    )


def incidents_of(events: Sequence[Event]) -> list[Incident]:
    """Every incident, oldest first, each with the next resolution of its check."""
    found: list[Incident] = []
    for event in sorted(events, key=lambda one: one.at_ms):
        message = event.message or ""
        if event.type is EventType.INCIDENT_OPENED:
            found.append(Incident(message, event.at_ms, None))
        elif event.type is EventType.INCIDENT_RESOLVED:
            check = message.partition(":")[0]
            number = max(number for number, one in enumerate(found) if one.check == check)
            found[number] = Incident(found[number].message, found[number].opened_ms, event.at_ms)
    return found


def with_causes(incident: Incident, spans: Sequence[Span], now_ms: int) -> Explained:
    """What explains that an incident was opened, and that its check was ill for the last time, at the latest now."""
    resolved_ms = incident.resolved_ms
    last_ill_ms = now_ms if resolved_ms is None else max(incident.opened_ms, resolved_ms - HEALED_AFTER_MS)
    return Explained(incident, explanation(incident, spans), explanation(incident, spans, last_ill_ms))


def _slots(view: Stores) -> Slots:
    runs: defaultdict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for job, slot_ms, status, detail in view.connection.execute(
        "SELECT job, slot_ms, status, detail FROM job_runs ORDER BY job, slot_ms"
    ):
        runs[job].append((slot_ms, status, detail))
    expected, missed, unaccounted = 0, 0, list[str]()
    for job, period_ms in _periods(runs):
        slots = runs[job]
        expected += (slots[-1][0] - slots[0][0]) // period_ms + 1
        for before, after in pairwise(slots):
            passed = (after[0] - before[0]) // period_ms - 1
            said = PASSED.search(after[2] or "")
            missed += passed + (after[1] == JobStatus.MISSED.value)
            if passed > (int(said[1]) - 1 if said else 0):
                unaccounted.append(f"{job}: {passed} slots before {_at(after[0])}")
        if any(status == JobStatus.STARTED.value for _, status, _ in slots):
            unaccounted.append(f"{job}: a run was begun and not ended")
    statuses = Counter(status for slots in runs.values() for _, status, _ in slots)
    return Slots(expected, missed, tuple(unaccounted), statuses)


def _periods(runs: Mapping[str, Sequence[tuple[int, str, str | None]]]) -> Iterator[tuple[str, int]]:
    scans = {scan_job(timeframe): timeframe.ms for timeframe in DEFAULT_TIMEFRAMES}
    for job, slots in runs.items():
        shortest_ms = min((after[0] - before[0] for before, after in pairwise(slots)), default=DAY_MS)
        yield job, scans.get(job, shortest_ms)


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
