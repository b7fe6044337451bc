"""Start here: knows every room, asks the clock, offers the commands.

python bot.py demo      the whole pipeline on a simulated market, offline
python bot.py run       the live bot
python bot.py --help    every command
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.cli import Rooms, build

if TYPE_CHECKING:
    from engine.params import Params
    from gateways.binance import Binance
    from handlers.settings import LiveSettings
    from services.live_scan import Watch
    from services.send import Sender
    from storage.book import Book
    from storage.lock import BookLock
    from storage.stores import Stores
    from storage.writer import Writer

MARKET_RETRY_S = 10.0
BLOCKED_KEY = "live.blocked_until_ms"

logger = logging.getLogger("onebook")


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything live stands on."""

    settings: "LiveSettings"
    params: "Params"
    now_ms: Callable[[], int]
    lock: "BookLock"
    book: "Book"
    writer: "Writer"
    market: "Binance"


@dataclass(frozen=True, slots=True)
class Chats:
    """Who is told, by ids of the book: `told_ids` hear of signals, the owner of trouble."""

    told_ids: tuple[int, ...]
    owner_id: int | None


def now_ms() -> int:
    """The clock, asked here and nowhere else: epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


def run_live(db: str | None, params_file: str | None) -> int:
    """The live bot, until it is stopped; the exit code. What cannot be used is raised as one sentence."""
    from dataclasses import replace

    from diagnostics import logs
    from handlers.params_file import read_params
    from handlers.settings import LiveSettings

    settings = LiveSettings.read(db=db, params=params_file)
    params = read_params(settings.params)
    if settings.market is not None:
        params = replace(params, costs=replace(params.costs, market=settings.market))
    logs.set_up(settings.log_dir, [settings.token.get_secret_value()])
    asyncio.run(_live(settings, params, lambda: settings.clock.book(now_ms())))
    return 0


async def _live(settings: "LiveSettings", params: "Params", now_ms: Callable[[], int]) -> None:
    """Refuse what cannot be used before anything connects anywhere, then run until a signal or a defect ends it."""
    from engine.vocabulary import BookKind
    from gateways.binance import Binance
    from storage.book import Book
    from storage.lock import BookLock
    from storage.writer import Writer

    with (
        BookLock.acquire(settings.db, f"bot {os.getpid()}", now_ms()) as lock,
        Book.open(settings.db, BookKind.LIVE, now_ms=now_ms()) as book,
        Writer(book) as writer,
    ):
        with book.reading() as view:
            blocked_until_ms = int(view.meta.get(BLOCKED_KEY) or 0)
        market = Binance(
            params.costs.market,
            now_ms,
            base_url=settings.exchange_url,
            blocked_until_ms=blocked_until_ms,
            sleep=lambda seconds: asyncio.sleep(settings.clock.wall_seconds(seconds * 1000)),
        )
        async with contextlib.aclosing(market):
            await _run(Ground(settings, params, now_ms, lock, book, writer, market))


async def _run(ground: "Ground") -> None:
    """Telegram's side: the door for commands, the sender for the outbox; and the pipeline beside them."""
    from gateways.telegram_sender import TelegramSender
    from handlers.telegram.commands import Desk
    from handlers.telegram.door import Door
    from handlers.telegram.texts import clock_of, renderer
    from services.live_scan import chart_reader, fresh_look
    from services.send import Sender
    from storage.events import EventType

    settings, now_ms, writer = ground.settings, ground.now_ms, ground.writer
    token, read = settings.token.get_secret_value(), chart_reader(ground.params)
    desk = Desk(
        ground.book,
        writer,
        lambda symbol, timeframe: fresh_look(ground.market, symbol, timeframe, ground.params, read, now_ms()),
        now_ms,
        clock_of(settings.zone),
    )
    door = Door(token, settings.telegram_url, settings.owners, desk)
    await door.reach()  # a refused token ends the start; a silent Telegram does not
    chats = await writer.run(lambda tx: _chats(tx, settings))
    telegram = TelegramSender(token, api_url=f"{settings.telegram_url.rstrip('/')}/bot")
    sender = Sender(
        ground.book,
        writer,
        telegram,
        renderer(settings.zone),
        now_ms,
        owner_chat_id=chats.owner_id,
        pace=settings.clock,
    )
    await sender.recover()
    pipeline = await _pipeline(ground, chats, sender)
    await writer.run(lambda tx: tx.events.add(EventType.BOT_STARTED, now_ms(), actor=ground.lock.holder.owner))
    try:
        await _until_stopped(pipeline, sender.run(), door.serve())
    finally:
        await writer.run(lambda tx: tx.events.add(EventType.BOT_STOPPED, now_ms(), actor=ground.lock.holder.owner))
        await door.close()
        await telegram.aclose()


