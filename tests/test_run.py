"""`python bot.py run` as a process: what it refuses, in one sentence and with exit code 2, and that it runs once a book."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from services.backup import back_up
from storage.book import Book
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars
from tests.services.rig import CHANNEL, OWNER, SEED, ms

ROOT = Path(__file__).resolve().parent.parent
NOW_MS = ms("2026-01-01T00:50")


@pytest.fixture(scope="module")
def servers():
    api, exchange = BotApi(), Exchange(SimulatedBars(SEED), ManualClock(NOW_MS))
    with api.running() as telegram_url, exchange.running() as exchange_url:
        yield telegram_url.removesuffix("/bot"), exchange_url


@pytest.fixture
def environment(servers, tmp_path):
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ONEBOOK_")}
    telegram_url, exchange_url = servers
    return mine | {
        "ONEBOOK_TOKEN": TOKEN,
        "ONEBOOK_OWNERS": str(OWNER),
        "ONEBOOK_CHANNEL": str(CHANNEL),
        "ONEBOOK_TELEGRAM_URL": telegram_url,
        "ONEBOOK_EXCHANGE_URL": exchange_url,
        "ONEBOOK_CLOCK": f"2026-01-01T00:50:00Z@{time.time_ns() // 1_000_000}x1",
        "ONEBOOK_LOG_DIR": str(tmp_path / "logs"),
        "ONEBOOK_DB": str(tmp_path / "live.db"),
    }


def start(environment):
    return subprocess.Popen(
        [sys.executable, "bot.py", "run"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )


def refusal(environment) -> str:
    """What the bot says on stderr when it refuses to run."""
    ended = subprocess.run(
        [sys.executable, "bot.py", "run"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    said = [line for line in ended.stderr.splitlines() if line.startswith("onebook: ")]
    assert len(said) == 1, ended.stderr
    return said[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ONEBOOK_TOKEN": ""}, "@BotFather"),
        ({"ONEBOOK_TOKEN": "12345:wrong-token-of-somebody-else-wrong"}, "Telegram refuses the token"),
        ({"ONEBOOK_SYMBOL": "BTCUSDT"}, "did you mean ONEBOOK_SYMBOLS?"),
        ({"ONEBOOK_SYMBOLS": "BTCUSD"}, "did you mean BTCUSDT"),
        ({"ONEBOOK_DB": "/nowhere/at/all.db"}, "The directory /nowhere/at does not exist"),
        ({"ONEBOOK_PARAMS": "/nowhere/params.toml"}, "/nowhere/params.toml cannot be read"),
    ],
)
def test_what_cannot_run_is_refused_in_one_sentence(environment, changes, said):
    assert said in refusal(environment | changes)
    assert not Path(environment["ONEBOOK_DB"]).exists()


def test_a_book_of_another_kind_is_refused_before_anything_connects(environment, tmp_path):
    Book.open(tmp_path / "live.db", BookKind.REPLAY, now_ms=NOW_MS).close()

    assert "is a replay book" in refusal(environment | {"ONEBOOK_TELEGRAM_URL": "http://127.0.0.1:9"})


def test_a_damaged_book_is_not_run_and_the_newest_good_backup_is_named(environment, tmp_path):
    path = tmp_path / "live.db"
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
    good, bad = back_up(path, NOW_MS), back_up(path, NOW_MS + HOUR_MS)
    bad.path.write_bytes(b"no backup any more")
    path.write_bytes(b"no book any more")

    assert f"`python bot.py restore {good.path}` brings it back" in refusal(environment)


def test_it_runs_once_a_book_and_stops_cleanly(environment):
    bot = start(environment)
    try:
        lines = []
        for line in bot.stderr:
            lines.append(line)
            if "listening as" in line:
                break
        assert bot.poll() is None, "".join(lines)
        assert "Another Onebook" in refusal(environment)
        bot.send_signal(signal.SIGTERM)
        said = "".join(lines) + bot.stderr.read()
        assert bot.wait(timeout=30) == 0, said
        assert "stopped" in said
        assert TOKEN.split(":")[1] not in said
    finally:
        bot.kill()
        bot.wait()
