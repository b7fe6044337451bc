"""The chat's door: polls Telegram, lets only owners in, and hands their commands to the table.

Everything that comes in, of whatever kind, passes the one gate first; whom it does not know it does not answer.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from telegram import BotCommand, Update
from telegram.constants import ParseMode
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationHandlerStop,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    TypeHandler,
    filters,
)

from handlers.telegram.commands import COMMANDS, Asked, Command, Desk, answered
from services.send import plain, shortened

GATE_GROUP = -1
ALLOWED_UPDATES = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
POLLING_CONNECTIONS = 4
RETRY_AFTER_S = 5.0
FOR_EVER = -1

App = Application[Any, Any, Any, Any, Any, Any]

logger = logging.getLogger(__name__)


class BadToken(ValueError):
    """Telegram does not know the token."""


class Door:
    """The bot's ear, over python-telegram-bot; `telegram_url` is the server without the `/bot` that follows it."""

    def __init__(
        self,
        token: str,
        telegram_url: str,
        owners: Collection[int],
        desk: Desk,
        *,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._retry_after_s = retry_after_s
        self._owners = frozenset(owners)
        self._desk = desk
        self.application: App = (
            Application.builder()
            .token(token)
            .base_url(f"{telegram_url.rstrip('/')}/bot")
            .rate_limiter(AIORateLimiter())
            .get_updates_connection_pool_size(POLLING_CONNECTIONS)
            .concurrent_updates(False)
            .job_queue(None)
            .build()
        )
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
        while not await self.reach():
            await asyncio.sleep(self._retry_after_s)
        updater = self.application.updater
        assert updater is not None, "it is built with one"
        await self._show_menu()
        await self.application.start()
        try:
            await updater.start_polling(
                allowed_updates=ALLOWED_UPDATES, bootstrap_retries=FOR_EVER, error_callback=_log_polling_error
            )
            logger.info("listening as @%s", self.application.bot.username)
            await asyncio.Event().wait()
        finally:
            if updater.running:
                await updater.stop()
            await self.application.stop()

    async def close(self) -> None:
        await self.application.shutdown()

    def _furnish(self) -> None:
        self.application.add_handler(TypeHandler(Update, self._gate), group=GATE_GROUP)
        for command in COMMANDS:
            self.application.add_handler(
                CommandHandler(command.name, self._answering(command), filters.UpdateType.MESSAGE)
            )
        self.application.add_handler(MessageHandler(filters.COMMAND & filters.UpdateType.MESSAGE, _unknown))
        self.application.add_error_handler(_log_error)

    async def _gate(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        user = update.effective_user
        if user is None or user.id not in self._owners:
            logger.info("turned away user %s", None if user is None else user.id)
            raise ApplicationHandlerStop

    def _answering(self, command: Command) -> Any:
        async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
            message, user = update.effective_message, update.effective_user
            assert message is not None
            assert user is not None, "the gate lets nobody through who has no id"
            asked = Asked(tuple(context.args or ()), f"telegram:{user.id}")
            text = await answered(self._desk, command, asked)
            if shortened(text) != text:  # cut HTML would leave a tag open
                await message.reply_text(shortened(plain(text)))
            else:
                await message.reply_text(text, parse_mode=ParseMode.HTML)

        return answer

    async def _show_menu(self) -> None:
        menu = [BotCommand(command.name, command.description) for command in COMMANDS]
        try:
            await self.application.bot.set_my_commands(menu)
        except TelegramError as error:
            logger.warning("the menu of commands could not be set: %s", error)


async def _unknown(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.effective_message
    assert message is not None
    await message.reply_text("There is no such command; /help lists all of them.")


async def _log_error(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
    """A defect in an answer: the log has it whole, whoever asked hears that there is one."""
    logger.error("an update could not be answered", exc_info=context.error)
    message = update.effective_message if isinstance(update, Update) else None
    if message is not None and not isinstance(context.error, TelegramError):
        await message.reply_text("That failed on my side; the log says why.")


def _log_polling_error(error: TelegramError) -> None:
    if isinstance(error, Conflict):
        logger.error("another program polls with this token; stop it, or this bot hears nothing")
    else:
        logger.warning("Telegram cannot be asked for updates: %s", error)
