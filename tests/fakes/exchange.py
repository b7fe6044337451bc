"""A fake exchange that speaks Binance's public REST, spot and USDT-M, with a clock that tests can wind.

Over HTTP alone, also as a process: `python -m tests.fakes.exchange --port 0` prints its port. Beside the exchange's
own paths it answers `GET /test/clock`, `POST /test/clock {"advance_ms": N}`, `GET /test/requests`, and `GET` and `POST
/test/troubles [{"kind": "Frozen", "symbol": "BTCUSDT", ...}]`, which puts these in the place of those there were.
"""

import argparse
import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.candles import Candles, resampled
from engine.timeframes import DAY_MS, MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.candle_files import read_series
from gateways.market import Instrument
from gateways.simulated_market import DEFAULT_SYMBOLS, SimulatedMarket
from tests.fakes.clock import ManualClock, VirtualClock
from tests.fakes.exchange_faults import (
    Delisted,
    Frozen,
    Gap,
    Hanging,
    Refused,
    Trouble,
    WrongClock,
    as_fields,
    trouble_from,
)
from tests.fakes.http import Fault, Faults, Request, Response, json_response, running, serve_forever

DEFAULT_LIMIT = 500
REQUESTS_KEPT = 100_000
RESTRICTED = 451
OPERATIONS = ("klines", "exchangeInfo", "ticker", "time")
NOT_OFFERED = (Timeframe.H3,)
_TICK_DIGITS = 8


