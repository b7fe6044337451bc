"""The chat's door: hears Telegram's updates, lets in whom the book knows, and hands questions to the reception.

Everything that comes in, of whatever kind, passes the one gate first; whom the book does not let in is not answered.
"""

import asyncio
import logging
import os
import socket
from typing import Any

from telegram import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    Update,
)
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationHandlerStop,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    TypeHandler,
    filters,
)

from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import ENGLISH, LANGUAGES, text
from handlers.telegram.commands import COMMANDS
from handlers.telegram.desk import Answer, Asked, ChatRef, Command, Desk, Place, Pressed
from handlers.telegram.menus import Menus
from handlers.telegram.polling import Patience, Polling, ear, mouth
from handlers.telegram.reception import Message as Question
from handlers.telegram.reception import answered, pressed
from services.access import knock
from services.chart_desk import NoChart
from services.incidents import Trouble, note
from services.membership import Membership, moved
from services.split import CAPTION_UNITS, plain, shortened, units
from storage.chats import ChatKind
from storage.errors import BookError
from storage.users import Role, User

GATE_GROUP = -1
RETRY_AFTER_S = 5.0
MS_PER_SECOND = 1000
MOST_TOAST_CHARACTERS = 200
KINDS = {ChatType.PRIVATE: ChatKind.PRIVATE, ChatType.CHANNEL: ChatKind.CHANNEL}
CLOSED_TO_US = ("left", "kicked")

App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

logger = logging.getLogger(__name__)


class BadToken(ValueError):
    """Telegram does not know the token."""


