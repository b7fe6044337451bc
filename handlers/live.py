"""The live bot put together: settings, book, market, chat and jobs, until somebody stops it.

bot.py hands in the clock; nothing here asks it. What cannot be used is refused before anything connects anywhere.
"""

import asyncio
import contextlib
import functools
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from diagnostics import logs
from engine.looks import ReadChart
from engine.params import Params
from engine.timeframes import MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, Rejected, Signal
from gateways.binance import Binance
from gateways.market import MarketError, UnknownSymbol
from gateways.telegram_sender import TelegramSender
from handlers.live_health import Watchman
from handlers.params_file import read_params
from handlers.settings import PREFIX, LiveSettings
from handlers.telegram.desk import Desk, Machine
from handlers.telegram.door import BadToken, Door
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.announce import Announcements
from services.backtest_desk import BacktestDesk
from services.backup_jobs import BackupJobs
from services.blackouts import BlackoutFile
from services.chart_desk import ChartDesk
from services.collected import queue_collections
from services.deadman import DeadMan
from services.digest import queue_digest
from services.feed import Feed
from services.hands import Hands
from services.heal import REBUILD_AFTER_MS, Healer
from services.import_desk import ImportDesk
from services.incidents import set_ops_chat
from services.learning import Learning
from services.live import PATIENCE_MS, Live
from services.live_scan import LiveScan, Watch, chart_reader, fresh_look, stored_windows, watch_of
from services.pace import MS_PER_SECOND
from services.post import SeriesRequest
from services.publish import set_public_channel
from services.report_delivery import Reporting
from services.restore import refuse_damaged
from services.rules import in_force
from services.schedule import Chores, Schedule, jobs
from services.send import Sender
from services.series_now import series_now
from services.symbols import still_listed, watched_symbols
from storage.book import Book, discard
from storage.chats import ChatKind
from storage.errors import BookError
from storage.events import EventType
from storage.lock import BookLock
from storage.pulse import pulse_of
from storage.retention import forget
from storage.stores import Stores
from storage.writer import Writer

