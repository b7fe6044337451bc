"""The dead-man's sign: while health is not FAIL an address is asked; the service behind it alarms when that stops."""

import asyncio
from collections.abc import Callable

from engine.timeframes import HOUR_MS
from gateways.sign_of_life import WITHIN_S, Unheard, give_sign
from services.schedule import NothingToDo
from storage.events import EventType
from storage.writer import Writer


class DeadMan:
    """Gives the sign; whether health is FAIL is asked of `is_failing` in a thread, because it reads the book."""

    def __init__(
        self,
        url: str,
        is_failing: Callable[[], bool],
        writer: Writer,
        now_ms: Callable[[], int],
        *,
        within_s: float = WITHIN_S,
    ) -> None:
        self._url = url
        self._is_failing = is_failing
        self._writer = writer
        self._now_ms = now_ms
        self._within_s = within_s

    async def sign(self) -> None:
        """Ask the address once, NothingToDo while health is FAIL; an address that does not answer is an event an hour."""
        if await asyncio.to_thread(self._is_failing):
            raise NothingToDo("health is FAIL: no sign of life is given")
        try:
            await give_sign(self._url, self._within_s)
        except Unheard as error:
            reason, now_ms = str(error), self._now_ms()
            key = f"deadman:{now_ms // HOUR_MS}"
            await self._writer.run(
                lambda tx: tx.events.add(EventType.DEADMAN_UNHEARD, now_ms, message=reason, idem_key=key)
            )
