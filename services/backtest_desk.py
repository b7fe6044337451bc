"""Backtests asked for in the chat: run in a process of their own, one at a time, and told when they are done."""

import asyncio
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from engine.candles import Candles
from engine.params import Params
from engine.timeframes import Timeframe
from gateways.candle_files import CandleFileError, read_series
from services.backtest import Tested, backtest, keep
from services.blackouts import NO_BLACKOUTS, Blackout, BlackoutFile
from services.rules import in_force
from storage.book import Book
from storage.stores import Stores
from storage.writer import Writer

BACKTEST_DONE = "backtest_done"
TIMEOUT_S = 600
MOST_SERIES = 24
MOST_BARS = 50_000
PICKS_UP_S = 5


class BacktestBusy(Exception):
    """A backtest runs already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tested: series of the book, of one symbol or timeframe or of all, or the files named."""

    symbol: str | None = None
    timeframe: Timeframe | None = None
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """No result, and in one sentence why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A result and the series it is about."""

    tested: Tested
    names: tuple[str, ...]


class BacktestDesk:
    """Takes one backtest after the other on the book at `path`; the answer goes to the chat that asked, by the outbox."""

    def __init__(
        self,
        path: Path,
        writer: Writer,
        base: Params,
        now_ms: Callable[[], int],
        blackouts: BlackoutFile = NO_BLACKOUTS,
    ) -> None:
        self._path = path
        self._writer = writer
        self._base = base
        self._now_ms = now_ms
        self._blackouts = blackouts
        self._running: asyncio.Task[None] | None = None

    def start(self, wanted: Wanted, chat_id: int) -> None:
        """Begin, and tell the chat (an id of the book) when it is done; BacktestBusy while another one runs."""
        if self._running is not None and not self._running.done():
            raise BacktestBusy
        self._running = asyncio.create_task(self._run(wanted, chat_id))

    async def wait(self) -> None:
        """Until what runs is done."""
        if self._running is not None:
            await self._running

    async def _run(self, wanted: Wanted, chat_id: int) -> None:
        now_ms = self._now_ms()
        params = await self._writer.run(lambda tx: in_force(tx, self._base))
        blackouts = self._blackouts.calendar().blackouts
        outcome = await asyncio.to_thread(in_a_process, self._path, wanted, params, now_ms, blackouts)

        def told(tx: Stores) -> None:
            facts: dict[str, int | str]
            if isinstance(outcome, Failed):
                facts = {"reason": outcome.reason}
            else:
                names = outcome.names
                facts = {"id": keep(tx, outcome.tested, " ".join(names), names, params, now_ms)}
            tx.outbox.queue(BACKTEST_DONE, facts, f"{BACKTEST_DONE}:{chat_id}:{now_ms}", (chat_id,), self._now_ms())

        await self._writer.run(told)


def in_a_process(
    path: Path, wanted: Wanted, params: Params, now_ms: int, blackouts: tuple[Blackout, ...] = ()
) -> Found | Failed:
    """The whole test in a spawned process, which is ended when it takes too long."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("spawn").Process(
        target=_work, args=(theirs, path, wanted, params, now_ms, blackouts), name="backtest", daemon=True
    )
    worker.start()
    theirs.close()
    try:
        if not ours.poll(TIMEOUT_S):
            return Failed(f"it took more than {TIMEOUT_S} s")
        outcome: Found | Failed = ours.recv()
        return outcome
    except EOFError:
        worker.join(PICKS_UP_S)
        return Failed(f"its process ended with code {worker.exitcode}")
    finally:
        worker.kill()
        worker.join()
        ours.close()


def outcome_of(
    path: Path, wanted: Wanted, params: Params, now_ms: int, blackouts: tuple[Blackout, ...] = ()
) -> Found | Failed:
    """The test itself, on at most MOST_SERIES series of at most MOST_BARS bars each."""
    try:
        series = read_series(wanted.files) if wanted.files else _of_book(path, wanted)
    except CandleFileError as error:
        return Failed(str(error))
    if not series:
        return Failed("there are no candles of that")
    if len(series) > MOST_SERIES or max(map(len, series)) > MOST_BARS:
        return Failed(
            f"that is more than {MOST_SERIES} series of {MOST_BARS} bars; `bot.py backtest` has no such limits"
        )
    names = tuple(f"{candles.symbol} {candles.timeframe.text}" for candles in series)
    try:
        return Found(backtest(series, params, now_ms=now_ms, blackouts=blackouts), names)
    except ValueError as error:
        return Failed(str(error))


def _of_book(path: Path, wanted: Wanted) -> list[Candles]:
    with Book.open_read_only(path) as book, book.reading() as view:
        found = []
        for held in view.candles.series():
            timeframe = Timeframe.parse(held.timeframe)
            fits = wanted.symbol in (None, held.symbol) and wanted.timeframe in (None, timeframe)
            if fits and timeframe is not Timeframe.M1:
                found.append(view.candles.load(held.symbol, timeframe, held.source, MOST_BARS))
        return [candles for candles in found if len(candles)]


def _work(
    answer: Pipe, path: Path, wanted: Wanted, params: Params, now_ms: int, blackouts: tuple[Blackout, ...]
) -> None:
    answer.send(outcome_of(path, wanted, params, now_ms, blackouts))
