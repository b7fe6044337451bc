"""Whatever Telegram and the machine do to the sender: nothing is lost, nothing undeclared comes twice, order is kept.

Each run is a book of its own with messages for three chats, sent over real HTTP through one kind of trouble until all
is out; then the chats are compared with the book. Kills are SIGKILL to a process, at every statement of the sender's
transactions and while a call is on the wire; the next process starts on what it left.
"""

import asyncio
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from gateways.telegram_sender import TelegramSender
from services.access import ensure_owners
from services.post import Post
from services.send import NOTICE, Sender
from storage.book import Book
from storage.chats import ChatKind
from storage.database import Moment
from storage.events import EventType
from storage.outbox import OutboxItem, OutboxState
from storage.stores import Stores
from storage.writer import Writer
from tests.fakes.bot_api import TOKEN, BotApi, Call, SentMessage
from tests.fakes.clock import ManualClock
from tests.fakes.http import Drop, Fault, Hang, Refuse, Response, json_response
from tests.storage.crashing import FORK, kill_process
from tests.storage.samples import NOW_MS

SEED = 20_260_101
RUNS = {"short": 3, "full": 40}
KILLS = {"short": 15, "full": 240}
OWNER = 77
MESSAGES = 4
STEP_MS = 65_000
MOST_STEPS = 60
ANSWER_TIMEOUT_S = 0.4
TROUBLE_RATIO = 0.4
WIRE_RATIO = 0.35
"""Share of the kills that strike while a call is on the wire; the others strike at a statement."""
LONG = "word " * 900
STATEMENTS, CALLS = 110, 9
"""Fewer than an undisturbed run makes, so that nearly every kill strikes."""
SIZE = os.environ.get("ONEBOOK_LONG", "short")


@dataclass(slots=True)
class Scene:
    """The chats of one run, and what may go wrong in them."""

    number: int
    path: Path
    dice: random.Random
    fault: Callable[["Scene", Call], Fault | None] = lambda scene, call: None
    victim: int | None = None  # a process that dies after so many more calls
    calls_until_kill: int = 0
    moved: dict[int, int] = field(default_factory=dict)

    @property
    def chats(self) -> tuple[int, int, int]:
        """A channel, a group and a person."""
        return (-1_001_000_000_000 - self.number, -10_000 - self.number, 10_000 + self.number)

    def arrived(self, api: BotApi, chat_id: int) -> list[SentMessage]:
        return [*api.messages(chat_id), *api.messages(self.moved.get(chat_id, 0))]


@dataclass(slots=True)
class Stage:
    """One fake Telegram for all runs, each of which has chats of its own."""

    api: BotApi
    url: str
    scenes: dict[int, Scene] = field(default_factory=dict)
    playing: Scene | None = None

    def trouble(self, call: Call) -> Fault | None:
        """What goes wrong with a call; the harmless one that names no chat is in the run that is going on."""
        scene = self.scenes.get(int(call.fields["chat_id"])) if "chat_id" in call.fields else self.playing
        if scene is None:
            return None
        if scene.victim is not None and scene.calls_until_kill > 0:
            scene.calls_until_kill -= 1
        elif scene.victim is not None:
            pid, scene.victim = scene.victim, None
            os.kill(pid, signal.SIGKILL)
            return scene.dice.choice((Drop(), Drop(after_acceptance=True)))
        return scene.fault(scene, call) if scene.dice.random() < TROUBLE_RATIO else None

    def set(self, scene: Scene) -> Scene:
        self.scenes |= dict.fromkeys(scene.chats, scene)
        self.playing = scene
        return scene


def refused(code: int, description: str, **parameters: int) -> Refuse:
    answer = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return Refuse(json_response(answer, code))


