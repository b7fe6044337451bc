from dataclasses import replace
from pathlib import Path

import pytest

from engine.candles import Candles
from engine.timeframes import Timeframe
from engine.vocabulary import PortfolioKind, SignalStatus
from services.chart_requests import candles_for, chart_of_close, chart_of_signal
from services.charts import ChartError, closing_chart, signal_chart
from storage.book import Book
from storage.positions import Ending
from storage.stores import Stores
from tests.services.test_charts import signal_on, trade_of, walk
from tests.storage.samples import book, opened, recorded

__all__ = ["book"]

SERIES = walk()
SIGNAL = signal_on(SERIES)


def written(candles: Candles, directory: Path) -> Path:
    """The candles as a file the program reads."""
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows = [",".join(map(repr, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    path = directory / f"{candles.symbol}-{candles.timeframe.text}.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return path


def closed_trade(tx: Stores, signal_id: int) -> int:
    """The id of a closed shadow position of the signal with its fills."""
    position, fills = trade_of(SIGNAL)
    shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
    position_id = opened(
        tx, portfolio_id=shadow, signal_id=signal_id, entry_price=SIGNAL.entry, opened_ms=position.opened_ms, qty=1.0
    )
    for fill in fills:
        tx.fills.add(replace(fill, position_id=position_id))
    assert position.closed_ms is not None
    assert position.close_reason is not None
    ending = Ending(SIGNAL.entry, position.closed_ms, position.close_reason, 0.4, None, 0.7)
    tx.positions.close(position_id, ending)
    return position_id


def test_the_books_own_candles_come_first(book: Book, tmp_path: Path):
    with book.transaction() as tx:
        tx.candles.store(SERIES, "binance", SIGNAL.candle_close_ms)
        stored = tx.signals.get(recorded(tx, SIGNAL, SignalStatus.SENT))

        found = candles_for(tx, SIGNAL, SIGNAL.candle_close_ms, [tmp_path / "absent-30m.csv"])

        assert found.source == "binance"
        assert chart_of_signal(tx, stored) == signal_chart(SIGNAL, SERIES, name=f"S-{stored.id}", source="binance")


def test_files_are_asked_when_the_book_lacks_the_candles(book: Book, tmp_path: Path):
    with book.transaction() as tx:
        tx.candles.store(SERIES.window(20, 20), "binance", SIGNAL.candle_close_ms)  # too old for this signal

        found = candles_for(tx, SIGNAL, SIGNAL.candle_close_ms, [written(SERIES, tmp_path)])

    assert found.source == "candle files"
    assert found.candles.close.tolist() == SERIES.close.tolist()


def test_a_lower_timeframe_is_built_up(book: Book, tmp_path: Path):
    hourly = replace(SIGNAL, timeframe=Timeframe.H1)
    with book.transaction() as tx:
        found = candles_for(tx, hourly, hourly.candle_close_ms, [written(SERIES, tmp_path)])

    assert found.candles.timeframe is Timeframe.H1


def test_without_candles_the_sentence_says_so(book: Book, tmp_path: Path):
    with book.transaction() as tx:
        with pytest.raises(ChartError, match="No chart: the book does not hold the BTCUSDT 30m candles"):
            candles_for(tx, SIGNAL, SIGNAL.candle_close_ms, [])
        with pytest.raises(ChartError, match="neither the book nor the files hold"):
            candles_for(tx, SIGNAL, SIGNAL.candle_close_ms, [written(walk(symbol="ETHUSDT"), tmp_path)])


def test_the_close_of_a_position_is_drawn_from_the_book(book: Book):
    with book.transaction() as tx:
        tx.candles.store(SERIES, "binance", SIGNAL.candle_close_ms)
        stored = tx.signals.get(recorded(tx, SIGNAL, SignalStatus.CLOSED))
        position = tx.positions.get(closed_trade(tx, stored.id))

        png = chart_of_close(tx, stored, position)

        fills = tx.fills.of_position(position.id)
        assert png == closing_chart(SIGNAL, position, fills, SERIES, name=f"S-{stored.id}", source="binance")


def test_an_open_position_is_refused(book: Book):
    with book.transaction() as tx:
        stored = tx.signals.get(recorded(tx, SIGNAL, SignalStatus.SENT))
        position = tx.positions.get(opened(tx, signal_id=stored.id))

        with pytest.raises(ChartError, match="not closed yet"):
            chart_of_close(tx, stored, position)
