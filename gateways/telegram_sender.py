"""Sending to Telegram: each call is tried once and its end is told as a value; what follows is decided elsewhere."""

import warnings
from collections.abc import Awaitable
from datetime import timedelta

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest
from telegram.warnings import PTBDeprecationWarning

from gateways.certificates import known_certificates
from gateways.telegram_words import (
    ChatGone,
    Flood,
    Keyboard,
    Migrated,
    NoButtons,
    NoOriginal,
    NoPicture,
    NoTopic,
    ParseError,
    Rejected,
    Result,
    Sent,
    ServerTrouble,
    TimedOut,
    TooLong,
    Unreachable,
)

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
_NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted")
_NO_ORIGINAL = ("message to be replied not found", "replied message not found")
_NO_PICTURE = (
    *(
        "not enough rights to send photos",
        "photo_invalid_dimensions",
        "image_process_failed",
        "photo_save_file_invalid",
    ),
    *("there is no photo in the request", "chat_send_photos_forbidden", "file is too big"),
)
_NO_BUTTONS = ("button_data_invalid", "button_type_invalid", "button_url_invalid", "can't parse inline keyboard button")
_NO_TEXT_THERE = "there is no text in the message to edit"
_GAVE_UP_WAITING = ("(504)", "gateway timeout", "gateway time-out")
"""Telegram's front had no answer from behind: as much a silence as any."""
_FLOOD = "too many requests"
_REFUSALS = (  # the first row that fits holds: a missing right to send pictures does not close the chat
    ((_UNPARSED,), ParseError),
    (_TOO_LONG, TooLong),
    (_NO_TOPIC, NoTopic),
    (_NO_ORIGINAL, NoOriginal),
    (_NO_PICTURE, NoPicture),
    (_NO_BUTTONS, NoButtons),
    (_GONE, ChatGone),
)


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
            httpx_kwargs={"verify": known_certificates()},
        )
        try:
            self._bot = Bot(token, base_url=api_url, request=self._request, get_updates_request=self._request)
        except InvalidToken as error:
            raise ValueError("The Telegram token is empty; @BotFather gives one.") from error

    async def aclose(self) -> None:
        await self._request.shutdown()

    async def answers(self) -> bool:
        """Whether Telegram answers a call that does nothing, within the time any answer has."""
        try:
            await self._bot.get_me()
        except TelegramError:
            return False
        return True

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
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
                disable_notification=silent,
            )
        )

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, *, html: bool = True, keyboard: Keyboard = ()
    ) -> Result:
        """Text and buttons of a message of ours replaced; of a picture, its caption, which takes a second call."""
        mode, markup = ParseMode.HTML if html else None, _markup(keyboard)
        edit = self._bot.edit_message_text(
            text,
            chat_id,
            message_id,
            parse_mode=mode,
            reply_markup=markup,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        result = await _told(edit, message_id)
        if not (isinstance(result, Rejected) and _NO_TEXT_THERE in result.reason.lower()):
            return result
        caption = self._bot.edit_message_caption(
            chat_id, message_id, caption=text, parse_mode=mode, reply_markup=markup
        )
        return await _told(caption, message_id)

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,
        caption: str = "",
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
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
                reply_markup=_markup(keyboard),
                disable_notification=silent,
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
            return Flood(seconds_of(error))
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
        case NetworkError() if any(words in error.message.lower() for words in _GAVE_UP_WAITING):
            return TimedOut(error.message)
        case NetworkError() if type(error) is NetworkError and isinstance(error.__cause__, TelegramError | None):
            return ServerTrouble(error.message)  # an answer came, of status 5xx; its text may be of any kind
        case _:
            return TimedOut(error.message)


def _refused(reason: str) -> Result:
    words = reason.lower()
    return next(
        (kind(reason) for phrases, kind in _REFUSALS if any(phrase in words for phrase in phrases)), Rejected(reason)
    )


def seconds_of(error: RetryAfter) -> float:
    """The pause Telegram asks for."""
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
        [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in keyboard]
    )
