"""Who hears what: one table of choices, and the promise that whoever saw a signal sees its end."""

from dataclasses import replace

import pytest

from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import BookKind
from services.audience import (
    Hearing,
    News,
    Way,
    hearing_of,
    hearing_of_reply,
    listeners,
    quiet_until_ms,
    reply_listeners,
    signal_listeners,
)
from storage.book import Book
from storage.chats import ChatKind
from storage.preferences import Loudness, Preferences, QuietHours, Subject
from storage.users import Role
from tests.storage.samples import LONG, NOW_MS
from tests.times import ms

AT_MS = ms("2026-01-05T23:30")
SIGNAL = News(Subject.SIGNAL, AT_MS, "BTCUSDT", Timeframe.H1, "ny_kz", 72.0, 4.0, AT_MS + DAY_MS)
CLOSE = News(Subject.CLOSE, AT_MS, "BTCUSDT")
NIGHT = QuietHours(22 * 60, 7 * 60)
HELD = replace(NIGHT, held=True)
MORNING_MS = ms("2026-01-06T07:00")

SIGNAL_CASES = {
    "nothing chosen": (Preferences(), Way.SEND, "wanted"),
    "silent": (Preferences({Subject.SIGNAL: Loudness.SILENT}), Way.SILENT, "silent"),
    "off": (Preferences({Subject.SIGNAL: Loudness.OFF}), Way.NO, "signal is off"),
    "another kind off": (Preferences({Subject.CLOSE: Loudness.OFF}), Way.SEND, "wanted"),
    "its symbol": (Preferences(symbols=("BTCUSDT",)), Way.SEND, "wanted"),
    "other symbols": (Preferences(symbols=("ETHUSDT",)), Way.NO, "BTCUSDT is not among the symbols"),
    "its timeframe": (Preferences(timeframes=(Timeframe.H1,)), Way.SEND, "wanted"),
    "other timeframes": (Preferences(timeframes=(Timeframe.H4,)), Way.NO, "1h is not among the timeframes"),
    "its session": (Preferences(sessions=("ny_kz",)), Way.SEND, "wanted"),
    "other sessions": (Preferences(sessions=("london_kz",)), Way.NO, "ny_kz is not among the sessions"),
    "score as wanted": (Preferences(min_score=72.0), Way.SEND, "wanted"),
    "score too low": (Preferences(min_score=72.5), Way.NO, "score 72.0, at least 72.5 is wanted"),
    "RR as wanted": (Preferences(min_rr=4.0), Way.SEND, "wanted"),
    "RR too low": (Preferences(min_rr=4.5), Way.NO, "RR 4.00, at least 4.5 is wanted"),
    "muted": (Preferences(muted_until_ms=AT_MS + 1), Way.NO, "muted"),
    "no longer muted": (Preferences(muted_until_ms=AT_MS), Way.SEND, "wanted"),
    "collected": (Preferences(digest_hours=(8, 20)), Way.DIGEST, "collected"),
    "quiet hours": (Preferences(quiet=NIGHT), Way.SILENT, "quiet hours"),
    "quiet hours elsewhere": (Preferences(quiet=NIGHT, zone="America/New_York"), Way.SEND, "wanted"),
    "held": (Preferences(quiet=HELD), Way.SEND, "held until the quiet hours end"),
}


@pytest.mark.parametrize("case", SIGNAL_CASES.values(), ids=list(SIGNAL_CASES))
def test_a_new_signal_reaches_a_chat_as_the_chat_chose(case: tuple[Preferences, Way, str]):
    preferences, way, reason = case
    hearing = hearing_of(preferences, SIGNAL)

    assert (hearing.way, hearing.reason) == (way, reason)


def test_what_is_held_waits_for_the_end_of_the_quiet_hours():
    assert hearing_of(Preferences(quiet=HELD), SIGNAL).not_before_ms == MORNING_MS


def test_a_signal_that_would_be_over_by_then_is_not_held():
    short_lived = replace(SIGNAL, valid_until_ms=MORNING_MS)

    assert hearing_of(Preferences(quiet=HELD), short_lived) == Hearing(
        Way.NO, "it would be over before the quiet hours are"
    )


EVERYTHING_OFF = Preferences(
    dict.fromkeys(Subject, Loudness.OFF),
    symbols=("ETHUSDT",),
    timeframes=(Timeframe.H4,),
    min_score=99.0,
    min_rr=99.0,
    digest_hours=(8,),
    muted_until_ms=AT_MS + DAY_MS,
)


def test_the_end_of_a_signal_that_a_chat_was_given_can_be_hushed_and_never_hidden():
    assert hearing_of_reply(EVERYTHING_OFF, CLOSE).way is Way.SILENT


@pytest.mark.parametrize("subject", [Subject.ENTRY, Subject.TARGET, Subject.STOP])
def test_what_happens_on_the_way_may_be_turned_off(subject: Subject):
    assert hearing_of_reply(EVERYTHING_OFF, replace(CLOSE, subject=subject)).way is Way.NO
    assert hearing_of_reply(Preferences(), replace(CLOSE, subject=subject)).way is Way.SEND


