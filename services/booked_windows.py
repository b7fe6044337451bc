"""The windows of a re-analysis as the live book holds them: the candles that its own decisions were taken on."""

from engine.candles import Candles
from engine.decide import Readings
from engine.looks import Looks, ReadChart, Stack
from engine.params import Params
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected
from services.checkpoints import ReadingsAt
from services.live_scan import BTC, context_timeframe, flaw_of
from storage.stores import Stores


def booked_readings(source: str, params: Params, read: ReadChart) -> ReadingsAt:
    """Reads the candles stored from `source`; a window that a look would refuse is refused here for the same reason."""

    def readings_at(stores: Stores, symbol: str, timeframe: Timeframe, at_ms: int) -> Readings | Rejected:
        def window(symbol: str, timeframe: Timeframe) -> Candles:
            return stores.candles.load(symbol, timeframe, source, params.window.window_bars, at_ms)

        own, context = window(symbol, timeframe), window(symbol, context_timeframe(timeframe))
        beside = None if symbol == BTC else window(BTC, timeframe)
        btc = beside if beside is not None and len(beside) else None  # an exchange may not list it at all
        for candles in (own, context) if btc is None else (own, context, btc):
            if (flaw := flaw_of(candles, at_ms)) is not None:
                return flaw.rejected
        return Looks(Stack(own, context, btc), params, read).readings_at(at_ms)

    return readings_at
