"""`python bot.py run` as a process: what it refuses, in one sentence and with exit code 2, and that it runs once a book."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind
from services.backup import back_up
from storage.book import Book
from storage.events import EventType
from tests.fakes.bot_api import TOKEN, BotApi, SentMessage
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars
from tests.services.rig import CHANNEL, OWNER, SEED, ms

ROOT = Path(__file__).resolve().parent.parent
NOW_MS = ms("2026-01-01T00:50")
PATIENCE_S = 120
STARTS_AND_STOPS = (EventType.BOT_STARTED, EventType.BOT_STOPPED)

T = TypeVar("T")


@pytest.fixture(scope="module")
def api():
    return BotApi()


@pytest.fixture(scope="module")
def servers(api):
    exchange = Exchange(SimulatedBars(SEED), ManualClock(NOW_MS))
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


def lines_until(bot, words: str) -> list[str]:
    """What the bot logs up to the line that holds these words, or to its end."""
    lines = []
    for line in bot.stderr:
        lines.append(line)
        if words in line:
            break
    return lines


def ask(api: BotApi, text: str) -> SentMessage:
    """The answer to the owner's question."""
    heard = len(api.messages(OWNER))
    api.say(OWNER, text)
    return wait_for(lambda: api.messages(OWNER)[heard:])[0]


def press(api: BotApi, message: SentMessage, label: str) -> None:
    data = dict(message.buttons)[label]
    api.press(OWNER, message.message_id, data)


def wait_for(look: Callable[[], T]) -> T:
    """What `look` finds, as soon as it finds anything."""
    until_s = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until_s, "it did not come"
        time.sleep(0.02)
    return found


def test_it_runs_once_a_book_starts_anew_when_asked_and_stops_cleanly(environment, api, tmp_path):
    params = tmp_path / "params.toml"
    params.write_text("[account]\nmax_open = 3\n")
    environment["ONEBOOK_PARAMS"] = str(params)
    bot = start(environment)
    try:
        lines = lines_until(bot, "listening as")
        assert bot.poll() is None, "".join(lines)
        assert "Another Onebook" in refusal(environment)
        assert "account.max_open 3" in ask(api, "/risk").shown

        params.write_text("[account]\nmax_open = 4\n")
        question = ask(api, "/restart")
        press(api, question, "Restart")
        sure = wait_for(lambda: [one for one in api.messages(OWNER) if "Yes, do it" in dict(one.buttons)])[-1]
        press(api, sure, "Yes, do it")
        lines += lines_until(bot, "starting anew") + lines_until(bot, "listening as")
        assert bot.poll() is None, "".join(lines)
        assert "account.max_open 4" in ask(api, "/risk").shown
        with Book.open_read_only(environment["ONEBOOK_DB"]) as book, book.reading() as view:
            told = [event.type for event in reversed(view.events.latest(100)) if event.type in STARTS_AND_STOPS]
        assert told == [EventType.BOT_STARTED, EventType.BOT_STOPPED, EventType.BOT_STARTED]

        bot.send_signal(signal.SIGTERM)
        said = "".join(lines) + bot.stderr.read()
        assert bot.wait(timeout=120) == 0, said
        assert "stopped" in said
        assert TOKEN.split(":")[1] not in said
    finally:
        bot.kill()
        bot.wait()
