"""Binance over its public REST: closed candles, instruments and the time, for spot and for USDT-M futures."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
import numpy as np

from engine.candles import Candles, InputError, resampled
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.binance_http import ANSWER_TIMEOUT_S, BinanceHttp, Host, Sleep, random_ratio
from gateways.market import BadAnswer, Instrument, UnknownSymbol

SOURCE = "binance"
INFO_VALID_MS = 6 * HOUR_MS
CLOCK_VALID_MS = 10 * MINUTE_MS
NEXT_PAUSES_S = (0.0, 1.0, 2.0)  # before each question whether a next candle has begun
NEXT_WITHIN_MS = 8_000  # after a close; later than that it is asked for once

Row = list[object]
_KLINE_CELLS = 6  # open time, open, high, low, close, volume; what follows is not ours
_BUILT_FROM = {Timeframe.H3: Timeframe.H1}  # what Binance does not offer, out of what it does


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a market of Binance lives and what asking costs there (request weight, as documented)."""

    host: Host
    prefix: str
    page: int
    kline_weights: tuple[tuple[int, int], ...]  # (up to so many bars, weight)
    info_weight: int
    ticker_weight: int

    def kline_weight(self, bars: int) -> int:
        return next(weight for most, weight in self.kline_weights if bars <= most)


# A page of 1,000 bars costs 5 on futures and one of 1,500 costs 10, so the largest page is not the cheapest.
ENDPOINTS = {
    Market.SPOT: Endpoints(
        host=Host("https://api.binance.com", weight_per_minute=6000),
        prefix="/api/v3",
        page=1000,
        kline_weights=((1000, 2),),
        info_weight=20,
        ticker_weight=80,
    ),
    Market.USDT_M: Endpoints(
        host=Host("https://fapi.binance.com", weight_per_minute=2400),
        prefix="/fapi/v1",
        page=1000,
        kline_weights=((99, 1), (499, 2), (1000, 5), (1500, 10)),
        info_weight=1,
        ticker_weight=40,
    ),
}


