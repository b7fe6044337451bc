"""A simulated month of the live bot in minutes: its own pipeline and schedule over a clock that jumps from slot to slot.

`python -m tests.soak.run --days 30 --write docs/soak.md` runs it and writes the table of what was seen.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import psutil

from engine.params import Params
from engine.timeframes import DAY_MS, MINUTE_MS
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from handlers.live import Chats, Ground, Pipeline
from handlers.live_health import Watchman
from handlers.settings import LiveSettings
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.blackouts import BlackoutFile
from services.learning import Learning
from services.publish import set_public_channel
from services.schedule import Job, Schedule
from services.send import Sender
from services.symbols import Wanted
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.lock import BookLock
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN
from tests.fakes.clock import ManualClock
from tests.soak import world
from tests.soak.causes import spans_of
from tests.soak.page import Day, Soaked, page
from tests.soak.verdict import verdict_of
from tests.times import ms

BEGIN_MS = ms("2026-01-05T00:30")
CHANNEL, OWNER = -1_001_234_567_890, 77
LIFE_MS, DOWN_MS = 10 * DAY_MS, 95 * MINUTE_MS
"""The bot is stopped and started again on its book now and then."""
PATIENT_S = 3_600.0
SHORT_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how wide a soak is."""

    days: int
    symbols: int


def silent(seen: Soaked) -> None:
    """Tells nobody."""


