"""The bot's ear: asks Telegram for updates for ever and hands them on, whatever happens on the way.

Telegram may be down at any time. Where another program listens with the same token, this one steps back, each time for
longer; where nothing was heard for too long, the connection is made anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from telegram import Update
from telegram.error import Conflict, RetryAfter, TelegramError
from telegram.ext import Application
from telegram.request import HTTPXRequest

from gateways.certificates import known_certificates
from gateways.telegram_sender import seconds_of
from services.incidents import Deaf, Rival, Trouble

ALLOWED_UPDATES = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
UPDATE_CONNECTIONS = 4
ANSWERS_AT_ONCE = 256  # as many as python-telegram-bot has of itself
WEBHOOK = "webhook"

App = Application[Any, Any, Any, Any, Any, Any]
Note = Callable[[Trouble], Awaitable[None]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take, in seconds of the wall's clock."""

    poll_s: float = 10.0
    deaf_after_s: float = 120.0
    retry_first_s: float = 1.0
    retry_last_s: float = 30.0
    step_back_first_s: float = 5.0
    step_back_last_s: float = 300.0
    calm_after_s: float = 60.0
    """So long without a rival, and the next one is a new one."""
    handled_within_s: float = 60.0
    """So long a batch of updates may take; after that the next is asked for beside it."""


def ear() -> HTTPXRequest:
    """The connections that updates are heard through."""
    return _connections(UPDATE_CONNECTIONS)


def mouth() -> HTTPXRequest:
    """The connections that answers go out through."""
    return _connections(ANSWERS_AT_ONCE)


def _connections(count: int) -> HTTPXRequest:
    return HTTPXRequest(connection_pool_size=count, httpx_kwargs={"verify": known_certificates()})


def nobody_listens() -> None:
    """For a poll that nobody watches over."""


class Polling:
    """Listens for an application built with `request` for its updates; `note` is told what goes wrong.

    `heard` is called whenever Telegram gave updates, if only none.
    """

    def __init__(
        self,
        application: App,
        request: HTTPXRequest,
        note: Note,
        patience: Patience | None = None,
        heard: Callable[[], None] = nobody_listens,
    ) -> None:
        self._tell_heard = heard
        self._application = application
        self._request = request
        self._note = note
        self._patience = patience or Patience()
        self._offset = 0
        self._retry_s = self._patience.retry_first_s
        self._step_back_s = self._patience.step_back_first_s
        self._rival_s: float | None = None
        self._heard_s = 0.0
        self._deaf = False

    async def run(self) -> None:
        """Listen until cancelled."""
        self._heard_s = self._now_s()
        while True:
            try:
                async with asyncio.timeout(self._patience.deaf_after_s):
                    updates = await self._application.bot.get_updates(
                        offset=self._offset, timeout=int(self._patience.poll_s), allowed_updates=ALLOWED_UPDATES
                    )
            except Conflict as error:
                await self._step_back(error)
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
            except (TelegramError, TimeoutError) as error:
                await self._retry(error)
            else:
                self._heard()
                await self._hand_on(updates)

    async def _hand_on(self, updates: tuple[Update, ...]) -> None:
        """Give updates to be answered; asking for the next ones confirms them, so that waits for the answers."""
        for update in updates:
            await self._application.update_queue.put(update)
            self._offset = update.update_id + 1
        if updates:
            try:
                async with asyncio.timeout(self._patience.handled_within_s):
                    await self._application.update_queue.join()
            except TimeoutError:
                logger.warning("an answer takes longer than %.0f s", self._patience.handled_within_s)

    def _heard(self) -> None:
        self._heard_s, self._deaf = self._now_s(), False
        self._tell_heard()
        self._retry_s = self._patience.retry_first_s
        if self._rival_s is not None and self._heard_s - self._rival_s >= self._patience.calm_after_s:
            logger.info("this program is the only one to listen again")
            self._rival_s, self._step_back_s = None, self._patience.step_back_first_s

    async def _step_back(self, error: Conflict) -> None:
        """Another program listens: leave it the line for a while. A webhook is taken down instead."""
        self._heard_s = self._now_s()
        if WEBHOOK in error.message.lower():
            await self._take_down_webhook()
            return
        username, waits_s = self._application.bot.username, self._step_back_s
        logger.error("another program polls @%s with this token (%s); waiting %.0f s", username, error.message, waits_s)
        if self._rival_s is None:
            await self._note(Rival(username, error.message, waits_s))
        self._rival_s = self._heard_s
        self._step_back_s = min(2 * waits_s, self._patience.step_back_last_s)
        await asyncio.sleep(waits_s)

    async def _take_down_webhook(self) -> None:
        try:
            there = await self._application.bot.get_webhook_info()
            await self._application.bot.delete_webhook()
        except TelegramError as error:
            await self._retry(error)
        else:
            logger.warning("updates went to the webhook %s; it was taken down", there.url)

    async def _retry(self, error: Exception) -> None:
        logger.warning("Telegram cannot be asked for updates: %s", error or "no answer at all")
        silent_s = self._now_s() - self._heard_s
        if silent_s >= self._patience.deaf_after_s:
            await self._connect_anew(silent_s)
        await asyncio.sleep(self._retry_s)
        self._retry_s = min(2 * self._retry_s, self._patience.retry_last_s)

    async def _connect_anew(self, silent_s: float) -> None:
        """Whatever holds the connections, they are dropped; told once for each silence."""
        self._heard_s = self._now_s()
        await self._request.shutdown()
        await self._request.initialize()
        if not self._deaf:
            self._deaf = True
            logger.error("nothing was heard for %.0f s; the connection to Telegram is made anew", silent_s)
            await self._note(Deaf(silent_s))

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
