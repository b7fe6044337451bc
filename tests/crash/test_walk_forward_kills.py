"""A walk-forward is killed with everything it started, and run again: what it keeps is that of one that never was killed.

Every run is a real process, `python bot.py backtest --walk-forward`, that dies of SIGKILL with its workers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.timeframes import DAY_MS, Timeframe
from gateways.simulated_market import SimulatedMarket
from storage.backtests import Backtests
from storage.book import Book
from storage.database import Access, DatabaseError, connect
from tests.handlers.test_cli import BEGIN_MS, BUSY, HEADER, rows_of

ROOT = Path(__file__).resolve().parents[2]
DAYS, JOBS = 58, 4
KILLED_AFTER = 1
"""So many jobs at least are kept when a run is killed."""
PATIENCE_S = 90.0


def started(folder: Path, db: Path, processes: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "bot.py", "backtest", str(folder / "candles"), "--db", str(db), "--walk-forward", "1"]
    command += ["--jobs", str(processes), "--params", str(folder / "params.toml"), "--json"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finished(folder: Path, db: Path) -> dict:
    with started(folder, db, processes=1) as process:
        printed, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")
    return json.loads(printed)


def kill_after(folder: Path, db: Path, jobs: int) -> None:
    with started(folder, db, processes=2) as process:
        patient_until = time.monotonic() + PATIENCE_S
        while jobs_kept(db) < jobs and time.monotonic() < patient_until:
            time.sleep(0.005)
        # the whole session: the workers of a killed run must not go on in its name
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def jobs_kept(db: Path) -> int:
    for path in db.parent.glob(f"{db.name}.walk-forward-*[0-9a-f]"):
        connection = connect(path, Access.READ)
        try:
            return int(connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0])
        except DatabaseError:
            return 0  # its tables are not made yet
        finally:
            connection.close()
    return 0


def kept(db: Path, run_id: int) -> list[str]:
    with Book.open_read_only(db) as book, book.reading() as view:
        return [str(trade) for run in (run_id, run_id + 1) for trade in Backtests(view.connection).trades(run)]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_killed_walk_forward_goes_on_and_keeps_what_one_that_never_was_keeps(tmp_path: Path):
    (tmp_path / "candles").mkdir()
    (tmp_path / "params.toml").write_text(BUSY)
    end_ms = BEGIN_MS + DAYS * DAY_MS
    market = SimulatedMarket(7, lambda: end_ms)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        bars = market.bars(symbol, Timeframe.H1, BEGIN_MS, end_ms)
        (tmp_path / "candles" / f"{symbol}-1h.csv").write_text("\n".join([HEADER, *rows_of(bars)]) + "\n")
    whole = finished(tmp_path, tmp_path / "whole.db")
    kill_after(tmp_path, tmp_path / "killed.db", KILLED_AFTER)
    again = finished(tmp_path, tmp_path / "killed.db")

    assert (whole["jobs"], whole["found_done"]) == (JOBS, 0)
    assert KILLED_AFTER <= again["found_done"] < JOBS
    for run in (whole, again):
        for own in ("seconds", "found_done"):
            del run[own]
        del run["walk_forward"]["began_ms"]
    assert again == whole
    assert kept(tmp_path / "killed.db", again["id"]) == kept(tmp_path / "whole.db", whole["id"])
    assert len(kept(tmp_path / "whole.db", whole["id"])) > 50
    assert list(tmp_path.glob("*walk-forward*")) == []
