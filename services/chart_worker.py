"""The worker that draws: one chart from the book, in a process of its own."""

from pathlib import Path

from services.chart_requests import chart_of_close, chart_of_signal
from services.charts import ChartError
from services.post import ChartKind, ChartRequest
from storage.book import Book


def chart_of(path: Path, request: ChartRequest) -> bytes:
    """The worker's whole work: one chart from the book at `path`; ChartError where it cannot be drawn."""
    with Book.open_read_only(path) as book, book.reading() as view:
        stored = view.signals.get(request.signal_id)
        if request.kind is ChartKind.SIGNAL:
            return chart_of_signal(view, stored)
        closed = [position for position in view.positions.of_signal(request.signal_id) if not position.is_open]
        if not closed:
            raise ChartError(f"No position of signal {request.signal_id} is closed.")
        return chart_of_close(view, stored, closed[-1])
