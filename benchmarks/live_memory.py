"""Memory of the live bot with a model loaded: the real process against fakes on this machine, hours of its time in minutes.

    python benchmarks/live_memory.py [--quick] [--symbols 6] [--timeframes 15m,1h,4h]

Telegram and the exchange are fakes in processes of their own; only the bot's process is measured, its workers beside it.
The last line is the highest resident size as a ratio of the limit.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.params import Params
from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from services.pace import MS_PER_SECOND
from services.train import Trained, activate, keep
from services.training import train_book
from storage.book import Book
from tests.fakes.bot_api import TOKEN
from tests.services.rig import CHANNEL, OWNER, SEED
from tests.services.test_train import NOW_MS as BEGIN_MS
from tests.services.test_train import with_backtest

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MB = 350
HOURS, QUICK_HOURS = 48, 4
SPEED = 1200
SAMPLE_S = 0.5
STARTS_S, STOPS_S = 60, 300
SLOWER = 3
"""How many times as long as the clock asks for a machine under load may take."""
MB = 1_000_000
COMPILER = "llvmlite"


@dataclass(frozen=True, slots=True)
class Sample:
    """The memory of the bot's process at one instant, and of the workers beside it, in bytes."""

    rss: int
    uss: int
    workers: int
    threads: int


def taught(path: Path) -> None:
    """A live book in which a model acts."""
    with Book.open(path, BookKind.LIVE, now_ms=BEGIN_MS) as book:
        outcome = train_book(with_backtest(book), Params(), BEGIN_MS)
        assert isinstance(outcome, Trained)
        with book.transaction() as tx:
            model_id = keep(tx, outcome, "benchmark")
            if not outcome.promoted:
                activate(tx, model_id, BEGIN_MS, "benchmark")


@contextmanager
def fake(name: str, *arguments: object) -> Iterator[str]:
    """A fake as a process; gives its URL."""
    command = [sys.executable, "-m", f"tests.fakes.{name}", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@contextmanager
def bot(
    folder: Path, telegram_url: str, exchange_url: str, clock: str, watch: dict[str, str]
) -> Iterator[psutil.Process]:
    """`python bot.py run` at work."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEBOOK_")}
    environment |= watch | {
        "ONEBOOK_TOKEN": TOKEN,
        "ONEBOOK_OWNERS": str(OWNER),
        "ONEBOOK_CHANNEL": str(CHANNEL),
        "ONEBOOK_TELEGRAM_URL": telegram_url,
        "ONEBOOK_EXCHANGE_URL": exchange_url,
        "ONEBOOK_CLOCK": clock,
        "ONEBOOK_LOG_DIR": str(folder / "logs"),
        "ONEBOOK_DB": str(folder / "live.db"),
    }
    with (folder / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen([sys.executable, "bot.py", "run"], cwd=ROOT, env=environment, stderr=stderr)
        try:
            yield psutil.Process(process.pid)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=STOPS_S) == 0, (folder / "stderr.txt").read_text()
        finally:
            process.kill()
            process.wait()


def sampled(process: psutil.Process) -> Sample:
    memory = process.memory_full_info()
    workers = 0
    for child in process.children(recursive=True):
        try:
            workers += child.memory_full_info().uss
        except psutil.NoSuchProcess:  # a worker that ended between the two questions
            continue
    return Sample(memory.rss, memory.uss, workers, process.num_threads())


def lived(folder: Path, hours: int, watch: dict[str, str]) -> tuple[list[Sample], bool, float]:
    """The samples of a life of so many hours of the book's time, whether the compiler was loaded, and CPU seconds."""
    taught(folder / "live.db")
    real_ms = time.time_ns() // 1_000_000
    anchors = ("--anchor-virtual-ms", BEGIN_MS, "--anchor-real-ms", real_ms, "--speed", SPEED)
    begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGIN_MS / MS_PER_SECOND))
    with ExitStack() as stack:
        telegram_url = stack.enter_context(fake("bot_api"))
        exchange_url = stack.enter_context(fake("exchange", "--seed", SEED, *anchors))
        clock = f"{begin}@{real_ms}x{SPEED}"
        process = stack.enter_context(bot(folder, telegram_url, exchange_url, clock, watch))
        samples: list[Sample] = []
        deadline_s = time.monotonic() + STARTS_S + SLOWER * hours * HOUR_MS / MS_PER_SECOND / SPEED
        first_ms = last_ms = BEGIN_MS
        while time.monotonic() < deadline_s and last_ms - first_ms < hours * HOUR_MS:
            samples.append(sampled(process))
            time.sleep(SAMPLE_S)
            last_ms = looked_ms(folder / "live.db")
            if first_ms == BEGIN_MS:  # a start takes an hour or more at this speed
                first_ms = last_ms
        has_compiler = any(COMPILER in mapped.path for mapped in process.memory_maps())
        return samples, has_compiler, sum(process.cpu_times()[:2])


def looked_ms(path: Path) -> int:
    """The last close that was decided, epoch ms; the begin while there is none."""
    with Book.open_read_only(path) as book, book.reading() as view:
        slots = [run.slot_ms for run in view.job_runs.last_of_each() if run.job.startswith("scan ")]
    return max(slots, default=BEGIN_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_HOURS} hours instead of {HOURS}")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,ADAUSDT,BNBUSDT")
    parser.add_argument("--timeframes", default="15m,1h,4h")
    arguments = parser.parse_args()
    watch = {"ONEBOOK_SYMBOLS": arguments.symbols, "ONEBOOK_TIMEFRAMES": arguments.timeframes}
    hours = QUICK_HOURS if arguments.quick else HOURS
    with tempfile.TemporaryDirectory() as folder:
        samples, has_compiler, cpu_s = lived(Path(folder), hours, watch)
        size = (Path(folder) / "live.db").stat().st_size
    highest = max(sample.rss for sample in samples)
    table = Table(
        title=f"the live process, model loaded, {arguments.symbols.count(',') + 1} symbols x {arguments.timeframes}"
    )
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figure in (
        ("hours lived", f"{hours}"),
        ("resident, highest", f"{highest / MB:.0f} MB"),
        ("resident, at the end", f"{samples[-1].rss / MB:.0f} MB"),
        ("its own (USS), highest", f"{max(sample.uss for sample in samples) / MB:.0f} MB"),
        ("its workers, highest", f"{max(sample.workers for sample in samples) / MB:.0f} MB"),
        ("threads, most", f"{max(sample.threads for sample in samples)}"),
        ("compiler loaded", "yes" if has_compiler else "no"),
        ("CPU", f"{cpu_s:.1f} s"),
        ("the book", f"{size / MB:.1f} MB"),
    ):
        table.add_row(what, figure)
    Console().print(table)
    print(f"resident / {LIMIT_MB} MB: {highest / MB / LIMIT_MB:.2f}")


if __name__ == "__main__":
    main()
