"""Live looks: every watched symbol at every instant, and another day's symbols from then on."""

import pytest

from engine.params import Params
from engine.timeframes import Timeframe
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from services.live_scan import LiveScan, chart_reader, stored_windows, watch_of
from storage.book import Book
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars
from tests.times import ms

FIRST_MS, NEXT_MS = ms("2026-01-05T12:00"), ms("2026-01-05T13:00")
HOURLY = (Timeframe.H1,)


@pytest.fixture
async def exchange():
    """A fake exchange over HTTP with its clock, and the gateway to it."""
    clock = ManualClock(FIRST_MS + 3_000)
    with Exchange(SimulatedBars(7), clock).running() as url:
        market = Binance(Market.USDT_M, clock.now_ms, base_url=url)
        yield clock, market
        await market.aclose()


async def test_other_symbols_are_looked_at_from_the_next_instant_on(exchange):
    clock, market = exchange
    params = Params()
    with Book.temporary(BookKind.LIVE, now_ms=FIRST_MS) as book:
        stored = stored_windows(book, market.source, params)
        watch = await watch_of(market, ("BTCUSDT", "ETHUSDT"), HOURLY)
        scan = LiveScan(market, watch, params, chart_reader(params), clock.now_ms, stored)
        before = await scan.at(FIRST_MS, HOURLY)
        scan.rewatch(await watch_of(market, ("ETHUSDT", "ADAUSDT"), HOURLY))
        clock.ms = NEXT_MS + 3_000
        after = await scan.at(NEXT_MS, HOURLY)

    assert [look.symbol for look in before.looks] == ["BTCUSDT", "ETHUSDT"]
    assert [look.symbol for look in after.looks] == ["ETHUSDT", "ADAUSDT"]
    assert after.waiting == ()
