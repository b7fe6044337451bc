"""The daily digest: yesterday in numbers and the record's whole head, once a day, in the morning of the chats' zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.announce import Announcements, digest_key
from services.public_record import Day, Ending, day_between
from storage.codec import Json
from storage.stores import Stores

DIGEST_FROM = time(8, 5)
"""When a day's digest is due, by the clock on the wall of the zone."""
MS_PER_SECOND = 1000
ENDINGS = (
    Ending.WIN,
    Ending.TARGET_1_THEN_BREAK_EVEN,
    Ending.BREAK_EVEN,
    Ending.LOSS,
    Ending.EXPIRED,
    Ending.CANCELLED,
)
"""The ways a signal may end that the digest counts."""


@dataclass(frozen=True, slots=True)
class DaySpan:
    """A day by the clock on the wall of a zone: [from_ms, to_ms), 23 to 25 hours."""

    from_ms: int
    to_ms: int

    @classmethod
    def on(cls, day: date, zone: str) -> "DaySpan":
        return cls(_midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone))


def queue_digest(tx: Stores, announcements: Announcements, now_ms: int) -> bool:
    """Queue the digest of yesterday when it is due and was not queued; days before the record began have none."""
    here = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).astimezone(ZoneInfo(announcements.zone))
    yesterday = here.date() - timedelta(days=1)
    if here.time() < DIGEST_FROM or tx.messages.by_dedupe_key(digest_key(yesterday.isoformat())) is not None:
        return False
    whole = DaySpan.on(yesterday, announcements.zone)
    first, last = tx.publications.first(), tx.publications.last()
    if first is None or last is None or first.at_ms >= whole.to_ms:
        return False
    told = day_between(tx, whole.from_ms, whole.to_ms)
    facts: dict[str, Json] = {**facts_of(told), "publications": last.seq, "head": last.hash}
    return announcements.digest(tx, yesterday.isoformat(), now_ms, facts)


def facts_of(day: Day) -> dict[str, Json]:
    """A day's counts by name, and `total_r` of what closed in it."""
    return {
        "sent": day.sent,
        "missed": day.missed,
        "filled": day.filled,
        **{ending.name.lower(): day.ended.count(ending) for ending in ENDINGS},
        "total_r": day.ended.results.total_r,
    }


def _midnight_ms(day: date, zone: str) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * MS_PER_SECOND)
