"""A chat with the bot over real HTTP: what somebody types, presses and reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from handlers.telegram.door import Door
from tests.fakes.bot_api import TOKEN, SentMessage
from tests.services.rig import OWNER, Rig, World

PATIENCE_S = 60  # the machine may be slow; what is right comes at once
STEP_S = 0.01


@dataclass(slots=True)
class Chat:
    """The side of the people."""

    world: World

    async def ask(self, text: str, user: int = OWNER, chat: int | None = None) -> str:
        """The text of the answer to a command."""
        return (await self.asked(text, user, chat)).text

    async def asked(self, text: str, user: int = OWNER, chat: int | None = None) -> SentMessage:
        heard = len(self.heard(chat or user))
        self.world.api.say(user, text, chat)
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard(chat or user)) == heard:
                await asyncio.sleep(STEP_S)
        return self.heard(chat or user)[-1]

    async def press(self, message: SentMessage, label: str, user: int = OWNER) -> str:
        """Press the button with this label; the line over the chat, if any."""
        data = next(data for text, data in message.buttons if text == label)
        return await self.press_data(message, data, user)

    async def press_data(self, message: SentMessage, data: str, user: int = OWNER) -> str:
        self.world.api.press(user, message.message_id, data)
        await self.until_read()
        toasts = [call for call in self.world.api.calls if call.method == "answerCallbackQuery"]
        return toasts[-1].fields.get("text", "") if toasts else ""

    async def until_read(self) -> None:
        """Until everything said so far was read and dealt with: updates are dealt with one after the other."""
        await self.ask("/help", OWNER)

    def heard(self, chat_id: int) -> list[SentMessage]:
        return self.world.api.messages(chat_id)

    def shown(self, message: SentMessage) -> SentMessage:
        """A message as it reads now."""
        return next(one for one in self.heard(message.chat_id) if one.message_id == message.message_id)


async def no_look(symbol: str, timeframe: object) -> tuple[int, object]:
    """For a desk whose tests ask the engine nothing."""
    raise AssertionError("nobody asks for a look here")


def door_of(rig: Rig) -> Door:
    return Door(TOKEN, rig.world.telegram_url.removesuffix("/bot"), rig.desk)


@asynccontextmanager
async def opened(door: Door) -> AsyncIterator[None]:
    serving = asyncio.create_task(door.serve())
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await door.close()