def test_an_incident_comes_silently_unless_somebody_wants_to_hear_it():
    incident = News(Subject.INCIDENT, AT_MS, "BTCUSDT")

    assert hearing_of(Preferences(), incident).way is Way.SILENT
    assert hearing_of(Preferences({Subject.INCIDENT: Loudness.ON}), incident).way is Way.SEND
    assert hearing_of(Preferences(symbols=("ETHUSDT",)), incident).way is Way.NO
    assert hearing_of(Preferences(symbols=("ETHUSDT",)), replace(incident, symbol=None)).way is Way.SILENT


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (NIGHT, "2026-01-05T21:59", None),
        (NIGHT, "2026-01-05T22:00", "2026-01-06T07:00"),
        (NIGHT, "2026-01-06T06:59", "2026-01-06T07:00"),
        (NIGHT, "2026-01-06T07:00", None),
        (QuietHours(9 * 60, 17 * 60), "2026-01-05T12:00", "2026-01-05T17:00"),
        (QuietHours(9 * 60, 17 * 60), "2026-01-05T08:59", None),
    ],
)
def test_quiet_hours_run_from_their_begin_to_their_end_over_midnight_too(quiet: QuietHours, at: str, until: str | None):
    assert quiet_until_ms(quiet, ms(at), "UTC") == (None if until is None else ms(until))


def test_quiet_hours_keep_the_clock_on_the_wall_when_clocks_change():
    # Sofia turns its clocks forward on 2026-03-29 at 03:00: the night is an hour shorter
    assert quiet_until_ms(NIGHT, ms("2026-03-28T20:00"), "Europe/Sofia") == ms("2026-03-29T04:00")


@pytest.fixture
def book():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def told(book: Book, *channels: Preferences) -> list[int]:
    """Chats of the book, one for each of these preferences."""
    with book.transaction() as tx:
        ids = [tx.chats.ensure(-100 - number, ChatKind.GROUP).id for number in range(len(channels))]
        for chat_id, preferences in zip(ids, channels, strict=True):
            tx.chats.prefer(chat_id, preferences)
    return ids


def test_the_public_channel_is_never_collected_for(book: Book):
    with book.transaction() as tx:
        channel = tx.chats.ensure(-1, ChatKind.CHANNEL)
        tx.chats.prefer(channel.id, Preferences(digest_hours=(8,)))

        assert signal_listeners(tx, (channel.id,), LONG, "UTC").chat_ids == (channel.id,)


def test_every_audience_hears_what_it_chose(book: Book):
    ids = told(book, Preferences(), Preferences(symbols=("ETHUSDT",)), Preferences(digest_hours=(8,)))
    with book.transaction() as tx:
        found = signal_listeners(tx, ids, LONG, "UTC")

    assert (found.chat_ids, found.collecting) == ((ids[0],), (ids[2],))


@pytest.mark.parametrize(
    ("role", "hears"),
    [(Role.OWNER, True), (Role.SUBSCRIBER, True), (Role.PENDING, False), (Role.BLOCKED, False)],
)
def test_a_follower_gets_a_private_copy_if_he_may(book: Book, role: Role, hears: bool):
    with book.transaction() as tx:
        tx.users.ensure(5, "Ann", NOW_MS)
        tx.users.set_role(5, role, None, NOW_MS)
        chat = tx.chats.ensure(5, ChatKind.PRIVATE)
        tx.chats.prefer(chat.id, Preferences(follows=True))
        stranger = tx.chats.ensure(6, ChatKind.PRIVATE)
        tx.chats.prefer(stranger.id, Preferences(follows=True))

        assert signal_listeners(tx, (), LONG, "UTC").chat_ids == ((chat.id,) if hears else ())


def test_only_the_chats_that_got_the_signal_hear_what_became_of_it(book: Book):
    first, second = told(book, Preferences(), Preferences())
    with book.transaction() as tx:
        tx.outbox.queue("signal", {}, "signal:1", (first,), NOW_MS)
        tx.chats.prefer(first, EVERYTHING_OFF)

        found = reply_listeners(tx, "signal:1", CLOSE, "UTC")
    assert (found.chat_ids, found.silent) == ((first,), (first,))
    assert second not in found.chat_ids


def test_somebody_who_was_blocked_hears_nothing_more(book: Book):
    with book.transaction() as tx:
        tx.users.ensure(5, "Ann", NOW_MS)
        tx.users.set_role(5, Role.SUBSCRIBER, None, NOW_MS)
        chat = tx.chats.ensure(5, ChatKind.PRIVATE)
        tx.outbox.queue("signal", {}, "signal:1", (chat.id,), NOW_MS)
        assert reply_listeners(tx, "signal:1", CLOSE, "UTC").chat_ids == (chat.id,)
        tx.users.set_role(5, Role.BLOCKED, None, NOW_MS)

        assert reply_listeners(tx, "signal:1", CLOSE, "UTC").chat_ids == ()


def test_a_subject_may_have_its_own_forum_topic_and_replies_stand_under_their_signal(book: Book):
    [group] = told(book, Preferences(topics={Subject.SIGNAL: 12, Subject.INCIDENT: 13}))
    with book.transaction() as tx:
        [signal_chat] = signal_listeners(tx, (group,), LONG, "UTC").chat_ids
        [incident_chat] = listeners(tx, (group,), News(Subject.INCIDENT, NOW_MS), "UTC").chat_ids
        tx.outbox.queue("signal", {}, "signal:1", (signal_chat,), NOW_MS)
        [reply_chat] = reply_listeners(tx, "signal:1", CLOSE, "UTC").chat_ids
        topics = [tx.chats.get(chat_id).topic_id for chat_id in (signal_chat, incident_chat, reply_chat)]

    assert topics == [12, 13, 12]


def test_quiet_hours_of_a_bot_in_another_zone_count_where_the_chat_named_none():
    noon_in_tokyo = replace(SIGNAL, at_ms=ms("2026-01-05T03:00"))

    assert hearing_of(Preferences(quiet=NIGHT), noon_in_tokyo, "Asia/Tokyo").way is Way.SEND
    assert hearing_of(Preferences(quiet=NIGHT), noon_in_tokyo, "UTC").way is Way.SILENT
    assert HOUR_MS * 9 + noon_in_tokyo.at_ms == ms("2026-01-05T12:00")
