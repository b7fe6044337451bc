"""The live bot is killed at random instants and started again: its book and its channel are those of one that never was.

Both bots are real processes, `python bot.py run`, against fakes in processes of their own that outlive every kill. Time
runs fast and the simulated market closes for good at a fixed instant, so that both come to rest on the same books.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from engine.params import Params
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind
from services.live import scan_job
from services.live_settle import unsettled
from services.watch_health import HEALTH_OPENED, HEALTH_RESOLVED
from storage.account import open_account
from storage.book import Book
from storage.events import EventType
from storage.identities import identities, integrity
from storage.job_runs import JobStatus
from storage.outbox import OutboxState
from tests.fakes.bot_api import TOKEN
from tests.services.bookrows import differences, rows, told
from tests.services.rig import CHANNEL, OWNER, SEED, ms

ROOT = Path(__file__).resolve().parent.parent.parent
BEGIN_MS = ms("2026-01-01T00:45")
SPEEDS = {"short": 600, "full": 400}
KILLS = {"short": 4, "full": 50}
HOURS = {"short": 8, "full": 72}
STILLBORN_RATIO = 0.25
STILLBORN_S = (0.3, 4.0)
AT_WORK_S = (0.0, 5.0)
"""A quarter is killed while it starts, the others so long after they have decided something."""
SLOW_ANSWER_S = 0.4
"""How long Telegram takes to answer the bot that is killed, so that kills meet messages on the wire."""
PATIENCE_S = 300
"""Longer than the slowest machine needs to start a bot: nothing here is about speed."""
MORNINGS_BETWEEN = 2
"""A digest and a report, at most, between one bot's rest and the other's."""
DIGEST_MARK = "📒"
# a signal lives for two days here, because starting a bot takes an hour at this speed, and what is down for longer than
# a signal's life gives closes up
PARAMS = """
[levels]
valid_bars = 200
[gates]
max_cost_r = 1.0
min_rr = 1.0
send_from_confidence = 50.0
daily_cap = 100
cluster_best = 10
"""


@dataclass(frozen=True, slots=True)
class World:
    """Two fakes and a folder for one book."""

    folder: Path
    telegram_url: str
    exchange_url: str
    clock: str
    ends_ms: int

    @property
    def book(self) -> Path:
        return self.folder / "live.db"

    def channel(self) -> list[Mapping[str, object]]:
        with urlopen(f"{self.telegram_url}/test/messages?chat_id={CHANNEL}") as answer:
            found: list[Mapping[str, object]] = json.load(answer)
        # a digest carries the head of the record, which knows when each post was sent
        return [message for message in found if not str(message["text"]).startswith(DIGEST_MARK)]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_bot_that_is_killed_again_and_again_leaves_the_book_and_the_channel_of_one_that_never_was(tmp_path):
    size = os.environ.get("ONEBOOK_LONG", "short")
    dice = random.Random(20260101)
    with worlds(tmp_path, HOURS[size], SPEEDS[size]) as (calm, stormy), running(calm) as untouched:
        kills = 0
        while kills < KILLS[size]:
            with running(stormy) as bot:
                live_a_little(stormy, bot, dice)
                assert bot.poll() is None, log_of(stormy)
                bot.kill()
                kills += 1
        with running(stormy) as bot:
            wait_for_rest(stormy, bot)
            stop(bot, stormy)
        wait_for_rest(calm, untouched)
        stop(untouched, calm)
        calm_channel, stormy_channel = calm.channel(), stormy.channel()

    with Book.open_read_only(calm.book) as expected, Book.open_read_only(stormy.book) as found:
        wanted, had = rows(expected), rows(found)
        # the clock ran on while one bot rested longer than the other, perhaps into one more morning
        late = set(wanted.pop("digests")) - set(had.pop("digests"))
        assert len(late) <= MORNINGS_BETWEEN
        assert differences(wanted, had) == []
        assert len(wanted["signals"]) >= 5
        assert len(wanted["fills"]) >= 4
        with found.reading() as view:
            assert all(truth.holds for truth in (*identities(view), *integrity(view)))
            doubts = view.events.latest(10_000, EventType.SEND_UNKNOWN)
            unknown = Counter(int(str(event.idem_key).split(":")[1]) for event in doubts)
            # an alarm of a slow machine may come between the rest and the stop
            told_of = [message for message in view.messages.all() if message.kind not in (HEALTH_OPENED, HEALTH_RESOLVED)]
            sent = [item for message in told_of for item in view.outbox.of_message(message.id) if not item.edits]
            assert all(item.state is OutboxState.SENT for item in sent)
            declared = {item.telegram_message_id for number in unknown for item in [view.outbox.get(number)]}
    check_channel(calm_channel, stormy_channel, declared, most=max(unknown.values(), default=0))


def check_channel(
    calm: list[Mapping[str, object]], stormy: list[Mapping[str, object]], declared: set[int | None], most: int
) -> None:
    """Every message of the calm channel stands in the other as often, more often only where its end was declared unknown.

    With every doubt one more copy may have come: `most` of one message. A protection that ends on two days is told twice
    in the same words.
    """
    expected, found = Counter(map(said, calm)), Counter(map(said, stormy))
    assert expected - found == Counter()
    copies = found - expected
    text_of = {m["message_id"]: said(m) for m in stormy}
    assert set(copies) <= {text_of[number] for number in declared if number in text_of}  # others went to the owner
    assert max(copies.values(), default=0) <= most
    for message in stormy:
        if message["reply_to"] is not None:
            signal_name = said(message).splitlines()[1].split(" ")[0]
            assert signal_name in text_of[message["reply_to"]].splitlines()[1].split(" ")


def said(message: Mapping[str, object]) -> str:
    return told(str(message["text"]))


@contextmanager
def worlds(folder: Path, hours: int, speed: int) -> Iterator[tuple[World, World]]:
    """Two equal worlds, whose time begins to run now."""
    real_ms = time.time_ns() // 1_000_000
    ends_ms = BEGIN_MS + hours * HOUR_MS
    exchange = ["exchange", "--seed", SEED, "--speed", speed, "--ends-ms", ends_ms]
    exchange += ["--anchor-virtual-ms", BEGIN_MS, "--anchor-real-ms", real_ms]
    names = ("calm", "stormy")
    slow = ["bot_api", "--answer-after-s", SLOW_ANSWER_S]
    fakes = [start_fake(*command) for command in (["bot_api"], exchange, slow, exchange)]
    try:
        urls = [f"http://127.0.0.1:{int(fake.stdout.readline())}" for fake in fakes if fake.stdout]
        clock = f"2026-01-01T00:45:00Z@{real_ms}x{speed}"
        both = [
            World(folder / name, *urls[2 * number : 2 * number + 2], clock, ends_ms)
            for number, name in enumerate(names)
        ]
        for world in both:
            prepare(world)
        yield both[0], both[1]
    finally:
        for fake in fakes:
            fake.kill()
            fake.wait()


def start_fake(name: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"tests.fakes.{name}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def prepare(world: World) -> None:
    """A book on which watching has begun, so that both bots look at the same closes."""
    world.folder.mkdir()
    (world.folder / "params.toml").write_text(PARAMS)
    with Book.open(world.book, BookKind.LIVE, now_ms=BEGIN_MS) as book, book.transaction() as tx:
        open_account(tx, Params().account.deposit, BEGIN_MS)
        for timeframe in (Timeframe.M15, Timeframe.M30):
            tx.job_runs.claim(scan_job(timeframe), int(timeframe.floor(BEGIN_MS)), "test", BEGIN_MS)
            tx.job_runs.finish(scan_job(timeframe), int(timeframe.floor(BEGIN_MS)), JobStatus.SKIPPED, None, BEGIN_MS)


@contextmanager
def running(world: World) -> Iterator["subprocess.Popen[bytes]"]:
    """A bot at work; whatever happens, it is gone afterwards."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEBOOK_")}
    environment |= {
        "ONEBOOK_TOKEN": TOKEN,
        "ONEBOOK_OWNERS": str(OWNER),
        "ONEBOOK_CHANNEL": str(CHANNEL),
        "ONEBOOK_SYMBOLS": "BTCUSDT,XRPUSDT,ADAUSDT,BNBUSDT",
        "ONEBOOK_TIMEFRAMES": "15m,30m",
        "ONEBOOK_TELEGRAM_URL": world.telegram_url,
        "ONEBOOK_EXCHANGE_URL": world.exchange_url,
        "ONEBOOK_CLOCK": world.clock,
        "ONEBOOK_LOG_DIR": str(world.folder / "logs"),
    }
    command = [sys.executable, str(ROOT / "bot.py"), "run", "--db", str(world.book)]
    command += ["--params", str(world.folder / "params.toml")]
    with (world.folder / "stderr.txt").open("ab") as stderr:
        bot = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr)
    try:
        yield bot
    finally:
        bot.kill()
        bot.wait()


