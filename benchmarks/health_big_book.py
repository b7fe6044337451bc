"""`health --json` and /quick_health on a book with a million journal rows and five million candles.

    python benchmarks/health_big_book.py [--quick] [--keep FILE]

The book is made by SQLite itself in a temporary folder (or as FILE, which is used again when it is there), looked
through once as the hourly job does it, and then asked as a monitor would ask, in a process for each question, and as
an owner would, who asks the bot that runs. --quick makes a book of a hundredth.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, time_ns
from typing import NoReturn

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.params import Params
from engine.scores import Score
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import BookKind, PortfolioKind
from handlers.telegram.commands.health import quick
from handlers.telegram.desk import Asked, ChatRef, Desk
from services.announce import Announcements
from services.hands import Hands
from services.verify import verify_book
from storage.account import open_account
from storage.book import Book
from storage.events import EventType
from storage.publications import Delivery, PublicationKind
from storage.pulse import Cadence, Pulse, beat
from storage.scans import Scan
from storage.stores import Stores
from storage.users import Role, User
from storage.verified import keep_verified
from storage.writer import Writer

ROOT = Path(__file__).resolve().parent.parent
SIGNALS, SYMBOLS, BARS = 1_000_000, 125, 10_000
TIMEFRAMES = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1)
SHADOW_EVERY, PAPER_EVERY, PUBLISHED_EVERY = 4, 20, 40
QUICK = 100
RUNS = 5
LIMIT_S, QUICK_LIMIT_S = 1.5, 1.0
NOW_MS = time_ns() // 1_000_000
STEP_MS = 60_000
"""Between two signals: a million of them are two years."""

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<:count) "
_SIGNALS = (
    _NUMBERS + "INSERT INTO signals(id, uid, symbol, timeframe, direction, setup, setup_key, candle_close_ms,"
    " created_ms, last_seen_ms, entry, zone_low, zone_high, stop_loss, valid_until_ms, rr, plan_r, cost_r, confidence,"
    " engine_version, params_hash, session, regime, status, status_ms)"
    " SELECT i, printf('%064x',i), 'S'||(i%:symbols)||'USDT', '1h', 'LONG', 'sweep_displacement', 'k'||i,"
    " :from_ms+i*:step_ms, :from_ms+i*:step_ms, :from_ms+i*:step_ms, 100.0, 99.5, 100.5, 98.0,"
    " :from_ms+i*:step_ms+86400000, 5.0, 2.9, 0.07, 60.0+i%30, '1', 'p', 'london', 'trend',"
    " CASE WHEN i%:published=0 THEN 'CLOSED' ELSE 'SUPPRESSED' END, :from_ms+i*:step_ms FROM n"
)
_POSITIONS = (
    "INSERT INTO positions(portfolio_id, signal_id, symbol, timeframe, direction, qty, entry_price, opened_ms,"
    " initial_stop, stop_loss, risk_amount, closed_ratio, exclusive, status, exit_price, closed_ms, close_reason,"
    " realized_pnl, pnl_pct, r_multiple, fees) SELECT :portfolio, id, symbol, timeframe, direction, 1.0, 100.0,"
    " created_ms+60000, 98.0, 98.0, 2.0, 1.0, :exclusive, 'CLOSED', 101.0, created_ms+3600000, 'TAKE_PROFIT', 0.9,"
    " 0.9, 0.45, 0.1 FROM signals WHERE id%:every=0"
)
_FILLS = (
    "INSERT INTO fills(position_id, at_ms, kind, qty, price, fee, idem_key)"
    " SELECT id, opened_ms, 'ENTRY', 1.0, 100.0, 0.05, 'entry:'||id FROM positions"
    " UNION ALL SELECT id, closed_ms, 'TARGET', 1.0, 101.0, 0.05, 'target:'||id FROM positions"
)
_LEDGER = (
    "INSERT INTO ledger(portfolio_id, at_ms, kind, amount, fill_id, idem_key)"
    " SELECT p.portfolio_id, x.at_ms, 'FEE', -x.fee, x.id, 'fee:'||x.id FROM fills x JOIN positions p"
    " ON p.id=x.position_id WHERE p.portfolio_id=:paper"
    " UNION ALL SELECT p.portfolio_id, x.at_ms, 'REALIZED_PNL', (x.price-p.entry_price)*x.qty, x.id, 'pnl:'||x.id"
    " FROM fills x JOIN positions p ON p.id=x.position_id WHERE p.portfolio_id=:paper AND x.kind<>'ENTRY'"
)
_EVENTS = (
    "INSERT INTO events(at_ms, type, position_id, idem_key)"
    f" SELECT closed_ms, '{EventType.POSITION_CLOSED.value}', id, 'closed:'||id FROM positions"
)
_SCORE = (
    "INSERT INTO scores(dim, key, n, wins, losses, breakevens, gross_win, gross_loss, sum_r, last_closed_ms, status,"
    " status_source, status_reason, status_ms) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_SERIES = _NUMBERS + (
    "INSERT INTO series(symbol, timeframe, source, fetched_ms) SELECT 'S'||(i-1)||'USDT', :timeframe, 'binance', :now_ms"
    " FROM n"
)
_CANDLES = _NUMBERS + (
    "INSERT INTO candles SELECT s.id, :last_ms-(:count-i)*:step_ms, 100.0, 101.0, 99.0, 100.5, 10.0 FROM series s, n"
    " WHERE s.timeframe=:timeframe"
)


def build(path: Path, scale: int) -> None:
    """Make the book and look through it once, as the job does."""
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS - 800 * DAY_MS) as book:
        with book.transaction() as tx:
            _journal(tx, SIGNALS // scale)
        with book.transaction() as tx:
            _machinery(tx, SYMBOLS, BARS // scale)
        begun, begun_cpu = perf_counter(), process_time()
        found = verify_book(book, Params(), NOW_MS)
        print(f"the hourly look took {perf_counter() - begun:.1f} s ({process_time() - begun_cpu:.1f} CPU s)")
        assert all(truth.holds for truth in found.truths), [truth for truth in found.truths if not truth.holds]
        with book.transaction() as tx:
            keep_verified(tx.meta, replace(found, at_ms=NOW_MS))


def _journal(tx: Stores, count: int) -> None:
    paper, shadow = (tx.portfolios.of_kind(kind).id for kind in (PortfolioKind.PAPER, PortfolioKind.SHADOW))
    open_account(tx, 10_000.0, NOW_MS - 799 * DAY_MS)
    run = tx.connection.execute
    values = {"count": count, "from_ms": NOW_MS - (count + 60) * STEP_MS, "step_ms": STEP_MS}
    run(_SIGNALS, {**values, "symbols": SYMBOLS, "published": PUBLISHED_EVERY})
    run(_POSITIONS, {"portfolio": shadow, "exclusive": 0, "every": SHADOW_EVERY})
    run(_POSITIONS, {"portfolio": paper, "exclusive": 1, "every": PAPER_EVERY})
    run(_FILLS)
    run(_LEDGER, {"paper": paper})
    run(_EVENTS)
    tx.connection.executemany(_SCORE, [_score_row(score) for score in tx.scores.rebuilt().values()])
    for signal_id in range(PUBLISHED_EVERY, count + 1, PUBLISHED_EVERY):
        uid, at_ms = f"{signal_id:064x}", values["from_ms"] + signal_id * STEP_MS
        facts = {"uid": uid, "entry": 100.0, "stop_loss": 98.0, "post": f"signal:{signal_id}"}
        tx.publications.append(signal_id, PublicationKind.SIGNAL, Delivery.SENT, facts, at_ms)


def _score_row(score: Score) -> tuple[object, ...]:
    return (
        score.dim.value, score.key, score.n, score.wins, score.losses, score.breakevens, score.gross_win,
        score.gross_loss, score.sum_r, score.last_closed_ms, score.status.value, score.source.value, score.reason,
        score.status_ms,
    )  # fmt: skip


def _machinery(tx: Stores, symbols: int, bars: int) -> None:
    for timeframe in TIMEFRAMES:
        tx.connection.execute(_SERIES, {"count": symbols, "timeframe": timeframe.text, "now_ms": NOW_MS})
        last_ms = int(timeframe.floor(NOW_MS)) - timeframe.ms
        values = {"count": bars, "timeframe": timeframe.text, "last_ms": last_ms, "step_ms": timeframe.ms}
        tx.connection.execute(_CANDLES, values)
    names = tuple(f"S{number}USDT" for number in range(symbols))
    tx.scans.record_many(
        Scan(name, timeframe.text, int(timeframe.floor(NOW_MS)), NOW_MS) for name in names for timeframe in TIMEFRAMES
    )
    jobs = (Cadence("settle", 60_000, 2_000, 55_000),)
    beat(
        tx.meta,
        Pulse(NOW_MS, NOW_MS - HOUR_MS, NOW_MS, symbols=names, timeframes=tuple(t.text for t in TIMEFRAMES), jobs=jobs),
    )


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one question, of the wall's clock and of the process's two kinds of CPU time."""

    wall_s: float
    cpu_s: float


