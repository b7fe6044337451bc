"""Sending to Telegram: each call is tried once and its end is told as a value; what follows is decided elsewhere."""

import warnings
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

API_URL = "https://api.telegram.org/bot"
CONNECTIONS = 8
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 20.0
UPLOAD_TIMEOUT_S = 60.0
DEFAULT_FLOOD_WAIT_S = 30.0  # Telegram nearly always names a time; this stands in where it does not

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)  # before the first byte was written
_UNCHANGED = "message is not modified"
_UNPARSED = "can't parse entities"
_TOO_LONG = ("message is too long", "caption is too long", "message_too_long", "media_caption_too_long")
_GONE = ("chat not found", "bot was kicked", "not enough rights", "have no rights", "chat_write_forbidden")
_FLOOD = "too many requests"


@dataclass(frozen=True, slots=True)
class Sent:
    """Delivered; an edit that changes nothing counts as delivered too."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ParseError:
    """Not delivered: Telegram cannot read the HTML."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """Not delivered: the text or caption is beyond Telegram's limit."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChatGone:
    """Not delivered, nor will anything be: blocked, kicked, without the right to write, or no such chat."""

    reason: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """Not delivered: the group has become a supergroup with another id."""

    new_chat_id: int


@dataclass(frozen=True, slots=True)
class Flood:
    """Not delivered: Telegram wants a pause of `retry_after_s`."""

    retry_after_s: float


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody knows: the request left and no proper answer came. It may have been delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not delivered: Telegram refuses this request for another reason, and would again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Certainly not delivered: no connection was made, or Telegram does not accept the token. It may be tried again."""

    reason: str


Result = Sent | ParseError | TooLong | ChatGone | Migrated | Flood | TimedOut | Rejected | Unreachable


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `data` comes back when it is pressed, at most 64 bytes."""

    text: str
    data: str


Keyboard = Sequence[Sequence[Button]]


class TelegramSender:
    """Sends, edits and uploads, one HTTP request a call; close with `aclose`."""

    def __init__(self, token: str, *, api_url: str = API_URL, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """ValueError when the token cannot be one; whether Telegram accepts it shows with the first call."""
        self._request = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=answer_timeout_s,
            write_timeout=answer_timeout_s,
            media_write_timeout=UPLOAD_TIMEOUT_S,
            pool_timeout=answer_timeout_s,
        )
        try:
            self._bot = Bot(token, base_url=api_url, request=self._request, get_updates_request=self._request)
        except InvalidToken as error:
            raise ValueError("The Telegram token is empty; @BotFather gives one.") from error

    async def aclose(self) -> None:
        await self._request.shutdown()

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
    ) -> Result:
        """One message; where `reply_to` is gone, it is sent all the same."""
        return await _told(
            self._bot.send_message(
                chat_id,
                text,
                parse_mode=ParseMode.HTML if html else None,
                message_thread_id=topic_id or None,
                reply_parameters=_reply(reply_to),
                reply_markup=_markup(keyboard),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        )

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, *, html: bool = True, keyboard: Keyboard = ()
    ) -> Result:
        """Text and buttons of a message of ours replaced."""
        edit = self._bot.edit_message_text(
            text,
            chat_id,
            message_id,
            parse_mode=ParseMode.HTML if html else None,
            reply_markup=_markup(keyboard),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return await _told(edit, message_id)

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,
        caption: str = "",
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
    ) -> Result:
        """One picture with its caption; where `reply_to` is gone, it is sent all the same."""
        return await _told(
            self._bot.send_photo(
                chat_id,
                png,
                caption=caption or None,
                filename="chart.png",
                parse_mode=ParseMode.HTML if html else None,
                message_thread_id=topic_id or None,
                reply_parameters=_reply(reply_to),
            )
        )


async def _told(call: Awaitable[Message | bool], edited_id: int = 0) -> Result:
    """How a call ended, as a value; `edited_id` names the message where Telegram answers without one."""
    try:
        message = await call
    except TelegramError as error:
        if edited_id and _UNCHANGED in error.message.lower():
            return Sent(edited_id)
        return classified(error)
    return Sent(message.message_id if isinstance(message, Message) else edited_id)


def classified(error: TelegramError) -> Result:
    """What an error of the library says about the message; what cannot be told is `TimedOut`, never a guess."""
    match error:
        case ChatMigrated():
            return Migrated(error.new_chat_id)
        case RetryAfter():
            return Flood(_seconds(error))
        case Forbidden():
            return ChatGone(error.message)
        case InvalidToken():
            return Unreachable(f"Telegram does not accept the token: {error.message}")
        case BadRequest():
            return _refused(error.message)
        case NetworkError() if isinstance(error.__cause__, _NEVER_LEFT):
            return Unreachable(f"{type(error.__cause__).__name__}: {error.message}")
        case NetworkError() if _FLOOD in error.message.lower():
            return Flood(DEFAULT_FLOOD_WAIT_S)
        case _:
            return TimedOut(error.message)


def _refused(reason: str) -> Result:
    words = reason.lower()
    if _UNPARSED in words:
        return ParseError(reason)
    if any(phrase in words for phrase in _TOO_LONG):
        return TooLong(reason)
    if any(phrase in words for phrase in _GONE):
        return ChatGone(reason)
    return Rejected(reason)


def _seconds(error: RetryAfter) -> float:
    with warnings.catch_warnings():  # the library is moving from seconds to timedelta and says so at every look
        warnings.simplefilter("ignore", PTBDeprecationWarning)
        pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def _reply(message_id: int | None) -> ReplyParameters | None:
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.text, callback_data=button.data) for button in row] for row in keyboard]
    )
