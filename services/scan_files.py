"""Decisions at the last closed candle of each series in candle files; nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.candles import Candles, resampled
from engine.gates import ChannelView, channel_verdicts, first_block
from engine.looks import ReadChart, Stack, look
from engine.params import Params
from engine.reading import Chart, read_chart
from engine.runner import Kernel
from engine.timeframes import Timeframe, context_of
from engine.vocabulary import Rejected, Signal, Stage, Verdict

BTC = "BTCUSDT"


@dataclass(frozen=True, slots=True)
class Scanned:
    """One series at its last close: a signal with every gate's verdict, or why there is none."""

    symbol: str
    timeframe: Timeframe
    result: Signal | Rejected
    verdicts: tuple[Verdict, ...] = ()

    @property
    def rejected(self) -> Rejected | None:
        """Why nothing would be sent: the rejection, or the first gate that stops the signal."""
        if isinstance(self.result, Rejected):
            return self.result
        blocked = first_block(self.verdicts)
        if blocked is None:
            return None
        return Rejected(Stage.GATE, blocked.gate, blocked.value, blocked.limit)


def scan_series(series: Sequence[Candles], params: Params, kernel: Kernel) -> list[Scanned]:
    """The decision at the last close of each series, gates asked as if the book were empty."""
    btc = {candles.timeframe: candles for candles in series if candles.symbol == BTC}

    charts: dict[tuple[str, Timeframe, int, int], Chart] = {}

    def read(candles: Candles) -> Chart:
        # BTC's chart stands beside every other series of its timeframe and is read once
        key = (candles.symbol, candles.timeframe, candles.closed_at_ms, len(candles))
        if key not in charts:
            charts[key] = read_chart(candles, params.detection, kernel)
        return charts[key]

    scanned = []
    for candles in series:
        result = _decided(candles, btc.get(candles.timeframe), params, read)
        verdicts = _verdicts(result, params) if isinstance(result, Signal) else ()
        scanned.append(Scanned(candles.symbol, candles.timeframe, result, verdicts))
    return scanned


def _decided(candles: Candles, btc: Candles | None, params: Params, read: ReadChart) -> Signal | Rejected:
    timeframe = context_of(candles.timeframe)
    if timeframe is None:
        return Rejected(Stage.CONTEXT, f"{candles.timeframe.text} has no higher timeframe to be read in")
    return look(Stack(candles, resampled(candles, timeframe), btc), params, read)


def _verdicts(signal: Signal, params: Params) -> tuple[Verdict, ...]:
    assert signal.chart is not None, "a decided signal carries the facts of its chart"
    view = ChannelView(
        now_ms=signal.candle_close_ms,
        atr=signal.chart.atr,
        last_price=signal.chart.last_price,
        structure_trend=signal.chart.structure_trend,
    )
    return channel_verdicts(signal, view, params.gates)
