"""The live pipeline under load: 100 symbols x 4 timeframes whose candles all close at once, and 200 open positions.

    python benchmarks/live_load.py [--quick]

Candles come from memory: what is measured is everything behind the network, from the closed candles to the committed
transaction with the queued posts. Times are those of the slowest round, CPU seconds beside them. The last line is the
slower of the two as a ratio of its limit.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.walk_market import WalkMarket
from engine.candles import Candles
from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, PortfolioKind, Signal, SignalStatus
from services.announce import Announcements
from services.live import AFTER_CLOSE_MS, Live
from services.live_scan import LiveScan, Taken, chart_reader, stored_windows, watch_of
from services.position_manager import arm
from storage.book import Book
from storage.chats import ChatKind
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.services.rig import CHANNEL
from tests.storage.samples import LONG

SYMBOLS, POSITIONS = 100, 200
TIMEFRAMES = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1)
LAST_DAY_MS = 1_767_571_200_000  # 2026-01-05 00:00 UTC, a Monday
YEARS_BACK = 20
ROUNDS, QUICK_ROUNDS = 3, 1
CLOSE_LIMIT_S, SETTLE_LIMIT_S = 2.0, 1.0
FILL_PRICE, QUIET_PRICE, STOP_PRICE = 99.0, 99.5, 97.0
"""Around the entry of 100 and the stop of 98 that all of them have."""
EASY = Params.from_mapping(
    {
        "gates": {
            "max_cost_r": 1.0, "min_rr": 0.5, "store_from_confidence": 0.0, "send_from_confidence": 0.0,
            "daily_cap": 1000, "cluster_best": 100,
        }
    }
)  # fmt: skip
"""Every setup is recorded, and more are sent than the usual gates let through."""


@dataclass(frozen=True, slots=True)
class Took:
    """How long something took, by the wall and by the processor."""

    wall_s: float
    cpu_s: float


class Stopwatch:
    """`with` it; `took` says what passed."""

    def __enter__(self) -> "Stopwatch":
        self._wall_s, self._cpu_s = perf_counter(), process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.took = Took(perf_counter() - self._wall_s, process_time() - self._cpu_s)


class TimedScan(LiveScan):
    """Remembers how long the last looks took, and what they gave."""

    async def at(self, instant_ms: int, timeframes: Sequence[Timeframe], in_force: Params | None = None) -> Taken:
        with Stopwatch() as watch:
            self.taken = await super().at(instant_ms, timeframes, in_force)
        self.took = watch.took
        return self.taken


@dataclass(frozen=True, slots=True)
class Close:
    """One instant at which all timeframes close."""

    decided: Took
    whole: Took
    looks: int
    signals: int
    posts: int


async def closes(folder: Path, symbols: int, rounds: int) -> list[Close]:
    """The last close of as many days, all timeframes of all symbols; the hours between are lived through, too."""
    clock = ManualClock(LAST_DAY_MS - HOUR_MS // 2)
    end_ms = LAST_DAY_MS + (rounds + 1) * DAY_MS
    market = WalkMarket(symbols, LAST_DAY_MS - YEARS_BACK * 52 * 7 * DAY_MS, end_ms, clock.now_ms)
    found = []
    with Book.open(folder / "live.db", BookKind.LIVE, now_ms=clock.ms) as book, Writer(book) as writer:
        announcements = with_channel(book)
        watch = await watch_of(market, await market.symbols(), TIMEFRAMES)
        read = chart_reader(EASY, watch.series)
        scan = TimedScan(market, watch, EASY, read, clock.now_ms, stored_windows(book, market.source, EASY))
        live = Live(book, writer, market, watch, scan, EASY, announcements, "benchmark", clock.now_ms, lambda: None)
        await live.begin()
        for timeframe in TIMEFRAMES:  # as after a start: the windows are at hand, the kernel is compiled
            await scan.at(int(timeframe.floor(clock.ms)), (timeframe,))
        for day in range(rounds + 1):
            midnight_ms = LAST_DAY_MS + day * DAY_MS
            while clock.ms < midnight_ms - HOUR_MS:
                clock.ms += HOUR_MS
                await live.advance()
            before = posts(book)
            clock.ms = midnight_ms + AFTER_CLOSE_MS
            with Stopwatch() as stopwatch:
                await live.advance()
            signals = sum(isinstance(look.result, Signal) for look in scan.taken.looks)
            if day:  # the first one keeps the windows of the start, too
                found.append(Close(scan.took, stopwatch.took, len(scan.taken.looks), signals, posts(book) - before))
            clock.ms = midnight_ms + HOUR_MS // 2
    return found


class Script(WalkMarket):
    """Minutes as they are told, the same for every symbol."""

    price = FILL_PRICE + 2

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        open_ms = range(since_ms, until_ms, MINUTE_MS)
        column = [self.price] * len(open_ms)
        return Candles.checked(symbol, Timeframe.M1, open_ms, column, column, column, column, column)


async def settlements(folder: Path, symbols: int, positions: int) -> dict[str, Took]:
    """Orders that fill, positions that nothing happens to, and positions that are all stopped, each in one minute."""
    clock = ManualClock(LAST_DAY_MS + HOUR_MS // 2)
    market = Script(symbols, LAST_DAY_MS - DAY_MS, LAST_DAY_MS, clock.now_ms)
    with Book.open(folder / "positions.db", BookKind.LIVE, now_ms=clock.ms) as book, Writer(book) as writer:
        announcements = with_channel(book)
        watch = await watch_of(market, await market.symbols(), TIMEFRAMES)
        read = chart_reader(EASY)
        scan = LiveScan(market, watch, EASY, read, clock.now_ms, stored_windows(book, market.source, EASY))
        live = Live(book, writer, market, watch, scan, EASY, announcements, "benchmark", clock.now_ms, lambda: None)
        await live.begin()
        with book.transaction() as tx:
            for number in range(positions):
                armed(tx, watch.symbols[number % symbols], number, clock.ms, announcements)
        found = {}
        for what, price, still_open in (
            ("all orders fill", FILL_PRICE, positions),
            ("nothing happens", QUIET_PRICE, positions),
            ("all are stopped", STOP_PRICE, 0),
        ):
            clock.ms += MINUTE_MS
            market.price = price
            with Stopwatch() as stopwatch:
                await live.advance()
            found[what] = stopwatch.took
            with book.reading() as view:
                assert len(view.positions.open_positions()) == still_open
    return found


def armed(tx: Stores, symbol: str, number: int, at_ms: int, announcements: Announcements) -> None:
    """A sent signal with its order in the shadow book, which follows every sent one."""
    signal = replace(
        LONG, symbol=symbol, setup_key=f"sweep:{number}", candle_close_ms=at_ms, valid_until_ms=at_ms + DAY_MS
    )
    signal_id = tx.signals.record(signal, (), SignalStatus.ACCEPTED, None, at_ms).id
    announcements.signal(tx, signal_id, signal, at_ms)
    tx.signals.set_status(signal_id, SignalStatus.SENT, None, at_ms)
    arm(tx, tx.signals.get(signal_id), tx.portfolios.of_kind(PortfolioKind.SHADOW), at_ms)


def with_channel(book: Book) -> Announcements:
    with book.transaction() as tx:
        return Announcements((tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id,))


def posts(book: Book) -> int:
    with book.reading() as view:
        return view.outbox.backlog().waiting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} close instead of {ROUNDS}")
    parser.add_argument("--symbols", type=int, default=SYMBOLS, help="fewer are read by the interpreted kernel")
    arguments = parser.parse_args()
    rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        closed = asyncio.run(closes(Path(folder), arguments.symbols, rounds))
        settled = asyncio.run(settlements(Path(folder), arguments.symbols, POSITIONS))
    slowest = max(closed, key=lambda close: close.whole.wall_s)
    table = Table(title=f"{arguments.symbols} symbols x {len(TIMEFRAMES)} timeframes, {POSITIONS} positions")
    for column in ("what", "wall", "CPU", "limit"):
        table.add_column(column, justify="left" if column == "what" else "right")

    def row(what: str, took: Took, limit_s: float | None = None) -> None:
        limit = "" if limit_s is None else f"{limit_s:g} s"
        table.add_row(what, f"{took.wall_s:.2f} s", f"{took.cpu_s:.2f} s", limit)

    row(f"a close: {slowest.looks} looks decided, {slowest.signals} setups", slowest.decided)
    row(f"the same, recorded and {slowest.posts} posts queued", slowest.whole, CLOSE_LIMIT_S)
    for what, took in settled.items():
        row(f"a minute in which {what}", took, SETTLE_LIMIT_S)
    Console().print(table)
    ratios = [slowest.whole.wall_s / CLOSE_LIMIT_S, *(took.wall_s / SETTLE_LIMIT_S for took in settled.values())]
    print(f"slowest / its limit: {max(ratios):.2f}")


if __name__ == "__main__":
    main()
