"""Live looks: the closed candles of every series of one instant, checked, and what is decided on them.

The network is asked concurrently and decisions are taken in threads (the compiled kernel releases the interpreter
lock), all of it between transactions. The windows kept here are copies of what the exchange has already closed and what
the book holds of it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.candles import Candles
from engine.looks import ReadChart, Stack, each_once, look
from engine.looks import chart_reader as reader_with
from engine.params import Params
from engine.runner import INTERPRETED, compiled
from engine.timeframes import Timeframe, context_of
from engine.vocabulary import Rejected, Signal, Stage
from gateways.market import MarketData, MarketError, UnknownSymbol
from ml.acting import Acting
from ml.features import feature_reader
from services.feed import ASK_ANEW_MS, Feed, Hole, Holes, SeriesKey, holes
from services.predict import with_word
from services.record import Looked
from storage.book import Book

BTC = "BTCUSDT"
FETCHES_AT_ONCE = 6
INTERPRETED_SERIES = 60
"""Up to here the interpreted kernel decides a close of all series in half a second of one core; beyond, the compiled one
is worth its 100 MB."""

Stored = Callable[[str, Timeframe, int], Candles]
"""The window that the book holds of a symbol and timeframe, closed at or before an instant, as far as it goes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched: every symbol on every timeframe; `ticks` are the smallest price steps by symbol."""

    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    ticks: Mapping[str, float]
    has_btc: bool

    @property
    def series(self) -> int:
        """How many series are decided when all timeframes close at once."""
        return len(self.symbols) * len(self.timeframes)


@dataclass(frozen=True, slots=True)
class Taken:
    """The looks of one instant, and the candles fetched for them and for instants that could not be decided before.

    `waiting` says why some looks could not see their last candle; such a look carries that as its rejection. `lacking`
    are the series that this is about, `missing` the bars that the exchange does not have; holes of `filled` it had.
    """

    at_ms: int
    looks: tuple[Looked, ...]
    fetched: tuple[Candles, ...]
    waiting: tuple[str, ...]
    lacking: Mapping[SeriesKey, str]
    missing: tuple[Holes, ...]
    filled: tuple[SeriesKey, ...]
    saw_nothing: bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a window cannot be decided on; `passes` when the exchange may still fill it, `unseen` without its last bar."""

    rejected: Rejected
    passes: bool
    unseen: bool = True


