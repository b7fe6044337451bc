"""Decisions at the last closed candle of each series in candle files; nothing is stored."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.candles import Candles, resampled
from engine.gates import ChannelView, channel_verdicts, first_block
from engine.looks import ReadChart, Stack, chart_reader, each_once, look
from engine.params import Params
from engine.runner import INTERPRETED, Kernel
from engine.timeframes import Timeframe, context_of
from engine.vocabulary import Rejected, Signal, Stage, Verdict
from gateways.candle_files import read_series, series_named

BTC = "BTCUSDT"
SHORT_SCAN_SERIES = 400
"""Up to here deciding with the interpreted kernel on two cores takes less time than loading the compiled one."""
SERIES_A_PROCESS = 25
"""Fewer are decided before another process has come up."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One series at its last close: a signal with every gate's verdict, or why there is none."""

    symbol: str
    timeframe: Timeframe
    result: Signal | Rejected
    verdicts: tuple[Verdict, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    """Holes in its candles, see `Candles.gaps`."""

    @property
    def rejected(self) -> Rejected | None:
        """Why nothing would be sent: the rejection, or the first gate that stops the signal."""
        if isinstance(self.result, Rejected):
            return self.result
        blocked = first_block(self.verdicts)
        if blocked is None:
            return None
        return Rejected(Stage.GATE, blocked.gate, blocked.value, blocked.limit)


def scan_files(paths: Sequence[Path], params: Params) -> list[Scanned]:
    """The decision at the last close of each series in candle files, interpreted, on as many cores as pay.

    CandleFileError as in `read_series`, of the first file that cannot be read in its share.
    """
    files: dict[tuple[str, Timeframe], list[Path]] = {}
    for path in paths:
        files.setdefault(series_named(path), []).append(path)
    btc = [path for (symbol, _), of_series in files.items() if symbol == BTC for path in of_series]
    series = list(files.values())
    shares = max(1, min(os.cpu_count() or 1, len(series) // SERIES_A_PROCESS))
    first, *others = (series[len(series) * k // shares : len(series) * (k + 1) // shares] for k in range(shares))
    if not others:
        return _scan_share(first, btc, params)
    with ProcessPoolExecutor(len(others)) as beside:
        scans = [beside.submit(_scan_share, share, btc, params) for share in others]
        return [*_scan_share(first, btc, params), *(one for scan in scans for one in scan.result())]


def _scan_share(files: Sequence[Sequence[Path]], btc: Sequence[Path], params: Params) -> list[Scanned]:
    series = read_series([path for of_series in files for path in of_series])
    return scan_series(series, params, INTERPRETED, beside=read_series(btc))


def scan_series(
    series: Sequence[Candles], params: Params, kernel: Kernel, beside: Sequence[Candles] = ()
) -> list[Scanned]:
    """The decision at the last close of each series, gates asked as if the book were empty.

    BTC is looked for among `series` and `beside`.
    """
    btc = {candles.timeframe: candles for candles in (*series, *beside) if candles.symbol == BTC}
    read = each_once(chart_reader(params, kernel))
    scanned = []
    for candles in series:
        result = _decided(candles, btc.get(candles.timeframe), params, read)
        verdicts = _verdicts(result, params) if isinstance(result, Signal) else ()
        scanned.append(Scanned(candles.symbol, candles.timeframe, result, verdicts, candles.gaps()))
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
