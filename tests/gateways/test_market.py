import pytest

from engine.candles import Candles
from engine.timeframes import HOUR_MS, Timeframe
from gateways.market import MarketData, StaleData, UnknownSymbol, refuse_stale
from gateways.simulated_market import SimulatedMarket

FIRST_MS = 1_757_030_400_000


def hours(count: int) -> Candles:
    open_ms = [FIRST_MS + n * HOUR_MS for n in range(count)]
    return Candles.checked("BTCUSDT", Timeframe.H1, open_ms or _no_times(), *[[10.0] * count] * 4, [1.0] * count)


def _no_times():
    return hours(1).open_ms[:0]


def test_a_feed_that_ends_with_the_last_closed_bar_is_fresh():
    refuse_stale(hours(3), until_ms=FIRST_MS + 5 * HOUR_MS - 1)


def test_a_feed_two_bars_behind_is_stale():
    with pytest.raises(StaleData, match="BTCUSDT 1h: the newest candle closed at 2025-09-05 03:00:00 UTC"):
        refuse_stale(hours(3), until_ms=FIRST_MS + 5 * HOUR_MS)


def test_a_feed_without_a_candle_is_stale():
    with pytest.raises(StaleData, match="no closed candle"):
        refuse_stale(hours(0), until_ms=FIRST_MS)


def test_an_unknown_symbol_is_told_with_up_to_three_that_look_like_it():
    error = UnknownSymbol("btcusd", "Binance", ["BTCUSDT", "BTCUSDC", "BTCUSD_PERP", "DOGEUSDT"])

    assert error.nearest == ("BTCUSDT", "BTCUSDC", "BTCUSD_PERP")
    assert "DOGE" not in str(error)
    assert str(UnknownSymbol("QQQQ", "Binance", ["BTCUSDT"])).endswith("check its spelling.")


def test_the_simulated_market_keeps_the_protocol():
    market: MarketData = SimulatedMarket(1, lambda: FIRST_MS)

    assert market.source == "simulated"
