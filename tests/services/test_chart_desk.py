"""Charts come from a worker of their own, once for all who ask, and never keep anybody waiting."""

import asyncio
from dataclasses import replace

import pytest

from engine.params import Params
from engine.vocabulary import BookKind, SignalStatus
from services.chart_desk import ChartDesk, NoChart
from services.charts import signal_chart
from services.post import ChartKind, ChartRequest, SeriesRequest
from services.series_chart import series_chart
from storage.book import Book
from tests.services.test_chart_requests import SERIES, SIGNAL
from tests.storage.samples import NOW_MS, recorded


@pytest.fixture
def book():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


@pytest.fixture
def signal_id(book):
    with book.transaction() as tx:
        tx.candles.store(SERIES, "binance", SIGNAL.candle_close_ms)
        return recorded(tx, SIGNAL, SignalStatus.SENT)


@pytest.fixture
def desk(book):
    desk = ChartDesk(book.path, patience_s=60.0)
    yield desk
    desk.close()


async def test_a_chart_is_drawn_once_for_all_who_ask_and_of_what_the_book_does_not_hold_too(desk, signal_id):
    one, other = await asyncio.gather(*(desk.draw(ChartRequest(signal_id)) for _ in range(2)))

    assert one == signal_chart(SIGNAL, SERIES, name=f"S-{signal_id}", source="binance")
    assert other is one
    now = SeriesRequest(SERIES.symbol, SERIES.timeframe, SERIES.closed_at_ms, "binance", SERIES, Params())
    assert await desk.draw(now) == series_chart(SERIES, source="binance")
    assert await desk.draw(replace(now)) is await desk.draw(now)


async def test_a_chart_that_cannot_be_drawn_is_said_so(desk, signal_id):
    with pytest.raises(NoChart, match="is closed"):
        await desk.draw(ChartRequest(signal_id, ChartKind.CLOSE))


async def test_a_chart_that_takes_too_long_is_given_up_and_the_next_one_has_a_worker_again(desk, book, signal_id):
    hasty = ChartDesk(book.path, patience_s=0.01)
    with pytest.raises(NoChart, match="longer than"):
        await hasty.draw(ChartRequest(signal_id))
    hasty.close()

    assert (await desk.draw(ChartRequest(signal_id)))[:4] == b"\x89PNG"
