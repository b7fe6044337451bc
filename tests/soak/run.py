"""A simulated month of the live bot in minutes: its own pipeline and schedule over a clock that jumps from slot to slot.

`python -m tests.soak.run --days 30 --write docs/soak.md` runs it and writes the table of what was seen.
"""

import argparse
import asyncio
import gc
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import psutil

from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from handlers.live import Chats, Ground, Pipeline
from handlers.live_health import Watchman
from handlers.settings import DEFAULT_TIMEFRAMES, LiveSettings
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.blackouts import BlackoutFile
from services.learning import Learning
from services.live import scan_job
from services.publish import set_public_channel
from services.schedule import Job, Schedule
from services.send import Sender
from services.symbols import Wanted
from storage.book import Book
from storage.chats import ChatKind
from storage.events import Event, EventType
from storage.identities import identities
from storage.job_runs import JobStatus
from storage.lock import BookLock
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN
from tests.fakes.clock import ManualClock
from tests.fakes.exchange_faults import Trouble
from tests.soak import world
from tests.times import ms

BEGIN_MS = ms("2026-01-05T00:30")
CHANNEL, OWNER = -1_001_234_567_890, 77
DOWN_EVERY_DAYS, DOWN_MS = 10, 95 * MINUTE_MS
"""The bot is stopped and started again on its book now and then."""
WARM_UP_RATIO = 0.2
"""Over the first part of the run windows and caches fill; growth is counted from there."""
EXPLAINED_WITHIN_MS = 3 * HOUR_MS
"""An incident is explained by a trouble, an outage or a stop that was on, or had ended no longer ago than this."""
PATIENT_S = 3_600.0
PASSED = re.compile(r"(\d+) (?:slots|closes) passed")


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how wide a soak is."""

    days: int
    symbols: int


@dataclass(slots=True)
class Soaked:
    """What was seen; memory is that of the process without the world's prices, in bytes, once a day."""

    size: Size
    memory: list[int] = field(default_factory=list)
    book_bytes: list[int] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    expected_slots: int = 0
    missed_slots: int = 0
    unaccounted: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    mends: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    unexplained: list[str] = field(default_factory=list)
    broken_identities: list[str] = field(default_factory=list)
    looks: int = 0
    signals: int = 0
    closed: int = 0
    asked: int = 0
    told: int = 0
    troubles: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def growth_ratio(self) -> float:
        """How much the memory of the last days is above that of the first ones after the warm-up (medians of days)."""
        settled = self.memory[int(len(self.memory) * WARM_UP_RATIO) :]
        third = max(1, len(settled) // 3)
        first, last = sorted(settled[:third]), sorted(settled[-third:])
        return last[len(last) // 2] / first[len(first) // 2] - 1


async def soak(size: Size, folder: Path) -> Soaked:
    """Run the bot for that many days of the clock."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    end_ms = BEGIN_MS + size.days * DAY_MS
    invented = world.pairs(size.symbols)
    names = tuple(one.symbol for one in invented)
    # in a process of its own, whose memory goes with it
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        series = apart.submit(world.history, invented, BEGIN_MS, end_ms).result()
    prices_bytes = world.size_bytes(series)
    clock = ManualClock(BEGIN_MS)
    troubles = world.flapping(BEGIN_MS, end_ms, names)
    outages = world.silences(BEGIN_MS, end_ms)
    exchange = world.InMemory(world.exchange_of(series, clock, troubles))
    chat = world.Chat(clock, outages)
    seen = Soaked(size, troubles=len(troubles) + len(outages))
    stops: list[tuple[int, int]] = []
    while clock.ms < end_ms:
        until_ms = min(clock.ms + DOWN_EVERY_DAYS * DAY_MS, end_ms)
        await _life(folder / "soak.db", names, clock, exchange, chat, until_ms, seen, prices_bytes)
        if until_ms < end_ms:
            stops.append((clock.ms, clock.ms + DOWN_MS))
            clock.advance(DOWN_MS)
    with Book.open(folder / "soak.db", BookKind.LIVE, now_ms=clock.ms) as book, book.reading() as view:
        _judge(view, seen, troubles, [*((one.since_ms, one.until_ms) for one in outages), *stops], end_ms)
    seen.asked, seen.told = exchange.asked, chat.taken
    seen.wall_s, seen.cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    return seen


async def _life(
    path: Path,
    names: Sequence[str],
    clock: ManualClock,
    exchange: world.InMemory,
    chat: world.Chat,
    until_ms: int,
    seen: Soaked,
    prices_bytes: int,
) -> None:
    """One process' life: put together as bot.py does it, knocked by the slots, put away again."""
    settings = LiveSettings(
        token=TOKEN,
        owners=(OWNER,),
        channel=CHANNEL,
        symbols=Wanted(tuple(names)),
        db=path,
        log_dir=path.parent / "logs",
    )
    with (
        BookLock.acquire(path, "soak", clock.ms) as lock,
        Book.open(path, BookKind.LIVE, now_ms=clock.ms) as book,
        Writer(book) as writer,
    ):

        async def pause(seconds: float) -> None:
            # the pauses between tries are short and many at once: only waits for another minute move the clock
            if seconds >= MINUTE_MS / 4_000:
                await clock.sleep(seconds)

        market = Binance(Market.USDT_M, clock.now_ms, base_url="http://exchange", sleep=pause, transport=exchange)
        ground = Ground(settings, Params(), clock.now_ms, lock, book, writer, market, BlackoutFile(None))
        sender = Sender(book, writer, chat, renderer("UTC"), clock.now_ms, sleep=clock.sleep)
        learning = Learning(book, writer, ground.params, clock.now_ms)
        with book.transaction() as tx:
            channel_id, owner_id = _chats(tx, clock.ms)
        watchman = Watchman(book, writer, lock, market, ground.params, clock.now_ms, lambda: chat.heard_ms, sender.wake)
        pipeline = Pipeline(ground, Chats((channel_id,), owner_id), sender, learning, watchman)
        await sender.recover()
        while not await pipeline.reach():
            clock.advance(MINUTE_MS)
        schedule = await pipeline.schedule()
        await schedule.begin()
        await _by_the_clock(schedule, sender, clock, until_ms, seen, prices_bytes, path)
        await market.aclose()


def _chats(tx: Stores, now_ms: int) -> tuple[int, int]:
    ensure_owners(tx, (OWNER,), "UTC", now_ms)
    channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
    set_public_channel(tx, channel)
    return channel, tx.chats.ensure(OWNER, ChatKind.PRIVATE).id


async def _by_the_clock(
    schedule: Schedule,
    sender: Sender,
    clock: ManualClock,
    until_ms: int,
    seen: Soaked,
    prices_bytes: int,
    path: Path,
) -> None:
    """Every job at every slot of its own, the outbox after each; memory once a day."""
    due_ms = {job.name: clock.ms for job in schedule.table}  # at start every job is knocked once
    # a job's time is counted on the wall's clock, and the machine may be busy with other things
    named = {job.name: replace(job, timeout_s=PATIENT_S) for job in schedule.table}
    next_sample_ms = (clock.ms // DAY_MS + 1) * DAY_MS
    while (at_ms := min(due_ms.values())) < until_ms:
        clock.ms = max(clock.ms, at_ms)
        for name in [name for name, one_ms in due_ms.items() if one_ms == at_ms]:
            await schedule.knock(named[name])
            seen.runs[name] += 1
            due_ms[name] = _next_slot(named[name], clock.ms)
        await sender.drain()
        if clock.ms >= next_sample_ms:
            gc.collect()
            seen.memory.append(psutil.Process().memory_full_info().uss - prices_bytes)
            seen.book_bytes.append(path.stat().st_size)
            next_sample_ms += DAY_MS
            print(
                f"day {len(seen.memory)}: {seen.memory[-1] / 1e6:.1f} MB, {time.process_time():.0f} CPU s", flush=True
            )
    clock.ms = max(clock.ms, until_ms)


def _next_slot(job: Job, now_ms: int) -> int:
    return job.slot_ms(now_ms) + job.period.ms + job.after_ms


def _judge(
    view: Stores, seen: Soaked, troubles: Sequence[Trouble], other: Sequence[tuple[int, int]], end_ms: int
) -> None:
    connection = view.connection
    rows = connection.execute("SELECT job, slot_ms, status, detail FROM job_runs ORDER BY job, slot_ms").fetchall()
    by_job: dict[str, list[tuple[int, str, str | None]]] = {}
    for job, slot_ms, status, detail in rows:
        by_job.setdefault(job, []).append((slot_ms, status, detail))
        seen.statuses[status] += 1
    periods = {scan_job(timeframe): timeframe.ms for timeframe in DEFAULT_TIMEFRAMES}
    for job, runs in by_job.items():
        period_ms = periods.get(job) or min((b[0] - a[0] for a, b in pairwise(runs)), default=DAY_MS)
        for before, after in pairwise(runs):
            passed = (after[0] - before[0]) // period_ms - 1
            said = sum(int(found[1]) - 1 for row in (after,) if (found := PASSED.search(row[2] or "")))
            seen.missed_slots += max(passed, 0) + (after[1] == JobStatus.MISSED.value)
            if passed > said:
                seen.unaccounted.append(f"{job}: {passed} slots before {_at(after[0])}")
        seen.expected_slots += (runs[-1][0] - runs[0][0]) // period_ms + 1
        if runs[-1][1] == JobStatus.STARTED.value or any(run[1] == JobStatus.STARTED.value for run in runs):
            seen.unaccounted.append(f"{job}: a run was begun and not ended")
    for event in view.events.latest(1_000_000):
        seen.events[event.type.value] += 1
        if event.type is EventType.HEALED:
            seen.mends[(event.message or "").partition(":")[0]] += 1
        if event.type is EventType.INCIDENT_OPENED:
            seen.incidents += 1
            if not _explained(event, troubles, other):
                seen.unexplained.append(f"{_at(event.at_ms)} {event.message}")
    seen.broken_identities = [one.name for one in identities(view) if not one.holds]
    seen.looks = view.scans.count(0)
    (seen.signals,) = connection.execute("SELECT COUNT(*) FROM signals").fetchone()
    (seen.closed,) = connection.execute("SELECT COUNT(*) FROM positions WHERE closed_ms IS NOT NULL").fetchone()


def _explained(event: Event, troubles: Sequence[Trouble], other: Sequence[tuple[int, int]]) -> bool:
    spans = [*((trouble.since_ms, trouble.until_ms) for trouble in troubles), *other]
    return any(since_ms <= event.at_ms < until_ms + EXPLAINED_WITHIN_MS for since_ms, until_ms in spans)


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


TABLE = """# A month in the life of the bot
`python -m tests.soak.run --days {days} --symbols {symbols} --write docs/soak.md` lets the live bot's own pipeline and
schedule run over a clock that jumps from slot to slot, against an exchange and a Telegram that fail now and then, and
writes this page. `tests/soak/test_soak.py` holds what it shows. The exchange is the fake of the tests, asked in memory
instead of over a socket, and so is Telegram; the clock of all of them is one. Memory is what the process alone holds
(USS), without the prices of the invented pairs.

| what | |
|---|---|
| simulated | {days} days, {symbols} symbols x {timeframes} |
| took | {wall_s:.0f} s, {cpu_s:.0f} s of CPU |
| questions to the exchange | {asked:,} |
| troubles of the exchange and of Telegram | {troubles} |
| looks | {looks:,} |
| signals, closed positions | {signals:,}, {closed:,} |
| messages taken by Telegram | {told:,} |
| memory after the warm-up, and at the end | {first_mb:.1f} MB, {last_mb:.1f} MB |
| growth after the warm-up | {growth:+.1%} |
| book at the end | {book_mb:.0f} MB |
| slots, of them missed while the bot was down, and accounted for | {slots:,}, {missed:,} |
| slots unaccounted for | {unaccounted} |
| runs by how they ended | {statuses} |
| incidents opened, of them without a trouble | {incidents}, {unexplained} |
| mended by itself | {mends} |
| series left out, holes named | {silent}, {holes} |
| identities that do not hold | {identities} |
"""


def page(seen: Soaked) -> str:
    """The page of the documentation."""
    settled = seen.memory[int(len(seen.memory) * WARM_UP_RATIO) :]
    return TABLE.format(
        days=seen.size.days,
        symbols=seen.size.symbols,
        timeframes=", ".join(timeframe.text for timeframe in DEFAULT_TIMEFRAMES),
        wall_s=seen.wall_s,
        cpu_s=seen.cpu_s,
        asked=seen.asked,
        troubles=seen.troubles,
        looks=seen.looks,
        signals=seen.signals,
        closed=seen.closed,
        told=seen.told,
        first_mb=settled[0] / 1e6,
        last_mb=settled[-1] / 1e6,
        growth=seen.growth_ratio,
        book_mb=seen.book_bytes[-1] / 1e6,
        slots=seen.expected_slots,
        missed=seen.missed_slots,
        unaccounted=len(seen.unaccounted),
        statuses=_counted(seen.statuses),
        incidents=seen.incidents,
        unexplained=len(seen.unexplained),
        mends=_counted(seen.mends),
        silent=seen.events[EventType.FEED_SILENT.value],
        holes=seen.events[EventType.CANDLES_MISSING.value],
        identities=len(seen.broken_identities),
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in counts.most_common()) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--write", type=Path, help="write the page here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(soak(Size(arguments.days, arguments.symbols), Path(folder)))
    text = page(seen)
    print(text)
    print("\n".join([*seen.unaccounted, *seen.unexplained, *seen.broken_identities]))
    if arguments.write is not None:
        arguments.write.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
