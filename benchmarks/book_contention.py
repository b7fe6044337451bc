"""Two processes write one live book as fast as they can, a third reads it: nothing is lost, nothing twice, no reader waits.

    python benchmarks/book_contention.py [--quick]

Every transaction claims the next free slot of one job, posts to the ledger, adds an event and counts up a number that
it read before. Afterwards the book is compared with what each process says it committed. The last line is the reader's
99th percentile as a ratio of its limit, or says what was lost.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.timeframes import MINUTE_MS
from engine.vocabulary import BookKind, LedgerKind, PortfolioKind
from storage.book import Book
from storage.errors import BusyBook
from storage.events import EventType
from storage.stores import Stores
from tests.storage.samples import NOW_MS

SECONDS, QUICK_SECONDS = 60.0, 10.0
WRITERS = 2
LIMIT_MS = 20.0
READ_EVERY_S = 0.005
WAITS_S = 60.0
JOB, COUNT = "contended", "benchmark.count"
FIRST_SLOT_MS = NOW_MS // MINUTE_MS * MINUTE_MS
MS_PER_SECOND = 1000.0

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wrote:
    """What one process committed: transactions, the slots it got, those another had; and how often it was turned away."""

    transactions: int
    slots: tuple[int, ...]
    refused: int
    waits_s: tuple[float, ...]
    cpu_s: float


def write(path: Path, name: str, seconds: float, answer: Pipe) -> None:
    """A writer's whole life."""
    committed, refused, slots, waits = 0, 0, [], []
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
        answer.send("ready")
        answer.recv()
        ends_s = perf_counter() + seconds
        while perf_counter() < ends_s:
            began_s = perf_counter()
            try:
                with book.transaction() as tx:
                    slot_ms = written(tx, name, committed)
            except BusyBook:
                refused += 1
                continue
            waits.append(perf_counter() - began_s)
            committed += 1
            slots.append(slot_ms)
    answer.send(Wrote(committed, tuple(slots), refused, tuple(waits), process_time()))


def written(tx: Stores, name: str, number: int) -> int:
    """One transaction of the kind the bot makes; the slot it got."""
    count = int(tx.meta.get(COUNT) or 0)
    tx.meta.set(COUNT, str(count + 1))
    last = tx.job_runs.last(JOB)
    slot_ms = FIRST_SLOT_MS if last is None else last.slot_ms + MINUTE_MS
    assert tx.job_runs.claim(JOB, slot_ms, name, NOW_MS), "who holds the lock sees every slot that is taken"
    paper = tx.portfolios.of_kind(PortfolioKind.PAPER)
    tx.ledger.post(paper.id, LedgerKind.ADJUSTMENT, 1.0, NOW_MS, f"{name}:{number}")
    tx.events.add(EventType.BOT_STARTED, NOW_MS, actor=name, idem_key=f"{name}:{number}")
    return slot_ms


def read_times_ms(path: Path, answers: Sequence[Pipe]) -> Column:
    """How long each look at the account, the newest events and the last run took, until the writers answer.

    Two columns, by the wall and by the processor: on a machine with other work the difference is the wait for a core.
    """
    took = []
    with Book.open_read_only(path) as book:
        # a long answer fills its pipe: whoever waits for the writers to end first waits for ever
        while not all(answer.poll() for answer in answers):
            began_s, began_cpu_s = perf_counter(), process_time()
            with book.reading() as view:
                view.meta.get(COUNT)
                view.positions.open_positions()
                view.events.latest(10, EventType.BOT_STARTED)  # by type, as all who ask in the product
                view.job_runs.last(JOB)
            took.append((perf_counter() - began_s, process_time() - began_cpu_s))
            time.sleep(READ_EVERY_S)
    return MS_PER_SECOND * np.array(took)


def contended(path: Path, seconds: float) -> tuple[list[Wrote], Column]:
    """The writers' own accounts and the reader's times."""
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(WRITERS)]
    writers = [
        context.Process(target=write, args=(path, f"writer {number}", seconds, theirs), daemon=True)
        for number, (_, theirs) in enumerate(pipes)
    ]
    for writer in writers:
        writer.start()
    for ours, theirs in pipes:
        theirs.close()
        ours.recv()
    for ours, _ in pipes:
        ours.send("go")
    took = read_times_ms(path, [ours for ours, _ in pipes])
    return [ours.recv() for ours, _ in pipes], took


def differences(path: Path, wrote: Sequence[Wrote]) -> list[str]:
    """What the book does not hold as the writers say they committed it."""
    committed = sum(one.transactions for one in wrote)
    slots = [slot for one in wrote for slot in one.slots]
    with Book.open_read_only(path) as book, book.reading() as view:
        paper = view.portfolios.of_kind(PortfolioKind.PAPER)
        held = {
            "ledger rows": len(view.ledger.entries(paper.id)),
            "balance": round(view.ledger.balance(paper.id)),
            "events": view.events.count(EventType.BOT_STARTED, 0),
            "counted": int(view.meta.get(COUNT) or 0),
        }
        last = view.job_runs.last(JOB)
    assert last is not None
    held["slots taken in a row"] = (last.slot_ms - FIRST_SLOT_MS) // MINUTE_MS + 1
    held["different slots"] = len(set(slots))
    return [f"{what}: {found} instead of {committed}" for what, found in held.items() if found != committed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:g} s instead of {SECONDS:g}")
    seconds = QUICK_SECONDS if parser.parse_args().quick else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "live.db"
        wrote, took_ms = contended(path, seconds)
        read_ms, read_cpu_ms = took_ms.T
        wrong = differences(path, wrote)
        size_mb = path.stat().st_size / 1e6
    waits_ms = [MS_PER_SECOND * wait_s for one in wrote for wait_s in one.waits_s]
    table = Table(title=f"one book, {WRITERS} writing processes and a reader for {seconds:g} s")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figure in (
        ("transactions", " + ".join(f"{one.transactions:,}" for one in wrote)),
        ("turned away as busy", " + ".join(str(one.refused) for one in wrote)),
        ("lost, or twice", "; ".join(wrong) or "none"),
        ("a transaction, median", f"{np.median(waits_ms):.1f} ms"),
        ("a transaction, slowest", f"{max(waits_ms):.0f} ms"),
        ("reads", f"{len(read_ms):,}"),
        ("a read, median", f"{np.median(read_ms):.2f} ms"),
        ("a read, 99th percentile", f"{np.percentile(read_ms, 99):.2f} ms"),
        ("the same without the wait for a core", f"{np.percentile(read_cpu_ms, 99):.2f} ms"),
        ("a read, slowest", f"{max(read_ms):.1f} ms"),
        ("CPU", f"{sum(one.cpu_s for one in wrote) + process_time():.1f} s"),
        ("the book", f"{size_mb:.0f} MB"),
    ):
        table.add_row(what, figure)
    Console().print(table)
    if wrong:
        print(f"lost or twice: {'; '.join(wrong)}")
        raise SystemExit(1)
    print(f"99th percentile of reads / {LIMIT_MS:g} ms: {np.percentile(read_ms, 99) / LIMIT_MS:.2f}")


if __name__ == "__main__":
    main()
