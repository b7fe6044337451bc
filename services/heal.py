"""Mends by itself, every minute: a silent market's connection, series that come again, what waits for a pair that is gone.

Each thing mended is an event. A series that does not come is fetched again with every try at its instant; when that does
not help, the client is made anew; when that does not help either, it is left out, which the checks see, and asked here
until it answers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from enum import Enum

from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe, duration_text
from gateways.market import MarketData, MarketError
from services.announce import Announcements
from services.feed import Feed, SeriesKey, Silence, names
from services.live_settle import unsettled
from services.position_manager import Settlement
from storage.book import Book
from storage.events import EventType
from storage.stores import Stores
from storage.writer import Writer

REBUILD_AFTER_MS = MINUTE_MS
LATE_MS = MINUTE_MS
"""How long after its close a candle may be missing of a series that is well."""
ASKED_AT_ONCE = 6
ASK_TIMEOUT_S = 40.0
UNSEEN_AFTER_MS = DAY_MS
"""How long after its end an order whose symbol has no candles is kept: they may still tell what became of it."""

GONE_AFTER_MS = 7 * DAY_MS
"""A pair without candles for so long, while others have them, has left the exchange: its positions are over."""

SURE_AFTER_MS = HOUR_MS
"""How long it has asked in vain, itself, before it takes a pair for gone: of the time it was not there it knows nothing."""
PAUSE_MS = 10 * MINUTE_MS
"""A longer one between two rounds, and the machine slept."""

logger = logging.getLogger(__name__)


class Mend(Enum):
    """What was done to be well again."""

    FETCHED_AGAIN = "fetched again"
    REBUILT = "client made anew"
    RESUMED = "series comes again"
    REFILLED = "hole filled"
    CAUGHT_UP = "run done anew"
    ORDERS_ENDED = "orders ended"
    POSITIONS_ENDED = "positions ended"
    WAITED = "busy book waited for"


def healed(tx: Stores, mend: Mend, message: str, now_ms: int, key: str | None = None) -> None:
    """Keep that something was mended; with a key, once."""
    tx.events.add(EventType.HEALED, now_ms, message=f"{mend.value}: {message}", idem_key=key)


class Healer:
    """The `heal` job; `needed` are the series that decisions want, `rebuild` makes the market's client anew."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        market: MarketData,
        feed: Feed,
        needed: Callable[[], Collection[SeriesKey]],
        rebuild: Callable[[], Awaitable[None]],
        params: Params,
        announcements: Announcements,
        now_ms: Callable[[], int],
        rebuild_after_ms: int = REBUILD_AFTER_MS,
    ) -> None:
        self._book = book
        self._writer = writer
        self._market = market
        self._feed = feed
        self._needed = needed
        self._rebuild = rebuild
        self._params = params
        self._announcements = announcements
        self._now_ms = now_ms
        self._rebuild_after_ms = rebuild_after_ms
        self._rebuilt_ms = 0
        self._waited_s = 0.0
        self._round_ms = self._here_since_ms = now_ms()

    async def run(self) -> None:
        """One round; what the market refuses here is asked again in the next."""
        now_ms = self._now_ms()
        if now_ms - self._round_ms > PAUSE_MS:
            self._here_since_ms = now_ms
        self._round_ms = now_ms
        await self._rebuild_client()
        await self._ask_silent()
        await self._note_waits()

    async def _rebuild_client(self) -> None:
        """Once for every trouble that fetching again did not end."""
        troubles = [*self._feed.silent.values(), *([self._feed.waiting] if self._feed.waiting else [])]
        now_ms = self._now_ms()
        ripe = [
            one
            for one in troubles
            if one.since_ms > self._rebuilt_ms and now_ms - one.since_ms >= self._rebuild_after_ms
        ]
        if not ripe:
            return
        self._rebuilt_ms = now_ms
        await self._rebuild()
        oldest = min(ripe, key=lambda one: one.since_ms)
        message = f"after {duration_text(now_ms - oldest.since_ms)} of: {oldest.why}"
        await self._writer.run(lambda tx: healed(tx, Mend.REBUILT, message, now_ms))

    async def _ask_silent(self) -> None:
        silent = dict(self._feed.silent)
        if not silent:
            return
        with self._book.reading() as view:
            followed = {(symbol, Timeframe.M1) for symbol in unsettled(view)}
        needed = {*self._needed(), *followed}
        came = await self._answering([key for key in silent if key in needed])
        back = {key: silence for key, silence in silent.items() if key in came}
        given_up = [key for key in silent if key not in needed]
        now_ms = self._now_ms()
        await self._writer.run(lambda tx: self._book_round(tx, back, given_up, now_ms))
        self._feed.answered([*back, *given_up])

    async def _answering(self, keys: Collection[SeriesKey]) -> set[SeriesKey]:
        """Those whose last candle is there again; who does not answer in time is asked in the next round."""
        at_once = asyncio.Semaphore(ASKED_AT_ONCE)
        came: set[SeriesKey] = set()

        async def ask(key: SeriesKey) -> None:
            symbol, timeframe = key
            now_ms = self._now_ms()
            async with at_once:
                try:
                    newest = await self._market.candles(symbol, timeframe, 1, now_ms)
                except MarketError as error:
                    logger.debug("%s %s: %s", symbol, timeframe.text, error)
                    return
            if len(newest) and newest.closed_at_ms >= timeframe.floor(now_ms - LATE_MS):
                came.add(key)

        tasks = [asyncio.create_task(ask(key)) for key in keys]
        if tasks:
            _, hanging = await asyncio.wait(tasks, timeout=ASK_TIMEOUT_S)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
            for task in tasks:
                if not task.cancelled():
                    task.result()  # an error of our own must show itself
        return came

    def _book_round(
        self, tx: Stores, back: dict[SeriesKey, Silence], given_up: Collection[SeriesKey], now_ms: int
    ) -> None:
        for symbol, timeframe in (*back, *given_up):
            tx.candles.note_error(symbol, timeframe, self._market.source, None, now_ms)
        if back:
            longest_ms = max(now_ms - silence.since_ms for silence in back.values())
            healed(tx, Mend.RESUMED, f"{names(back)} after {duration_text(longest_ms)}", now_ms)
        if now_ms - self._here_since_ms < SURE_AFTER_MS:
            return
        silent = {symbol for symbol, timeframe in self._feed.silent if timeframe is Timeframe.M1}
        gone = silent - {symbol for symbol, _ in back}
        settlement = Settlement(tx, {}, self._params, self._announcements)
        ended = settlement.end_unseen(gone, now_ms - UNSEEN_AFTER_MS, now_ms)
        if ended:
            healed(tx, Mend.ORDERS_ENDED, f"{ended} whose symbols have no candles any more", now_ms)
        if self._feed.waiting is not None:
            return  # the others do not come either: it is the exchange that is away, or the way to it
        closed = settlement.end_unseen_positions(gone, now_ms - GONE_AFTER_MS, now_ms)
        if closed:
            healed(tx, Mend.POSITIONS_ENDED, f"{closed} whose symbols have no candles any more", now_ms)

    async def _note_waits(self) -> None:
        waited_s = self._writer.waited_s - self._waited_s
        if waited_s:
            self._waited_s += waited_s
            now_ms = self._now_ms()
            await self._writer.run(lambda tx: healed(tx, Mend.WAITED, f"{waited_s:.0f} s in all", now_ms))
