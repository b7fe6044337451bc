"""Collected signals: one message at the hours a chat chose, every signal once, and its end whatever happens."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind, PortfolioKind, SignalStatus
from services.announce import Announcements
from services.collected import collection_of, due_hour_ms, queue_collections
from storage.book import Book
from storage.chats import Chat, ChatKind
from storage.preferences import Loudness, Preferences, Subject
from storage.stores import Stores
from tests.services.books import armed
from tests.storage.samples import LONG
from tests.times import ms

MORNING_MS, EVENING_MS = ms("2026-01-05T08:00"), ms("2026-01-05T20:00")
TWICE_A_DAY = Preferences(digest_hours=(8, 20))


@pytest.fixture
def tx() -> Iterator[Stores]:
    with Book.temporary(BookKind.LIVE, now_ms=MORNING_MS) as book, book.transaction() as tx:
        yield tx


def collecting(tx: Stores, preferences: Preferences = TWICE_A_DAY) -> Chat:
    """A group that has collected since the morning."""
    chat = tx.chats.ensure(-100, ChatKind.GROUP)
    tx.chats.prefer(chat.id, preferences)
    assert collect(tx, chat, MORNING_MS) == 0
    return tx.chats.get(chat.id)


def collect(tx: Stores, chat: Chat, now_ms: int) -> int:
    return queue_collections(tx, Announcements((chat.id,)), now_ms)


def sent(tx: Stores, chat: Chat, symbol: str = "BTCUSDT", at_ms: int = MORNING_MS) -> int:
    """A signal as the recorder sends it."""
    valid_until_ms = at_ms + DAY_MS
    signal = replace(LONG, symbol=symbol, candle_close_ms=at_ms, valid_until_ms=valid_until_ms, setup_key=symbol)
    signal_id = armed(tx, signal, SignalStatus.ACCEPTED, (PortfolioKind.SHADOW,))
    assert Announcements((chat.id,)).signal(tx, signal_id, signal, at_ms)
    return signal_id


def told(tx: Stores) -> list[tuple[list[int], list[int]]]:
    """What each message told: signals that stand, signals that have ended."""
    items = [item for message in tx.messages.all() for item in tx.outbox.of_message(message.id)]
    found = [collection_of(tx, item) for item in items if item.kind == "collected"]
    return [([s.id for s in one.signals], [s.id for s in one.ended]) for one in found]


def test_signals_come_in_one_message_at_the_next_hour(tx: Stores):
    chat = collecting(tx)
    ids = [sent(tx, chat, symbol) for symbol in ("BTCUSDT", "ETHUSDT")]

    assert collect(tx, chat, EVENING_MS - 1) == 0
    assert collect(tx, chat, EVENING_MS) == 1
    assert collect(tx, chat, EVENING_MS + 1) == 0
    assert told(tx) == [(ids, [])]
    assert {tx.signals.get(signal_id).status for signal_id in ids} == {SignalStatus.SENT}


def test_what_nothing_happened_in_is_not_told(tx: Stores):
    chat = collecting(tx)

    assert collect(tx, chat, EVENING_MS) == 0
    assert tx.messages.all() == ()


def test_only_what_the_chat_wants_is_collected(tx: Stores):
    chat = collecting(tx, replace(TWICE_A_DAY, symbols=("ETHUSDT",)))
    armed(tx, LONG, SignalStatus.SENT, ())
    wanted = sent(tx, chat, "ETHUSDT")
    collect(tx, chat, EVENING_MS)

    assert told(tx) == [([wanted], [])]


@pytest.mark.parametrize(
    "later",
    [TWICE_A_DAY, Preferences(), Preferences({Subject.SIGNAL: Loudness.OFF, Subject.CLOSE: Loudness.OFF})],
    ids=["as before", "no longer collecting", "everything off"],
)
def test_the_end_of_what_was_told_is_told_whatever_the_chat_chooses_then(tx: Stores, later: Preferences):
    chat = collecting(tx)
    signal_id = sent(tx, chat)
    collect(tx, chat, EVENING_MS)
    tx.chats.prefer(chat.id, later)
    tx.signals.set_status(signal_id, SignalStatus.CLOSED, None, EVENING_MS)
    collect(tx, chat, MORNING_MS + DAY_MS)

    assert told(tx)[-1] == ([], [signal_id])
    assert collect(tx, chat, EVENING_MS + DAY_MS) == 0


def test_what_still_stands_is_followed_over_messages_that_do_not_name_it(tx: Stores):
    chat = collecting(tx)
    first = sent(tx, chat)
    collect(tx, chat, EVENING_MS)
    second = sent(tx, chat, "ETHUSDT", EVENING_MS)
    collect(tx, chat, MORNING_MS + DAY_MS)
    tx.signals.set_status(first, SignalStatus.CLOSED, None, EVENING_MS)
    collect(tx, chat, EVENING_MS + DAY_MS)

    assert told(tx) == [([], [first]), ([second], []), ([], [first])]


def test_what_began_and_ended_between_two_messages_is_told_as_ended(tx: Stores):
    chat = collecting(tx)
    signal_id = sent(tx, chat)
    tx.signals.set_status(signal_id, SignalStatus.EXPIRED, None, EVENING_MS)
    collect(tx, chat, EVENING_MS)

    assert told(tx) == [([], [signal_id])]


def test_a_chat_that_stops_collecting_with_nothing_open_is_forgotten(tx: Stores):
    chat = collecting(tx)
    tx.chats.prefer(chat.id, Preferences())
    collect(tx, chat, EVENING_MS)

    assert tx.settings.all() == ()


def test_the_public_channel_posts_every_signal(tx: Stores):
    channel = tx.chats.ensure(-100, ChatKind.CHANNEL)
    tx.chats.prefer(channel.id, TWICE_A_DAY)
    sent(tx, channel)

    assert [message.kind for message in tx.messages.all()] == ["signal"]
    assert collect(tx, channel, EVENING_MS) == 0


@pytest.mark.parametrize(
    ("now", "hour"),
    [
        ("2026-01-05T08:00", "2026-01-05T06:00"),
        ("2026-01-05T05:59", "2026-01-04T18:00"),
        ("2026-01-05T18:00", "2026-01-05T18:00"),
    ],
)
def test_hours_are_those_of_the_chats_zone(now: str, hour: str):
    in_sofia = replace(TWICE_A_DAY, zone="Europe/Sofia")

    assert due_hour_ms(in_sofia, "UTC", ms(now)) == ms(hour)
