"""A chart as people ask for it, by signal: on the candles the book holds, else on those of candle files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.candles import Candles, resampled
from engine.vocabulary import Position, Signal
from gateways.candle_files import read_series
from services.charts import BARS_AFTER_CLOSE, MOST_BARS, ChartError, closing_chart, signal_chart
from storage.signals import StoredSignal
from storage.stores import Stores

FILES = "candle files"


@dataclass(frozen=True, slots=True)
class Sourced:
    """Candles and where they come from."""

    candles: Candles
    source: str


def chart_of_signal(view: Stores, stored: StoredSignal, files: Sequence[Path] = ()) -> bytes:
    """PNG of what was seen when the signal was decided; ChartError where neither book nor files hold its candles."""
    signal = stored.signal
    found = candles_for(view, signal, signal.candle_close_ms, files)
    return signal_chart(signal, found.candles, name=_name(stored), source=found.source)


def chart_of_close(view: Stores, stored: StoredSignal, position: Position, files: Sequence[Path] = ()) -> bytes:
    """PNG of the path of a closed position of the signal; ChartError also while it is open."""
    if position.closed_ms is None:
        raise ChartError(f"Position {position.id} is not closed yet.")
    found = candles_for(view, stored.signal, position.closed_ms, files)
    fills = view.fills.of_position(position.id)
    return closing_chart(stored.signal, position, fills, found.candles, name=_name(stored), source=found.source)


def candles_for(view: Stores, signal: Signal, until_ms: int, files: Sequence[Path]) -> Sourced:
    """Candles of the signal's series that hold its own and reach to `until_ms` or the forming candle around it.

    `files` (or directories of them) are read only when the book lacks the candles; lower timeframes are built up.
    ChartError when nobody has them, CandleFileError for a file that cannot be read.
    """
    candidates = (held for source in (_in_book(view, signal, until_ms), _in_files(signal, files)) for held in source)
    found = next((held for held in candidates if _reaches(held.candles, signal, until_ms)), None)
    if found is None:
        series = f"{signal.symbol} {signal.timeframe.text}"
        where = "neither the book nor the files hold" if files else "the book does not hold"
        raise ChartError(f"No chart: {where} the {series} candles of this signal.")
    return found


def _in_book(view: Stores, signal: Signal, until_ms: int) -> Iterator[Sourced]:
    last_ms = until_ms + BARS_AFTER_CLOSE * signal.timeframe.ms if until_ms > signal.candle_close_ms else until_ms
    count = MOST_BARS + (last_ms - signal.candle_close_ms) // signal.timeframe.ms + 1
    for series in view.candles.series():
        if (series.symbol, series.timeframe) == (signal.symbol, signal.timeframe.text):
            yield Sourced(
                view.candles.load(signal.symbol, signal.timeframe, series.source, count, last_ms), series.source
            )


def _in_files(signal: Signal, files: Sequence[Path]) -> Iterator[Sourced]:
    """The signal's own timeframe first, then what can be built, the nearest timeframe first."""
    fitting = [
        candles
        for candles in (read_series(files) if files else ())
        if candles.symbol == signal.symbol and signal.timeframe.ms % candles.timeframe.ms == 0
    ]
    for candles in sorted(fitting, key=lambda candles: -candles.timeframe.ms):
        yield Sourced(resampled(candles, signal.timeframe), FILES)


def _reaches(candles: Candles, signal: Signal, until_ms: int) -> bool:
    holds_own = signal.candle_close_ms in candles.closed_ms
    return holds_own and candles.closed_at_ms + signal.timeframe.ms > until_ms


def _name(stored: StoredSignal) -> str:
    return f"S-{stored.id}"