class Binance:
    """`MarketData` of one Binance market. Every time is the exchange's own; a forming candle is never given.

    Closed is what the clock says and what another candle follows: of a feed that stands still while a candle forms,
    that candle looks closed as soon as its time is over.

    `blocked_until_ms` is to be kept over restarts while it lies ahead, and handed back: asking during a ban makes it
    longer. Close with `aclose`.
    """

    source = SOURCE

    def __init__(
        self,
        market: Market,
        now_ms: Callable[[], int],
        *,
        base_url: str | None = None,
        blocked_until_ms: int = 0,
        sleep: Sleep = asyncio.sleep,
        jitter_ratio: Callable[[], float] = random_ratio,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.market = market
        self._at = ENDPOINTS[market]
        host = Host(base_url or self._at.host.base_url, self._at.host.weight_per_minute)
        self._now_ms = now_ms
        self._sleep = sleep
        self._http = BinanceHttp(host, now_ms, sleep, jitter_ratio, blocked_until_ms, answer_timeout_s, transport)
        self._instruments: dict[str, Instrument] = {}
        self._info_until_ms = 0
        self.ahead_ms: int | None = None
        """How far the exchange's clock is ahead of ours; None before it was asked."""
        self._clock_until_ms = 0

    @property
    def blocked_until_ms(self) -> int:
        """Until when the exchange wants to hear nothing from this address; in the past when all is well."""
        return self._http.blocked_until_ms

    @property
    def used_weight(self) -> int:
        """What was asked in the minute of the last question, by everybody at this address."""
        return self._http.budget.used

    @property
    def most_weight(self) -> int:
        """What we let ourselves ask in a minute."""
        return self._http.budget.limit

    async def aclose(self) -> None:
        await self._http.aclose()

    async def rebuild(self) -> None:
        """Begin anew: other connections, and the exchange's list and clock are asked again when they are needed."""
        await self._http.reconnect()
        self._info_until_ms = self._clock_until_ms = 0

    async def candles(self, symbol: str, timeframe: Timeframe, count: int, until_ms: int) -> Candles:
        if timeframe in _BUILT_FROM:
            lower = _BUILT_FROM[timeframe]
            bars_per_bar = timeframe.ms // lower.ms
            wanted = (count + 1) * bars_per_bar  # one more, because both ends may cut a bar
            built = resampled(await self.candles(symbol, lower, wanted, until_ms), timeframe)
            return built.window(len(built), count)
        closed_ms = min(until_ms, await self._server_now_ms())
        pages: list[list[Row]] = []
        missing, end_ms = count + 1, closed_ms  # the one that follows, too
        while missing > 0:
            page = await self._klines(symbol, timeframe, min(missing, self._at.page), end_ms=end_ms)
            pages.insert(0, page)
            if len(page) < min(missing, self._at.page):
                break
            missing -= len(page)
            end_ms = _open_ms(page[0]) - 1
        closed = await self._closed(symbol, timeframe, pages, closed_ms)
        return closed.window(len(closed), count)

    async def candles_since(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        if timeframe in _BUILT_FROM:
            first_ms = timeframe.floor(since_ms + timeframe.ms - 1)
            return resampled(await self.candles_since(symbol, _BUILT_FROM[timeframe], first_ms, until_ms), timeframe)
        closed_ms = min(until_ms, await self._server_now_ms())
        pages: list[list[Row]] = []
        start_ms, last_ms = since_ms, closed_ms - timeframe.ms
        while start_ms <= last_ms:
            wanted = min(self._at.page, (last_ms - start_ms) // timeframe.ms + 2)  # the one that follows, too
            page = await self._klines(symbol, timeframe, wanted, start_ms=start_ms)
            pages.append(page)
            if len(page) < wanted:
                break
            start_ms = _open_ms(page[-1]) + 1
        return await self._closed(symbol, timeframe, pages, closed_ms)

    async def instrument(self, symbol: str) -> Instrument:
        instruments = await self._listed()
        if symbol not in instruments:
            raise UnknownSymbol(symbol, "Binance", instruments)
        return instruments[symbol]

    async def symbols(self) -> tuple[str, ...]:
        return tuple(sorted(await self._listed()))

    async def volumes(self) -> dict[str, float]:
        answer = await self._http.get(f"{self._at.prefix}/ticker/24hr", {}, self._at.ticker_weight)
        listed = await self._listed()
        try:
            return {row["symbol"]: float(row["quoteVolume"]) for row in answer if row["symbol"] in listed}
        except (TypeError, KeyError, ValueError) as error:
            raise BadAnswer(f"Binance's volumes cannot be read: {error!r}.") from error

    async def server_time_ms(self) -> int:
        answer = await self._http.get(f"{self._at.prefix}/time", {}, weight=1)
        try:
            return int(answer["serverTime"])
        except (TypeError, KeyError, ValueError) as error:
            raise BadAnswer(f"Binance answered the question for its time with {str(answer)[:80]!r}.") from error

    async def _server_now_ms(self) -> int:
        """The exchange's time by our clock; a clock that runs ahead would take forming candles for closed ones."""
        if self.ahead_ms is None or self._now_ms() >= self._clock_until_ms:
            asked_ms = self._now_ms()
            server_ms = await self.server_time_ms()
            self.ahead_ms = server_ms - (asked_ms + self._now_ms()) // 2  # the answer was given halfway
            self._clock_until_ms = self._now_ms() + CLOCK_VALID_MS
        return self._now_ms() + self.ahead_ms

    async def _closed(
        self, symbol: str, timeframe: Timeframe, pages: Sequence[Sequence[Row]], closed_ms: int
    ) -> Candles:
        """What of these pages has closed at `closed_ms`, without a last one that nothing follows."""
        rows = [row for page in pages for row in page]
        if rows and (last_ms := _open_ms(rows[-1])) + timeframe.ms <= closed_ms:
            rows[-1:] = await self._with_next(symbol, timeframe, last_ms)
        return _candles(symbol, timeframe, rows).until(closed_ms)

    async def _with_next(self, symbol: str, timeframe: Timeframe, open_ms: int) -> list[Row]:
        """A candle and the one behind it, which is given some time to appear; nothing where it does not."""
        for pause_s in NEXT_PAUSES_S:
            await self._sleep(pause_s)
            rows = await self._klines(symbol, timeframe, 2, start_ms=open_ms)
            if len(rows) > 1:
                return rows
            if await self._server_now_ms() >= open_ms + timeframe.ms + NEXT_WITHIN_MS:
                break
        return []

    async def _klines(
        self,
        symbol: str,
        timeframe: Timeframe,
        limit: int,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Row]:
        query: dict[str, str | int] = {"symbol": symbol, "interval": timeframe.text, "limit": limit}
        if start_ms is not None:
            query["startTime"] = start_ms
        if end_ms is not None:
            query["endTime"] = end_ms
        try:
            answer = await self._http.get(f"{self._at.prefix}/klines", query, self._at.kline_weight(limit))
        except UnknownSymbol as error:
            raise UnknownSymbol(symbol, "Binance", await self._listed()) from error
        if not isinstance(answer, list) or not all(
            isinstance(row, list) and len(row) >= _KLINE_CELLS for row in answer
        ):
            raise BadAnswer(f"Binance answered with no candles for {symbol} {timeframe.text}: {str(answer)[:80]!r}.")
        return answer

    async def _listed(self) -> dict[str, Instrument]:
        if self._now_ms() >= self._info_until_ms:
            answer = await self._http.get(f"{self._at.prefix}/exchangeInfo", {}, self._at.info_weight)
            try:
                trading = [row for row in answer["symbols"] if row["status"] == "TRADING"]
                self._instruments = {str(row["symbol"]): _instrument(row, self.market) for row in trading}
            except (TypeError, KeyError, ValueError) as error:
                raise BadAnswer(f"Binance's list of symbols cannot be read: {error!r}.") from error
            self._info_until_ms = self._now_ms() + INFO_VALID_MS
        return self._instruments


def _candles(symbol: str, timeframe: Timeframe, rows: Sequence[Row]) -> Candles:
    try:
        open_ms = np.array([int(str(row[0])) for row in rows], dtype=np.int64)
        columns = [np.array([float(str(row[cell])) for row in rows]) for cell in range(1, _KLINE_CELLS)]
        return Candles.checked(symbol, timeframe, open_ms, *columns)
    except InputError as error:
        raise BadAnswer(f"Binance sent a candle of {symbol} {timeframe.text} that cannot be: {error}") from error
    except ValueError as error:
        raise BadAnswer(f"Binance sent a candle of {symbol} {timeframe.text} that is no number: {error}") from error


def _open_ms(row: Row) -> int:
    try:
        return int(str(row[0]))
    except ValueError as error:
        raise BadAnswer(f"Binance sent a candle without an open time: {str(row)[:80]}") from error


def _instrument(row: dict[str, object], market: Market) -> Instrument:
    filters = row["filters"]
    if not isinstance(filters, list):
        raise TypeError("filters are no list")
    named = {one["filterType"]: one for one in filters}
    smallest = named.get("NOTIONAL") or named.get("MIN_NOTIONAL") or {}
    return Instrument(
        symbol=str(row["symbol"]),
        tick_size=float(named["PRICE_FILTER"]["tickSize"]),
        step_size=float(named["LOT_SIZE"]["stepSize"]),
        min_notional=float(smallest.get("minNotional") or smallest.get("notional") or 0.0),
        market=market,
    )
