"""The digest of a day: once, in the morning of its zone, with the record's whole head."""

from datetime import UTC, datetime

import pytest

from engine.timeframes import DAY_MS, HOUR_MS
from services.announce import Announcements
from services.digest import queue_digest
from services.public_record import Ending
from storage.book import Book
from storage.messages import Message
from storage.stores import Stores
from tests.services.published import Desk
from tests.services.test_public_record import live
from tests.storage.samples import NOW_MS, book

__all__ = ["book"]


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# the samples are decided at 09:00 UTC of the ninth
YESTERDAY, MORNING = "2025-10-09", at("2025-10-10T08:05")


def digests(tx: Stores) -> list[Message]:
    return [message for message in tx.messages.all() if message.kind == "digest"]


def test_it_tells_what_happened_yesterday_and_the_whole_head(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)
        live(tx, desk, Ending.TARGET_1_THEN_BREAK_EVEN)
        live(tx, desk, Ending.OPEN)
        assert queue_digest(tx, desk.announcements, MORNING)

        [said] = digests(tx)
        counts = {name: said.payload[name] for name in ("sent", "filled", "loss", "win", "target_1_then_break_even")}
        assert counts == {"sent": 3, "filled": 3, "loss": 1, "win": 0, "target_1_then_break_even": 1}
        assert said.payload["day"] == YESTERDAY
        assert said.payload["head"] == tx.publications.head()
        assert said.payload["publications"] == tx.publications.check().count


def test_it_comes_once_a_day_however_often_it_is_asked_for(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)
        asked = [queue_digest(tx, desk.announcements, MORNING + hour * HOUR_MS) for hour in range(48)]

        assert asked.count(True) == 2
        assert [message.payload["day"] for message in digests(tx)] == [YESTERDAY, "2025-10-10"]
        assert digests(tx)[1].payload["loss"] == 0


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("UTC", "2025-10-10T08:05"),
        ("Europe/Sofia", "2025-10-10T05:05"),
        ("Asia/Kolkata", "2025-10-10T02:35"),
        ("America/New_York", "2025-10-10T12:05"),
    ],
)
def test_it_is_due_at_five_past_eight_of_its_zone(book: Book, zone: str, first: str):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)
        announcements = Announcements((desk.channel,), zone)
        queue_digest(tx, announcements, at(first) - DAY_MS)  # that of the day before

        assert not queue_digest(tx, announcements, at(first) - 1)
        assert queue_digest(tx, announcements, at(first))


def test_a_day_before_the_record_began_has_none(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)

        assert not queue_digest(tx, desk.announcements, MORNING - DAY_MS)
        assert queue_digest(tx, desk.announcements, MORNING)


def test_while_nothing_is_on_record_there_is_no_digest(book: Book):
    with book.transaction() as tx:
        assert not queue_digest(tx, Desk(tx).announcements, NOW_MS + 3 * DAY_MS)
