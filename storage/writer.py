"""The one thread that writes to the live book, so that the event loop never waits for a lock or a disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from storage.book import Book
from storage.errors import BusyBook
from storage.stores import Stores

T = TypeVar("T")

BUSY_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""How long a book that another program writes is left alone between tries, each of which waits some seconds itself."""

logger = logging.getLogger(__name__)


class Writer:
    """A queue in front of a book: work is done one after the other, each in a transaction of its own."""

    def __init__(self, book: Book, pauses_s: Sequence[float] = BUSY_PAUSES_S) -> None:
        self._book = book
        self._pauses_s = tuple(pauses_s)
        self.waited_s = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book-writer")

    async def run(self, work: Callable[[Stores], T]) -> T:
        """What `work` returns, after its transaction is committed; what it raises is raised here.

        A caller that is cancelled while the work runs does not undo it.
        """
        return await asyncio.wrap_future(self._submit(work))

    def call(self, work: Callable[[Stores], T]) -> T:
        """The same for a caller that may wait; never from the event loop."""
        return self._submit(work).result()

    def stop(self) -> None:
        """Finish what is queued, then end the thread; work given later raises RuntimeError."""
        self._thread.shutdown(wait=True)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _submit(self, work: Callable[[Stores], T]) -> Future[T]:
        return self._thread.submit(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Stores], T]) -> T:
        """BusyBook after the last pause. Only the beginning of a transaction can find a book busy, so none is done twice."""
        for pause_s in self._pauses_s:
            try:
                with self._book.transaction() as tx:
                    return work(tx)
            except BusyBook as error:
                logger.warning("%s Tried again in %g s.", error, pause_s)
            time.sleep(pause_s)
            self.waited_s += pause_s
        with self._book.transaction() as tx:
            return work(tx)