UNREADABLE = refused(400, "Bad Request: can't parse entities: Unclosed start tag at byte offset 3")
TROUBLES: dict[str, Callable[[Scene, Call], Fault | None]] = {
    "429 storm": lambda scene, call: refused(429, "Too Many Requests", retry_after=scene.dice.choice((1, 5, 40))),
    "5xx": lambda scene, call: Refuse(Response(scene.dice.choice((500, 502, 504)), b"<html>")),
    "hang": lambda scene, call: Hang(2 * ANSWER_TIMEOUT_S, after_acceptance=scene.dice.random() < 0.5),
    "drop before": lambda scene, call: Drop(),
    "drop after": lambda scene, call: Drop(after_acceptance=True),
    "unreadable": lambda scene, call: UNREADABLE if "parse_mode" in call.fields else None,
    "everything": lambda scene, call: TROUBLES[scene.dice.choice(("429 storm", "5xx", "drop before", "drop after"))](
        scene, call
    ),
}


@pytest.fixture(scope="module")
def stage():
    api = BotApi()
    with api.running() as url:
        stage = Stage(api, url)
        api.trouble = stage.trouble
        yield stage


def prepare(scene: Scene) -> None:
    """A book in which the messages of the run wait: short ones, a long one, replies, and an edit at the end."""
    with Book.open(scene.path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        kinds = (ChatKind.CHANNEL, ChatKind.GROUP, ChatKind.PRIVATE)
        ids = [tx.chats.ensure(chat, kind).id for chat, kind in zip(scene.chats, kinds, strict=True)]
        ensure_owners(tx, (OWNER,), "UTC", NOW_MS)
        for number in range(MESSAGES):
            tx.outbox.queue(
                NOTICE,
                {"text": f"<b>message {number}</b> {LONG if number == 1 else ''}"},
                f"m{number}",
                ids,
                NOW_MS,
                reply_to_dedupe_key="m0" if number else None,
            )


def shown(tx: Stores, item: OutboxItem) -> Post:
    return Post(str(item.payload["text"]))


async def send_all(scene: Scene, url: str, book: Book, begin_ms: int, steps: int = MOST_STEPS) -> None:
    """Send until nothing waits; chats that were closed meanwhile are opened again."""
    clock = ManualClock(begin_ms)
    telegram = TelegramSender(TOKEN, api_url=url, answer_timeout_s=ANSWER_TIMEOUT_S)
    with Writer(book) as writer:
        sender = Sender(book, writer, telegram, shown, clock.now_ms, sleep=clock.sleep)
        await sender.recover()
        for _ in range(steps):
            await sender.drain()
            with book.transaction() as tx:
                clock.advance(max(STEP_MS, (tx.outbox.next_due_ms() or 0) - clock.ms))
                for own in (*scene.chats, *scene.moved.values()):
                    for chat in tx.chats.of_telegram(own):
                        tx.chats.enable(chat.id)
                if not tx.outbox.backlog().waiting:
                    break
    await telegram.aclose()


def check(scene: Scene, api: BotApi) -> Counter[str]:
    """Compare every chat with the book; how many rows, doubts and copies, and how many rows were lost."""
    seen: Counter[str] = Counter()
    with Book.open_read_only(scene.path) as book, book.reading() as view:
        doubts = Counter(str(event.idem_key).split(":")[1] for event in view.events.latest(500, EventType.SEND_UNKNOWN))
        seen["doubts"] = doubts.total()
        for chat_id in scene.chats:
            texts = [re.sub(r"</?b>", "", message.text) for message in scene.arrived(api, chat_id)]
            firsts = [int(text.split()[1]) for text in texts if text.startswith("message")]
            order = list(dict.fromkeys(firsts))
            assert order == sorted(order), f"{scene.path}: {order}"
            for number in range(MESSAGES):
                message = view.messages.by_dedupe_key(f"m{number}")
                assert message is not None
                here = (chat_id, scene.moved.get(chat_id))
                [row] = [one for one in view.outbox.of_message(message.id) if one.chat_telegram_id in here]
                seen["rows"] += 1
                assert row.state is OutboxState.SENT, row
                arrived = firsts.count(number)
                seen["lost"] += not arrived
                seen["copies"] += max(arrived - 1, 0)
                assert arrived - 1 <= doubts[str(row.id)], f"{scene.path}: {arrived} times without a word: {row}"
    return seen


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_on_the_way_loses_nothing_and_repeats_nothing_undeclared(stage, tmp_path, trouble):
    seen: Counter[str] = Counter()
    for run in range(RUNS[SIZE]):
        number = 1_000 * list(TROUBLES).index(trouble) + run
        path = tmp_path / f"{run}.db"
        scene = stage.set(Scene(number, path, random.Random(SEED + number), TROUBLES[trouble]))
        prepare(scene)
        with Book.open(scene.path, BookKind.LIVE, now_ms=NOW_MS) as book:
            asyncio.run(send_all(scene, stage.url, book, NOW_MS))
        seen += check(scene, stage.api)
    assert seen["lost"] == 0
    print(trouble, RUNS[SIZE], "runs", dict(seen))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_chats_that_closed_or_moved_get_everything_once_they_can(stage, tmp_path):
    for run in range(RUNS[SIZE]):
        scene = stage.set(Scene(50_000 + run, tmp_path / f"{run}.db", random.Random(SEED + run)))
        prepare(scene)
        _, group, person = scene.chats
        scene.moved[group] = -1_002_000_000_000 - run
        with Book.open(scene.path, BookKind.LIVE, now_ms=NOW_MS) as book:
            asyncio.run(send_all(scene, stage.url, book, NOW_MS, steps=scene.dice.randrange(1, 4)))
            stage.api.move(group, scene.moved[group])
            stage.api.shut_out(person, "bot was blocked by the user")
            asyncio.run(send_all(scene, stage.url, book, NOW_MS + 10 * STEP_MS, steps=2))
            stage.api.let_in(person)
            asyncio.run(send_all(scene, stage.url, book, NOW_MS + 20 * STEP_MS))
        seen = check(scene, stage.api)
        assert (seen["copies"], seen["lost"]) == (0, 0)


class KillAt:
    """A fault that kills the process at the n-th statement after it was armed, before or after it."""

    def __init__(self, statement: int, moment: Moment) -> None:
        self.armed = False
        self._left = statement
        self._moment = moment

    def __call__(self, moment: Moment, sql: str) -> None:
        if self.armed and moment is self._moment:
            self._left -= 1
            if self._left < 0:
                kill_process()


def send_and_die(scene: Scene, url: str, begin_ms: int, statement: int, moment: Moment) -> None:
    fault = KillAt(statement, moment)
    with Book.open(scene.path, BookKind.LIVE, now_ms=NOW_MS, fault=fault) as book:
        fault.armed = True
        asyncio.run(send_all(scene, url, book, begin_ms))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_kill_at_any_step_loses_nothing_and_repeats_nothing_undeclared(stage, tmp_path):
    seen: Counter[str] = Counter()
    dice = random.Random(SEED)
    for run in range(KILLS[SIZE]):
        scene = stage.set(Scene(60_000 + run, tmp_path / f"{run}.db", random.Random(SEED + run)))
        prepare(scene)
        on_the_wire = dice.random() < WIRE_RATIO
        statement = 10**9 if on_the_wire else dice.randrange(STATEMENTS)
        begin_ms = NOW_MS
        child = FORK.Process(
            target=send_and_die, args=(scene, stage.url, begin_ms, statement, dice.choice(tuple(Moment)))
        )
        child.start()
        assert child.pid is not None
        if on_the_wire:
            scene.calls_until_kill, scene.victim = dice.randrange(CALLS), child.pid
        child.join()
        scene.victim = None
        seen["killed on the wire" if on_the_wire else "killed at a statement"] += child.exitcode == -signal.SIGKILL
        with Book.open(scene.path, BookKind.LIVE, now_ms=NOW_MS) as book:
            asyncio.run(send_all(scene, stage.url, book, begin_ms + 10 * STEP_MS))
        seen += check(scene, stage.api)
    print("kills", dict(seen))
    assert seen["lost"] == 0
    assert seen["killed on the wire"] + seen["killed at a statement"] >= 0.9 * KILLS[SIZE]
