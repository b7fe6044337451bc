import asyncio
from collections.abc import AsyncIterator
from functools import cache

import pytest

from engine.candles import Candles
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.binance import Binance
from gateways.binance_http import ATTEMPTS, FIRST_PAUSE_S
from gateways.market import BadAnswer, Banned, ExchangeDown, MarketError, RateLimited, Restricted, UnknownSymbol
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, GivenBars, SimulatedBars
from tests.fakes.exchange_faults import Frozen, Gap
from tests.fakes.http import Drop, Hang, Refuse, Response, json_response

NOON_MS = 1_757_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS
HALF_PAST_MS = NOON_MS + 30 * MINUTE_MS
FORMING = [NOON_MS, "10", "12", "9", "11", "5", 0]
SERVER_ERROR = Refuse(Response(503))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(HALF_PAST_MS)


@cache
def simulated() -> SimulatedBars:
    return SimulatedBars(seed=7)


@pytest.fixture
def exchange(clock) -> Exchange:
    return Exchange(simulated(), clock)


@pytest.fixture
async def futures(exchange, clock) -> AsyncIterator[Binance]:
    with exchange.running() as url:
        binance = reach(url, clock)
        yield binance
        await binance.aclose()


@pytest.fixture
async def hasty(exchange, clock) -> AsyncIterator[Binance]:
    """One that waits half a second for an answer; a slow machine makes it ask once more."""
    with exchange.running() as url:
        binance = reach(url, clock, answer_timeout_s=0.5)
        yield binance
        await binance.aclose()


def reach(url: str, clock: ManualClock, market: Market = Market.USDT_M, **more) -> Binance:
    return Binance(market, clock.now_ms, base_url=url, sleep=clock.sleep, jitter_ratio=lambda: 0.0, **more)


def truth(timeframe: Timeframe, since_ms: int, until_ms: int, symbol: str = "BTCUSDT") -> Candles:
    return simulated().bars(symbol, timeframe, since_ms, until_ms)


def kline_requests(exchange: Exchange) -> list[str]:
    return [request for request in exchange.requests if "klines" in request]


async def test_the_last_closed_candles_arrive_exactly_and_the_forming_one_does_not(futures):
    candles = await futures.candles("BTCUSDT", Timeframe.H1, 5, HALF_PAST_MS)
    expected = truth(Timeframe.H1, NOON_MS - 5 * HOUR_MS, NOON_MS)

    assert candles.closed_at_ms == NOON_MS
    assert candles.open_ms.tolist() == expected.open_ms.tolist()
    assert candles.close.tolist() == expected.close.tolist()
    assert candles.volume.tolist() == expected.volume.tolist()


async def test_a_candle_is_given_from_the_very_instant_it_closes(futures, clock):
    clock.ms = NOON_MS - 1
    before = await futures.candles("BTCUSDT", Timeframe.H1, 2, NOON_MS)
    clock.ms = NOON_MS
    after = await futures.candles("BTCUSDT", Timeframe.H1, 2, NOON_MS)

    assert (before.closed_at_ms, after.closed_at_ms) == (NOON_MS - HOUR_MS, NOON_MS)


async def test_a_candle_of_a_feed_that_froze_while_it_formed_is_not_taken_for_closed(futures, exchange, clock):
    exchange.troubles = (Frozen(since_ms=HALF_PAST_MS),)
    clock.ms = NOON_MS + HOUR_MS + 3_000
    last = await futures.candles("BTCUSDT", Timeframe.H1, 2, clock.ms)
    since = await futures.candles_since("BTCUSDT", Timeframe.H1, NOON_MS - HOUR_MS, clock.ms)
    asked = len(exchange.requests)
    exchange.troubles = ()
    thawed = await futures.candles_since("BTCUSDT", Timeframe.H1, NOON_MS, clock.ms)

    assert (last.closed_at_ms, since.closed_at_ms) == (NOON_MS, NOON_MS)
    assert asked < 12, "it is not asked for ever"
    assert thawed.close.tolist() == truth(Timeframe.H1, NOON_MS, NOON_MS + HOUR_MS).close.tolist()


