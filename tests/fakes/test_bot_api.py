import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter
from telegram.ext import Application, MessageHandler, filters

from tests.fakes.bot_api import TOKEN, BotApi

REPOSITORY = Path(__file__).resolve().parents[2]
ANN = 42
GROUP = -77
CHANNEL = -1001234567890


@pytest.fixture
def api() -> BotApi:
    return BotApi()


@pytest.fixture
async def bot(api):
    with api.running() as url:
        async with Bot(TOKEN, base_url=url) as bot:
            yield bot


async def test_a_wrong_token_is_turned_away(api):
    with api.running() as url, pytest.raises(InvalidToken):
        await Bot("1:wrong", base_url=url).initialize()


async def test_the_bot_learns_who_it_is_and_names_its_commands(bot, api):
    await bot.set_my_commands([BotCommand("health", "how it is")])

    assert (await bot.get_me()).username == "onebook_test_bot"
    assert api.commands == [{"command": "health", "description": "how it is"}]


async def test_updates_come_until_an_offset_confirms_them(bot, api):
    api.say(ANN, "/start")
    api.say(ANN, "hello", chat_id=GROUP)
    first, second = await bot.get_updates()
    again = await bot.get_updates()
    rest = await bot.get_updates(offset=second.update_id)

    assert first.message.text == "/start"
    assert first.message.entities[0].type == "bot_command"
    assert (second.message.chat.id, second.message.chat.type) == (GROUP, "group")
    assert [update.update_id for update in again] == [first.update_id, second.update_id]
    assert [update.update_id for update in rest] == [second.update_id]
    assert await bot.get_updates(offset=second.update_id + 1) == ()


async def test_a_long_poll_ends_as_soon_as_somebody_speaks(bot, api):
    poll = asyncio.create_task(bot.get_updates(timeout=5))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    api.say(ANN, "now")
    [update] = await poll

    assert update.message.text == "now"
    assert time.monotonic() - began < 1.0


async def test_a_quiet_long_poll_ends_empty_after_its_time(bot):
    assert await bot.get_updates(timeout=1) == ()


async def test_kinds_that_were_not_asked_for_are_not_delivered(bot, api):
    await bot.get_updates(allowed_updates=["message", "my_chat_member"])
    sent = await bot.send_message(ANN, "choose")
    api.press(ANN, sent.message_id, "ok")
    api.member(CHANNEL, ANN, "administrator")
    api.say(ANN, "hi")
    member, message = await bot.get_updates()

    assert member.my_chat_member.new_chat_member.status == "administrator"
    assert message.message.text == "hi"


async def test_a_press_names_the_message_it_sits_under_and_can_be_answered(bot, api):
    sent = await bot.send_message(ANN, "choose")
    api.press(ANN, sent.message_id, "approve:1")
    [update] = await bot.get_updates()
    await update.callback_query.answer()

    assert (update.callback_query.data, update.callback_query.message.message_id) == ("approve:1", sent.message_id)
    assert api.answered_callbacks == [update.callback_query.id]


async def test_a_whole_application_polls_answers_and_stops_without_forgetting(api):
    async def echo(update, context):
        await update.effective_message.reply_text(f"you said {update.effective_message.text}")

    with api.running() as url:
        application = Application.builder().token(TOKEN).base_url(url).build()
        application.add_handler(MessageHandler(filters.TEXT, echo))
        async with application:
            await application.start()
            await application.updater.start_polling(poll_interval=0, timeout=1)
            api.say(ANN, "one")
            for _ in range(200):
                if len(api.messages(ANN)) == 1:
                    break
                await asyncio.sleep(0.02)
            await application.updater.stop()
            await application.stop()
        api.say(ANN, "two")
        async with Bot(TOKEN, base_url=url) as bot:
            [left] = await bot.get_updates()

    assert [message.text for message in api.messages(ANN)] == ["you said one"]
    assert left.message.text == "two"


async def test_chats_say_what_they_are(bot):
    assert (await bot.get_chat(ANN)).type == "private"
    assert (await bot.get_chat(CHANNEL)).type == "channel"


async def test_pending_updates_can_be_dropped_with_the_webhook(bot, api):
    api.say(ANN, "old")
    await bot.delete_webhook(drop_pending_updates=True)

    assert await bot.get_updates() == ()


async def test_nothing_pushed_while_the_bot_polls_is_lost(bot, api):
    seen, offset = [], 0
    for number in range(200):
        api.say(ANN, str(number))
        if number % 7 == 0:
            updates = await bot.get_updates(offset=offset, limit=3)
            seen += [update.message.text for update in updates]
            offset = updates[-1].update_id + 1
    while updates := await bot.get_updates(offset=offset):
        seen += [update.message.text for update in updates]
        offset = updates[-1].update_id + 1

    assert seen == [str(number) for number in range(200)]


async def test_it_runs_as_a_process_and_is_played_from_outside():
    command = [sys.executable, "-m", "tests.fakes.bot_api", "--token", "7:t"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            async with Bot("7:t", base_url=f"{url}/bot") as bot, httpx.AsyncClient(base_url=url) as tests:
                await tests.post("/test/say", json={"user_id": ANN, "text": "/health"})
                [update] = await bot.get_updates()
                await bot.send_message(ANN, "all well")
                messages = (await tests.get("/test/messages", params={"chat_id": ANN})).json()
                calls = (await tests.get("/test/calls")).json()
        finally:
            process.kill()

    assert update.message.text == "/health"
    assert [message["text"] for message in messages] == ["all well"]
    assert [call["method"] for call in calls] == ["getMe", "getUpdates", "sendMessage"]


async def test_a_new_poller_ends_the_wait_of_the_one_before(api, bot):
    with api.running() as url:
        async with Bot(TOKEN, base_url=url) as other:
            waiting = asyncio.create_task(bot.get_updates(timeout=5))
            await asyncio.sleep(0.1)
            newer = asyncio.create_task(other.get_updates(timeout=1))
            with pytest.raises(Conflict, match="only one bot instance"):
                await waiting
            await newer


async def test_a_text_is_measured_as_it_is_read_and_in_utf_16(api, bot):
    await bot.send_message(ANN, f"<b>{'&lt;' * 4096}</b>", parse_mode="HTML")
    with pytest.raises(BadRequest, match="too long"):
        await bot.send_message(ANN, "😀" * 2049)
    with pytest.raises(BadRequest, match="caption is too long"):
        await bot.send_photo(ANN, b"png", caption="x" * 1025)

    assert [message.shown for message in api.messages(ANN)] == ["<" * 4096]


async def test_a_button_carries_at_most_64_bytes(bot):
    too_much = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="ä" * 33)]])
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(ANN, "x", reply_markup=too_much)


async def test_closed_moved_and_flooded_chats_refuse_and_say_why(api, bot):
    api.shut_out(-5)
    api.move(-6, -1_006)
    api.close_topic(-7, 3)
    api.flood(9, ANN)

    for chat, error in ((-5, Forbidden), (-6, ChatMigrated), (ANN, RetryAfter)):
        with pytest.raises(error):
            await bot.send_message(chat, "x")
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_message(-7, "x", message_thread_id=3)


async def test_words_under_a_picture_are_changed_as_its_caption(bot):
    sent = await bot.send_photo(ANN, b"png", caption="one")
    with pytest.raises(BadRequest, match="no text in the message"):
        await bot.edit_message_text("two", ANN, sent.message_id)
    changed = await bot.edit_message_caption(ANN, sent.message_id, caption="two")

    assert changed.caption == "two"
