"""Charts for messages: drawn in a process of their own, one at a time, each once for all who want it, or not at all.

A chart is an extra. Whatever goes wrong with it, and however long it takes, the words do not wait for it.
"""

import asyncio
import importlib
import multiprocessing
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path

from engine.timeframes import Timeframe
from gateways.market import MarketError
from services.post import Picture, SeriesRequest

PATIENCE_S = 5.0
KEPT_CHARTS = 4
CHARTS_A_WORKER = 200


class NoChart(Exception):
    """The chart cannot be had, or not in time; the message says why."""


Draw = Callable[[Picture], Awaitable[bytes]]
"""The PNG of a chart; NoChart when it cannot be had in time."""


async def no_charts(request: Picture) -> bytes:
    """For whoever has nobody to draw."""
    raise NoChart("there is nobody to draw it")


Series = Callable[[str, Timeframe], Awaitable[SeriesRequest]]
"""What is to be drawn of a series now; MarketError when its candles cannot be had."""


async def no_series(symbol: str, timeframe: Timeframe) -> SeriesRequest:
    """For whoever has no market."""
    raise MarketError("There is no market here.")


@dataclass(frozen=True, slots=True)
class InWorker:
    """A function by its name, imported where it is called: the worker loads the drawing library, the live bot never does."""

    module: str
    name: str

    def __call__(self, *arguments: object) -> bytes:
        png: bytes = getattr(importlib.import_module(self.module), self.name)(*arguments)
        return png


CHART_OF = InWorker("services.chart_worker", "chart_of")


class ChartDesk:
    """Draws charts of the book at `path`, which its worker only reads; end it with `close`."""

    def __init__(self, path: Path, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        self._patience_s = patience_s
        self._pool: Pool | None = None
        self._drawings: OrderedDict[Picture, asyncio.Task[bytes]] = OrderedDict()

    async def draw(self, request: Picture) -> bytes:
        """The PNG of a chart; NoChart when it cannot be drawn, or not within the patience."""
        drawing = self._drawings.get(request)
        if drawing is None or (drawing.done() and drawing.exception() is not None):
            drawing = self._drawings[request] = asyncio.create_task(self._drawn(request))
            while len(self._drawings) > KEPT_CHARTS:
                self._drawings.popitem(last=False)
        return await asyncio.shield(drawing)  # who stops waiting does not stop the others' chart

    def close(self) -> None:
        """End the worker, whatever it draws."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _drawn(self, request: Picture) -> bytes:
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._asked(request)
        except TimeoutError as error:
            self.close()  # whatever holds it up would hold up the next chart too
            raise NoChart(f"it took longer than {self._patience_s:g} s") from error

    def _asked(self, request: Picture) -> asyncio.Future[bytes]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()

        def drawn(png: object) -> None:
            assert isinstance(png, bytes), "it is what the worker's function returns"
            if not answer.done():
                answer.set_result(png)

        def failed(error: BaseException) -> None:
            if not answer.done():
                answer.set_exception(NoChart(f"{type(error).__name__}: {error}"))

        if self._pool is None:
            self._pool = multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=CHARTS_A_WORKER)
        self._pool.apply_async(
            CHART_OF,
            (self._path, request),
            callback=lambda png: loop.call_soon_threadsafe(drawn, png),
            error_callback=lambda error: loop.call_soon_threadsafe(failed, error),
        )
        return answer
