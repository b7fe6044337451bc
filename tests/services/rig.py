"""A live bot without its process: a book, the pipeline and the sender, against both fakes over real HTTP.

Time stands still until a test plays on; a rig can be put away and started again on the same book and the same fakes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.params import Params
from engine.timeframes import MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from gateways.telegram_sender import TelegramSender
from handlers.telegram.buttons import Mint
from handlers.telegram.commands import find
from handlers.telegram.desk import Answer, Asked, ChatRef, Desk
from handlers.telegram.reception import Message, answered
from handlers.telegram.texts import renderer
from services.access import ensure_owners
from services.announce import Announcements
from services.feed import Feed
from services.hands import Hands
from services.heal import Healer
from services.live import Live, MarketSilent
from services.live_scan import LiveScan, chart_reader, fresh_look, stored_windows, watch_of
from services.publish import set_public_channel
from services.send import Sender
from services.series_now import series_now
from storage.book import Book
from storage.chats import ChatKind
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars

CHANNEL, OWNER = -1_001_234_567_890, 77
SEED = 7
# gates wide open: a day of the simulated market then holds about ten signals on 15m
LIVELY = Params.from_mapping(
    {"gates": {"max_cost_r": 1.0, "min_rr": 1.0, "send_from_confidence": 50.0, "daily_cap": 100, "cluster_best": 10}}
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass(slots=True)
class World:
    """What outlives the bot: the clock, Telegram, the exchange and the file of the book."""

    clock: ManualClock
    api: BotApi
    telegram_url: str
    exchange: Exchange
    exchange_url: str
    path: Path
    asked: int = 0


@dataclass(slots=True)
class Rig:
    """A running bot."""

    world: World
    book: Book
    live: Live
    sender: Sender
    desk: Desk
    healer: Healer

    async def ask(self, text: str, user_id: int = OWNER, age_ms: int = 0) -> Answer | None:
        """What somebody of the book is answered to a command, without Telegram in between."""
        name, *words = text.removeprefix("/").split()
        with self.book.reading() as view:
            user = view.users.by_telegram_id(user_id)
        command = find(name)
        assert command is not None
        assert user is not None
        self.world.asked += 1
        question = Asked(tuple(words), user, ChatRef(user_id))
        return await answered(self.desk, command, question, Message(self.world.asked, age_ms))

    async def play(self, until_ms: int, step_ms: int = 5 * MINUTE_MS) -> None:
        """Let time pass, with a look at the market and the outbox at every step."""
        clock = self.world.clock
        while clock.ms < until_ms:
            clock.advance(min(step_ms, until_ms - clock.ms))
            await self.knock()

    async def knock(self) -> None:
        try:
            await self.live.advance()
        except MarketSilent:
            return
        finally:
            await self.sender.drain()


async def _at_once(seconds: float) -> None:
    """Pauses between tries take no time, neither here nor there."""


@asynccontextmanager
async def started(world: World, symbols: tuple[str, ...], timeframes: tuple[Timeframe, ...]) -> AsyncIterator[Rig]:
    """The bot, started as bot.py starts it."""
    clock, params = world.clock, LIVELY
    with Book.open(world.path, BookKind.LIVE, now_ms=clock.ms) as book, Writer(book) as writer:
        market = Binance(Market.USDT_M, clock.now_ms, base_url=world.exchange_url, sleep=_at_once)
        telegram = TelegramSender(TOKEN, api_url=world.telegram_url)
        read = chart_reader(params)
        with book.transaction() as tx:
            channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
            set_public_channel(tx, channel)
            ensure_owners(tx, (OWNER,), "UTC", clock.ms)
            Mint.ensured(tx, clock.ms)
        sender = Sender(book, writer, telegram, renderer(), clock.now_ms, sleep=clock.sleep)
        watch = await watch_of(market, symbols, timeframes)
        feed = Feed()
        with book.reading() as view:
            feed.load(view, market.source)
        stored = stored_windows(book, market.source, params)
        scan = LiveScan(market, watch, params, read, clock.now_ms, stored, feed=feed)
        announcements = Announcements((channel,))
        live = Live(
            book, writer, market, watch, scan, params, announcements, "rig", clock.now_ms, sender.wake, feed=feed
        )
        healer = Healer(book, writer, market, feed, scan.needed, market.rebuild, params, announcements, clock.now_ms)
        desk = Desk(
            book,
            writer,
            lambda symbol, timeframe: fresh_look(market, symbol, timeframe, params, read, clock.ms),
            clock.now_ms,
            Hands(params, announcements),
            series=lambda symbol, timeframe: series_now(market, symbol, timeframe, params, clock.ms),
        )
        await sender.recover()
        await live.begin()
        yield Rig(world, book, live, sender, desk, healer)
        await market.aclose()
        await telegram.aclose()


@asynccontextmanager
async def world_at(begin_ms: int, folder: Path) -> AsyncIterator[World]:
    clock, api = ManualClock(begin_ms), BotApi()
    exchange = Exchange(SimulatedBars(SEED), clock)
    with api.running() as telegram_url, exchange.running() as exchange_url:
        yield World(clock, api, telegram_url, exchange, exchange_url, folder / "live.db")
