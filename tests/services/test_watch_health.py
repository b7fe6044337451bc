"""Incidents of health: told once, resolved once with how long it took, quiet about what flaps."""

from collections.abc import Iterator

import pytest

from engine.timeframes import MINUTE_MS
from engine.vocabulary import BookKind
from services.access import ensure_owners
from services.incidents import OpsChat, set_ops_chat
from services.watch_health import HEALTH_OPENED, HEALTH_RESOLVED, Symptom, courses_of, watch
from storage.book import Book
from storage.events import EventType
from tests.storage.samples import NOW_MS

OWNER, GROUP, TOPIC = 77, -100_123, 5
STEP_MS = 5 * MINUTE_MS
STALE = Symptom("candles", "FAIL", "1 stale", "BTCUSDT 1h", "see whether the exchange is up")


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            ensure_owners(tx, (OWNER,), "UTC", NOW_MS)
        yield book


def looks(book: Book, course: str) -> list[tuple[str, int]]:
    """What was told after a look every five minutes, x = ill and . = well, and to whom."""
    for number, look in enumerate(course):
        with book.transaction() as tx:
            watch(tx, [STALE] if look == "x" else [], NOW_MS + number * STEP_MS)
    with book.reading() as view:
        return view.connection.execute(
            "SELECT m.kind, c.telegram_id FROM messages m JOIN outbox o ON o.message_id=m.id JOIN chats c ON c.id=o.chat_id"
            " ORDER BY m.id"
        ).fetchall()


@pytest.mark.parametrize(
    ("course", "told"),
    [
        ("....", []),
        ("x...", []),
        ("x.x.x.x.", []),
        ("xx", [HEALTH_OPENED]),
        ("xxxxxx", [HEALTH_OPENED]),
        ("xx.xx.xx", [HEALTH_OPENED]),
        ("xx..", [HEALTH_OPENED, HEALTH_RESOLVED]),
        ("xxx......", [HEALTH_OPENED, HEALTH_RESOLVED]),
        ("xx..xx..", [HEALTH_OPENED, HEALTH_RESOLVED, HEALTH_OPENED, HEALTH_RESOLVED]),
    ],
)
def test_what_is_told_of_a_course(book: Book, course: str, told: list[str]):
    assert [kind for kind, _ in looks(book, course)] == told


def test_the_resolution_says_how_long_it_took_and_nothing_is_under_watch_any_more(book: Book):
    looks(book, "xxxx..")

    with book.reading() as view:
        [opened] = view.events.latest(9, EventType.INCIDENT_OPENED)
        [resolved] = view.events.latest(9, EventType.INCIDENT_RESOLVED)
        assert courses_of(view.meta) == {}
    assert opened.message == "candles: 1 stale (BTCUSDT 1h)"
    assert resolved.message == "candles: after 20 min"


def test_owners_are_told_until_another_chat_looks_after_the_bot(book: Book):
    assert looks(book, "xx") == [(HEALTH_OPENED, OWNER)]
    with book.transaction() as tx:
        set_ops_chat(tx, OpsChat(GROUP, TOPIC))

    assert looks(book, "..")[-1] == (HEALTH_RESOLVED, GROUP)


def test_a_chat_that_shut_the_bot_out_does_not_swallow_the_alarm(book: Book):
    with book.transaction() as tx:
        set_ops_chat(tx, OpsChat(GROUP))
        [chat] = tx.chats.of_telegram(GROUP)
        tx.chats.disable(chat.id, "kicked")

    assert looks(book, "xx") == [(HEALTH_OPENED, OWNER)]


def test_two_illnesses_are_two_incidents(book: Book):
    for number in range(2):
        with book.transaction() as tx:
            watch(tx, [STALE, Symptom("backup", "FAIL", "none", "", "")], NOW_MS + number * STEP_MS)

    with book.reading() as view:
        assert view.events.count(EventType.INCIDENT_OPENED, NOW_MS) == 2


@pytest.mark.parametrize(("text", "ops"), [("77", OpsChat(77)), ("-100123:5", OpsChat(-100123, 5))])
def test_an_ops_chat_may_be_a_topic(text: str, ops: OpsChat):
    assert OpsChat.parse(text) == ops


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "-100:", "@channel"])
def test_an_ops_chat_that_cannot_be_is_refused(text: str):
    with pytest.raises(ValueError, match="it is written like"):
        OpsChat.parse(text)
