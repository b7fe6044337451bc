"""Commands over real HTTP: people of the book are answered, and a silent Telegram is waited for."""

import asyncio
import json
import re
import socket

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import PortfolioKind, SignalStatus
from handlers.telegram.commands import COMMANDS
from handlers.telegram.door import BadToken, Door
from services.pause import paused_reason
from storage.events import EventType
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.http import listen
from tests.handlers.telegram.chat import Chat, door_of, opened
from tests.services.rig import OWNER, ms, started, world_at

BEGIN_MS = ms("2026-01-01T00:50")


@pytest.fixture
async def world(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world:
        yield world


@pytest.fixture
async def rig(world):
    async with started(world, ("ADAUSDT", "XRPUSDT"), (Timeframe.M15,)) as rig:
        yield rig


@pytest.fixture
async def chat(rig):
    async with opened(door_of(rig)):
        yield Chat(rig.world)


async def test_start_says_what_this_is_and_help_lists_every_command(chat):
    assert "I am running" in await chat.ask("/start")
    first = await chat.asked("/help")
    await chat.press(first, "Next ▶")
    second = chat.shown(first)

    assert "page 2 of 2" in second.text
    for command in COMMANDS:
        assert f"/{command.name}" in first.text + second.text
    await chat.press(second, "◀ Back")
    assert chat.shown(first).text == first.text


async def test_signal_shows_what_the_engine_sees_now(rig, chat):
    rig.world.clock.ms = ms("2026-01-01T01:00") + 5_000
    with_setup = await chat.ask("/signal adausdt 15m")
    without = await chat.ask("/signal BTCUSDT 4h")

    assert with_setup.startswith("🟢 <b>LONG #ADAUSDT 15m</b>")
    assert "not in the book" in with_setup
    assert without.startswith("No signal on <b>#BTCUSDT 4h</b> at the close of 2026-01-01 00:00 UTC")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/signal", "Write it like /signal BTCUSDT 1h"),
        ("/signal BTCUSDT 7x", "7x is no timeframe; ask for one of 15m"),
        ("/signal BTCUSDT 1m", "Signals are not made on 1m; ask for one of 15m"),
        ("/signal BTCUSD 1h", "did you mean BTCUSDT"),
        ("/signal <b>x 1h", "does not know &lt;B&gt;X"),
        ("/journal many", "Write it like /journal 20"),
        ("/account please", "/account stands alone"),
        ("/nonsense", "There is no such command; /help"),
    ],
)
async def test_a_wrong_question_is_answered_with_one_helpful_sentence(chat, text, answer):
    told = await chat.ask(text)

    assert answer in told
    assert "\n" not in told


async def test_positions_journal_and_account_read_the_book(rig, chat):
    assert "No open positions" in await chat.ask("/positions")
    assert "empty" in await chat.ask("/journal")

    await rig.play(ms("2026-01-01T02:05"))
    shown, listed, money = [await chat.ask(text) for text in ("/positions", "/journal 2", "/account")]

    with rig.book.reading() as view:
        balance = view.journal.account(view.portfolios.of_kind(PortfolioKind.PAPER).id).balance
    assert "ADAUSDT L     0.2166" in shown
    assert "XRPUSDT" in shown
    assert listed.startswith("The last 2 of 3 signals")
    assert f"{balance:,.2f} USDT" in money
    for text in (shown, listed, money):
        assert max(len(line) for line in monospace_lines(text)) <= 34


async def test_pause_stops_sending_and_resume_goes_on_with_their_author_in_the_book(rig, chat):
    assert "Paused" in await chat.ask("/pause news at 14:00")
    with rig.book.reading() as view:
        assert paused_reason(view) == "news at 14:00"
        [paused] = view.events.latest(1, EventType.PAUSED)
    assert paused.actor == f"telegram:{OWNER}"
    await rig.play(ms("2026-01-01T01:05"))
    with rig.book.reading() as view:
        assert view.signals.get(1).status is SignalStatus.SUPPRESSED

    assert await chat.ask("/resume") == "Running again."
    assert await chat.ask("/resume") == "I was not paused."


async def test_who_asks_for_a_change_while_the_disk_is_full_hears_that_nothing_was_changed(rig, chat):
    with rig.book.transaction() as tx:
        [pages] = tx.connection.execute("PRAGMA page_count").fetchone()
        tx.connection.execute(f"PRAGMA max_page_count={pages}")

    assert await chat.ask("/pause " + 3_500 * "x") == (
        "The book cannot be written now, so nothing was changed. The log says why; ask again once that is put right."
    )
    with rig.book.reading() as view:
        assert paused_reason(view) is None


async def test_health_answers_from_the_book(chat):
    told = await chat.asked("/health")
    every = next(data for label, data in told.buttons if label == "Every check")
    await chat.press_data(told, every)

    assert "<b>OK</b>" in told.text
    assert "paper balance = deposits" in chat.shown(told).text


async def test_updates_are_asked_for_by_kind_and_only_these(chat):
    await chat.ask("/help")

    asked = [json.loads(call.fields["allowed_updates"]) for call in chat.world.api.calls if call.method == "getUpdates"]
    assert {tuple(kinds) for kinds in asked} == {("message", "callback_query", "my_chat_member")}


async def test_a_refused_token_is_one_sentence_without_the_token(rig):
    door = Door("12345:wrong-token-wrong-token-wrong", rig.world.telegram_url.removesuffix("/bot"), rig.desk)

    with pytest.raises(BadToken, match="BotFather") as refused:
        await door.reach()
    assert "wrong" not in str(refused.value)


async def test_it_starts_while_telegram_is_down_and_comes_back_by_itself(rig):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    door = Door(TOKEN, f"http://127.0.0.1:{port}", rig.desk, retry_after_s=0.05)
    api = BotApi()
    async with opened(door):
        await asyncio.sleep(0.2)
        async with await listen(api.answer, port):
            api.say(OWNER, "/help")
            async with asyncio.timeout(5):
                while not api.messages(OWNER):
                    await asyncio.sleep(0.02)


def monospace_lines(text: str) -> list[str]:
    return [line for block in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL) for line in block.splitlines()]
