"""Preferences come back from the book as they were, and what cannot be meant is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.timeframes import Timeframe
from storage.chats import ChatKind
from storage.codec import encoded
from storage.preferences import (
    SESSIONS,
    TOPIC_SUBJECTS,
    Loudness,
    Preferences,
    QuietHours,
    Subject,
    from_json,
    to_json,
)

MINUTES = st.integers(0, 1439)
ANY = st.builds(
    Preferences,
    loudness=st.dictionaries(st.sampled_from(Subject), st.sampled_from(Loudness)),
    symbols=st.lists(st.text(min_size=1, max_size=8)).map(tuple),
    timeframes=st.lists(st.sampled_from(Timeframe)).map(tuple),
    sessions=st.lists(st.sampled_from(SESSIONS)).map(tuple),
    min_score=st.floats(0, 100),
    min_rr=st.floats(0, 20),
    quiet=st.none()
    | st.tuples(MINUTES, MINUTES, st.booleans()).filter(lambda q: q[0] != q[1]).map(lambda q: QuietHours(*q)),
    digest_hours=st.lists(st.integers(0, 23)).map(tuple),
    topics=st.dictionaries(st.sampled_from(TOPIC_SUBJECTS), st.integers(1, 10**9)),
    language=st.none() | st.sampled_from(["en", "bg"]),
    zone=st.none() | st.sampled_from(["UTC", "Europe/Sofia"]),
    executor_block=st.booleans(),
    leverage_hint=st.booleans(),
    follows=st.booleans(),
    muted_until_ms=st.none() | st.integers(1, 10**13),
)


@given(ANY)
def test_preferences_come_back_as_they_were(preferences: Preferences):
    assert from_json(json.loads(encoded(to_json(preferences)))) == preferences


def test_a_chat_that_chose_nothing_leaves_nothing_to_keep():
    assert to_json(Preferences()) == {}


def test_a_chat_keeps_what_it_chose(book):
    wanted = Preferences({Subject.ENTRY: Loudness.OFF}, symbols=("BTCUSDT",), follows=True)
    with book.transaction() as tx:
        chat = tx.chats.ensure(-5, ChatKind.GROUP)
        tx.chats.prefer(chat.id, wanted)

        assert (chat.preferences, tx.chats.get(chat.id).preferences) == (Preferences(), wanted)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sessions": ("tea_time",)}, "no session tea_time"),
        ({"digest_hours": (24,)}, "an hour of the day"),
        ({"topics": {Subject.SIGNAL: 0}}, "above zero"),
        ({"topics": {Subject.CLOSE: 4}}, "stands where its signal stands"),
        ({"zone": "Sofia"}, "no zone"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        Preferences(**wrong)


@pytest.mark.parametrize("minutes", [(-1, 5), (5, 1440), (7, 7)])
def test_quiet_hours_are_minutes_of_a_day_that_differ(minutes: tuple[int, int]):
    with pytest.raises(ValueError, match=r"minute"):
        QuietHours(*minutes)


def test_a_group_moves_with_all_its_topics(book):
    with book.transaction() as tx:
        whole = tx.chats.ensure(-5, ChatKind.GROUP)
        topic = tx.chats.topic(whole, 12)
        tx.chats.migrate(topic.id, -1005)

        assert [tx.chats.get(chat.id).telegram_id for chat in (whole, topic)] == [-1005, -1005]