async def test_a_candle_before_a_hole_is_closed_by_the_one_behind_the_hole(futures, exchange, clock):
    clock.advance(3 * HOUR_MS)
    exchange.troubles = (Gap(first_ms=NOON_MS, end_ms=NOON_MS + 2 * HOUR_MS),)
    last = await futures.candles("BTCUSDT", Timeframe.H1, 2, NOON_MS)
    since = await futures.candles_since("BTCUSDT", Timeframe.H1, NOON_MS - HOUR_MS, NOON_MS)

    assert (last.closed_at_ms, since.closed_at_ms) == (NOON_MS, NOON_MS)


async def test_the_last_candle_before_all_trading_ends_is_closed_and_the_one_begun_then_never_is(clock):
    ended = Exchange(SimulatedBars(seed=7, ends_ms=NOON_MS), clock)
    clock.advance(5 * HOUR_MS)
    with ended.running() as url:
        binance = reach(url, clock)
        since_ms = NOON_MS - HOUR_MS
        given = [
            await binance.candles_since("BTCUSDT", Timeframe.M15, since_ms, until_ms) for until_ms in (NOON_MS, clock.ms)
        ]
        await binance.aclose()

    assert [candles.closed_at_ms for candles in given] == [NOON_MS, NOON_MS]


async def test_a_next_candle_that_is_late_is_waited_for_some_seconds(futures, exchange, clock):
    exchange.troubles = (Frozen(since_ms=HALF_PAST_MS, until_ms=NOON_MS + HOUR_MS + 4_000),)
    clock.ms = NOON_MS + HOUR_MS + 3_000
    candles = await futures.candles_since("BTCUSDT", Timeframe.H1, NOON_MS, NOON_MS + HOUR_MS)

    assert candles.close.tolist() == truth(Timeframe.H1, NOON_MS, NOON_MS + HOUR_MS).close.tolist()
    assert clock.ms < NOON_MS + HOUR_MS + 8_000


async def test_a_clock_that_runs_ahead_does_not_make_a_forming_candle_a_closed_one(exchange, clock):
    ahead = ManualClock(clock.ms + HOUR_MS)
    with exchange.running() as url:
        binance = reach(url, ahead)
        candles = await binance.candles("BTCUSDT", Timeframe.H1, 3, ahead.ms)
        await binance.aclose()

    assert candles.closed_at_ms == NOON_MS


async def test_more_candles_than_a_page_holds_are_paged_backwards_without_a_seam(futures, exchange):
    candles = await futures.candles("BTCUSDT", Timeframe.M1, 2300, HALF_PAST_MS)

    assert len(candles) == 2300
    assert candles.gaps() == ()
    assert candles.dropped == ()
    assert len(kline_requests(exchange)) == 3


async def test_candles_since_an_instant_are_paged_forwards(futures, exchange):
    since_ms = HALF_PAST_MS - 1500 * MINUTE_MS
    candles = await futures.candles_since("BTCUSDT", Timeframe.M1, since_ms, HALF_PAST_MS - MINUTE_MS)

    assert candles.open_ms[0] == since_ms
    assert candles.closed_at_ms == HALF_PAST_MS - MINUTE_MS
    assert (len(candles), candles.gaps()) == (1499, ())
    assert len(kline_requests(exchange)) == 2


async def test_nothing_has_closed_since_now_and_nobody_is_asked(futures, exchange):
    candles = await futures.candles_since("BTCUSDT", Timeframe.H1, NOON_MS, HALF_PAST_MS)

    assert len(candles) == 0
    assert kline_requests(exchange) == []


async def test_a_young_series_is_given_as_far_as_it_goes(clock):
    young = Exchange(GivenBars([truth(Timeframe.H1, NOON_MS - 50 * HOUR_MS, NOON_MS + HOUR_MS)]), clock)
    with young.running() as url:
        binance = reach(url, clock)
        candles = await binance.candles("BTCUSDT", Timeframe.H1, 3000, HALF_PAST_MS)
        await binance.aclose()

    assert len(candles) == 50
    assert len(kline_requests(young)) == 1


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_three_hours_are_built_of_single_ones(futures, exchange, clock, count):
    clock.advance(HOUR_MS)  # one hour of the next three has closed
    candles = await futures.candles("BTCUSDT", Timeframe.H3, count, clock.ms)
    expected = truth(Timeframe.H3, NOON_MS - count * 3 * HOUR_MS, NOON_MS)

    assert candles.open_ms.tolist() == expected.open_ms.tolist()
    assert candles.high.tolist() == expected.high.tolist()
    assert all("interval=1h" in request for request in kline_requests(exchange))