RETRY_S = 10.0
"""Between tries of a market or a book that cannot be used at the start."""
LOOK_EVERY_MS = 5 * MINUTE_MS
"""How often health is looked at while a market that never answered keeps the schedule from starting."""
RESTART_AFTER_S = 1.0
NOT_SET = "–"

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything live stands on."""

    settings: LiveSettings
    params: Params
    now_ms: Callable[[], int]
    lock: BookLock
    book: Book
    writer: Writer
    market: Binance
    blackouts: BlackoutFile


@dataclass(frozen=True, slots=True)
class Chats:
    """Who is told, by ids of the book: `told_ids` hear of signals, the owner of trouble."""

    told_ids: tuple[int, ...]
    owner_id: int | None


class RestartWanted(Exception):
    """Somebody who may has asked that the bot stops and starts anew."""


def run(db: str | None, params_file: str | None, wall_ms: Callable[[], int]) -> int:
    """The live bot, until it is stopped; the exit code. What cannot be used is raised as one sentence."""
    while True:
        try:
            _run_once(db, params_file, wall_ms)
        except RestartWanted:
            logger.info("starting anew")
        else:
            return 0


def _run_once(db: str | None, params_file: str | None, wall_ms: Callable[[], int]) -> None:
    settings = LiveSettings.read(db=db, params=params_file)
    params = read_params(settings.params)
    if settings.market is not None:
        params = replace(params, costs=replace(params.costs, market=settings.market))
    logs.set_up(settings.log_dir, [secret.get_secret_value() for secret in settings.secrets])
    asyncio.run(_live(settings, params, lambda: settings.clock.book(wall_ms())))


async def _live(settings: LiveSettings, params: Params, now_ms: Callable[[], int]) -> None:
    """Refuse what cannot be used before anything connects anywhere, then run until a signal or a defect ends it."""
    with BookLock.acquire(settings.db, f"bot {os.getpid()}", now_ms()) as lock:
        is_new = not settings.db.exists()
        refuse_damaged(settings.db)
        try:
            await _on_book(settings, params, now_ms, lock)
        except (BadToken, UnknownSymbol):
            if is_new:  # nothing ran on it: a start that was refused leaves no book behind
                discard(settings.db)
            raise


async def _on_book(settings: LiveSettings, params: Params, now_ms: Callable[[], int], lock: BookLock) -> None:
    with Book.open(settings.db, BookKind.LIVE, now_ms=now_ms()) as book, Writer(book) as writer:
        with book.reading() as view:
            last = pulse_of(view.meta)
        market = Binance(
            params.costs.market,
            now_ms,
            base_url=settings.exchange_url,
            blocked_until_ms=last.exchange.blocked_until_ms if last else 0,
            sleep=lambda seconds: asyncio.sleep(settings.clock.wall_seconds(seconds * MS_PER_SECOND)),
        )
        async with contextlib.aclosing(market):
            await _run(Ground(settings, params, now_ms, lock, book, writer, market, BlackoutFile(settings.blackouts)))


async def _run(ground: Ground) -> None:
    """Telegram's side: the door for commands, the sender for the outbox; and the pipeline beside them."""
    settings, now_ms, writer = ground.settings, ground.now_ms, ground.writer
    token = settings.token.get_secret_value()
    chats = await writer.run(lambda tx: _chats(tx, settings, now_ms()))
    charts = ChartDesk(settings.db)
    learning = Learning(ground.book, writer, ground.params, now_ms)
    imports = ImportDesk(ground.book, writer, now_ms)
    wanted = asyncio.Event()
    desk = Desk(
        ground.book,
        writer,
        functools.partial(_look, ground, chart_reader(ground.params)),
        now_ms,
        Hands(ground.params, Announcements(chats.told_ids, settings.zone)),
        ground.blackouts,
        charts.draw,
        functools.partial(_series, ground),
        learning=learning,
        imports=imports,
        backtests=BacktestDesk(settings.db, writer, ground.params, now_ms, ground.blackouts),
        machine=Machine(_facts(settings), settings.log_dir, _soon(wanted.set)),
    )
    door = Door(token, settings.telegram_url, desk)
    await door.reach()  # a refused token ends the start; a silent Telegram does not
    telegram = TelegramSender(token, api_url=f"{settings.telegram_url.rstrip('/')}/bot")
    sender = Sender(
        ground.book,
        writer,
        telegram,
        renderer(settings.zone),
        now_ms,
        draw=charts.draw,
        pace=settings.clock,
    )
    await sender.recover()
    watchman = Watchman(
        ground.book,
        writer,
        ground.lock,
        ground.market,
        ground.params,
        now_ms,
        lambda: door.heard_ms,
        sender.wake,
    )
    pipeline = Pipeline(ground, chats, sender, learning, watchman)
    await pipeline.reach()  # so does a symbol nobody lists
    await writer.run(lambda tx: tx.events.add(EventType.BOT_STARTED, now_ms(), actor=ground.lock.holder.owner))
    try:
        await _until_stopped(pipeline.run(), sender.run(), door.serve(), _restarting(wanted))
    finally:
        with contextlib.suppress(BookError):  # a full disk must not keep the bot from stopping
            await writer.run(lambda tx: tx.events.add(EventType.BOT_STOPPED, now_ms(), actor=ground.lock.holder.owner))
        await imports.close()
        await door.close()
        await telegram.aclose()
        charts.close()


def _facts(settings: LiveSettings) -> tuple[tuple[str, str], ...]:
    """The settings as people may read them; secrets show as stars."""
    return tuple((PREFIX + name.upper(), _said(getattr(settings, name))) for name in LiveSettings.model_fields)


def _said(value: object) -> str:
    if value is None or value == ():
        return NOT_SET
    if isinstance(value, tuple):
        return ", ".join(map(_said, value))
    return str(value.value if isinstance(value, Enum) else value)


