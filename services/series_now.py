"""Any series as it stands now: its last closed candles, fetched to be drawn; nothing is stored."""

from engine.params import Params
from engine.timeframes import Timeframe
from gateways.market import MarketData, MarketError
from services.live_scan import flaw_of
from services.post import SeriesRequest


async def series_now(
    market: MarketData, symbol: str, timeframe: Timeframe, params: Params, now_ms: int
) -> SeriesRequest:
    """The last closed candles of any series the market lists; MarketError when they cannot be had, or not whole."""
    await market.instrument(symbol)  # a symbol that is not listed is told with what looks like it
    closed_ms = timeframe.floor(now_ms)
    candles = await market.candles(symbol, timeframe, params.window.window_bars, closed_ms)
    flaw = flaw_of(candles, closed_ms)
    if flaw is not None:
        raise MarketError(f"{flaw.rejected.reason}.")
    return SeriesRequest(symbol, timeframe, closed_ms, market.source, candles, params)