async def test_three_hours_since_an_instant_begin_with_a_whole_bar(futures):
    candles = await futures.candles_since("BTCUSDT", Timeframe.H3, NOON_MS - 8 * HOUR_MS, HALF_PAST_MS)

    assert candles.open_ms.tolist() == [NOON_MS - 6 * HOUR_MS, NOON_MS - 3 * HOUR_MS]


async def test_spot_speaks_its_own_paths(exchange, clock):
    with exchange.running() as url:
        binance = reach(url, clock, Market.SPOT)
        candles = await binance.candles("BTCUSDT", Timeframe.H1, 3, HALF_PAST_MS)
        instrument = await binance.instrument("BTCUSDT")
        await binance.aclose()

    assert len(candles) == 3
    assert all(request.startswith("/api/v3/") for request in exchange.requests)
    assert (instrument.market, instrument.min_notional) == (Market.SPOT, 5.0)


async def test_an_instrument_names_its_steps(futures):
    instrument = await futures.instrument("XRPUSDT")

    assert (instrument.tick_size, instrument.step_size, instrument.min_notional) == (0.0001, 0.1, 5.0)
    assert instrument.market is Market.USDT_M


async def test_the_list_of_symbols_is_asked_for_once(futures, exchange):
    assert "SOLUSDT" in await futures.symbols()
    await futures.symbols()

    assert len(exchange.requests) == 1


async def test_an_unknown_symbol_is_answered_with_the_nearest(futures):
    with pytest.raises(UnknownSymbol, match="does not know ETHUSD; did you mean ETHUSDT"):
        await futures.candles("ETHUSD", Timeframe.H1, 3, HALF_PAST_MS)
    with pytest.raises(UnknownSymbol, match="does not know 币USDT"):
        await futures.instrument("币USDT")


@pytest.mark.parametrize(
    "fault", [SERVER_ERROR, Drop(), Drop(after_acceptance=True), Hang(1.0), Refuse(Response(200, b"[[1757"))]
)
async def test_a_passing_failure_is_tried_again_after_a_growing_pause(hasty, exchange, clock, fault):
    exchange.script("time", fault, fault)

    assert await hasty.server_time_ms() == clock.ms
    assert clock.slept_s[:2] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S]


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        (SERVER_ERROR, ExchangeDown, "error 503"),
        (Drop(), ExchangeDown, "cannot be reached"),
        (Hang(1.0), ExchangeDown, "did not answer within"),
        (Refuse(Response(200, b"<html>", {"Content-Type": "text/html"})), BadAnswer, "a web page"),
        (Refuse(Response(400, b"<html>", {"Content-Type": "text/html"})), BadAnswer, "refused with 400 and a web page"),
        (Refuse(Response(302, b"")), BadAnswer, "refused with 302"),
    ],
)
async def test_a_lasting_failure_ends_after_a_few_tries_in_a_sentence(hasty, exchange, fault, error, sentence):
    exchange.script("time", *[fault] * ATTEMPTS)

    with pytest.raises(error, match=sentence):
        await hasty.server_time_ms()
    assert len(exchange.requests) == ATTEMPTS


async def test_nobody_at_the_address_is_an_exchange_that_is_down(clock):
    binance = reach("http://127.0.0.1:9", clock)

    with pytest.raises(ExchangeDown, match=r"127\.0\.0\.1.* cannot be reached"):
        await binance.server_time_ms()
    await binance.aclose()


