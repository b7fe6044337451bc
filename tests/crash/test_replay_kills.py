"""A replay is killed at random instants and continued: its book is, row for row, that of one that never was.

Every replay is a real process, `python bot.py replay`, that dies of SIGKILL: no handler, no clean-up, no last commit.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.candles import Candles
from engine.timeframes import DAY_MS, Timeframe
from gateways.simulated_market import SimulatedMarket
from storage.book import Book
from storage.identities import identities, integrity
from tests.drawing import candle_file
from tests.services.books import everything
from tests.shared import SHARED, needs_shared

ROOT = Path(__file__).resolve().parents[2]
KILLS = {"short": 8, "full": 200}
KILLS_A_BOOK = 8
"""After so many kills a book is let come to its end, so that every kill counts and no book waits for ever."""
EARLIEST_KILL = 0.25
"""Share of an uninterrupted run before which a process has only imported its modules."""
SEED = 20_260_101
BEGIN_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
DAYS = 60
REAL_BARS = 2_500
PARAMS = """
[window]
window_bars = 300
memory_bars = 150
min_bars = 60
[gates]
min_rr = 1.5
max_cost_r = 0.6
send_from_confidence = 50.0
store_from_confidence = 30.0
"""


@dataclass(frozen=True, slots=True)
class Replayer:
    """One replay command into books of one folder."""

    folder: Path
    candles: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "bot.py", "replay", str(self.candles), "--db", str(self.path(name)), "--json"]
        command += ["--params", str(self.folder / "params.toml")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def finish(self, name: str) -> dict[str, object]:
        """Run to the end; the summary."""
        with self.running(name) as process:
            printed, complaints = process.communicate()
        assert process.returncode == 0, complaints
        summary: dict[str, object] = json.loads(printed)
        return summary

    def killed_after(self, name: str, seconds: float) -> bool:
        """Run for so long; whether it had to be killed."""
        with self.running(name) as process:
            try:
                process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return True
        assert process.returncode == 0
        return False


def written(candles: Candles, folder: Path) -> None:
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    lines = [",".join(map(repr, row)) for row in rows]
    text = "\n".join(["time,open,high,low,close,volume", *lines])
    (folder / f"{candles.symbol}-{candles.timeframe.text}.csv").write_text(text + "\n")


@pytest.fixture
def replayer(tmp_path: Path) -> Replayer:
    candles = tmp_path / "candles"
    candles.mkdir()
    (tmp_path / "params.toml").write_text(PARAMS)
    return Replayer(tmp_path, candles)


def kill_and_compare(replayer: Replayer, kills: int) -> None:
    """Kill so many replays; every book they leave must become the uninterrupted one."""
    replayer.finish("warm")  # the first run of all compiles the kernel
    began = time.monotonic()
    summary = replayer.finish("whole")
    whole_s = time.monotonic() - began
    with Book.open_read_only(replayer.path("whole")) as book:
        expected = everything(book)
    assert summary["positions"]
    dice, book_no = random.Random(SEED), 0
    while kills > 0:
        book_no += 1
        name = f"killed-{book_no}"
        left = min(kills, KILLS_A_BOOK)
        while left > 0 and replayer.killed_after(name, whole_s * dice.uniform(EARLIEST_KILL, 1.0)):
            left, kills = left - 1, kills - 1
        again = replayer.finish(name)
        with Book.open_read_only(replayer.path(name)) as book, book.reading() as view:
            assert all(truth.holds for truth in (*integrity(view), *identities(view)))
            assert everything(book) == expected
        assert {**again, "decided": 0, "seconds": 0} == {**summary, "decided": 0, "seconds": 0}


def count() -> int:
    return KILLS[os.environ.get("ONEBOOK_LONG", "short")]


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_a_replay_of_simulated_candles_killed_anywhere_becomes_the_same_book(replayer: Replayer):
    end_ms = BEGIN_MS + DAYS * DAY_MS
    market = SimulatedMarket(SEED, lambda: end_ms)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        written(market.bars(symbol, Timeframe.H1, BEGIN_MS, end_ms), replayer.candles)

    kill_and_compare(replayer, count() // 2)


@pytest.mark.long
@pytest.mark.timeout(5400)
@needs_shared
def test_a_replay_of_real_candles_killed_anywhere_becomes_the_same_book(replayer: Replayer):
    for name in ("BTCUSDT", "XRPUSDT"):
        path = SHARED / "candles" / "majors" / f"{name}-30m.csv.gz"
        written(candle_file(path, Timeframe.M30).window(REAL_BARS, REAL_BARS), replayer.candles)

    kill_and_compare(replayer, count() // 2)