class LiveScan:
    """Takes the looks of one instant after the other; never goes back in time.

    `acting` gives the model whose word joins every signal, if there is one. What the feed leaves out is not asked for.
    """

    def __init__(
        self,
        market: MarketData,
        watch: Watch,
        params: Params,
        read: ReadChart,
        now_ms: Callable[[], int],
        stored: Stored,
        acting: Callable[[], Acting | None] = lambda: None,
        feed: Feed | None = None,
    ) -> None:
        self._market = market
        self._watch = watch
        self._params = params
        self._read = read
        self._now_ms = now_ms
        self._stored = stored
        self._acting = acting
        self._describer = feature_reader(params)
        self._windows: dict[SeriesKey, Candles] = {}
        # a look that is given back must not take its candles with it; by first bar, because it is fetched again and again
        self._unbooked: dict[tuple[SeriesKey, int], Candles] = {}
        self._missing: dict[SeriesKey, Holes] = {}
        self._filled: list[SeriesKey] = []
        self._named: set[tuple[SeriesKey, Hole]] = set()
        self._whole_ms: dict[SeriesKey, int] = {}
        self._feed = feed or Feed()
        self._at_once = asyncio.Semaphore(FETCHES_AT_ONCE)

    def rewatch(self, watch: Watch) -> None:
        """Look at other symbols from the next instant on; what is no longer looked at is forgotten."""
        self._watch = watch
        needed = self.needed()
        self._windows = {key: window for key, window in self._windows.items() if key in needed}

    def needed(self) -> set[SeriesKey]:
        """Every series that a look is taken on, those left out at present too."""
        symbols = (*self._watch.symbols, *((BTC,) if self._watch.has_btc else ()))
        own = {(symbol, timeframe) for symbol in symbols for timeframe in self._watch.timeframes}
        return own | {(symbol, context_timeframe(timeframe)) for symbol, timeframe in own}

    async def at(self, instant_ms: int, timeframes: Sequence[Timeframe], in_force: Params | None = None) -> Taken:
        """Looks at every symbol on these timeframes, which all close at `instant_ms`.

        They are decided by the parameters `in_force`, without any by those the scan was made with.
        """
        params = in_force or self._params
        wanted = [(symbol, timeframe) for symbol in self._watch.symbols for timeframe in timeframes]
        needed = list(dict.fromkeys(key for series in wanted for key in self._stack_keys(*series)))
        windows = await asyncio.gather(*(self._window_or_flaw(key, instant_ms) for key in needed))
        found = dict(zip(needed, windows, strict=True))
        lacking = {key: one for key, one in found.items() if isinstance(one, Flaw) and one.passes}
        doubtful = [key for key in lacking if self._feed.doubts(key[0])]
        found.update({key: replace(lacking[key], passes=False) for key in doubtful})
        read = each_once(self._read)
        looks: list[Looked] = []
        waiting: list[str] = []
        unseen = 0
        for symbol, timeframe in wanted:
            begun_ms = self._now_ms()
            parts = [found[key] for key in self._stack_keys(symbol, timeframe)]
            flaw = next((part for part in parts if isinstance(part, Flaw)), None)
            stack = [part for part in parts if isinstance(part, Candles)]
            result = flaw.rejected if flaw else await self._decided(stack, params, read)
            if flaw and flaw.passes:
                waiting.append(flaw.rejected.reason)
            unseen += flaw is not None and flaw.unseen
            looks.append(Looked(symbol, timeframe, instant_ms, result, self._now_ms() - begun_ms))
        return Taken(
            instant_ms,
            with_word(looks, self._acting()),
            tuple(self._unbooked.values()),
            tuple(waiting),
            {key: one.rejected.reason for key, one in lacking.items()},
            tuple(self._missing.values()),
            tuple(self._filled),
            saw_nothing=bool(lacking) and unseen == len(looks),
        )

    def booked(self) -> None:
        """The candles of the last look stand in the book now."""
        self._named.update((key, hole) for key, missing in self._missing.items() for hole in missing.holes)
        self._unbooked.clear()
        self._missing.clear()
        self._filled.clear()

    def _stack_keys(self, symbol: str, timeframe: Timeframe) -> tuple[SeriesKey, ...]:
        """The series of a stack: its own, the one of its context, and BTC's beside them."""
        own_and_context = ((symbol, timeframe), (symbol, context_timeframe(timeframe)))
        if symbol == BTC or not self._watch.has_btc or self._feed.why_silent((BTC, timeframe)):
            return own_and_context
        return (*own_and_context, (BTC, timeframe))

    async def _decided(self, parts: Sequence[Candles], params: Params, read: ReadChart) -> Signal | Rejected:
        stack = Stack(*parts)
        tick_size = self._watch.ticks[stack.own.symbol]
        return await asyncio.to_thread(look, stack, params, read, tick_size, self._describer)

    async def _window_or_flaw(self, key: SeriesKey, instant_ms: int) -> Candles | Flaw:
        if (why := self._feed.why_silent(key)) is not None:
            return Flaw(Rejected(Stage.DATA, f"{key[0]} {key[1].text} is left out: {why}"), passes=False)
        try:
            async with self._at_once:
                window = await self._window(key, instant_ms)
        except MarketError as error:
            return Flaw(Rejected(Stage.DATA, str(error)), passes=True)
        flaw = flaw_of(window, instant_ms)
        if flaw is not None:
            if not flaw.passes:
                self._windows.pop(key, None)  # the next look asks for the whole window again
            return flaw
        if found := tuple(hole for hole in holes(window) if (key, hole) not in self._named):
            self._missing[key] = Holes(*key, found)
        return window

    async def _window(self, key: SeriesKey, instant_ms: int) -> Candles:
        symbol, timeframe = key
        count, closed_ms = self._params.window.window_bars, timeframe.floor(instant_ms)
        known = self._windows.get(key) or self._kept(key, instant_ms)
        if known is None or known.closed_at_ms < closed_ms - count * timeframe.ms:
            window = await self._whole(key, instant_ms)
        elif known.closed_at_ms < closed_ms:
            news = await self._market.candles_since(symbol, timeframe, known.closed_at_ms, instant_ms)
            self._keep_unbooked(key, news)
            window = _joined(known, news)
        else:
            window = known
        if window.gaps() and instant_ms - self._whole_ms.get(key, 0) >= ASK_ANEW_MS:
            holed, window = window, await self._whole(key, instant_ms)
            if len(holes(window)) < len(holes(holed)):
                self._filled.append(key)
        if len(window):
            self._windows[key] = window = window.window(len(window), count)
        return window

    async def _whole(self, key: SeriesKey, instant_ms: int) -> Candles:
        """The window as the exchange has it, every bar of it fetched anew."""
        window = await self._market.candles(*key, self._params.window.window_bars, instant_ms)
        self._whole_ms[key] = instant_ms
        self._keep_unbooked(key, window)
        return window

    def _keep_unbooked(self, key: SeriesKey, fetched: Candles) -> None:
        if len(fetched):
            self._unbooked[key, int(fetched.open_ms[0])] = fetched

    def _kept(self, key: SeriesKey, instant_ms: int) -> Candles | None:
        """The window of an earlier run, when it is whole; what is missing behind it is asked of the exchange."""
        kept = self._stored(*key, instant_ms)
        return kept if len(kept) == self._params.window.window_bars and not kept.gaps() else None


