"""The world of the soak: fifty invented pairs, an exchange and a Telegram that fail now and then, and one clock.

Nothing of it grows while the bot runs, so that what grows in the process is the bot's. The exchange is the fake of the
other tests, asked in memory instead of over a socket: thirty days hold some million questions.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import httpx

from engine.candles import Candles, resampled
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from gateways.simulated_market import SimulatedMarket, SimulatedSymbol
from gateways.telegram_words import Result, Sent, Unreachable
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, GivenBars
from tests.fakes.exchange_faults import Delisted, Frozen, Gap, Hanging, Refused, Trouble, WrongClock
from tests.fakes.http import Request

SEED = 7
TICK_SIZE = 0.01
REQUESTS_KEPT = 100
LISTED_DAYS = 200
"""How long the pairs are traded before the bot begins."""
SHOWN = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1, Timeframe.W1)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which Telegram cannot be reached."""

    since_ms: int
    until_ms: int


def pairs(count: int) -> tuple[SimulatedSymbol, ...]:
    """BTC and pairs that differ in price, wildness and in how much they go with the market."""
    btc = SimulatedSymbol("BTCUSDT", 60_000.0, TICK_SIZE, 0.001, 0.024, 0.85, 250_000.0)
    others = (
        SimulatedSymbol(
            f"P{number:02}USDT",
            20.0 * 1.1**number,
            TICK_SIZE,
            0.001,
            0.025 + 0.02 * (number % 7) / 7,
            0.4 + 0.5 * (number % 5) / 5,
            1_000_000.0,
        )
        for number in range(1, count)
    )
    return (btc, *others)


def history(symbols: Iterable[SimulatedSymbol], begin_ms: int, end_ms: int) -> list[Candles]:
    """Minutes of the time the bot runs, and every timeframe it reads since the pairs are listed."""
    beyond_ms = end_ms + 2 * Timeframe.W1.ms  # a candle counts as closed when there is one behind it
    market = SimulatedMarket(SEED, lambda: beyond_ms, symbols)
    series: list[Candles] = []
    for symbol in symbols:
        hours = market.bars(symbol.symbol, Timeframe.H1, begin_ms - LISTED_DAYS * DAY_MS, beyond_ms)
        series.append(market.bars(symbol.symbol, Timeframe.M1, begin_ms - DAY_MS, end_ms + HOUR_MS))
        series.extend(resampled(hours, timeframe) for timeframe in SHOWN)
    return series


def size_bytes(series: Iterable[Candles]) -> int:
    """How much memory the prices take, which are the world's and not the bot's."""
    return sum(
        column.nbytes for one in series for column in (one.open_ms, one.open, one.high, one.low, one.close, one.volume)
    )


def flapping(begin_ms: int, end_ms: int, symbols: Sequence[str]) -> tuple[Trouble, ...]:
    """Every kind of trouble, again and again, of lengths that are waited out and of lengths that are not."""
    troubles: list[Trouble] = []
    for day, start_ms in enumerate(range(begin_ms, end_ms - DAY_MS, DAY_MS)):
        victim = symbols[1 + day % (len(symbols) - 1)]
        troubles += [
            _from(start_ms + 2 * HOUR_MS, 90_000, Refused(status=503)),
            _from(start_ms + 5 * HOUR_MS - MINUTE_MS, 12 * MINUTE_MS, Refused(status=429, retry_after_s=30)),
            _from(start_ms + 8 * HOUR_MS - 2 * MINUTE_MS, 3 * HOUR_MS, Frozen(symbol=victim)),
            _from(start_ms + 12 * HOUR_MS - 20_000, 40_000, Hanging(seconds=0.0)),
            _from(start_ms + 15 * HOUR_MS, 2 * HOUR_MS, _hole(victim, start_ms + 14 * HOUR_MS)),
            _from(start_ms + 18 * HOUR_MS - MINUTE_MS, 20 * MINUTE_MS, WrongClock(ahead_ms=-HOUR_MS)),
        ]
        match day % 5:
            case 1:
                troubles.append(_from(start_ms + 20 * HOUR_MS - MINUTE_MS, 40 * MINUTE_MS, Refused(status=418)))
            case 2:
                troubles.append(_from(start_ms + 20 * HOUR_MS, 4 * HOUR_MS, Frozen()))
            case 3:
                troubles.append(_from(start_ms + 20 * HOUR_MS, HOUR_MS, Refused(status=451)))
    if end_ms - begin_ms > 10 * DAY_MS:
        troubles.append(Delisted(since_ms=begin_ms + 8 * DAY_MS, symbol=symbols[-1]))
        lost_ms = begin_ms + 6 * DAY_MS + 3 * HOUR_MS
        troubles.append(Gap(symbol=symbols[2], first_ms=lost_ms, end_ms=lost_ms + 2 * HOUR_MS))
    return tuple(troubles)