async def test_429_silences_us_until_the_time_it_names(futures, exchange, clock):
    exchange.script("time", Refuse(Response(429, b"{}", {"Retry-After": "7"})))

    with pytest.raises(RateLimited) as refusal:
        await futures.server_time_ms()
    with pytest.raises(RateLimited):
        await futures.symbols()
    assert refusal.value.retry_at_ms == HALF_PAST_MS + 7_000
    assert len(exchange.requests) == 1

    clock.advance(7_000)
    assert await futures.server_time_ms() == clock.ms


async def test_a_ban_is_exposed_and_survives_a_restart(exchange, clock):
    until_ms = HALF_PAST_MS + 3 * HOUR_MS
    told = {"code": -1003, "msg": f"Way too many requests; IP(1.2.3.4) banned until {until_ms}."}
    exchange.script("time", Refuse(json_response(told, 418, {"Retry-After": "10"})))
    with exchange.running() as url:
        first = reach(url, clock)
        with pytest.raises(Banned, match="banned this address until 20"):
            await first.server_time_ms()
        second = reach(url, clock, blocked_until_ms=first.blocked_until_ms)
        with pytest.raises(Banned) as refusal:
            await second.server_time_ms()
        await first.aclose()
        await second.aclose()

    assert refusal.value.until_ms == first.blocked_until_ms == until_ms
    assert len(exchange.requests) == 1


async def test_451_says_what_else_can_be_done(futures, exchange):
    exchange.script("time", Refuse(Response(451, b"Service unavailable from a restricted location")))

    with pytest.raises(Restricted, match="another base URL"):
        await futures.server_time_ms()


async def test_another_refusal_is_told_in_the_exchanges_own_words(futures, exchange):
    exchange.script("time", Refuse(json_response({"code": -1105, "msg": "Parameter was empty."}, 400)))

    with pytest.raises(MarketError, match=r"Parameter was empty\. \(-1105\)"):
        await futures.server_time_ms()


@pytest.mark.parametrize(
    "rows",
    [
        {"not": "a list"},
        [[1]],
        [[NOON_MS - HOUR_MS, "ten", "12", "9", "11", "5", 0], FORMING],
        [[NOON_MS - HOUR_MS, "10", "9", "9", "11", "5", 0], FORMING],
        [["soon", "10", "12", "9", "11", "5", 0]],
    ],
)
async def test_candles_that_cannot_be_are_a_bad_answer(futures, exchange, rows):
    exchange.script("klines", Refuse(json_response(rows)))

    with pytest.raises(BadAnswer):
        await futures.candles("BTCUSDT", Timeframe.H1, 1, HALF_PAST_MS)


async def test_the_weight_others_have_used_up_makes_us_wait_for_the_next_minute(futures, exchange, clock):
    exchange.used_weight, exchange._minute = 1_918, clock.ms // MINUTE_MS
    await futures.server_time_ms()  # learns that 1,919 of the 1,920 we allow ourselves are gone
    await futures.server_time_ms()
    assert clock.slept_s == []

    await futures.server_time_ms()

    assert clock.slept_s == [60.0]


async def test_many_requests_together_stay_within_the_budget(futures, exchange, clock):
    exchange.used_weight, exchange._minute = 1_500, clock.ms // MINUTE_MS
    for _ in range(90):
        await futures.candles("BTCUSDT", Timeframe.H4, 500, HALF_PAST_MS)
        assert exchange.used_weight <= 2400 * 0.8

    assert clock.slept_s == [60.0]


async def test_a_client_made_anew_asks_over_other_connections_and_learns_the_clock_again(futures, exchange):
    await futures.candles("BTCUSDT", Timeframe.H1, 3, HALF_PAST_MS)
    await futures.rebuild()
    candles = await futures.candles("BTCUSDT", Timeframe.H1, 3, HALF_PAST_MS)

    assert len(candles) == 3
    assert sum("/time" in request for request in exchange.requests) == 2


async def test_what_is_being_asked_while_the_client_is_made_anew_is_asked_again(futures, exchange):
    await futures.server_time_ms()
    exchange.script("klines", Hang(0.2))
    asking = asyncio.create_task(futures.candles("BTCUSDT", Timeframe.H1, 3, HALF_PAST_MS))
    while not kline_requests(exchange):
        await asyncio.sleep(0.01)
    await futures.rebuild()

    assert len(await asking) == 3