class Soak:
    """One run: the world, its clock, and the days that are over; `tell` gets what was seen after every day.

    What is no part of the bot and takes much memory is done by `apart`, a process of its own.
    """

    def __init__(self, size: Size, folder: Path, tell: Callable[[Soaked], None], apart: Executor) -> None:
        self._size = size
        self._folder = folder
        self._tell = tell
        self._began_s, self._began_cpu_s = time.monotonic(), time.process_time()
        self._end_ms = BEGIN_MS + size.days * DAY_MS
        invented = world.pairs(size.symbols)
        self._names = tuple(one.symbol for one in invented)
        self._apart = apart
        series = apart.submit(world.history, invented, BEGIN_MS, self._end_ms).result()
        self._prices_bytes = world.size_bytes(series)
        self._clock = ManualClock(BEGIN_MS)
        troubles = world.flapping(BEGIN_MS, self._end_ms, self._names)
        outages = world.silences(BEGIN_MS, self._end_ms)
        stops = [(at_ms, at_ms + DOWN_MS) for at_ms in range(BEGIN_MS + LIFE_MS, self._end_ms, LIFE_MS + DOWN_MS)]
        self._stops = stops
        self._spans = spans_of(troubles, [(one.since_ms, one.until_ms) for one in outages], stops)
        self._exchange = world.exchange_of(series, self._clock, troubles)
        self._chat = world.Chat(self._clock, outages)
        self._days: list[Day] = []

    async def run(self) -> Soaked:
        """Every life of the bot one after the other."""
        for begins_ms, ends_ms in self._stops:
            await self._life(begins_ms)
            self._clock.ms = ends_ms
        await self._life(self._end_ms)
        return self._seen()

    @property
    def _path(self) -> Path:
        return self._folder / "soak.db"

    async def _life(self, until_ms: int) -> None:
        """One process' life: put together as bot.py does it, knocked by the slots, put away again."""
        path, clock = self._path, self._clock
        settings = LiveSettings(
            token=TOKEN,
            owners=(OWNER,),
            channel=CHANNEL,
            symbols=Wanted(self._names),
            db=path,
            log_dir=self._folder / "logs",
        )
        with (
            BookLock.acquire(path, "soak", clock.ms) as lock,
            Book.open(path, BookKind.LIVE, now_ms=clock.ms) as book,
            Writer(book) as writer,
        ):
            market = Binance(
                Market.USDT_M, clock.now_ms, base_url="http://exchange", sleep=self._pause, transport=self._exchange
            )
            ground = Ground(settings, Params(), clock.now_ms, lock, book, writer, market, BlackoutFile(None))
            sender = Sender(book, writer, self._chat, renderer("UTC"), clock.now_ms, sleep=clock.sleep)
            learning = Learning(book, writer, ground.params, clock.now_ms)
            with book.transaction() as tx:
                channel_id, owner_id = _chats(tx, clock.ms)
            watchman = Watchman(
                book, writer, lock, market, ground.params, clock.now_ms, lambda: self._chat.heard_ms, sender.wake
            )
            pipeline = Pipeline(ground, Chats((channel_id,), owner_id), sender, learning, watchman)
            await sender.recover()
            while not await pipeline.reach():
                clock.advance(MINUTE_MS)
            schedule = await pipeline.schedule()
            await schedule.begin()
            await self._by_the_clock(schedule, sender, book, until_ms)
            await market.aclose()

    async def _pause(self, seconds: float) -> None:
        """The pauses between tries are short and many at once: only waits for another minute move the clock."""
        if seconds >= SHORT_PAUSE_S or (self._clock.ms + round(seconds * 1_000)) % MINUTE_MS == 0:
            await self._clock.sleep(seconds)

    async def _by_the_clock(self, schedule: Schedule, sender: Sender, book: Book, until_ms: int) -> None:
        """Every job at every slot of its own, the outbox after each; what was seen once a day."""
        clock = self._clock
        due_ms = {job.name: clock.ms for job in schedule.table}  # at start every job is knocked once
        # a job's time is counted on the wall's clock, and the machine may be busy with other things
        named = {job.name: replace(job, timeout_s=PATIENT_S) for job in schedule.table}
        while (at_ms := min(due_ms.values())) < until_ms:
            clock.ms = max(clock.ms, at_ms)
            for name in [name for name, one_ms in due_ms.items() if one_ms == at_ms]:
                await asyncio.create_task(schedule.knock(named[name]))  # a task each, as the scheduler does it
                due_ms[name] = _next_slot(named[name], clock.ms)
            await sender.drain()
            self._end_day(book)
        clock.ms = max(clock.ms, until_ms)
        self._end_day(book)

    def _end_day(self, book: Book) -> None:
        if self._clock.ms >= BEGIN_MS + (len(self._days) + 1) * DAY_MS:
            with book.reading() as view:
                self._tell(self._with_day(view))

    def _with_day(self, view: Stores) -> Soaked:
        self._clock.slept_s.clear()
        gc.collect()
        taken = psutil.Process().memory_info()
        # without what is mapped from files: how much of that counts as its own changes with what else the machine runs
        memory_bytes = taken.rss - taken.shared - self._prices_bytes
        (closed,) = view.connection.execute("SELECT COUNT(*) FROM positions WHERE closed_ms IS NOT NULL").fetchone()
        self._days.append(
            Day(
                number=len(self._days) + 1,
                memory_bytes=memory_bytes,
                book_bytes=self._path.stat().st_size,
                asked=self._exchange.asked,
                told=self._chat.taken,
                looks=view.scans.count(0),
                closed=closed,
                incidents=view.events.count(EventType.INCIDENT_OPENED, 0),
                cpu_s=time.process_time() - self._began_cpu_s,
            )
        )
        return self._seen()

    def _seen(self) -> Soaked:
        return Soaked(
            wanted_days=self._size.days,
            symbols=self._size.symbols,
            troubles=len(self._spans) - len(self._stops),
            days=tuple(self._days),
            verdict=self._apart.submit(verdict_of, self._path, self._spans, self._clock.ms).result(),
            wall_s=time.monotonic() - self._began_s,
        )


def _chats(tx: Stores, now_ms: int) -> tuple[int, int]:
    ensure_owners(tx, (OWNER,), "UTC", now_ms)
    channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
    set_public_channel(tx, channel)
    return channel, tx.chats.ensure(OWNER, ChatKind.PRIVATE).id


def _next_slot(job: Job, now_ms: int) -> int:
    return job.slot_ms(now_ms) + job.period.ms + job.after_ms


async def soak(size: Size, folder: Path, tell: Callable[[Soaked], None] = silent) -> Soaked:
    """Run the bot for that many days of the clock."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return await Soak(size, folder, tell, apart).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--write", type=Path, help="write the page here, anew after every day")
    arguments = parser.parse_args()

    def tell(seen: Soaked) -> None:
        last = seen.days[-1]
        print(f"day {last.number}: {last.memory_bytes / 1e6:.1f} MB, {last.cpu_s:.0f} CPU s", flush=True)
        print(*seen.verdict.slots.unaccounted, *seen.verdict.unexplained, *seen.verdict.broken_identities, sep="\n")
        if arguments.write is not None:
            arguments.write.write_text(page(seen), "utf-8")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(soak(Size(arguments.days, arguments.symbols), Path(folder), tell))


if __name__ == "__main__":
    main()
