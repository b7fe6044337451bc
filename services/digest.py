"""The daily digest: yesterday in numbers and the record's whole head, once a day, in the morning of the chats' zone."""

from datetime import time

from services.announce import Announcements, digest_key
from services.periods import CalendarPeriod
from services.public_record import Day, Ending, day_between
from storage.codec import Json
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores

DIGEST_FROM = time(8, 5)
"""When a day's digest is due, by the clock on the wall of the zone."""
ENDINGS = (
    Ending.WIN,
    Ending.TARGET_1_THEN_BREAK_EVEN,
    Ending.BREAK_EVEN,
    Ending.LOSS,
    Ending.EXPIRED,
    Ending.CANCELLED,
)
"""The ways a signal may end that the digest counts."""


def queue_digest(tx: Stores, announcements: Announcements, now_ms: int) -> bool:
    """Queue the digest of yesterday when it is due and was not queued; days before the record began have none."""
    yesterday = CalendarPeriod.last_closed(SnapshotPeriod.DAY, now_ms, announcements.zone)
    day, whole = yesterday.first.isoformat(), yesterday.span
    if now_ms < yesterday.after_ms(DIGEST_FROM) or tx.messages.by_dedupe_key(digest_key(day)) is not None:
        return False
    first, last = tx.publications.first(), tx.publications.last()
    if first is None or last is None or first.at_ms >= whole.to_ms:
        return False
    told = day_between(tx, whole.from_ms, whole.to_ms)
    facts: dict[str, Json] = {**facts_of(told), "publications": last.seq, "head": last.hash}
    return announcements.digest(tx, day, now_ms, facts)


def facts_of(day: Day) -> dict[str, Json]:
    """A day's counts by name, and `total_r` of what closed in it."""
    return {
        "sent": day.sent,
        "missed": day.missed,
        "filled": day.filled,
        **{ending.name.lower(): day.ended.count(ending) for ending in ENDINGS},
        "total_r": day.ended.results.total_r,
    }
