import asyncio
import threading

import pytest

from storage.book import Book
from storage.errors import BusyBook
from storage.stores import Stores
from storage.writer import Writer
from tests.storage.crashing import BusyAtFirst
from tests.storage.samples import LONG, NOW_MS, recorded


async def test_work_is_done_in_one_transaction_and_its_result_comes_back(book: Book):
    with Writer(book) as writer:
        signal_id = await writer.run(recorded)

    with book.reading() as view:
        assert view.signals.get(signal_id).signal == LONG


async def test_what_the_work_raises_reaches_the_caller_and_nothing_was_written(book: Book):
    def fail(tx: Stores) -> None:
        recorded(tx)
        raise ValueError("no")

    with Writer(book) as writer:
        with pytest.raises(ValueError, match="no"):
            await writer.run(fail)
        assert await writer.run(lambda tx: tx.journal.count()) == 0


async def test_the_event_loop_goes_on_while_the_book_is_written(book: Book):
    may_finish = threading.Event()

    def slow(tx: Stores) -> str:
        may_finish.wait()
        return "written"

    with Writer(book) as writer:
        writing = asyncio.create_task(writer.run(slow))
        await asyncio.sleep(0)
        may_finish.set()

        assert await writing == "written"


async def test_work_is_done_in_the_order_it_was_given(book: Book):
    with Writer(book) as writer:
        await asyncio.gather(*(writer.run(lambda tx, n=n: tx.settings.set("n", n, "test", NOW_MS)) for n in range(50)))

        assert (await writer.run(lambda tx: tx.settings.get("n"))).value == 49


def test_stopping_finishes_what_is_queued_and_refuses_more(book: Book):
    writer = Writer(book)
    writer.call(recorded)
    writer.stop()

    with book.reading() as view:
        assert view.journal.count() == 1
    with pytest.raises(RuntimeError):
        writer.call(recorded)


async def test_a_busy_book_is_tried_again_and_the_work_is_done_once(book: Book):
    with Writer(BusyAtFirst(book, 2), pauses_s=(0.01, 0.02, 0.04)) as writer:
        await writer.run(recorded)

        assert await writer.run(lambda tx: tx.journal.count()) == 1
        assert writer.waited_s == pytest.approx(0.03)


async def test_a_book_that_stays_busy_is_said_to_be_so_in_the_end(book: Book):
    with Writer(BusyAtFirst(book, 3), pauses_s=(0.01, 0.01)) as writer:
        with pytest.raises(BusyBook):
            await writer.run(recorded)

        assert await writer.run(lambda tx: tx.journal.count()) == 0
