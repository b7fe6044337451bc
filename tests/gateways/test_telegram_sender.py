from collections.abc import AsyncIterator

import httpx
import pytest
from telegram.error import NetworkError
from telegram.error import TimedOut as LibraryTimedOut

from gateways.telegram_sender import TelegramSender, classified
from gateways.telegram_words import (
    ChatGone,
    Flood,
    Migrated,
    NoOriginal,
    NoPicture,
    NoTopic,
    ParseError,
    Rejected,
    Sent,
    ServerTrouble,
    TimedOut,
    TooLong,
    Unreachable,
)
from services.post import Button
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.http import Drop, Hang, Refuse, Response, json_response

CHANNEL = -1001234567890
NOBODY_LISTENS = "http://127.0.0.1:9/bot"


@pytest.fixture
def api() -> BotApi:
    return BotApi()


@pytest.fixture
async def sender(api) -> AsyncIterator[TelegramSender]:
    with api.running() as url:
        sender = TelegramSender(TOKEN, api_url=url, answer_timeout_s=0.5)
        yield sender
        await sender.aclose()


def refusal(status: int, description: str, **parameters: int) -> Refuse:
    answer = {"ok": False, "error_code": status, "description": description}
    return Refuse(json_response({**answer, **({"parameters": parameters} if parameters else {})}, status))


async def test_a_message_arrives_as_html_without_a_preview(sender, api):
    result = await sender.send_message(CHANNEL, "<b>BTCUSDT</b> long", keyboard=[[Button("Why?", "why:1")]])
    [message] = api.messages(CHANNEL)

    assert result == Sent(message.message_id)
    assert (message.text, message.parse_mode) == ("<b>BTCUSDT</b> long", "HTML")
    assert message.buttons == (("Why?", "why:1"),)
    assert '"is_disabled": true' in api.calls[0].fields["link_preview_options"]


async def test_plain_text_is_sent_without_a_parse_mode(sender, api):
    await sender.send_message(CHANNEL, "1 < 2", html=False)

    assert api.messages(CHANNEL)[0].parse_mode is None


async def test_an_update_replies_to_the_original_even_when_that_is_gone(sender, api):
    original = await sender.send_message(CHANNEL, "signal")
    await sender.send_message(CHANNEL, "opened", reply_to=original.message_id, topic_id=5)
    await sender.send_message(CHANNEL, "closed", reply_to=9_999)

    assert [message.reply_to for message in api.messages(CHANNEL)] == [None, original.message_id, None]
    assert api.messages(CHANNEL)[1].topic_id == 5


async def test_an_edit_replaces_the_text_and_an_edit_without_a_change_counts_as_done(sender, api):
    sent = await sender.send_message(CHANNEL, "one")
    first = await sender.edit_message(CHANNEL, sent.message_id, "two")
    second = await sender.edit_message(CHANNEL, sent.message_id, "two")

    assert first == second == sent
    assert [(message.text, message.edits) for message in api.messages(CHANNEL)] == [("two", 1)]


async def test_a_picture_arrives_whole_with_its_caption(sender, api):
    result = await sender.send_photo(CHANNEL, b"\x89PNG" + bytes(range(256)) * 10, "chart of <b>ETH</b>")
    [message] = api.messages(CHANNEL)

    assert result == Sent(message.message_id)
    assert (message.text, message.photo_bytes) == ("chart of <b>ETH</b>", 2564)


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (
            refusal(400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0'),
            ParseError('Can\'t parse entities: unsupported start tag "x" at byte offset 0'),
        ),
        (refusal(400, "Bad Request: message is too long"), TooLong("Message is too long")),
        (refusal(400, "Bad Request: message caption is too long"), TooLong("Message caption is too long")),
        (refusal(400, "Bad Request: chat not found"), ChatGone("Chat not found")),
        (refusal(403, "Forbidden: bot was blocked by the user"), ChatGone("Forbidden: bot was blocked by the user")),
        (
            refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1009),
            Migrated(new_chat_id=-1009),
        ),
        (refusal(429, "Too Many Requests: retry after 17", retry_after=17), Flood(17.0)),
        (refusal(429, "Too Many Requests"), Flood(30.0)),
        (refusal(400, "Bad Request: message thread not found"), NoTopic("Message thread not found")),
        (
            refusal(400, "Bad Request: message to be replied not found"),
            NoOriginal("Message to be replied not found"),
        ),
        (
            refusal(400, "Bad Request: not enough rights to send photos to the chat"),
            NoPicture("Not enough rights to send photos to the chat"),
        ),
        (refusal(400, "Bad Request: something new"), Rejected("Something new")),
    ],
)
async def test_a_refusal_is_told_as_what_it_means_for_the_message(sender, api, fault, result):
    api.script("sendMessage", fault)
    told = await sender.send_message(CHANNEL, "text")

    assert type(told) is type(result)
    assert str(told).lower() == str(result).lower()
    assert api.messages(CHANNEL) == []