def live_a_little(world: World, bot: "subprocess.Popen[bytes]", dice: random.Random) -> None:
    """Let the bot live until it is to be killed: somewhere in its start, or some time after it has done some work."""
    if dice.random() < STILLBORN_RATIO:
        time.sleep(dice.uniform(*STILLBORN_S))
        return
    before, deadline_s = decided(world), time.time() + PATIENCE_S
    while decided(world) == before and before[0] < world.ends_ms and bot.poll() is None and time.time() < deadline_s:
        time.sleep(0.05)
    time.sleep(dice.uniform(*AT_WORK_S))


def wait_for_rest(world: World, bot: "subprocess.Popen[bytes]") -> None:
    """Wait until everything the market traded is decided and settled and everything said is sent."""
    anchor_ms, speed = world.clock.partition("@")[2].split("x")
    closes_at_s = (int(anchor_ms) + (world.ends_ms - BEGIN_MS) / float(speed)) / 1000
    deadline_s = max(closes_at_s, time.time()) + PATIENCE_S
    while not rests(world):
        assert bot.poll() is None, log_of(world)
        assert time.time() < deadline_s, log_of(world)
        time.sleep(0.3)


def decided(world: World) -> list[int]:
    """The last closes that need no look any more."""
    with Book.open_read_only(world.book) as book, book.reading() as view:
        return [view.job_runs.last_done_ms(scan_job(tf)) or 0 for tf in (Timeframe.M15, Timeframe.M30)]


def rests(world: World) -> bool:
    if decided(world) != [world.ends_ms, int(Timeframe.M30.floor(world.ends_ms))]:
        return False
    with Book.open_read_only(world.book) as book, book.reading() as view:
        settled = unsettled(view).values()
        return all(ms >= world.ends_ms - MINUTE_MS for ms in settled) and view.outbox.backlog().waiting == 0


def stop(bot: "subprocess.Popen[bytes]", world: World) -> None:
    """A clean stop ends with exit code 0."""
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(timeout=120) == 0, log_of(world)


def log_of(world: World) -> str:
    return (world.folder / "stderr.txt").read_text()
