"""Listening over real HTTP: a Telegram that is away, a rival with the same token, a line that went dead."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest
from telegram import Update
from telegram.ext import Application, TypeHandler

from handlers.telegram.polling import Patience, Polling, ear
from services.incidents import Deaf, Rival
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.http import Drop, Hang, Refuse, json_response

ANN = 42
QUICK = Patience(
    poll_s=1, deaf_after_s=0.5, retry_first_s=0.02, retry_last_s=0.1, step_back_first_s=0.1, step_back_last_s=0.4
)
BUSY = json_response({"ok": False, "error_code": 502, "description": "Bad Gateway"}, 502)


class Listener:
    """An application that hears, and what it heard and was told."""

    def __init__(self, url: str, patience: Patience, token: str = TOKEN) -> None:
        self.heard: list[str] = []
        self.notes: list[Deaf | Rival] = []
        self.ear = ear()
        builder = Application.builder().token(token).base_url(url).get_updates_request(self.ear).job_queue(None)
        self.application = builder.build()
        self.application.add_handler(TypeHandler(Update, self._hear))
        self.polling = Polling(self.application, self.ear, self._note, patience)

    async def until(self, *texts: str) -> None:
        async with asyncio.timeout(10):
            while self.heard != list(texts):
                await asyncio.sleep(0.01)

    async def _hear(self, update, context) -> None:
        self.heard.append(update.effective_message.text)

    async def _note(self, trouble) -> None:
        self.notes.append(trouble)


@asynccontextmanager
async def listening(url, patience=QUICK):
    listener = Listener(url, patience)
    await listener.application.initialize()
    await listener.application.start()
    polling = asyncio.create_task(listener.polling.run())
    try:
        yield listener
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
        await listener.application.stop()
        await listener.application.shutdown()


@pytest.fixture
def api():
    return BotApi()


def polls(api):
    return sum(call.method == "getUpdates" for call in api.calls)


async def test_what_is_said_is_heard_once_and_in_order(api):
    with api.running() as url:
        async with listening(url) as listener:
            for text in ("one", "two", "three"):
                api.say(ANN, text)
            await listener.until("one", "two", "three")
            await asyncio.sleep(0.1)

    assert listener.heard == ["one", "two", "three"]
    assert listener.notes == []


@pytest.mark.parametrize("fault", [Drop(), Drop(after_acceptance=True), Refuse(BUSY), Hang(0.1)])
async def test_after_trouble_on_the_way_nothing_is_missed(api, fault):
    api.script("getUpdates", *(fault,) * 3)
    with api.running() as url:
        async with listening(url) as listener:
            api.say(ANN, "hello")
            await listener.until("hello")


async def test_a_dead_line_is_noticed_told_once_and_made_anew(api):
    api.script("getUpdates", Hang(30), Hang(30), Hang(30))
    with api.running() as url:
        async with listening(url) as listener:
            api.say(ANN, "hello")
            await listener.until("hello")

    assert [type(trouble) for trouble in listener.notes] == [Deaf]


async def test_before_a_rival_it_steps_back_for_longer_each_time_and_says_which_bot_it_is(api):
    conflict = {"ok": False, "error_code": 409, "description": "Conflict: terminated by other getUpdates request"}
    api.script("getUpdates", *(Refuse(json_response(conflict, 409)),) * 3)
    with api.running() as url:
        async with listening(url) as listener:
            api.say(ANN, "hello")
            began_s = asyncio.get_running_loop().time()
            await listener.until("hello")
            took_s = asyncio.get_running_loop().time() - began_s

    [trouble] = listener.notes
    assert (trouble.username, trouble.waits_s) == ("onebook_test_bot", 0.1)
    assert "other getUpdates" in trouble.words
    assert took_s >= 0.1 + 0.2 + 0.4


async def test_two_bots_with_one_token_both_learn_of_it(api):
    with api.running() as url:
        async with listening(url) as one, listening(url) as other:
            async with asyncio.timeout(10):
                while not (one.notes and other.notes):
                    await asyncio.sleep(0.02)

    assert {type(trouble) for trouble in (*one.notes, *other.notes)} == {Rival}


async def test_a_webhook_is_taken_down(api):
    webhook = (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
    api.script("getUpdates", Refuse(json_response({"ok": False, "error_code": 409, "description": webhook}, 409)))
    with api.running() as url:
        async with listening(url) as listener:
            api.say(ANN, "hello")
            await listener.until("hello")

    assert "deleteWebhook" in [call.method for call in api.calls]
    assert listener.notes == []


async def test_it_asks_for_what_the_bot_can_answer_and_confirms_only_what_was_answered(api):
    with api.running() as url:
        async with listening(url) as listener:
            api.say(ANN, "hello")
            await listener.until("hello")
            seen = polls(api)
            async with asyncio.timeout(5):
                while polls(api) == seen:
                    await asyncio.sleep(0.01)

    asked = [call for call in api.calls if call.method == "getUpdates"]
    assert json.loads(asked[0].fields["allowed_updates"]) == ["message", "callback_query", "my_chat_member"]
    assert asked[-1].fields["offset"] == "2"
