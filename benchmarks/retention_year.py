"""A year of a live book with 50 symbols x 4 timeframes: how large it gets, table by table, and that it then stays so.

    python benchmarks/retention_year.py [--quick]

The pipeline that writes it is the live one: looks are recorded, orders followed on minute candles, posts marked as sent
and put on record, jobs claimed, a model stored every week, reports kept, and retention runs every day. Only what costs
days of computing is borrowed: looks and candles come from a few simulated markets and are told again for other symbols
at other times. The hours are those of the book; nothing waits. The last line is the size as a ratio of the limit.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.candles import Candles
from engine.looks import Looks, Stack, chart_reader
from engine.params import Params
from engine.runner import compiled
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe, context_of
from engine.vocabulary import BookKind, Market, Signal
from gateways.market import Instrument
from gateways.simulated_market import DEFAULT_SYMBOLS, SimulatedMarket
from ml.acting import Acting
from ml.features import feature_reader
from services.announce import Announcements
from services.digest import queue_digest
from services.live import AFTER_CLOSE_MS, Live
from services.live_scan import LiveScan, Taken, stored_windows, watch_of
from services.predict import load_acting, with_word
from services.publish import publish, set_public_channel
from services.record import Looked
from services.report_delivery import due_reports, keep_reports
from services.schedule import Chores, Job, jobs
from services.send import signal_is_out
from services.train import Trained, keep
from services.training import train_book
from storage.book import Book
from storage.chats import ChatKind
from storage.job_runs import JobStatus
from storage.publications import Delivery
from storage.retention import forget
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.services.rig import CHANNEL, LIVELY
from tests.services.test_train import with_backtest

SYMBOLS, QUICK_SYMBOLS = 50, 8
DAYS, QUICK_DAYS = 365, 50
AFTERWARDS_DAYS, QUICK_AFTERWARDS_DAYS = 60, 10
TIMEFRAMES = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1)
MARKETS = 2
APART_MS = 2 * DAY_MS
"""How far apart in time two symbols tell the same market."""
BEGIN_MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC
WEEKS = 350
"""Pairs are not older than that; of every other timeframe there is a whole window."""
LIMIT_MB, MB = 1_000, 1_000_000
RETENTION_AT_MS, REPORTS_AT_MS = 3 * HOUR_MS, 8 * HOUR_MS
LESSONS = 700
"""Trades that the model of every week learns from."""
PARAMS = LIVELY
"""Gates wider open than those of the defaults: more posts, orders and fills than anybody will see."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A simulated market whose looks and candles are told again."""

    candles: Mapping[Timeframe, Candles]
    looks: Mapping[tuple[Timeframe, int], Looked]


def origin(number: int, begin_ms: int, end_ms: int) -> Origin:
    """The looks of one simulated symbol at every close of all timeframes, taken as live takes them."""
    market = SimulatedMarket(7, lambda: end_ms)
    name, btc = DEFAULT_SYMBOLS[number].symbol, DEFAULT_SYMBOLS[0].symbol
    needed = {*TIMEFRAMES, *(one for timeframe in TIMEFRAMES if (one := context_of(timeframe)) is not None)}

    def bars(symbol: str, timeframe: Timeframe) -> Candles:
        return market.bars(symbol, timeframe, begin_ms - _bars_before(timeframe) * timeframe.ms, end_ms)

    candles = {timeframe: bars(name, timeframe) for timeframe in needed}
    looks = {}
    for timeframe in TIMEFRAMES:
        context = context_of(timeframe)
        assert context is not None
        own = candles[timeframe]
        stack = Stack(own, candles[context], bars(btc, timeframe))
        passes = Looks(stack, PARAMS, chart_reader(PARAMS, compiled()), describer=feature_reader(PARAMS))
        for bar in range(_bars_before(timeframe), len(own)):
            close_ms = int(own.open_ms[bar]) + timeframe.ms
            looks[timeframe, close_ms] = Looked(name, timeframe, close_ms, passes.at(bar), 3)
    return Origin({**candles, Timeframe.M1: market.bars(name, Timeframe.M1, begin_ms, end_ms)}, looks)


def _bars_before(timeframe: Timeframe) -> int:
    """How many bars there are before the begin."""
    return WEEKS if timeframe is Timeframe.W1 else PARAMS.window.window_bars


