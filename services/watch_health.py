"""Incidents: a check that turns ill is told once, and once more when it is well again, with how long it took.

One bad look may be chance: an incident is opened when a check was ill twice in a row, and resolved when it was well
twice in a row. What flaps in between is neither told again nor taken for healed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from engine.timeframes import duration_text
from services.incidents import tell_ops
from storage.codec import Json, decoded, encoded
from storage.events import EventType
from storage.meta import Meta
from storage.stores import Stores

TWICE = 2
KEY = "health.incidents"
HEALTH_OPENED, HEALTH_RESOLVED = "health_opened", "health_resolved"


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a check says that is ill: as words for a person."""

    check: str
    status: str
    value: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Course:
    """An illness under watch: since when, how often in a row it was seen ill or well, and whether it was told."""

    since_ms: int
    ill: int = 1
    well: int = 0
    is_told: bool = False
    healed_ms: int | None = None

    def seen_ill(self) -> "Course":
        return replace(self, ill=self.ill + 1, well=0, healed_ms=None)

    def seen_well(self, now_ms: int) -> "Course":
        return replace(self, ill=0, well=self.well + 1, healed_ms=self.healed_ms or now_ms)


def watch(tx: Stores, symptoms: Sequence[Symptom], now_ms: int) -> bool:
    """Take what the checks say now into the book; whether something was queued to be told."""
    courses, ill = dict(courses_of(tx.meta)), {one.check: one for one in symptoms}
    told = False
    for check in sorted(courses.keys() | ill.keys()):
        before = courses.get(check)
        if check in ill:
            course = Course(now_ms) if before is None else before.seen_ill()
            if course.ill >= TWICE and not course.is_told:
                course = replace(course, is_told=True)
                _open(tx, ill[check], course, now_ms)
                told = True
        else:
            assert before is not None, "it is under watch or ill"
            course = before.seen_well(now_ms)
            if not course.is_told or course.well >= TWICE:
                if course.is_told:
                    _resolve(tx, check, course, now_ms)
                    told = True
                del courses[check]
                continue
        courses[check] = course
    tx.meta.set(KEY, encoded({check: asdict(course) for check, course in courses.items()}))
    return told


def courses_of(meta: Meta) -> Mapping[str, Course]:
    """What is under watch, by the name of its check."""
    text = meta.get(KEY)
    return {} if text is None else {check: Course(**course) for check, course in decoded(text).items()}


def _open(tx: Stores, symptom: Symptom, course: Course, now_ms: int) -> None:
    key = _key(symptom.check, course)
    tx.events.add(
        EventType.INCIDENT_OPENED,
        now_ms,
        message=f"{symptom.check}: {symptom.value} ({symptom.detail})",
        idem_key=f"{HEALTH_OPENED}:{key}",
    )
    facts: dict[str, Json] = {**asdict(symptom)}
    tell_ops(tx, HEALTH_OPENED, facts, key, now_ms)


def _resolve(tx: Stores, check: str, course: Course, now_ms: int) -> None:
    lasted = duration_text((course.healed_ms or now_ms) - course.since_ms)
    key = _key(check, course)
    tx.events.add(
        EventType.INCIDENT_RESOLVED, now_ms, message=f"{check}: after {lasted}", idem_key=f"{HEALTH_RESOLVED}:{key}"
    )
    tell_ops(tx, HEALTH_RESOLVED, {"check": check, "lasted": lasted}, key, now_ms)


def _key(check: str, course: Course) -> str:
    return f"{check}:{course.since_ms}"