async def _pipeline(ground: "Ground", chats: "Chats", sender: "Sender") -> Coroutine[Any, Any, None]:
    """The market's side, to be run beside the door; a symbol the exchange does not list ends the start here."""
    from gateways.market import MarketError, UnknownSymbol
    from services.announce import Announcements
    from services.live import PATIENCE_MS, Live
    from services.live_scan import LiveScan, chart_reader, stored_windows, watch_of
    from services.schedule import Chores, Schedule, jobs
    from storage.retention import forget

    settings, params, now_ms, writer = ground.settings, ground.params, ground.now_ms, ground.writer

    async def watch() -> "Watch | None":
        try:
            return await watch_of(ground.market, settings.symbols, settings.timeframes)
        except UnknownSymbol:
            raise
        except MarketError as error:
            logger.warning("the market does not answer: %s", error)
            return None

    async def heartbeat() -> None:
        ground.lock.beat(now_ms())
        if ground.market.blocked_until_ms > now_ms():
            until_ms = str(ground.market.blocked_until_ms)
            await writer.run(lambda tx: tx.meta.set(BLOCKED_KEY, until_ms))

    async def retention() -> None:
        await writer.run(lambda tx: forget(tx, now_ms()))

    first = await watch()

    async def run() -> None:
        found = first
        while found is None:
            await asyncio.sleep(MARKET_RETRY_S)
            found = await watch()
        live = Live(
            ground.book,
            writer,
            ground.market,
            found,
            LiveScan(
                ground.market,
                found,
                params,
                chart_reader(params),
                now_ms,
                stored_windows(ground.book, ground.market.source, params),
            ),
            params,
            Announcements(chats.told_ids),
            ground.lock.holder.owner,
            now_ms,
            sender.wake,
            patience_ms=round(PATIENCE_MS * settings.clock.speed),
        )
        await live.begin()
        table = jobs(live, settings.timeframes, Chores(retention, heartbeat))
        schedule = Schedule(table, writer, ground.lock.holder.owner, now_ms, settings.clock)
        await schedule.start()
        try:
            await asyncio.Event().wait()
        finally:
            await schedule.stop()

    return run()


def _chats(tx: "Stores", settings: "LiveSettings") -> "Chats":
    """The chats of the settings, opened again where one was closed: whoever restarts the bot has seen to it."""
    from storage.chats import ChatKind

    def opened(telegram_id: int, kind: ChatKind) -> int:
        chat = tx.chats.ensure(telegram_id, kind)
        tx.chats.enable(chat.id)
        return chat.id

    owner_id = opened(settings.owners[0], ChatKind.PRIVATE) if settings.owners else None
    channel_id = None if settings.channel is None else opened(settings.channel, ChatKind.CHANNEL)
    told = channel_id if channel_id is not None else owner_id
    assert told is not None, "settings name somebody to tell"
    return Chats((told,), owner_id)


async def _until_stopped(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it until SIGINT or SIGTERM, or until one of it ends by a defect, which is raised."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows knows no such handlers; there Ctrl-C interrupts
            loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(part) for part in (stop.wait(), *work)]
    done, going_on = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in going_on:
        task.cancel()
    await asyncio.gather(*going_on, return_exceptions=True)
    for task in done:
        task.result()
    logger.info("stopped")


def main() -> None:
    build(Rooms(now_ms=now_ms, run_live=run_live))(prog_name="bot.py")


if __name__ == "__main__":
    main()