def silences(begin_ms: int, end_ms: int) -> tuple[Outage, ...]:
    """When Telegram is down: ten minutes a day, and six hours on every seventh."""
    return tuple(
        Outage(start_ms, start_ms + (6 * HOUR_MS if day % 7 == 6 else 10 * MINUTE_MS))
        for day, start_ms in enumerate(range(begin_ms + 9 * HOUR_MS, end_ms - DAY_MS, DAY_MS))
    )


class InMemory(httpx.AsyncBaseTransport):
    """Asks the fake exchange without a socket; it is told of the troubles of the hour alone, which it looks through often."""

    def __init__(self, exchange: Exchange, troubles: Sequence[Trouble]) -> None:
        self.asked = 0
        self._exchange = exchange
        self._troubles = troubles
        self._told_until_ms = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if (now_ms := self._exchange.clock.now_ms()) >= self._told_until_ms:
            self._told_until_ms = until_ms = now_ms + HOUR_MS
            self._exchange.troubles = tuple(
                one for one in self._troubles if one.until_ms > now_ms and one.since_ms < until_ms
            )
        query = dict(parse_qsl(request.url.query.decode()))
        asked = Request(request.method, request.url.path, query, {}, b"")
        try:
            answer = await self._exchange.answer(asked)
        except ConnectionAbortedError as error:
            raise httpx.ReadTimeout("no answer") from error
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


class Chat:
    """Telegram as the sender knows it: takes every message, except while it is down; keeps how many there were."""

    def __init__(self, clock: ManualClock, outages: Sequence[Outage]) -> None:
        self.taken = 0
        self._clock = clock
        self._outages = outages

    async def send_message(self, chat_id: int, text: str, **more: object) -> Result:
        if not await self.answers():
            return Unreachable("the network is down")
        self.taken += 1
        return Sent(self.taken)

    async def send_photo(self, chat_id: int, png: bytes, caption: str = "", **more: object) -> Result:
        return await self.send_message(chat_id, caption)

    async def edit_message(self, chat_id: int, message_id: int, text: str, **more: object) -> Result:
        return Sent(message_id) if await self.answers() else Unreachable("the network is down")

    @property
    def heard_ms(self) -> int:
        """When it last gave updates: it is asked all the time."""
        now_ms = self._clock.ms
        return min([now_ms, *(one.since_ms for one in self._outages if one.since_ms <= now_ms < one.until_ms)])

    async def answers(self) -> bool:
        return not any(one.since_ms <= self._clock.ms < one.until_ms for one in self._outages)


def exchange_of(series: Sequence[Candles], clock: ManualClock, troubles: Sequence[Trouble]) -> InMemory:
    """The exchange with these prices and troubles; it remembers few of the questions, so that it does not grow."""
    exchange = Exchange(GivenBars(series, TICK_SIZE), clock)
    exchange.requests = deque(maxlen=REQUESTS_KEPT)
    return InMemory(exchange, troubles)


def _hole(symbol: str, first_ms: int) -> Gap:
    return Gap(symbol=symbol, first_ms=first_ms, end_ms=first_ms + 3 * MINUTE_MS, timeframe=Timeframe.M1.text)


def _from(since_ms: int, lasts_ms: int, trouble: Trouble) -> Trouble:
    return replace(trouble, since_ms=since_ms, until_ms=since_ms + lasts_ms)
