"""Importing a legacy journal, judged and receipted, beside `sqlite-utils insert` of the same file as bare rows.

    python benchmarks/import_vs_sqlite_utils.py [--quick]

The journal is made up here: 1,000,000 records of about 1.1 KB (20,000 with --quick), a third of them never closed. The
importer reads, judges and books every record (signal, target, position, fills, money, event, receipt with the raw
record) in one transaction; sqlite-utils writes one flat row each, after loading the whole file. Times are wall clock,
memory is the peak of the largest process of a run. The last line is the ratio of the times.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.vocabulary import BookKind
from services.import_legacy import import_directory
from storage.book import Book

RECORDS, QUICK_RECORDS = 1_000_000, 20_000
LIMIT_S, LIMIT_MB = 150.0, 1_500.0
NOW_MS = 1_795_000_000_000
FIRST_TRADE = datetime(2021, 1, 1)  # noqa: DTZ001 - legacy journals wrote naive times
STEP = timedelta(seconds=150, microseconds=137)
PAIRS = {"BTCUSDT": 87_000.0, "SOLUSDT": 137.0, "XRPUSDT": 2.2, "ADAUSDT": 0.45, "BNBUSDT": 860.0, "ETHUSDT": 2_900.0}
KB_PER_MB = 1024
IMPORT = "--import-alone"


@dataclass(frozen=True, slots=True)
class Run:
    """One tool on one file: wall-clock seconds, peak memory and the size of the database it leaves."""

    tool: str
    seconds: float
    peak_mb: float
    database_mb: float


def record(no: int, dice: random.Random) -> dict[str, object]:
    """A journal row of the first generation, its prices as long as real ones."""
    symbol = dice.choice(list(PAIRS))
    entry = PAIRS[symbol] * dice.uniform(0.9, 1.1)
    buys = dice.random() < 0.75
    sign = 1 if buys else -1
    opened = FIRST_TRADE + no * STEP
    won, closed = dice.random() < 0.4, dice.random() < 0.65
    word = ("WIN" if won else "LOSS") if closed else "PENDING"
    at = (opened + timedelta(hours=dice.uniform(1, 30))).isoformat()
    note = {"timestamp": at, "note": f"Автоматично затворен: Цена удари {'TP' if won else 'SL'} @ ${entry:.2f}"}
    seen = {
        "timestamp": opened.isoformat(),
        "note": f"Нов сигнал: вход ${entry:.2f}, доверие {dice.random():.4f}, следи се до TP или SL",
    }
    return {
        "id": no + 1, "timestamp": opened.isoformat(), "symbol": symbol, "timeframe": dice.choice(("15m", "1h", "4h")),
        "signal": "BUY" if buys else "SELL", "confidence": dice.randint(65, 95), "entry_price": entry,
        "tp_price": entry * (1 + sign * 0.03), "sl_price": entry * (1 - sign * 0.02), "status": word,
        "outcome": word if closed else None,
        "profit_loss_pct": (dice.uniform(2.8, 3.4) if won else -dice.uniform(1.9, 2.6)) if closed else None,
        "closed_at": at if closed else None,
        "conditions": {
            "rsi": dice.uniform(10, 90), "ma_20": entry * dice.uniform(0.98, 1.02), "ma_50": entry * dice.uniform(0.96, 1.04),
            "volume_ratio": dice.random(), "volatility": dice.uniform(1, 6), "trend": None, "btc_correlation": None,
            "sentiment": None,
        },
        "notes": [seen, note] if closed else [seen],
    }  # fmt: skip


def write_journal(path: Path, records: int) -> None:
    dice = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for no in range(records):
            text = json.dumps(record(no, dice), indent=4)
            file.write(("[\n" if no == 0 else ",\n") + text)
        file.write("\n]\n")


def import_alone(journal: Path, database: Path) -> None:
    """The importer as a command runs it, with its progress bar."""
    with Book.open(database, BookKind.LIVE, now_ms=NOW_MS) as book, Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("importing", total=journal.stat().st_size)
        report = import_directory(
            book, journal, now_ms=NOW_MS, progress=lambda _, behind, __: bar.update(task, completed=behind)
        )
    if report.problems or report.totals.quarantined:
        raise SystemExit(f"The import is not clean: {report.as_json()}")


def timed(tool: str, command: Sequence[str], database: Path) -> Run:
    """Run a command in a process that weighs it."""
    start = time.perf_counter()
    finished = subprocess.run(
        [sys.executable, __file__, "--weigh", *command], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - start
    return Run(tool, seconds, float(finished.stdout.split()[-1]), database.stat().st_size / 1e6)


def weigh(command: Sequence[str]) -> None:
    """Run a command and print what it or one of its own children held at most, in MB."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KB_PER_MB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RECORDS:,} records instead of {RECORDS:,}")
    records = QUICK_RECORDS if parser.parse_args().quick else RECORDS
    with tempfile.TemporaryDirectory(prefix="onebook-") as folder:
        journal, book, flat = Path(folder) / "journal.json", Path(folder) / "book.db", Path(folder) / "flat.db"
        write_journal(journal, records)
        ours = timed("import-legacy", (sys.executable, __file__, IMPORT, str(journal), str(book)), book)
        theirs = timed(
            "sqlite-utils insert",
            (sys.executable, "-m", "sqlite_utils", "insert", str(flat), "trades", str(journal)),
            flat,
        )
        size_mb = journal.stat().st_size / 1e6
    table = Table("tool", "seconds", "records/s", "peak MB", "database MB")
    for run in (ours, theirs):
        table.add_row(
            run.tool,
            f"{run.seconds:.1f}",
            f"{records / run.seconds:,.0f}",
            f"{run.peak_mb:,.0f}",
            f"{run.database_mb:,.0f}",
        )
    console = Console()
    console.print(f"{records:,} records, {size_mb:,.0f} MB of JSON")
    console.print(table)
    if records == RECORDS:
        console.print(f"limits: {LIMIT_S:.0f} s and {LIMIT_MB:,.0f} MB for the importer")
    console.print(f"ratio import-legacy / sqlite-utils: {ours.seconds / theirs.seconds:.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--weigh", *command]:
            weigh(command)
        case [first, journal_path, database_path] if first == IMPORT:
            import_alone(Path(journal_path), Path(database_path))
        case _:
            main()
