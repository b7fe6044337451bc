"""/record and /verify as people read them, and the digest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import BookKind
from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import LANGUAGES
from handlers.telegram.commands.record import period_pressed, record, record_pressed, verify
from handlers.telegram.desk import Answer, Asked, ChatRef, CommandError, Place, Pressed
from handlers.telegram.digest import digest_text
from handlers.telegram.texts import renderer
from services.digest import queue_digest
from services.public_record import ENOUGH_TO_JUDGE, Ending
from storage.book import Book
from storage.chats import ChatKind
from storage.outbox import OutboxItem
from storage.stores import Stores
from storage.users import Role, User
from tests.handlers.telegram.chat import Chat, door_of, opened
from tests.services.published import Desk as Channel
from tests.services.rig import CHANNEL, ms, started, world_at
from tests.services.test_public_record import live
from tests.storage.samples import DAY_MS, NOW_MS
from tests.storage.test_publications import tamper

NOON_MS = NOW_MS + DAY_MS
READER = User(1, 77, "Ana", Role.SUBSCRIBER, "en", "UTC", NOW_MS, None, None)


@dataclass(frozen=True, slots=True)
class Desk:
    """What these commands are answered from: the book and the time."""

    book: Book

    def now_ms(self) -> int:
        return NOON_MS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            Mint.ensured(tx, NOW_MS)
        yield Desk(book)


def happened(desk: Desk, *endings: Ending) -> None:
    """Signals that were posted and came to these endings, in order."""
    with desk.book.transaction() as tx:
        channel = Channel(tx)
        for number, ending in enumerate(endings):
            live(tx, channel, ending, number)


def asked(*words: str, language: str = "en", kind: ChatKind = ChatKind.PRIVATE) -> Asked:
    return Asked(words, replace(READER, language=language), ChatRef(77, kind))


def counted(answer: Answer) -> dict[str, str]:
    """The rows of the table, by name."""
    [table] = re.findall(r"<pre>(.*)</pre>", answer.html, re.DOTALL)
    return {name.strip(): count for name, count in re.findall(r"^(.*?)\s+(\d+)$", table, re.MULTILINE)}


ALL = (
    Ending.WIN,
    Ending.TARGET_1_THEN_BREAK_EVEN,
    Ending.LOSS,
    Ending.LOSS,
    Ending.OPEN,
    Ending.WAITING,
    Ending.CANCELLED,
    Ending.EXPIRED,
)


async def test_losers_unfilled_and_half_won_ones_stand_beside_the_winners(desk: Desk):
    happened(desk, *ALL)

    assert counted(await record(desk, asked("all"))) == {
        "sent": "8",
        "waiting": "1",
        "expired, not filled": "1",
        "target before entry": "1",
        "filled": "5",
        "open": "1",
        "won": "1",
        "target 1, then entry": "1",
        "break-even": "0",
        "lost": "2",
        "missed (told too late)": "0",
    }


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_table_fits_a_phone_in_every_language(desk: Desk, language: str):
    happened(desk, *ALL)

    answer = await record(desk, asked("7d", language=language))
    [table] = re.findall(r"<pre>(.*)</pre>", answer.html, re.DOTALL)
    assert max(map(len, table.splitlines())) <= 34


async def test_below_thirty_closed_signals_are_too_few_to_judge(desk: Desk):
    happened(desk, *[Ending.LOSS, Ending.WIN, Ending.LOSS] * (ENOUGH_TO_JUDGE // 3 - 1))
    few = (await record(desk, asked())).html

    assert "Too few to judge: 27 closed, 30 are needed" in few
    assert "95 %" not in few


async def test_thirty_closed_signals_have_an_expectancy_with_its_interval(desk: Desk):
    happened(desk, *[Ending.LOSS, Ending.WIN, Ending.LOSS] * (ENOUGH_TO_JUDGE // 3))

    assert re.search(
        r"Expectancy <b>[+-]\d\.\d\dR</b> a closed signal \(95 %: [+-]\d\.\d\dR to [+-]\d\.\d\dR\), profit factor \d\.\d\d",
        (await record(desk, asked())).html,
    )


async def test_a_period_is_chosen_by_word_or_button(desk: Desk):
    happened(desk, Ending.LOSS)
    shown = await record(desk, asked("7d"))
    pressed = await period_pressed(desk, Pressed("all", READER, ChatRef(77), 5))

    assert "last 7 days" in shown.html
    assert [button.label for button in shown.buttons[0]] == ["30 days", "all"]
    assert (pressed.place, "since the beginning" in pressed.html) == (Place.SAME, True)
    with pytest.raises(CommandError):
        await record(desk, asked("8d"))


async def test_nothing_sent_is_said_plainly(desk: Desk):
    assert "Nothing was sent" in (await record(desk, asked())).html


async def test_pressed_in_the_channel_the_record_is_a_line_over_it(desk: Desk):
    happened(desk, *ALL)
    there = await record_pressed(desk, Pressed("", READER, ChatRef(-1, ChatKind.CHANNEL), 5))
    here = await record_pressed(desk, Pressed("", READER, ChatRef(77), 5))

    assert there.place is Place.TOAST
    assert len(there.html) <= 200
    assert here.place is Place.NEW


async def test_verify_shows_every_row_of_a_signal_with_its_numbers_and_the_whole_head(desk: Desk):
    happened(desk, Ending.LOSS, Ending.TARGET_1_THEN_BREAK_EVEN)
    told = (await verify(desk, asked("S-2"))).html
    with desk.book.reading() as view:
        rows = view.publications.of_signal(2)
        head = view.publications.head()

    for row in rows:
        assert f"{row.seq}. " in told
        assert row.hash[:8] in told
    assert "entry 100, stop 98, targets 103, 106, 110" in told
    assert "stopped at break-even" in told
    assert f"All 8 rows of the record are unbroken up to the head\n<code>{head}</code>" in told


async def test_verify_says_where_a_record_was_broken(desk: Desk):
    happened(desk, Ending.LOSS)
    tamper(desk.book, "UPDATE publications SET at_ms=at_ms+1 WHERE seq=2")

    told = (await verify(desk, asked("1"))).html
    assert "broken after 1 rows: publication 2: its hash" in told


async def test_a_signal_the_channel_never_heard_of_is_said_to_be_none(desk: Desk):
    with desk.book.transaction() as tx:
        channel = Channel(tx)
        tx.meta.set("public_channel", "")
        live(tx, channel, Ending.LOSS)

    assert "told nothing of S-1" in (await verify(desk, asked("S-1"))).html
    with pytest.raises(CommandError):
        await verify(desk, asked("S-99"))


def digest_of(tx: Stores, *endings: Ending) -> OutboxItem:
    channel = Channel(tx)
    for number, ending in enumerate(endings):
        live(tx, channel, ending, number)
    queue_digest(tx, channel.announcements, NOON_MS)
    [item] = [item for item in tx.outbox.due(NOON_MS, 9) if item.chat_id == channel.channel]
    return item


def test_the_digest_carries_the_whole_head_and_what_ended(desk: Desk):
    with desk.book.transaction() as tx:
        item = digest_of(tx, Ending.LOSS, Ending.WIN, Ending.OPEN)
        told = renderer()(tx, item).html

        assert f"<code>{tx.publications.head()}</code>" in told
        assert "3 sent, 3 filled, 0 missed" in told
        assert "1 won, 0 target 1 then entry, 0 break-even, 1 lost, 0 not filled" in told
        assert len(told) <= 1024


def test_a_quiet_day_is_told_as_such_in_bulgarian_too(desk: Desk):
    with desk.book.transaction() as tx:
        item = digest_of(tx, Ending.WAITING)

        assert "nothing closed" in digest_text(item, "en")
        assert "нищо не е затворено" in digest_text(item, "bg")


def test_the_buttons_of_the_record_are_in_the_table_of_actions():
    acts = {action.act for action in ACTIONS}

    assert {record_pressed, period_pressed} <= acts


async def test_a_reader_asks_for_the_record_and_the_proof_over_the_wire(tmp_path: Path):
    async with (
        world_at(ms("2026-01-01T00:50"), tmp_path) as world,
        started(world, ("ADAUSDT", "XRPUSDT"), (Timeframe.M15,)) as rig,
    ):
        await rig.play(ms("2026-01-01T02:05"))
        async with opened(door_of(rig)):
            chat = Chat(rig.world)
            listed = await chat.asked("/record")
            await chat.press(listed, "all")
            [post, *_] = chat.heard(CHANNEL)
            over_the_channel = await chat.press(post, "Record")
            proof = await chat.ask("/verify S-1")
            wrong = await chat.ask("/record yesterday")

            assert "last 30 days" in listed.text
            assert "since the beginning" in chat.shown(listed).text
            assert over_the_channel.startswith("last 30 days: ")
            assert "unbroken up to the head" in proof
            assert "one of 7d, 30d, all" in wrong