class Bars(Protocol):
    """Where the exchange's prices come from: past and future alike, the clock decides what is shown."""

    def symbols_listed(self) -> Sequence[Instrument]: ...

    def bars(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles: ...


@cache
def simulated_market(seed: int) -> SimulatedMarket:
    """The market of a seed, whose prices need no clock: told once for all the tests of a process."""
    return SimulatedMarket(seed, now_ms=lambda: 0)


class SimulatedBars:
    """Prices of the simulated market; with `ends_ms` nothing is traded from then on: a last candle begins and no other."""

    def __init__(self, seed: int, ends_ms: int | None = None) -> None:
        self._ends_ms = ends_ms
        self._market = simulated_market(seed)

    def symbols_listed(self) -> Sequence[Instrument]:
        return [
            Instrument(known.symbol, known.tick_size, known.step_size, 5.0, Market.USDT_M) for known in DEFAULT_SYMBOLS
        ]

    def bars(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        ends_ms = until_ms if self._ends_ms is None else min(until_ms, self._ends_ms + timeframe.ms)
        return self._market.bars(symbol, timeframe, since_ms, ends_ms)


class GivenBars:
    """Prices of given series, e.g. candle files; higher timeframes are built from the finest series of a symbol."""

    def __init__(self, series: Sequence[Candles], tick_size: float = 0.01) -> None:
        self._series = {(one.symbol, one.timeframe): one for one in sorted(series, key=lambda one: -one.timeframe.ms)}
        self._finest = {one.symbol: one for one in self._series.values()}
        self._tick_size = tick_size

    def symbols_listed(self) -> Sequence[Instrument]:
        return [Instrument(symbol, self._tick_size, 0.001, 5.0, Market.USDT_M) for symbol in self._finest]

    def bars(self, symbol: str, timeframe: Timeframe, since_ms: int, until_ms: int) -> Candles:
        if (symbol, timeframe) not in self._series:
            finest = self._finest[symbol]
            built = finest.window(0, 0) if timeframe.ms % finest.timeframe.ms else resampled(finest, timeframe)
            self._series[symbol, timeframe] = built
        candles = self._series[symbol, timeframe].until(until_ms)
        return candles.window(len(candles), len(candles) - int(np.searchsorted(candles.open_ms, since_ms)))


@dataclass(frozen=True, slots=True)
class Side:
    """What differs between spot and futures."""

    max_limit: int
    weight_limit: int
    kline_weights: tuple[tuple[int, int], ...]
    info_weight: int
    ticker_weight: int
    min_notional: tuple[str, str]


SIDES = {
    "/api/v3": Side(1000, 6000, ((1000, 2),), 20, 80, ("NOTIONAL", "minNotional")),
    "/fapi/v1": Side(1500, 2400, ((99, 1), (499, 2), (1000, 5), (1500, 10)), 1, 40, ("MIN_NOTIONAL", "notional")),
}


class Exchange:
    """Answers klines, exchangeInfo and time of both sides; the candle that the clock is inside of is a forming one."""

    def __init__(self, bars: Bars, clock: ManualClock | VirtualClock) -> None:
        self.clock = clock
        self.requests: deque[str] = deque(maxlen=REQUESTS_KEPT)
        self.used_weight = 0
        self.troubles: tuple[Trouble, ...] = ()
        self._bars = bars
        self._listed = {one.symbol: one for one in bars.symbols_listed()}
        self._faults = Faults()
        self._minute = 0

    def script(self, operation: str, *faults: Fault) -> None:
        """The next requests for `operation` (`klines`, `exchangeInfo`, `ticker`, `time`) meet these faults, one each."""
        self._faults.script(operation, *faults)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Listening for as long as the block lasts; gives the base URL."""
        with running(self.answer) as url:
            yield url

    async def answer(self, request: Request) -> Response:
        prefix, _, operation = request.path.rpartition("/")
        if operation == "24hr" and prefix.endswith("/ticker"):
            prefix, operation = prefix.removesuffix("/ticker"), "ticker"
        if prefix == "/test":
            return self._tested(operation, request)
        if prefix not in SIDES or operation not in OPERATIONS:
            return json_response(
                {"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}, 404
            )
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        self.requests.append(f"{request.path}?{query}")

        async def act() -> Response:
            for trouble in self._on(request.query.get("symbol")):
                match trouble:
                    case Refused(status=status, retry_after_s=seconds):
                        return _refusal(status, seconds)
                    case Hanging(seconds=seconds):
                        await asyncio.sleep(seconds)
                        raise ConnectionAbortedError(operation)
            return self._served(SIDES[prefix], operation, request.query)

        return await self._faults.around(operation, act)

    def _on(self, symbol: str | None) -> list[Trouble]:
        """What a question about a symbol meets now."""
        now_ms = self.clock.now_ms()
        return [trouble for trouble in self.troubles if trouble.is_on(now_ms, symbol)]

    def _trading(self) -> list[Instrument]:
        return [
            one for one in self._listed.values() if not any(isinstance(it, Delisted) for it in self._on(one.symbol))
        ]

    def _told_ms(self) -> int:
        """The exchange's own time, as it tells it."""
        return self.clock.now_ms() + sum(it.ahead_ms for it in self._on(None) if isinstance(it, WrongClock))

    def _served(self, side: Side, operation: str, query: Mapping[str, str]) -> Response:
        match operation:
            case "time":
                return self._weighed(1, {"serverTime": self._told_ms()})
            case "exchangeInfo":
                return self._weighed(side.info_weight, self._info(side))
            case "ticker":
                return self._weighed(side.ticker_weight, [self._day_of(one.symbol) for one in self._trading()])
            case _:
                return self._klines(side, query)

    def _info(self, side: Side) -> object:
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": side.weight_limit}
        symbols = [_listing(instrument, side) for instrument in self._trading()]
        return {"timezone": "UTC", "serverTime": self._told_ms(), "rateLimits": [limit], "symbols": symbols}

    def _day_of(self, symbol: str) -> object:
        """What the last 24 hours traded, as far as it is of interest here."""
        now_ms = self.clock.now_ms()
        day = self._bars.bars(symbol, Timeframe.H1, now_ms - DAY_MS, now_ms)
        return {"symbol": symbol, "quoteVolume": _decimal(float((day.volume * day.close).sum()))}

    def _klines(self, side: Side, query: Mapping[str, str]) -> Response:
        symbol = query.get("symbol")
        if symbol is None:
            return _error(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if symbol not in self._listed or any(isinstance(trouble, Delisted) for trouble in self._on(symbol)):
            return _error(-1121, "Invalid symbol.")
        offered = {timeframe.text: timeframe for timeframe in Timeframe if timeframe not in NOT_OFFERED}
        if query.get("interval") not in offered:
            return _error(-1120, "Invalid interval.")
        limit = min(int(query.get("limit", DEFAULT_LIMIT)), side.max_limit)
        weight = next(weight for most, weight in side.kline_weights if limit <= most)
        start_ms, end_ms = (int(query[name]) if name in query else None for name in ("startTime", "endTime"))
        return self._weighed(weight, self._rows(symbol, offered[query["interval"]], limit, start_ms, end_ms))

    def _rows(self, symbol: str, timeframe: Timeframe, limit: int, start_ms: int | None, end_ms: int | None) -> object:
        """The first `limit` bars from the start, or without a start the last ones before the end."""
        troubles = self._on(symbol)
        stands_ms = [trouble.since_ms for trouble in troubles if isinstance(trouble, Frozen)]
        now_ms = min([self.clock.now_ms(), *stands_ms])
        last_ms = timeframe.floor(now_ms if end_ms is None else min(end_ms, now_ms))
        gaps = [trouble for trouble in troubles if isinstance(trouble, Gap)]
        span_ms = (limit - 1) * timeframe.ms + sum(gap.end_ms - gap.first_ms for gap in gaps)
        first_ms = last_ms - span_ms
        if start_ms is not None:
            first_ms = timeframe.floor(start_ms + timeframe.ms - 1)
            last_ms = min(last_ms, first_ms + span_ms)
        candles = self._bars.bars(symbol, timeframe, first_ms, last_ms + timeframe.ms)
        for gap in gaps:
            candles = gap.without(candles)
        candles = candles.window(len(candles) if start_ms is None else limit, limit)
        columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
        return [_row(timeframe, now_ms, *cells) for cells in zip(*(column.tolist() for column in columns), strict=True)]

    def _weighed(self, weight: int, answer: object) -> Response:
        minute = self.clock.now_ms() // MINUTE_MS
        if minute != self._minute:
            self._minute, self.used_weight = minute, 0
        self.used_weight += weight
        return json_response(answer, headers={"X-MBX-USED-WEIGHT-1M": str(self.used_weight)})

    def _tested(self, operation: str, request: Request) -> Response:
        if operation == "requests":
            return json_response(list(self.requests))
        if operation == "troubles":
            if request.method == "POST":
                self.troubles = tuple(map(trouble_from, json.loads(request.body)))
            return json_response(list(map(as_fields, self.troubles)))
        if request.method == "POST":
            self.clock.advance(int(str(request.form()["advance_ms"])))
        return json_response({"now_ms": self.clock.now_ms()})


def _row(
    timeframe: Timeframe, now_ms: int, open_ms: int, open: float, high: float, low: float, close: float, volume: float
) -> list[object]:
    """Twelve columns; inside its time a candle has gone only part of its way."""
    done_ratio = min(1.0, (now_ms - open_ms) / timeframe.ms)
    if done_ratio < 1:
        high, low, close = (round(open + (price - open) * done_ratio, _TICK_DIGITS) for price in (high, low, close))
        volume *= done_ratio
    numbers = (open, high, low, close, volume)
    quote = volume * close
    texts = [_decimal(number) for number in numbers]
    return [
        open_ms,
        *texts,
        open_ms + timeframe.ms - 1,
        f"{quote:.8f}",
        100,
        f"{volume / 2:.8f}",
        f"{quote / 2:.8f}",
        "0",
    ]


def _decimal(number: float) -> str:
    """The shortest text that reads back as the same number, never in the exponent form no exchange uses."""
    text = repr(number)
    return np.format_float_positional(number, trim="0") if "e" in text else text


def _listing(instrument: Instrument, side: Side) -> object:
    notional_filter, notional_field = side.min_notional
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": _decimal(instrument.tick_size)},
            {"filterType": "LOT_SIZE", "stepSize": _decimal(instrument.step_size)},
            {"filterType": notional_filter, notional_field: str(instrument.min_notional)},
        ],
    }


def _refusal(status: int, retry_after_s: int | None) -> Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    if status == RESTRICTED or status >= 500:
        return Response(status, b"<html></html>", {"Content-Type": "text/html", **headers})
    return json_response({"code": -1003, "msg": "Too much request weight used."}, status, headers)


def _error(code: int, message: str) -> Response:
    return json_response({"code": code, "msg": message}, 400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ends-ms", type=int, default=None, help="nothing is traded from this instant on")
    parser.add_argument("--files", type=Path, nargs="*", default=[], help="candle files instead of the simulation")
    VirtualClock.add_arguments(parser)
    arguments = parser.parse_args()
    bars = (
        GivenBars(read_series(arguments.files)) if arguments.files else SimulatedBars(arguments.seed, arguments.ends_ms)
    )
    asyncio.run(serve_forever(Exchange(bars, VirtualClock.of(arguments)).answer, arguments.port))


if __name__ == "__main__":
    main()