def ask(path: Path) -> Took:
    """How long one `health --json` takes; no identity may fail."""
    begun, begun_cpu = perf_counter(), _children_cpu_s()
    done = subprocess.run(
        [sys.executable, ROOT / "bot.py", "health", "--db", path, "--json"], capture_output=True, text=True, check=False
    )
    took = Took(perf_counter() - begun, _children_cpu_s() - begun_cpu)
    document = json.loads(done.stdout)
    broken = [
        check["name"] for check in document["checks"] if check["limit"] in ("0", "all") and check["status"] == "FAIL"
    ]
    assert not broken, broken
    return took


async def answer(path: Path) -> list[Took]:
    """How long /quick_health takes, from the command to its words."""
    owner = User(0, 1, None, Role.OWNER, "en", "UTC", NOW_MS, None, None)
    took = []
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        desk = Desk(book, writer, no_look, lambda: NOW_MS, Hands(Params(), Announcements()))
        for _ in range(RUNS):
            begun, begun_cpu = perf_counter(), process_time()
            told = await quick(desk, Asked((), owner, ChatRef(1)))
            took.append(Took(perf_counter() - begun, process_time() - begun_cpu))
            assert "checks are well" in told.html
    return took


async def no_look(symbol: str, timeframe: Timeframe) -> NoReturn:
    """Nobody asks for a signal here."""
    raise AssertionError(f"{symbol} {timeframe.text}")


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(name: str, times: list[Took], limit: str) -> tuple[str, ...]:
    wall, cpu = [took.wall_s for took in times], [took.cpu_s for took in times]
    return name, f"{median(wall):.2f} s", f"{max(wall):.2f} s", f"{median(cpu):.2f} s", limit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a book of a hundredth")
    parser.add_argument("--keep", type=Path, help="where to keep the book")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onebook-bench-") as folder:
        path = options.keep or Path(folder) / "big.db"
        if not path.exists():
            build(path, QUICK if options.quick else 1)
        times, quick_times = [ask(path) for _ in range(RUNS)], asyncio.run(answer(path))
        with tempfile.TemporaryDirectory(prefix="onebook-bench-") as empty:
            small = Path(empty) / "small.db"
            Book.open(small, BookKind.LIVE, now_ms=NOW_MS).close()
            least = [ask(small) for _ in range(RUNS)]
        size_mb = path.stat().st_size / 1e6
    table = Table(title=f"health of a book of {size_mb:,.0f} MB")
    for column in ("question", "wall, median", "wall, worst", "CPU, median", "limit"):
        table.add_column(column)
    table.add_row(*_row("health --json", times, f"{LIMIT_S:g} s"))
    table.add_row(*_row("/quick_health", quick_times, f"{QUICK_LIMIT_S:g} s"))
    table.add_row(*_row("health --json, empty book", least, ""))
    Console().print(table)
    print(f"ratio: {median(took.wall_s for took in times) / LIMIT_S:.2f} of the time allowed")


if __name__ == "__main__":
    main()