class Door:
    """The bot's ear, over python-telegram-bot; `telegram_url` is the server without the `/bot` that follows it."""

    def __init__(
        self,
        token: str,
        telegram_url: str,
        desk: Desk,
        *,
        retry_after_s: float = RETRY_AFTER_S,
        patience: Patience | None = None,
    ) -> None:
        self._retry_after_s = retry_after_s
        self._desk = desk
        self._patience = patience
        self._ear = ear()
        self.heard_ms: int | None = None
        self.application: App = (
            Application.builder()
            .token(token)
            .base_url(f"{telegram_url.rstrip('/')}/bot")
            .request(mouth())
            .rate_limiter(AIORateLimiter())
            .get_updates_request(self._ear)
            .concurrent_updates(False)
            .job_queue(None)
            .build()
        )
        self._menus = Menus(self.application.bot, desk.book)
        self._furnish()

    async def reach(self) -> bool:
        """Whether Telegram answers now; BadToken when it does and refuses the token."""
        try:
            await self.application.initialize()
        except InvalidToken:
            raise BadToken(
                "Telegram refuses the token in ONEBOOK_TOKEN; copy it anew from @BotFather (/mybots, API Token)."
            ) from None  # the cause shows the token
        except TelegramError as error:
            logger.warning("Telegram does not answer: %s", error)
            return False
        return True

    async def serve(self) -> None:
        """Answer until cancelled; Telegram may be down now and at any time."""
        now_ms = self._desk.now_ms()
        await self._desk.writer.run(lambda tx: Mint.ensured(tx, now_ms))
        while not await self.reach():
            await asyncio.sleep(self._retry_after_s)
        await self._menus.show_all()
        await self.application.start()
        try:
            logger.info("listening as @%s", self.application.bot.username)
            await Polling(self.application, self._ear, self._note, self._patience, self._heard).run()
        finally:
            await self.application.stop()

    async def _note(self, trouble: Trouble) -> None:
        own_name, now_ms = f"{socket.gethostname()}, process {os.getpid()}", self._desk.now_ms()
        await self._desk.writer.run(lambda tx: note(tx, trouble, own_name, now_ms))

    def _heard(self) -> None:
        self.heard_ms = self._desk.now_ms()

    async def close(self) -> None:
        await self.application.shutdown()

    def _furnish(self) -> None:
        add = self.application.add_handler
        add(TypeHandler(Update, self._gate), group=GATE_GROUP)
        for command in COMMANDS:
            add(CommandHandler(command.name, self._answering(command), filters.UpdateType.MESSAGE))
        add(MessageHandler(filters.COMMAND & filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE, self._unknown))
        add(CallbackQueryHandler(self._pressed))
        add(ChatMemberHandler(self._moved, ChatMemberHandler.MY_CHAT_MEMBER))
        self.application.add_error_handler(self._failed)

    # The gate

    async def _gate(self, update: Update, context: Context) -> None:
        """Lets people of the book through; a stranger's /start is passed on to those who decide, unanswered."""
        if update.my_chat_member is not None:  # where the bot is put is told to the owners, whoever put it there
            return
        if self._asker(update) is not None:
            return
        user, message = update.effective_user, update.message
        logger.info("turned away user %s", None if user is None else user.id)
        if user is not None and not user.is_bot and _is_start(message):
            now_ms, language = self._desk.now_ms(), _language(user.language_code)
            await self._desk.writer.run(lambda tx: knock(tx, user.id, user.full_name, language, now_ms))
        raise ApplicationHandlerStop

    def _asker(self, update: Update) -> User | None:
        """Who of the book's people speaks in their own words or presses; None = nobody is to be answered."""
        user, message = update.effective_user, update.message
        if user is None or user.is_bot or (message is None and update.callback_query is None):
            return None
        if message is not None and (message.forward_origin is not None or message.via_bot is not None):
            return None  # somebody else's words
        with self._desk.book.reading() as view:
            found = view.users.by_telegram_id(user.id)
        return found if found is not None and found.role.includes(Role.SUBSCRIBER) else None

    # What is let through

    def _answering(self, command: Command) -> Any:
        async def answer(update: Update, context: Context) -> None:
            message, user = update.message, self._asker(update)
            if message is None or user is None:
                return
            asked = Asked(tuple(context.args or ()), user, _chat_of(message))
            began_ms = self._desk.now_ms()
            age_ms = began_ms - round(message.date.timestamp() * MS_PER_SECOND)
            told = await answered(self._desk, command, asked, Question(message.message_id, age_ms))
            if told is not None:
                await self._reply(message, told)
                await self._renew_menu(told)
            facts = {"command": command.name, "by": user.telegram_id, "took_ms": self._desk.now_ms() - began_ms}
            logger.info("command answered", extra={"facts": facts})

        return answer

    async def _pressed(self, update: Update, context: Context) -> None:
        query, user = update.callback_query, self._asker(update)
        if query is None or user is None:
            return
        message = query.message if isinstance(query.message, Message) else None
        if message is None or query.data is None:
            await query.answer(text(user.language, "button.old"))
            return
        press, began_ms = Pressed("", user, _chat_of(message), message.message_id), self._desk.now_ms()
        told = await pressed(self._desk, ACTIONS, query.data, press)
        if told is None or told.place is not Place.TOAST:
            await query.answer()
        if told is not None:
            await self._show(query, message, user, told)
            await self._renew_menu(told)
        facts = {"by": user.telegram_id, "took_ms": self._desk.now_ms() - began_ms}
        logger.info("button answered", extra={"facts": facts})

    async def _moved(self, update: Update, context: Context) -> None:
        change = update.my_chat_member
        assert change is not None
        kind = KINDS.get(ChatType(change.chat.type), ChatKind.GROUP)
        membership = Membership(
            chat_id=change.chat.id,
            kind=kind,
            title=change.chat.effective_name or str(change.chat.id),
            is_open=change.new_chat_member.status not in CLOSED_TO_US,
            by=change.from_user.id,
            by_name=change.from_user.full_name,
        )
        now_ms = self._desk.now_ms()
        await self._desk.writer.run(lambda tx: moved(tx, membership, now_ms))

    async def _unknown(self, update: Update, context: Context) -> None:
        message, user = update.message, self._asker(update)
        if message is not None and user is not None:
            await message.reply_text(text(user.language, "refused.unknown"))

    async def _failed(self, update: object, context: Context) -> None:
        """No answer, by a defect or because the book cannot be used: the log has it whole, whoever asked hears of it."""
        if isinstance(context.error, BookError):
            key = "refused.book"
            logger.error("an update could not be answered: %s", context.error)
        else:
            key = "refused.defect"
            logger.error("an update could not be answered", exc_info=context.error)
        if not isinstance(update, Update) or isinstance(context.error, TelegramError):
            return
        user, message = self._asker(update), update.effective_message
        if user is not None and isinstance(message, Message):
            await message.reply_text(text(user.language, key))

    # Answers

    async def _renew_menu(self, answer: Answer) -> None:
        if answer.menu_of is not None:
            await self._menus.renew(answer.menu_of)

    async def _reply(self, message: Message, answer: Answer) -> None:
        """Answer where it was asked; in a group under the question."""
        chat = _chat_of(message)
        where: dict[str, Any] = {"message_thread_id": chat.topic_id or None}
        if chat.kind is not ChatKind.PRIVATE:
            where |= {"reply_to_message_id": message.message_id, "allow_sending_without_reply": True}
        await self._send(chat.id, answer, where)

    async def _send(self, chat_id: int, answer: Answer, where: dict[str, Any]) -> None:
        """One message, its chart above the words where they fit under one, else before them."""
        bot, png = self.application.bot, await self._drawn(answer)
        words: dict[str, Any] = {"parse_mode": ParseMode.HTML, "reply_markup": _keyboard(answer)}
        fits = units(plain(answer.html)) <= CAPTION_UNITS
        if png is not None:
            await bot.send_photo(chat_id, png, **where, **({"caption": answer.html, **words} if fits else {}))
            if fits:
                return
        try:
            await bot.send_message(chat_id, _within_limits(answer), **where, **words)
        except BadRequest as error:
            logger.error("an answer could not be shown (%s); sent plain", error)
            await bot.send_message(chat_id, shortened(plain(answer.html)), **where, reply_markup=_keyboard(answer))

    async def _drawn(self, answer: Answer) -> bytes | None:
        """The chart of an answer; the words do not wait for one that cannot be had."""
        if answer.chart is None:
            return None
        try:
            return await self._desk.draw(answer.chart)
        except NoChart as error:
            logger.warning("an answer goes without its chart: %s", error)
            return None

    async def _show(self, query: CallbackQuery, message: Message, user: User, answer: Answer) -> None:
        match answer.place:
            case Place.TOAST:
                await query.answer(plain(answer.html)[:MOST_TOAST_CHARACTERS])
            case Place.SAME if message.text is not None:
                await query.edit_message_text(
                    _within_limits(answer), parse_mode=ParseMode.HTML, reply_markup=_keyboard(answer)
                )
            case _ if message.chat.type == ChatType.CHANNEL:  # who asks in the channel is answered in private
                await self._send(user.telegram_id, answer, {})
            case _:
                await self._reply(message, answer)


def _keyboard(answer: Answer) -> InlineKeyboardMarkup | None:
    rows = [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in answer.buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def _within_limits(answer: Answer) -> str:
    """The HTML, unless it is too long for one message: then its beginning without tags, which could be left open."""
    return answer.html if shortened(answer.html) == answer.html else shortened(plain(answer.html))


def _chat_of(message: Message) -> ChatRef:
    topic_id = message.message_thread_id if message.is_topic_message else None
    return ChatRef(message.chat.id, KINDS.get(ChatType(message.chat.type), ChatKind.GROUP), topic_id or 0)


def _is_start(message: Message | None) -> bool:
    """Whether somebody writes /start to the bot himself, in private."""
    words = (message.text or "").split() if message is not None else []
    return bool(words) and message is not None and message.chat.type == ChatType.PRIVATE and words[0] == "/start"


def _language(code: str | None) -> str:
    known = (code or ENGLISH).split("-")[0]
    return known if known in LANGUAGES else ENGLISH
