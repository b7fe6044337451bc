"""Telegram's menus of commands: everybody's holds what subscribers may ask; whoever may more has his own, in his language."""

import logging

from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import TelegramError

from handlers.telegram.catalogue import ENGLISH, LANGUAGES, text
from handlers.telegram.commands import open_to
from storage.book import Book
from storage.users import KNOWN_ROLES, Role, User

logger = logging.getLogger(__name__)


class Menus:
    """Shows the menus; a chat's own stands at Telegram until it is shown anew or taken away."""

    def __init__(self, bot: Bot, book: Book) -> None:
        self._bot = bot
        self._book = book

    async def show_all(self) -> None:
        """At start: everybody's menu in each language, those of whoever may more, none for whom the doors were closed."""
        with self._book.reading() as view:
            people = view.users.with_any_role(Role)
        for language in LANGUAGES:
            await self._show(Role.SUBSCRIBER, language, None)
        for user in people:
            if user.role is not Role.SUBSCRIBER and (user.role in KNOWN_ROLES or user.decided_ms is not None):
                await self._show_own(user)

    async def renew(self, telegram_id: int) -> None:
        """Somebody's role or language has changed."""
        with self._book.reading() as view:
            user = view.users.by_telegram_id(telegram_id)
        if user is not None:
            await self._show_own(user)

    async def _show_own(self, user: User) -> None:
        if user.role in KNOWN_ROLES:
            await self._show(user.role, user.language, user.telegram_id)
            return
        try:
            await self._bot.delete_my_commands(BotCommandScopeChat(user.telegram_id))
        except TelegramError as error:
            logger.warning("the menu of user %d could not be taken away: %s", user.telegram_id, error)

    async def _show(self, role: Role, language: str, chat_id: int | None) -> None:
        menu = [BotCommand(command.name, text(language, command.description_key)) for command in open_to(role)]
        is_default = chat_id is None and language == ENGLISH
        try:
            await self._bot.set_my_commands(
                menu,
                scope=None if chat_id is None else BotCommandScopeChat(chat_id),
                language_code=None if is_default or chat_id is not None else language,
            )
        except TelegramError as error:
            logger.warning("the menu of commands could not be set: %s", error)
