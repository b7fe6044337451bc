"""A fake Telegram Bot API server: long polling with offsets, messages, edits, photos and presses, kept in memory.

Over HTTP alone, also as a process: `python -m tests.fakes.bot_api --port 0 --token T` prints its port. Tests speak as
users through `POST /test/say`, `/test/press`, `/test/member` and read `GET /test/messages?chat_id=`, `GET /test/calls`;
within one process they call `say`, `press` and `messages` directly.
"""

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.fakes.bot_api_shapes import GIFTS, bot, chat, membership, user
from tests.fakes.clock import VirtualClock
from tests.fakes.http import Fault, Faults, Request, Response, Upload, json_response, running, serve_forever
from tests.fakes.telegram_html import Unreadable, read, units

TOKEN = "12345:fake-token-of-the-tests"
UPDATE_KINDS = ("message", "callback_query", "my_chat_member", "channel_post", "edited_message")

TEXT_UNITS, CAPTION_UNITS = 4096, 1024
CALLBACK_BYTES = 64

_POLL_STEP_S = 0.01
_MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message of the bot: `text` as it was sent, `shown` as it is read; `edits` counts how often it was changed."""

    message_id: int
    chat_id: int
    text: str
    date_s: int
    parse_mode: str | None = None
    reply_to: int | None = None
    topic_id: int | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    photo_bytes: int = 0
    edits: int = 0
    shown: str = ""
    silent: bool = False
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot."""

    method: str
    fields: Mapping[str, str]