def _soon(act: Callable[[], None]) -> Callable[[], None]:
    """`act`, but only when whoever asked for it has had his answer."""

    def later() -> None:
        asyncio.get_running_loop().call_later(RESTART_AFTER_S, act)

    return later


async def _restarting(wanted: asyncio.Event) -> None:
    await wanted.wait()
    raise RestartWanted


async def _look(ground: Ground, read: ReadChart, symbol: str, timeframe: Timeframe) -> tuple[int, Signal | Rejected]:
    """What the engine says now, by the parameters in force."""
    with ground.book.reading() as view:
        params = in_force(view, ground.params)
    return await fresh_look(ground.market, symbol, timeframe, params, read, ground.now_ms())


async def _series(ground: Ground, symbol: str, timeframe: Timeframe) -> SeriesRequest:
    """What is to be drawn of a series now, by the parameters in force."""
    with ground.book.reading() as view:
        params = in_force(view, ground.params)
    return await series_now(ground.market, symbol, timeframe, params, ground.now_ms())


class Pipeline:
    """The market's side, run beside the door: looks, settlement and chores, by the clock."""

    def __init__(self, ground: Ground, chats: Chats, sender: Sender, learning: Learning, watchman: Watchman) -> None:
        self._ground = ground
        self._chats = chats
        self._sender = sender
        self._announcements = Announcements(chats.told_ids, ground.settings.zone)
        self._watch: Watch | None = None
        self._learning = learning
        self._watchman = watchman

    async def reach(self) -> bool:
        """Whether the market answers now; UnknownSymbol when it does and does not list what is to be watched."""
        try:
            self._watch = await self._todays_watch()
        except UnknownSymbol:
            raise
        except MarketError as error:
            logger.warning("the market does not answer: %s", error)
            return False
        return True

    async def _todays_watch(self) -> Watch:
        ground, settings = self._ground, self._ground.settings
        symbols = await watched_symbols(settings.symbols, ground.market, ground.book, ground.writer, ground.now_ms())
        with ground.book.reading() as view:
            known = {one.symbol for one in view.candles.series()}
        listed = still_listed(symbols, await ground.market.symbols(), known)
        if gone := [symbol for symbol in symbols if symbol not in listed]:
            logger.warning("%s is no longer listed and not watched any more", ", ".join(gone))
        return await watch_of(ground.market, listed, settings.timeframes)

    async def run(self) -> None:
        """Watch until cancelled; the market may be down and the book busy, now and at any time."""
        looked_ms = self._ground.now_ms()
        while self._watch is None:
            await self._persist(self._watchman.beat)
            if self._ground.now_ms() - looked_ms >= LOOK_EVERY_MS:
                looked_ms = self._ground.now_ms()
                await self._persist(self._watchman.look)
            await self._pause()
            await self._persist(self.reach)
        schedule = await self._persist(self.schedule)
        await self._persist(schedule.start)
        try:
            await asyncio.Event().wait()
        finally:
            await schedule.stop()

    async def _persist(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, begun again for as long as the book cannot be used: that must not end the bot."""
        while True:
            try:
                return await work()
            except BookError as error:
                logger.warning("%s Tried again in %g s.", error, RETRY_S)
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self._ground.settings.clock.wall_seconds(RETRY_S * MS_PER_SECOND))

    async def schedule(self) -> Schedule:
        """Everything that is done by the clock, ready to be started; the market was reached."""
        watch = self._watch
        assert watch is not None, "`reach` said so"
        ground, owner = self._ground, self._ground.lock.holder.owner
        stored = stored_windows(ground.book, ground.market.source, ground.params)
        read = chart_reader(ground.params, watch.series)
        learning = self._learning
        await learning.load()
        feed = Feed()
        with ground.book.reading() as view:
            feed.load(view, ground.market.source)
        scan = LiveScan(ground.market, watch, ground.params, read, ground.now_ms, stored, lambda: learning.acting, feed)
        live = self._live(watch, scan, feed)
        await live.begin()
        backups = BackupJobs(ground.book, ground.now_ms)
        chores = Chores(
            self._retention,
            self._watchman.beat,
            self._digest,
            Reporting(ground.book, ground.writer, self._announcements, ground.now_ms, self._sender.wake).run,
            lambda: self._rewatch(scan),
            self._train,
            backups.hourly,
            backups.weekly,
            self._healer(scan, feed).run,
            self._watchman.verify,
            self._watchman.check_backup,
            self._watchman.look,
            self._deadman(),
        )
        table = jobs(live, watch.timeframes, chores)
        self._watchman.watching(watch)
        self._watchman.running(table, ground.settings.clock)
        return Schedule(table, ground.writer, owner, ground.now_ms, ground.settings.clock)

    def _healer(self, scan: LiveScan, feed: Feed) -> Healer:
        ground = self._ground
        return Healer(
            ground.book,
            ground.writer,
            ground.market,
            feed,
            scan.needed,
            ground.market.rebuild,
            ground.params,
            self._announcements,
            ground.now_ms,
            rebuild_after_ms=round(REBUILD_AFTER_MS * ground.settings.clock.speed),
        )

    def _live(self, watch: Watch, scan: LiveScan, feed: Feed) -> Live:
        ground = self._ground
        return Live(
            ground.book,
            ground.writer,
            ground.market,
            watch,
            scan,
            ground.params,
            self._announcements,
            ground.lock.holder.owner,
            ground.now_ms,
            self._sender.wake,
            patience_ms=round(PATIENCE_MS * ground.settings.clock.speed),
            blackouts=ground.blackouts,
            feed=feed,
            checkpoints_to_channel=ground.settings.checkpoints_to_channel,
        )

    async def _rewatch(self, scan: LiveScan) -> None:
        """A new day may have other most traded pairs."""
        if self._ground.settings.symbols.top:
            watch = await self._todays_watch()
            scan.rewatch(watch)
            self._watchman.watching(watch)

    async def _retention(self) -> None:
        await self._ground.writer.run(lambda tx: forget(tx, self._ground.now_ms()))

    def _deadman(self) -> Callable[[], Awaitable[None]] | None:
        """What gives the dead-man's sign, None where no address waits for it."""
        ground, url = self._ground, self._ground.settings.deadman_url
        if url is None:
            return None
        return DeadMan(url.get_secret_value(), self._watchman.is_failing, ground.writer, ground.now_ms).sign

    async def _train(self) -> None:
        """A training where one is due, and the acting model anew: it may have been rolled back, or grown too old."""
        try:
            await self._learning.train()
        finally:
            await self._learning.load()

    async def _digest(self) -> None:
        """Yesterday in numbers, once it is due, and what chats have collected at their hours."""
        ground = self._ground
        queued = await ground.writer.run(lambda tx: queue_digest(tx, self._announcements, ground.now_ms()))
        collected = await ground.writer.run(lambda tx: queue_collections(tx, self._announcements, ground.now_ms()))
        if queued or collected:
            self._sender.wake()


def _chats(tx: Stores, settings: LiveSettings, at_ms: int) -> Chats:
    """The owners and chats of the settings, opened again where one was closed: whoever restarts the bot has seen to it."""

    def opened(telegram_id: int, kind: ChatKind) -> int:
        chat = tx.chats.ensure(telegram_id, kind)
        tx.chats.enable(chat.id)
        return chat.id

    ensure_owners(tx, settings.owners, settings.zone, at_ms)
    owner_id = opened(settings.owners[0], ChatKind.PRIVATE) if settings.owners else None
    channel_id = None if settings.channel is None else opened(settings.channel, ChatKind.CHANNEL)
    set_public_channel(tx, channel_id)
    set_ops_chat(tx, settings.ops)
    told = channel_id if channel_id is not None else owner_id
    assert told is not None, "settings name somebody to tell"
    audiences = (opened(chat, ChatKind.PRIVATE if chat > 0 else ChatKind.GROUP) for chat in settings.audiences)
    return Chats(tuple(dict.fromkeys((told, *audiences))), owner_id)


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