class Retold:
    """`MarketData` of many symbols, each telling one of a few markets at a time of its own."""

    source = "binance"

    def __init__(self, symbols: int, origins: Sequence[Origin], now_ms: Callable[[], int]) -> None:
        self._names = tuple("BTCUSDT" if not number else f"C{number:02d}USDT" for number in range(symbols))
        self._origins = origins
        self._now_ms = now_ms

    def look(self, symbol: str, timeframe: Timeframe, close_ms: int) -> Looked:
        """What a look at this symbol would see."""
        told, later_ms = self._told(symbol)
        look = told.looks[timeframe, close_ms + later_ms]
        result = look.result
        if isinstance(result, Signal):
            result = replace(
                result, symbol=symbol, candle_close_ms=close_ms, valid_until_ms=result.valid_until_ms - later_ms
            )
        return Looked(symbol, timeframe, close_ms, result, look.duration_ms)

    def bars(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        """Those that open at `since_ms` or later and close by `until_ms`."""
        told, later_ms = self._told(symbol)
        later_ms -= later_ms % timeframe.ms  # a week begins on a Monday
        candles = told.candles[timeframe]
        first, last = np.searchsorted(candles.open_ms, (since_ms + later_ms, until_ms + later_ms - timeframe.ms + 1))
        part = candles.window(int(last), max(int(last - first), 0))
        return replace(part, symbol=symbol, open_ms=part.open_ms - later_ms)

    async def candles(self, symbol: str, timeframe: Timeframe, count: int, until_ms: int) -> Candles:
        return self.bars(symbol, timeframe, timeframe.floor(until_ms) - count * timeframe.ms, until_ms)

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        return self.bars(symbol, timeframe, since_ms, until_ms)

    async def instrument(self, symbol: str) -> Instrument:
        return Instrument(symbol, 0.01, 0.01, 5.0, Market.USDT_M)

    async def server_time_ms(self) -> int:
        return self._now_ms()

    async def symbols(self) -> tuple[str, ...]:
        return self._names

    async def volumes(self) -> Mapping[str, float]:
        return dict.fromkeys(self._names, 1.0)

    def _told(self, symbol: str) -> tuple[Origin, int]:
        number = self._names.index(symbol)
        return self._origins[number % len(self._origins)], number // len(self._origins) * APART_MS


class BorrowedLooks(LiveScan):
    """Looks that were taken before; the candles that a live look would have fetched come with them."""

    def __init__(self, market: Retold, *others: Any) -> None:
        super().__init__(market, *others)
        self._retold = market
        self._fetched_ms: dict[tuple[str, Timeframe], int] = {}

    async def at(self, instant_ms: int, timeframes: Sequence[Timeframe], in_force: Params | None = None) -> Taken:
        symbols = self._watch.symbols
        looks = [self._retold.look(symbol, timeframe, instant_ms) for symbol in symbols for timeframe in timeframes]
        needed = {*timeframes, *(one for timeframe in timeframes if (one := context_of(timeframe)) is not None)}
        fetched = [self._news(symbol, timeframe, instant_ms) for symbol in symbols for timeframe in needed]
        told = with_word(looks, self._acting())
        news = tuple(one for one in fetched if len(one))
        return Taken(instant_ms, told, news, (), {}, (), (), saw_nothing=False)

    def _news(self, symbol: str, timeframe: Timeframe, until_ms: int) -> Candles:
        """A window at first, then what has closed since."""
        closed_ms = int(timeframe.floor(until_ms))
        since_ms = self._fetched_ms.get((symbol, timeframe), closed_ms - _bars_before(timeframe) * timeframe.ms)
        self._fetched_ms[symbol, timeframe] = closed_ms
        return self._retold.bars(symbol, timeframe, since_ms, closed_ms)


@dataclass(frozen=True, slots=True)
class Size:
    """The book on a day: the file, what of it is free, in bytes."""

    day: int
    file: int
    free: int


class Life:
    """A live book that is lived through hour by hour."""

    def __init__(self, book: Book, writer: Writer, market: Retold, clock: ManualClock, model: Trained) -> None:
        self._book, self._writer, self._clock, self._model = book, writer, clock, model
        self._market = market
        self._acting: Acting | None = None
        self.forgetting_s = 0.0
        """CPU seconds that the last retention took."""

    async def begin(self) -> None:
        """As at the first start: a channel, the account, a model."""
        book, clock = self._book, self._clock
        with book.transaction() as tx:
            channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL)
            set_public_channel(tx, channel.id)
        self._announcements = Announcements((channel.id,))
        watch = await watch_of(self._market, await self._market.symbols(), TIMEFRAMES)
        read = chart_reader(PARAMS, compiled())
        stored = stored_windows(book, self._market.source, PARAMS)
        scan = BorrowedLooks(self._market, watch, PARAMS, read, clock.now_ms, stored, lambda: self._acting)
        self._live = Live(
            book, self._writer, self._market, watch, scan, PARAMS, self._announcements, "benchmark", clock.now_ms,
            lambda: None,
        )  # fmt: skip
        await self._live.begin()
        nothing = dict.fromkeys((field.name for field in fields(Chores)), self._live.begin)
        self._jobs = [job for job in jobs(self._live, TIMEFRAMES, Chores(**nothing)) if job.claims]
        self._learn()

    async def hour(self) -> None:
        """The next hour: its minutes' jobs, its looks, its posts, and what is due once a day."""
        ends_ms = self._clock.ms + HOUR_MS
        self._clock.ms = ends_ms + AFTER_CLOSE_MS
        await self._live.advance()
        with self._book.transaction() as tx:
            for job in self._jobs:
                self._ran(tx, job, ends_ms)
            self._send(tx)
            queue_digest(tx, self._announcements, self._clock.ms)
            if ends_ms % DAY_MS == RETENTION_AT_MS:
                begun_s = process_time()
                forget(tx, self._clock.ms)
                self.forgetting_s = process_time() - begun_s
            if ends_ms % DAY_MS == REPORTS_AT_MS:
                keep_reports(tx, due_reports(tx, self._clock.ms), self._announcements, self._clock.ms)
        if ends_ms % (7 * DAY_MS) == 0:
            self._learn()
        self._clock.ms = ends_ms

    def _ran(self, tx: Stores, job: Job, ends_ms: int) -> None:
        """The slots of an hour, one after the other."""
        for slot_ms in range(-(-(ends_ms - HOUR_MS) // job.period.ms) * job.period.ms, ends_ms, job.period.ms):
            tx.job_runs.claim(job.name, slot_ms, "benchmark", slot_ms + job.after_ms)
            tx.job_runs.finish(job.name, slot_ms, JobStatus.OK, None, slot_ms + job.after_ms)

    def _send(self, tx: Stores) -> None:
        """Everything in the outbox goes out."""
        now_ms = self._clock.ms
        while due := tx.outbox.due(now_ms, 100):
            for item in due:
                tx.outbox.mark_sending(item.id)
                tx.outbox.mark_sent(item.id, item.id, now_ms)
                signal_is_out(tx, item, now_ms)
                publish(tx, item, Delivery.SENT, now_ms)

    def _learn(self) -> None:
        now_ms = self._clock.ms
        with self._book.transaction() as tx:
            trained = Trained(replace(self._model.model, trained_ms=now_ms), promoted=True)
            keep(tx, trained, "benchmark")
            self._acting = load_acting(tx, now_ms, PARAMS.learning.expires_after_days * DAY_MS)


def model_of(folder: Path) -> Trained:
    """A model with the features of today, trained on invented trades."""
    with Book.open(folder / "lessons.db", BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book, count=LESSONS), Params(), BEGIN_MS)
    assert isinstance(outcome, Trained)
    return outcome


async def lived(folder: Path, symbols: int, days: int) -> tuple[list[Size], float]:
    """The sizes at the end of each day, and how long the last retention took."""
    end_ms = BEGIN_MS + days * DAY_MS
    last_ms = end_ms + (symbols - 1) // MARKETS * APART_MS
    origins = [origin(number, BEGIN_MS, last_ms) for number in track(range(min(MARKETS, symbols)), "markets")]
    clock = ManualClock(BEGIN_MS)
    market = Retold(symbols, origins, clock.now_ms)
    sizes = []
    with Book.open(folder / "live.db", BookKind.LIVE, now_ms=BEGIN_MS) as book, Writer(book) as writer:
        life = Life(book, writer, market, clock, model_of(folder))
        await life.begin()
        for day in track(range(days), "days"):
            for _ in range(24):
                await life.hour()
            sizes.append(size_of(day + 1, folder / "live.db"))
    return sizes, life.forgetting_s


def size_of(day: int, path: Path) -> Size:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        pages, free, page = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return Size(day, pages * page, free * page)


def tables_of(path: Path) -> list[tuple[str, int, int]]:
    """Rows and bytes, indices included, of every table of the schema, the largest first; bytes are 0 without dbstat."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        taken = dict(
            connection.execute(
                "SELECT m.tbl_name, SUM(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name=d.name GROUP BY 1"
            )
        )
        rows = {name: connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}
    return sorted(((name, rows[name], taken.get(name, 0)) for name in names), key=lambda one: -one[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SYMBOLS} symbols, {QUICK_DAYS} days")
    quick = parser.parse_args().quick
    symbols, days = (QUICK_SYMBOLS, QUICK_DAYS) if quick else (SYMBOLS, DAYS)
    afterwards = QUICK_AFTERWARDS_DAYS if quick else AFTERWARDS_DAYS
    with tempfile.TemporaryDirectory() as folder:
        sizes, forgetting_s = asyncio.run(lived(Path(folder), symbols, days + afterwards))
        tables = tables_of(Path(folder) / "live.db")
    table = Table(title=f"{symbols} symbols x {len(TIMEFRAMES)} timeframes after {days} + {afterwards} days")
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("MB", justify="right")
    for name, rows, taken in tables:
        if rows:
            table.add_row(name, f"{rows:,}", f"{taken / MB:.1f}")
    Console().print(table)
    for size in sizes[:: max(len(sizes) // 12, 1)]:
        print(f"day {size.day:>4}: {size.file / MB:7.1f} MB, {size.free / MB:5.1f} MB of it free")
    year, end = sizes[days - 1], sizes[-1]
    growth = (end.file - year.file) / MB / afterwards
    print(f"after {days} days {year.file / MB:.1f} MB, then {growth * 1000:.0f} kB a day; CPU {process_time():.0f} s")
    print(f"the last retention took {forgetting_s:.1f} s of CPU")
    print(f"the year / {LIMIT_MB} MB: {year.file / MB / LIMIT_MB:.2f}")


if __name__ == "__main__":
    main()
