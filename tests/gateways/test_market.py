from gateways.market import MarketData, UnknownSymbol
from gateways.simulated_market import SimulatedMarket

FIRST_MS = 1_757_030_400_000


def test_an_unknown_symbol_is_told_with_up_to_three_that_look_like_it():
    error = UnknownSymbol("btcusd", "Binance", ["BTCUSDT", "BTCUSDC", "BTCUSD_PERP", "DOGEUSDT"])

    assert error.nearest == ("BTCUSDT", "BTCUSDC", "BTCUSD_PERP")
    assert "DOGE" not in str(error)
    assert str(UnknownSymbol("QQQQ", "Binance", ["BTCUSDT"])).endswith("check its spelling.")


def test_a_symbol_that_was_on_the_last_list_is_listed_no_more():
    assert str(UnknownSymbol("XRPUSDT", "Binance", ["XRPUSDT", "XRPUSDC"])).endswith("XRPUSDT; it is listed no more.")


def test_the_simulated_market_keeps_the_protocol():
    market: MarketData = SimulatedMarket(1, lambda: FIRST_MS)

    assert market.source == "simulated"