class Refused(Exception):
    """A request Telegram would not carry out; `parameters` say what would help."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def no_trouble(call: "Call") -> Fault | None:
    """Everything goes well."""
    return None


@dataclass(slots=True)
class BotApi:
    """The state behind the server, and the tests' way to play the users.

    `trouble` is asked at every request of the bot what goes wrong with it, after what was scripted.
    """

    token: str = TOKEN
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    answer_after_s: float = 0.0  # how long a message that was accepted waits for its answer
    trouble: Callable[[Call], Fault | None] = no_trouble
    calls: list[Call] = field(default_factory=list)
    answered_callbacks: list[str] = field(default_factory=list)
    commands: list[dict[str, str]] = field(default_factory=list)
    menus: dict[int, list[dict[str, str]]] = field(default_factory=dict)  # a chat's own
    _messages: list[SentMessage] = field(default_factory=list)
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _allowed: tuple[str, ...] = UPDATE_KINDS
    _next_message: int = 1
    _next_update: int = 1
    _faults: Faults = field(default_factory=Faults)
    _closed: dict[int, str] = field(default_factory=dict)
    _moved: dict[int, int] = field(default_factory=dict)
    _no_topics: set[tuple[int, int]] = field(default_factory=set)
    _floods: dict[int | None, int] = field(default_factory=dict)
    _polls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)  # tests push from another thread than the server's

    # What tests do and see

    def say(self, user_id: int, text: str, chat_id: int | None = None, name: str = "Ann") -> None:
        """A user writes to the bot, in private unless `chat_id` says where."""
        message = {**self._envelope(chat_id or user_id), "from": user(user_id, name), "text": text}
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self._push("message", message)

    def press(self, user_id: int, message_id: int, data: str, name: str = "Ann") -> None:
        """A user presses a button under one of the bot's messages."""
        pressed = next(one for one in self._messages if one.message_id == message_id)
        query = {
            "id": str(self._next_update),
            "from": user(user_id, name),
            "chat_instance": str(pressed.chat_id),
            "message": self._shown(pressed),
            "data": data,
        }
        self._push("callback_query", query)

    def member(self, chat_id: int, user_id: int, status: str) -> None:
        """The bot's own membership in a chat becomes `status`: member, administrator, kicked, left."""
        itself = bot()
        change = {
            "chat": chat(chat_id),
            "from": user(user_id, "Ann"),
            "date": self._now_s(),
            "old_chat_member": {"status": "left", "user": itself},
            "new_chat_member": membership(status, itself),
        }
        self._push("my_chat_member", change)

    def messages(self, chat_id: int) -> list[SentMessage]:
        """What the bot has sent to a chat, oldest first, as it reads after all edits."""
        return [message for message in self._messages if message.chat_id == chat_id]

    def script(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` meet these faults, one each."""
        self._faults.script(method, *faults)

    def shut_out(self, chat_id: int, why: str = "bot was kicked from the channel chat") -> None:
        """A chat is closed to the bot until it lets it in again."""
        self._closed[chat_id] = why

    def let_in(self, chat_id: int) -> None:
        self._closed.pop(chat_id, None)

    def move(self, chat_id: int, new_chat_id: int) -> None:
        """A group becomes a supergroup."""
        self._moved[chat_id] = new_chat_id

    def close_topic(self, chat_id: int, topic_id: int) -> None:
        self._no_topics.add((chat_id, topic_id))

    def flood(self, seconds: float, chat_id: int | None = None) -> None:
        """For so long by the fake's clock it answers 429: in one chat, or to everything that is sent."""
        self._floods[chat_id] = self.now_ms() + round(seconds * _MS_PER_SECOND)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Listening for as long as the block lasts; gives the base URL, to which the library appends the token."""
        with running(self.answer) as url:
            yield f"{url}/bot"

    # What the bot asks

    async def answer(self, request: Request) -> Response:
        if request.path.startswith("/test/"):
            return self._tested(request)
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != self.token:
            return _refusal(Refused(401, "Unauthorized"))
        fields = request.form() if request.method == "POST" else dict(request.query)
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        call = Call(method, texts)
        self.calls.append(call)
        uploads = {name: value for name, value in fields.items() if isinstance(value, Upload)}
        act = self._carried_out(method, texts, uploads)
        return await self._faults.around(method, act, lambda: self.trouble(call))

    def _carried_out(
        self, method: str, fields: Mapping[str, str], uploads: Mapping[str, Upload]
    ) -> Callable[[], Awaitable[Response]]:
        methods: dict[str, Callable[[], Awaitable[object]]] = {
            "getMe": lambda: _now(bot()),
            "getUpdates": lambda: self._get_updates(fields),
            "getWebhookInfo": lambda: _now({"url": "", "has_custom_certificate": False, "pending_update_count": 0}),
            "deleteWebhook": lambda: self._delete_webhook(fields),
            "setMyCommands": lambda: self._set_my_commands(fields),
            "deleteMyCommands": lambda: _now(self.menus.pop(_scope(fields), None) is not None),
            "sendMessage": lambda: _now(self._send(fields, fields.get("text", ""))),
            "sendPhoto": lambda: _now(self._send(fields, fields.get("caption", ""), _photo(fields, uploads))),
            "editMessageText": lambda: _now(self._edit(fields, text=fields.get("text", ""))),
            "editMessageCaption": lambda: _now(self._edit(fields, caption=fields.get("caption", ""))),
            "editMessageReplyMarkup": lambda: _now(self._edit(fields)),
            "answerCallbackQuery": lambda: self._answer_callback(fields),
            "getChat": lambda: _now(self._get_chat(fields)),
        }

        async def act() -> Response:
            if method not in methods:
                return _refusal(Refused(404, "Not Found"))
            try:
                if "chat_id" in fields:
                    self._admit(_chat_id(fields))
                result = await methods[method]()
                if method.startswith("send"):
                    await asyncio.sleep(self.answer_after_s)
                return json_response({"ok": True, "result": result})
            except Refused as error:
                return _refusal(error)

        return act

    def _admit(self, chat_id: int) -> None:
        """Refuse what goes to a chat that is closed, has moved or is flooded."""
        for flooded in (None, chat_id):
            left_ms = self._floods.get(flooded, 0) - self.now_ms()
            if left_ms > 0:
                seconds = -(-left_ms // _MS_PER_SECOND)
                raise Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        if chat_id in self._closed:
            raise Refused(403, f"Forbidden: {self._closed[chat_id]}")
        if chat_id in self._moved:
            new_id = self._moved[chat_id]
            raise Refused(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=new_id)

    async def _get_updates(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        """Updates from `offset` on; asking with an offset forgets every earlier one, as Telegram does."""
        if "allowed_updates" in fields:
            self._allowed = tuple(json.loads(fields["allowed_updates"])) or UPDATE_KINDS
        offset, limit = int(fields.get("offset", "0")), int(fields.get("limit", "100"))
        with self._lock:
            kept = self._updates[offset:] if offset < 0 else self._updates
            self._updates = [update for update in kept if update["update_id"] >= offset]
        deadline = time.monotonic() + float(fields.get("timeout", "0"))
        self._polls += 1
        mine = self._polls
        while not self._updates and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_STEP_S)
            if self._polls != mine:
                raise Refused(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        return self._updates[:limit]

    async def _delete_webhook(self, fields: Mapping[str, str]) -> bool:
        if fields.get("drop_pending_updates") in ("true", "True"):
            self._updates.clear()
        return True

    async def _set_my_commands(self, fields: Mapping[str, str]) -> bool:
        self.commands = json.loads(fields["commands"])
        self.menus[_scope(fields)] = self.commands
        return True

    async def _answer_callback(self, fields: Mapping[str, str]) -> bool:
        self.answered_callbacks.append(fields["callback_query_id"])
        return True

    def _send(self, fields: Mapping[str, str], text: str, photo: Upload | None = None) -> dict[str, Any]:
        chat_id = _chat_id(fields)
        topic_id = int(fields["message_thread_id"]) if "message_thread_id" in fields else None
        if (chat_id, topic_id) in self._no_topics:
            raise Refused(400, "Bad Request: message thread not found")
        shown = _shown_text(fields, text, CAPTION_UNITS if photo else TEXT_UNITS)
        message = SentMessage(
            message_id=self._number(),
            chat_id=chat_id,
            text=text,
            date_s=self._now_s(),
            parse_mode=fields.get("parse_mode"),
            reply_to=self._reply_to(fields, chat_id),
            topic_id=topic_id,
            buttons=_buttons(fields),
            photo_bytes=len(photo.content) if photo else 0,
            shown=shown,
            silent=fields.get("disable_notification") in ("true", "True"),
            at_ms=self.now_ms(),
        )
        self._messages.append(message)
        return self._shown(message)

    def _edit(
        self, fields: Mapping[str, str], *, text: str | None = None, caption: str | None = None
    ) -> dict[str, Any]:
        """Change the words of a message, those under a picture, or, with neither, its buttons alone."""
        chat_id, message_id = _chat_id(fields), int(fields.get("message_id", "0"))
        for position, message in enumerate(self._messages):
            if (message.chat_id, message.message_id) == (chat_id, message_id):
                if text is not None and message.photo_bytes:
                    raise Refused(400, "Bad Request: there is no text in the message to edit")
                if caption is not None and not message.photo_bytes:
                    raise Refused(400, "Bad Request: there is no caption in the message to edit")
                edited = replace(message, buttons=_buttons(fields))
                words = text if text is not None else caption
                if words is not None:
                    limit = CAPTION_UNITS if message.photo_bytes else TEXT_UNITS
                    edited = replace(edited, text=words, shown=_shown_text(fields, words, limit))
                if edited == message:
                    raise Refused(
                        400,
                        "Bad Request: message is not modified: specified new message content and reply markup are"
                        " exactly the same as a current content and reply markup of the message",
                    )
                self._messages[position] = replace(edited, edits=message.edits + 1)
                return self._shown(edited)
        raise Refused(400, "Bad Request: message to edit not found")

    def _get_chat(self, fields: Mapping[str, str]) -> dict[str, Any]:
        return {
            **chat(_chat_id(fields)),
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": GIFTS,
        }

    def _reply_to(self, fields: Mapping[str, str], chat_id: int) -> int | None:
        wanted = json.loads(fields.get("reply_parameters", "{}"))
        if not wanted:
            return None
        if any(message.message_id == wanted["message_id"] for message in self.messages(chat_id)):
            return int(wanted["message_id"])
        if not wanted.get("allow_sending_without_reply"):
            raise Refused(400, "Bad Request: message to be replied not found")
        return None

    def _push(self, kind: str, content: dict[str, Any]) -> None:
        with self._lock:
            if kind in self._allowed:
                self._updates.append({"update_id": self._next_update, kind: content})
            self._next_update += 1

    def _now_s(self) -> int:
        return self.now_ms() // 1_000

    def _number(self) -> int:
        self._next_message += 1
        return self._next_message - 1

    def _envelope(self, chat_id: int) -> dict[str, Any]:
        return {"message_id": self._number(), "date": self._now_s(), "chat": chat(chat_id)}

    def _shown(self, message: SentMessage) -> dict[str, Any]:
        shown = {
            "message_id": message.message_id,
            "date": message.date_s,
            "chat": chat(message.chat_id),
            "from": bot(),
        }
        if message.buttons:
            rows = [[{"text": text, "callback_data": data}] for text, data in message.buttons]
            shown["reply_markup"] = {"inline_keyboard": rows}
        if not message.photo_bytes:
            return {**shown, "text": message.text}
        size = {"file_id": "1", "file_unique_id": "1", "width": 1, "height": 1, "file_size": message.photo_bytes}
        return {**shown, "caption": message.text, "photo": [size]}

    def _tested(self, request: Request) -> Response:
        """The tests' own paths, for a server in another process."""
        fields: dict[str, Any] = json.loads(request.body or b"{}")
        match request.path.removeprefix("/test/"):
            case "say":
                self.say(**fields)
            case "press":
                self.press(**fields)
            case "member":
                self.member(**fields)
            case "calls":
                return json_response([asdict(call) for call in self.calls])
            case "messages" if "chat_id" in request.query:
                return json_response([asdict(one) for one in self.messages(int(request.query["chat_id"]))])
            case "messages":
                return json_response([asdict(one) for one in self._messages])
            case _:
                return _refusal(Refused(404, "Not Found"))
        return json_response({"ok": True})


async def _now(answer: object) -> object:
    return answer


def _shown_text(fields: Mapping[str, str], text: str, limit: int) -> str:
    """What is read of a text, checked as Telegram does; `limit` is that of captions or of texts."""
    is_html = fields.get("parse_mode") == "HTML"
    try:
        shown = read(text).text if is_html else text
    except Unreadable as error:
        raise Refused(400, f"Bad Request: {error}") from None
    if limit == TEXT_UNITS and not shown.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if units(shown) > limit:
        what = "message" if limit == TEXT_UNITS else "message caption"
        raise Refused(400, f"Bad Request: {what} is too long")
    return shown


def _refusal(error: Refused) -> Response:
    answer: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        answer["parameters"] = error.parameters
    return json_response(answer, error.status)


def _scope(fields: Mapping[str, str]) -> int:
    """The chat a menu is for; 0 = all."""
    chat_id: int = json.loads(fields.get("scope", "{}")).get("chat_id", 0)
    return chat_id


def _chat_id(fields: Mapping[str, str]) -> int:
    try:
        return int(fields["chat_id"])
    except (KeyError, ValueError):
        raise Refused(400, "Bad Request: chat not found") from None


def _photo(fields: Mapping[str, str], uploads: Mapping[str, Upload]) -> Upload:
    named = fields.get("photo", "photo").removeprefix("attach://")
    if named not in uploads:
        raise Refused(400, "Bad Request: there is no photo in the request")
    return uploads[named]


def _buttons(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    rows = json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if "url" not in button and not 1 <= len(button.get("callback_data", "").encode()) <= CALLBACK_BYTES:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return tuple((button["text"], button.get("callback_data", "")) for row in rows for button in row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--answer-after-s", type=float, default=0.0)
    VirtualClock.add_arguments(parser)
    arguments = parser.parse_args()
    api = BotApi(arguments.token, VirtualClock.of(arguments).now_ms, arguments.answer_after_s)
    asyncio.run(serve_forever(api.answer, arguments.port))


if __name__ == "__main__":
    main()
