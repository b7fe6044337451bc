"""Locks in words, and the commands that show, lift and add them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.params import Params
from engine.protections import Lock, LockKind
from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from handlers.telegram.catalogue import LANGUAGES
from handlers.telegram.commands.locks import blackout, locks_, unlock_
from handlers.telegram.desk import Asked, ChatRef, CommandError, Desk
from handlers.telegram.locks import lock_line
from handlers.telegram.texts import renderer
from services.announce import Announcements
from services.blackouts import BlackoutFile
from services.hands import Hands
from services.pause import pause
from services.protections import tell
from storage.book import Book
from storage.chats import ChatKind
from storage.preferences import Preferences
from storage.users import Role, User
from storage.writer import Writer
from tests.handlers.telegram.chat import no_look
from tests.services.test_protections import lost
from tests.storage.samples import NOW_MS

OPERATOR = User(1, 77, "Ana", Role.OPERATOR, "en", "UTC", NOW_MS, None, None)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    calendar = tmp_path / "blackouts.csv"
    calendar.write_text("2025-10-10T12:00,CPI,30,30\n2020-01-01T00:00,long ago,5,5\nnonsense\n")
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        hands = Hands(Params(), Announcements())
        yield Desk(book, writer, no_look, lambda: NOW_MS, hands, BlackoutFile(calendar))


def asked(*words: str) -> Asked:
    return Asked(words, OPERATOR, ChatRef(77))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LockKind)
def test_every_lock_has_its_words(kind: LockKind, language: str):
    lock = Lock(kind, "BTC<USDT", NOW_MS, NOW_MS + HOUR_MS, "<value>", "3")
    line = lock_line(lock, language, str)

    assert line.startswith("🔒 <b>#BTC&lt;USDT</b>: ")
    assert line.endswith(str(NOW_MS + HOUR_MS))
    assert "<value>" not in line


async def test_without_locks_signals_are_sent(desk: Desk):
    assert (await locks_(desk, asked())).html == "Nothing is locked; signals are sent."


async def test_a_lock_is_shown_with_what_lifts_it_and_is_lifted(desk: Desk):
    with desk.book.transaction() as tx:
        lost(tx, "ETHUSDT")
        pause(tx, "holiday", "77", NOW_MS)

    shown = (await locks_(desk, asked())).html.splitlines()
    assert shown == [
        "🔒 <b>All pairs</b>: paused: holiday, until somebody lifts it",
        "<code>/unlock pause</code>",
        "🔒 <b>#ETHUSDT</b>: a rest after a loss, until 2025-10-09 13:00 UTC",
        "<code>/unlock cooldown ETHUSDT</code>",
    ]
    await unlock_(desk, asked("cooldown", "ethusdt"))
    await unlock_(desk, asked("pause"))
    assert (await locks_(desk, asked())).html == "Nothing is locked; signals are sent."


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ((), "unlock.ask"),
        (("door",), "unlock.ask"),
        (("cooldown", "A", "B"), "unlock.ask"),
        (("pause",), "unlock.unknown"),
    ],
)
async def test_a_lock_that_is_not_there_is_not_lifted(desk: Desk, words: tuple[str, ...], key: str):
    with pytest.raises(CommandError) as refused:
        await unlock_(desk, asked(*words))

    assert refused.value.key == key


async def test_blackouts_ahead_are_shown_and_another_is_added(desk: Desk):
    answer = await blackout(desk, asked("2025-10-11T08:00", "60", "120", "token", "unlock", "#solusdt"))

    assert answer.html.splitlines() == [
        "🗓 <b>CPI</b> · All pairs · 2025-10-10 11:30 UTC – 2025-10-10 12:30 UTC",
        "🗓 <b>token unlock</b> · SOLUSDT · 2025-10-11 07:00 UTC – 2025-10-11 10:00 UTC",
        "⚠️ In the calendar: line 3: a line is time_utc,event,minutes_before,minutes_after[,symbols]",
    ]


@pytest.mark.parametrize(
    ("words", "key"),
    [(("tomorrow",), "blackout.ask"), (("tomorrow", "30", "60", "FOMC"), "blackout.bad")],
)
async def test_a_blackout_that_cannot_be_meant_is_not_added(desk: Desk, words: tuple[str, ...], key: str):
    with pytest.raises(CommandError) as refused:
        await blackout(desk, asked(*words))

    assert refused.value.key == key


def test_chats_hear_of_locks_in_their_language(desk: Desk):
    with desk.book.transaction() as tx:
        chat = tx.chats.ensure(-100, ChatKind.CHANNEL)
        tx.chats.prefer(chat.id, Preferences(language="bg"))
        lost(tx)
        for hours in (0, 5):
            tell(tx, NOW_MS + hours * HOUR_MS, Params(), Announcements((chat.id,)))
        items = [item for message in tx.messages.all() for item in tx.outbox.of_message(message.id)]
        posts = [renderer()(tx, item) for item in items]

    assert [post.html.splitlines()[0] for post in posts] == [
        "🔒 <b>#BTCUSDT</b>: почивка след загуба, до 2025-10-09 13:00 UTC",
        "🔓 <b>#BTCUSDT</b>: край – почивка след загуба",
    ]
    assert all(post.silent for post in posts)