@pytest.mark.parametrize(
    ("fault", "delivered"),
    [
        (Drop(), 0),
        (Drop(after_acceptance=True), 1),
        (Hang(2.0), 0),
        (Hang(2.0, after_acceptance=True), 1),
        (Refuse(Response(200, b"not json")), 0),
    ],
)
async def test_a_send_without_a_proper_answer_is_unknown_whether_it_arrived_or_not(sender, api, fault, delivered):
    api.script("sendMessage", fault)

    assert isinstance(await sender.send_message(CHANNEL, "text"), TimedOut)
    assert len(api.messages(CHANNEL)) == delivered


@pytest.mark.parametrize("answer", [Response(502, b"<html>"), Response(500, b""), Response(503, b'{"ok": false}')])
async def test_an_error_of_telegrams_own_is_told_apart_from_silence(sender, api, answer):
    api.script("sendMessage", Refuse(answer))

    assert isinstance(await sender.send_message(CHANNEL, "text"), ServerTrouble)


async def test_a_send_is_tried_once_and_only_once(sender, api):
    api.script("sendMessage", Drop())
    await sender.send_message(CHANNEL, "text")

    assert len(api.calls) == 1


async def test_where_nobody_listens_the_message_certainly_did_not_leave():
    sender = TelegramSender(TOKEN, api_url=NOBODY_LISTENS)
    told = await sender.send_message(CHANNEL, "text")
    await sender.aclose()

    assert isinstance(told, Unreachable)


@pytest.mark.parametrize(
    ("error", "cause", "end"),
    [
        (NetworkError("no"), httpx.ConnectError("no"), Unreachable),
        (LibraryTimedOut(), httpx.ConnectTimeout("late"), Unreachable),
        (LibraryTimedOut(), httpx.PoolTimeout("all lines busy"), Unreachable),
        (LibraryTimedOut(), httpx.WriteTimeout("half of it is out"), TimedOut),
        (LibraryTimedOut(), httpx.ReadTimeout("no answer"), TimedOut),
        (NetworkError("no"), httpx.ReadError("hung up"), TimedOut),
    ],
)
def test_only_what_may_have_left_is_of_unknown_end(error, cause, end):
    error.__cause__ = cause

    assert isinstance(classified(error), end)


async def test_a_call_that_does_nothing_shows_whether_telegram_answers(sender, api):
    api.script("getMe", Drop(), Hang(2.0), Refuse(Response(502, b"<html>")))

    assert [await sender.answers() for _ in range(4)] == [False, False, False, True]


async def test_a_token_that_telegram_does_not_accept_delivers_nothing_and_stays_out_of_the_reason(api):
    with api.running() as url:
        sender = TelegramSender("999:wrong", api_url=url)
        told = await sender.send_message(CHANNEL, "text")
        await sender.aclose()

    assert isinstance(told, Unreachable)
    assert "wrong" not in told.reason


def test_an_empty_token_is_refused_before_anything_is_sent():
    with pytest.raises(ValueError, match="BotFather"):
        TelegramSender("")
