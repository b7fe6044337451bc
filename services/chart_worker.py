"""The worker that draws: one picture, in a process of its own."""

from pathlib import Path

from services.chart_requests import chart_of_close, chart_of_signal
from services.charts import ChartError
from services.equity import equity_until
from services.equity_chart import equity_chart
from services.periods import CalendarPeriod
from services.post import ChartKind, EquityRequest, Picture, SeriesRequest
from services.series_chart import series_chart
from storage.book import Book


def chart_of(path: Path, request: Picture) -> bytes:
    """The worker's whole work: one chart from the book at `path`; ChartError where it cannot be drawn."""
    if isinstance(request, SeriesRequest):
        return series_chart(request.candles, source=request.source, params=request.params)
    with Book.open_read_only(path) as book, book.reading() as view:
        if isinstance(request, EquityRequest):
            calendar = CalendarPeriod(request.period, request.first, request.zone)
            return equity_chart(equity_until(view, calendar))
        stored = view.signals.get(request.signal_id)
        if request.kind is ChartKind.SIGNAL:
            return chart_of_signal(view, stored)
        closed = [position for position in view.positions.of_signal(request.signal_id) if not position.is_open]
        if not closed:
            raise ChartError(f"No position of signal {request.signal_id} is closed.")
        return chart_of_close(view, stored, closed[-1])
