"""The demonstration: a simulated market through the whole pipeline, hour by hour of a virtual clock, offline.

Nothing here is a short cut: decisions, gates, orders, settlement and outbox are those of the live bot; only the market
is invented and the channel is the screen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.candles import Candles, resampled
from engine.looks import Looks, Stack, chart_reader
from engine.params import Params
from engine.runner import Kernel
from engine.timeframes import DAY_MS, Timeframe, context_of
from engine.vocabulary import BookKind
from gateways.simulated_market import DEFAULT_SYMBOLS, SimulatedMarket
from ml.features import feature_reader
from services.announce import Announcements
from services.checkpoints import Checkpoints
from services.position_manager import Settlement
from services.publish import publish, set_public_channel
from services.record import Circumstances, Looked, Recorder
from services.replay import BTC
from storage.account import open_account
from storage.book import Book
from storage.chats import ChatKind
from storage.outbox import OutboxItem
from storage.publications import Delivery
from storage.stores import Stores

SEED = 7
BEGIN_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
HISTORY_DAYS = 42
PLAYED_DAYS = 28
TIMEFRAME = Timeframe.H1
SCREEN_CHAT = -1_000_000_000_001
PLAYED_KEY = "demo.played"

INTRODUCTION = """Onebook demonstration: 4 weeks of a SIMULATED market, hour by hour of a virtual clock, in a few seconds.
Six invented pairs are watched on 1h candles. What follows is what a Telegram channel would show: every signal when its
setup completes on a closed candle, and every thing that becomes of it as a reply. Nothing leaves this machine."""

Render = Callable[[Stores, OutboxItem], str]
Show = Callable[[str], None]


class DemoError(ValueError):
    """A demonstration that cannot be played; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class _Screen:
    """The channel of the demonstration: every message is shown, replies name what they answer."""

    chat_id: int
    render: Render
    show: Show

    def drain(self, stores: Stores, now_ms: int) -> None:
        """Deliver what waits, through the same states as a real send."""
        while due := stores.outbox.due(now_ms, 1):
            [item] = due
            stores.outbox.mark_sending(item.id)
            if not item.edits:  # a screen cannot change what it has shown; the reply before says the same
                answers = f" ↳ reply to message {item.reply_to_telegram_id}" if item.reply_to_telegram_id else ""
                self.show(f"\n── {_when(now_ms)} UTC · message {item.id}{answers}\n{self.render(stores, item)}")
            stores.outbox.mark_sent(item.id, item.id, now_ms)
            publish(stores, item, Delivery.SENT, now_ms)


def play(book: Book, params: Params, kernel: Kernel, render: Render, show: Show) -> int:
    """Play the demonstration into `book` (of kind demo) and return the instant it ends, epoch ms of the virtual clock."""
    end_ms = BEGIN_MS + PLAYED_DAYS * DAY_MS
    market = SimulatedMarket(SEED, lambda: end_ms)
    symbols = [known.symbol for known in DEFAULT_SYMBOLS]
    minutes = {symbol: market.bars(symbol, Timeframe.M1, BEGIN_MS, end_ms) for symbol in symbols}
    stacks = list(_stacks(market, symbols, end_ms))
    read, describer = chart_reader(params, kernel), feature_reader(params)
    looks = [Looks(stack, params, read, _tick_of(stack.own.symbol), describer) for stack in stacks]
    by_symbol = {stack.own.symbol: look for stack, look in zip(stacks, looks, strict=True)}
    checkpoints = Checkpoints(lambda _, symbol, timeframe, at_ms: by_symbol[symbol].readings_at(at_ms))
    screen = _Screen(_open(book, params), render, show)
    for index in range(len(stacks[0].own)):
        close_ms = int(stacks[0].own.open_ms[index]) + TIMEFRAME.ms
        if close_ms <= BEGIN_MS:
            continue
        instant = [
            Looked(stack.own.symbol, TIMEFRAME, close_ms, look.at(index))
            for stack, look in zip(stacks, looks, strict=True)
        ]
        with book.transaction() as stores:
            _book_hour(stores, instant, minutes, params, checkpoints, screen, close_ms)
    return end_ms


def _open(book: Book, params: Params) -> int:
    """Prepare the book: the deposit and the screen's chat, whose id is returned; a book played before is refused."""
    if book.kind is not BookKind.DEMO:
        raise DemoError(f"{book.path} is no demo book.")
    with book.transaction() as stores:
        if stores.meta.get(PLAYED_KEY) is not None:
            raise DemoError(f"{book.path} already holds a demonstration; name another --db.")
        stores.meta.set(PLAYED_KEY, str(SEED))
        open_account(stores, params.account.deposit, BEGIN_MS)
        screen = stores.chats.ensure(SCREEN_CHAT, ChatKind.CHANNEL).id
        set_public_channel(stores, screen)
        return screen


def _book_hour(
    stores: Stores,
    instant: list[Looked],
    minutes: dict[str, Candles],
    params: Params,
    checkpoints: Checkpoints,
    screen: _Screen,
    close_ms: int,
) -> None:
    announcements = Announcements((screen.chat_id,))
    settlement = Settlement(stores, minutes, params, announcements, checkpoints)
    settlement.until(close_ms)
    recorder = Recorder(stores, settlement, params, Circumstances(announcements))
    recorder.instant(instant, close_ms)
    settlement.rest(close_ms)
    screen.drain(stores, close_ms)


def _stacks(market: SimulatedMarket, symbols: list[str], end_ms: int) -> Iterator[Stack]:
    context = context_of(TIMEFRAME)
    assert context is not None
    begin_ms = BEGIN_MS - HISTORY_DAYS * DAY_MS
    own = {symbol: market.bars(symbol, TIMEFRAME, begin_ms, end_ms) for symbol in symbols}
    for symbol, candles in own.items():
        yield Stack(candles, resampled(candles, context), None if symbol == BTC else own[BTC])


def _tick_of(symbol: str) -> float:
    return next(known.tick_size for known in DEFAULT_SYMBOLS if known.symbol == symbol)


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