def chart_reader(params: Params, series: int = 1) -> ReadChart:
    """Reads the charts of so many series at a time, in the form of the kernel that pays for them."""
    return reader_with(params, INTERPRETED if series <= INTERPRETED_SERIES else compiled())


async def fresh_look(
    market: MarketData, symbol: str, timeframe: Timeframe, params: Params, read: ReadChart, now_ms: int
) -> tuple[int, Signal | Rejected]:
    """The decision at the last closed candle of any series, and when that closed; MarketError when it cannot be had."""
    instant_ms, count = timeframe.floor(now_ms), params.window.window_bars
    instrument = await market.instrument(symbol)
    keys = [(symbol, timeframe), (symbol, context_timeframe(timeframe))]
    if symbol != BTC and BTC in await market.symbols():
        keys.append((BTC, timeframe))
    windows = await asyncio.gather(*(market.candles(*key, count, instant_ms) for key in keys))
    for window in windows:
        if (flaw := flaw_of(window, instant_ms)) is not None:
            return instant_ms, flaw.rejected
    stack, describer = Stack(*windows), feature_reader(params)
    return instant_ms, await asyncio.to_thread(look, stack, params, read, instrument.tick_size, describer)


def stored_windows(book: Book, source: str, params: Params) -> Stored:
    """The windows of decisions before the last restart."""

    def stored(symbol: str, timeframe: Timeframe, until_ms: int) -> Candles:
        with book.reading() as view:
            return view.candles.load(symbol, timeframe, source, params.window.window_bars, until_ms)

    return stored


async def watch_of(market: MarketData, symbols: Sequence[str], timeframes: Sequence[Timeframe]) -> Watch:
    """The watch over these symbols; UnknownSymbol for one the exchange does not list."""
    listed = await market.symbols()
    for symbol in symbols:
        if symbol not in listed:
            raise UnknownSymbol(symbol, market.source, listed)
    ticks = {symbol: (await market.instrument(symbol)).tick_size for symbol in symbols}
    return Watch(tuple(symbols), tuple(timeframes), ticks, BTC in listed)


def context_timeframe(timeframe: Timeframe) -> Timeframe:
    """The higher timeframe a watched one is read in."""
    context = context_of(timeframe)
    assert context is not None, "settings let only timeframes with a context through"
    return context


def flaw_of(window: Candles, instant_ms: int) -> Flaw | None:
    """What is wrong with a window that should end with the last candle closed at `instant_ms`; None when nothing."""
    name, due_ms = f"{window.symbol} {window.timeframe.text}", window.timeframe.floor(instant_ms)
    if not len(window):
        return Flaw(Rejected(Stage.DATA, f"{name} has no closed candles", "0"), passes=True)
    behind = (due_ms - window.closed_at_ms) / window.timeframe.ms
    if behind > 0:
        return Flaw(Rejected(Stage.DATA, f"{name} is stale", f"{behind:g} bars behind", "0"), passes=True)
    if behind < 0:
        return Flaw(Rejected(Stage.DATA, f"{name} ends with a forming candle", f"{-behind:g} bars", "0"), passes=True)
    if young := [hole for hole in holes(window) if not hole.is_final(instant_ms)]:
        missing = sum(hole.end_ms - hole.first_ms for hole in young) // window.timeframe.ms
        rejected = Rejected(Stage.DATA, f"{name} has holes in time", f"{missing} bars missing", "0")
        return Flaw(rejected, passes=False, unseen=False)
    return None


def _joined(known: Candles, news: Candles) -> Candles:
    """Two stretches of one series in a row; `news` begins where `known` ends or later."""
    if not len(news):
        return known
    return Candles(
        known.symbol,
        known.timeframe,
        np.concatenate([known.open_ms, news.open_ms]),
        np.concatenate([known.open, news.open]),
        np.concatenate([known.high, news.high]),
        np.concatenate([known.low, news.low]),
        np.concatenate([known.close, news.close]),
        np.concatenate([known.volume, news.volume]),
    )
