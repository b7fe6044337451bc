"""The live bot's pipeline put together: what it does about a delisting, a busy book and a dead-man's address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from gateways.market import UnknownSymbol
from gateways.telegram_sender import TelegramSender
from handlers.live import Chats, Ground, Pipeline
from handlers.live_health import Watchman
from handlers.settings import LiveSettings
from handlers.telegram.texts import renderer
from services.blackouts import NO_BLACKOUTS
from services.learning import Learning
from services.schedule import Job, Schedule
from services.send import Sender
from storage.book import Book
from storage.lock import BookLock
from storage.pulse import Pulse, pulse_of
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN
from tests.fakes.exchange_faults import Delisted, Refused
from tests.fakes.http import Request, Response, running
from tests.services.rig import LIVELY, OWNER, World, ms, world_at
from tests.storage.crashing import BusyAtFirst

BEGIN_MS = ms("2026-01-01T00:50")
FAST = "2026-01-01T00:50:00Z@1767228600000x10000"
"""Pauses of the wall's clock take no time."""


@asynccontextmanager
async def pipeline_on(world: World, busy: int = 0, **more: str) -> AsyncIterator[Pipeline]:
    """The pipeline of a bot with these settings; its book turns the first writers away."""
    given = {"token": TOKEN, "owners": str(OWNER), "symbols": "ADAUSDT,XRPUSDT", "timeframes": "15m", "clock": FAST}
    named = {f"ONEBOOK_{name.upper()}": value for name, value in {**given, **more}.items()}
    settings = LiveSettings.read(named, Path("no env file"))
    now_ms = world.clock.now_ms
    with (
        Book.open(world.path, BookKind.LIVE, now_ms=now_ms()) as book,
        Writer(BusyAtFirst(book, busy), pauses_s=()) as writer,
        BookLock.acquire(world.path, "bot 1", now_ms()) as lock,
    ):
        market = Binance(Market.USDT_M, now_ms, base_url=world.exchange_url, sleep=lambda seconds: asyncio.sleep(0))
        telegram = TelegramSender(TOKEN, api_url=world.telegram_url)
        sender = Sender(book, writer, telegram, renderer(), now_ms)
        watchman = Watchman(book, writer, lock, market, LIVELY, now_ms, lambda: None, sender.wake)
        ground = Ground(settings, LIVELY, now_ms, lock, book, writer, market, NO_BLACKOUTS)
        yield Pipeline(ground, Chats((1,), None), sender, Learning(book, writer, LIVELY, now_ms), watchman)
        await market.aclose()
        await telegram.aclose()


def job_of(schedule: Schedule, name: str) -> Job:
    [job] = [job for job in schedule.table if job.name == name]
    return job


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_at(BEGIN_MS, tmp_path) as world:
        yield world


async def test_a_pair_that_was_delisted_does_not_keep_the_bot_from_starting(world: World):
    with Book.open(world.path, BookKind.LIVE, now_ms=BEGIN_MS) as book, book.transaction() as tx:
        tx.candles.note_error("ADAUSDT", Timeframe.M15, "binance", None, BEGIN_MS)
    world.exchange.troubles = (Delisted(symbol="ADAUSDT"),)

    async with pipeline_on(world) as pipeline:
        assert await pipeline.reach()
        await job_of(await pipeline.schedule(), "heartbeat").run()
    with Book.open_read_only(world.path) as book:
        assert pulse(book).symbols == ("XRPUSDT",)


async def test_a_pair_that_never_was_listed_does(world: World):
    world.exchange.troubles = (Delisted(symbol="ADAUSDT"),)

    async with pipeline_on(world) as pipeline:
        with pytest.raises(UnknownSymbol):
            await pipeline.reach()


async def test_a_book_that_stays_busy_while_the_market_is_waited_for_does_not_end_the_bot(world: World):
    world.exchange.troubles = (Refused(status=503),)
    async with pipeline_on(world, busy=3) as pipeline:
        at_work = asyncio.create_task(pipeline.run())
        with Book.open_read_only(world.path) as book:
            while pulse(book) is None and not at_work.done():
                await asyncio.sleep(0.01)
            assert pulse(book) is not None
        assert not at_work.done()
        at_work.cancel()
        await asyncio.gather(at_work, return_exceptions=True)


def pulse(book: Book) -> Pulse | None:
    with book.reading() as view:
        return pulse_of(view.meta)


async def test_an_address_that_waits_for_signs_of_life_is_asked_by_a_job_of_its_own(world: World):
    heard: list[str] = []

    async def answer(request: Request) -> Response:
        heard.append(request.path)
        return Response(200, b"OK")

    with running(answer) as url:
        async with pipeline_on(world, deadman_url=f"{url}/ping/0f9c") as pipeline:
            await pipeline.reach()
            schedule = await pipeline.schedule()
            await job_of(schedule, "heartbeat").run()
            await job_of(schedule, "deadman").run()
    assert heard == ["/ping/0f9c"]

    async with pipeline_on(world) as pipeline:
        await pipeline.reach()
        assert "deadman" not in {job.name for job in (await pipeline.schedule()).table}
