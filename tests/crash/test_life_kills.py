"""The bot's life is killed at every boundary of its transactions and at random instants: it becomes one that never was.

Scan, send, open, checkpoint and close are all in it. Killed bots stay down for a while, so that the next start has to
catch up with what happened meanwhile.
"""

import asyncio
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.timeframes import MINUTE_MS
from storage.backup import copy_book
from tests.crash.killing import Boundary, Work, boundaries_of, killed_everywhere, untrue
from tests.crash.lives import BEGIN_MS, STEP_MS, Place, Wish, live, unlike
from tests.services.rig import ms
from tests.storage.crashing import FORK, in_child

SIZE = os.environ.get("ONEBOOK_LONG", "short")
END_MS = ms("2026-01-01T04:00")
CLOSED_BY_HAND = Wish(ms("2026-01-01T03:35"))
QUARTER_MS = 15 * MINUTE_MS
DOWN_MS = 10 * MINUTE_MS
AFTERMATH_MS = 30 * MINUTE_MS
MUST_BE_MET = frozenset(
    {"scans", "signals", "decisions", "sent_signals", "conditions", "messages", "outbox", "publications", "positions",
     "fills", "ledger", "checkpoints", "scores", "candles", "job_runs", "events", "close"}
)  # fmt: skip
"""What a life writes; each is met by a kill in the short form too."""
RANDOM_KILLS = {"short": 12, "full": 1_000}
KILLED_UNTIL_MS, AT_REST_MS = ms("2026-01-01T03:00"), ms("2026-01-01T03:30")
"""Lives are killed at random up to here, and have come to rest there: what is in doubt is repeated after some minutes."""
KILLS_A_LIFE = 10
"""After so many kills a life is let come to its end, so that every kill counts."""
SEED = 20_261_121


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of a life in which it is killed, how long it is down then, and when it is looked at."""

    begin_ms: int
    until_ms: int
    again_ms: int
    end_ms: int

    def work(self) -> Work:
        return Work(
            run=lambda folder, fault: asyncio.run(
                live(Place(folder), self.begin_ms, self.until_ms, wishes=(CLOSED_BY_HAND,), fault=fault)
            ),
            again=lambda folder: asyncio.run(live(Place(folder), self.again_ms, self.end_ms, wishes=(CLOSED_BY_HAND,))),
            wrong=lambda whole, folder: unlike(Place(whole), Place(folder)),
            book="live.db",
        )


def scenes() -> tuple[Scene, ...]:
    """Every quarter of an hour of the life, and the minutes in which the owner closes a position by hand."""
    first, by_hand = BEGIN_MS + 2 * STEP_MS, CLOSED_BY_HAND.at_ms
    quarters = range(first, by_hand - QUARTER_MS - DOWN_MS + 1, QUARTER_MS)
    found = [
        Scene(begin, begin + QUARTER_MS, begin + QUARTER_MS + DOWN_MS, begin + QUARTER_MS + AFTERMATH_MS)
        for begin in quarters
    ]
    # what is asked for by hand is done at the price of the instant it is asked at: no time passes there
    return (*found, Scene(by_hand - STEP_MS, by_hand, by_hand, END_MS))


@dataclass(frozen=True, slots=True)
class Untouched:
    """A life that was never killed: its folder as it stood at every step."""

    folder: Path
    took_s: float

    def at(self, at_ms: int) -> Path:
        return self.folder / str(at_ms)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Untouched:
    place, folder = Place(tmp_path_factory.mktemp("untouched")), tmp_path_factory.mktemp("photographs")
    asyncio.run(live(Place(tmp_path_factory.mktemp("warm")), BEGIN_MS, BEGIN_MS + STEP_MS))

    def photograph(at_ms: int) -> None:
        (folder / str(at_ms)).mkdir()
        copy_book(place.book, Place(folder / str(at_ms)).book)
        place.chats.path.touch()
        shutil.copy(place.chats.path, folder / str(at_ms))

    began_s = time.monotonic()
    asyncio.run(live(place, BEGIN_MS, END_MS, wishes=(CLOSED_BY_HAND,), tell=photograph))
    return Untouched(folder, time.monotonic() - began_s)


def chosen_of(met: Sequence[Boundary], lacking: set[str]) -> list[int]:
    """Every boundary in the full form; in the short one those that write what was not met yet."""
    if SIZE == "full":
        return list(range(len(met)))
    chosen = []
    for number, boundary in enumerate(met):
        if boundary.writes & lacking and number % 3 == len(lacking) % 3:  # each kind of boundary gets its turn
            chosen.append(number)
            lacking -= boundary.writes
    return chosen


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_life_killed_at_any_boundary_of_a_transaction_becomes_the_untouched_one(untouched: Untouched, tmp_path: Path):
    lacking = set(MUST_BE_MET)
    kills: Counter[str] = Counter()
    for number, scene in enumerate(scenes()):
        work, before, scratch = scene.work(), untouched.at(scene.begin_ms), tmp_path / str(number)
        shutil.copytree(before, scratch / "watched")
        met = boundaries_of(work, scratch / "watched")
        chosen = chosen_of(met, lacking)
        wrong = killed_everywhere(work, before, untouched.at(scene.end_ms), scratch, chosen)
        assert wrong == []
        for one in chosen:
            lacking -= met[one].writes
            kills.update({"all", f"{met[one].moment.value} {met[one].at.split()[0]}", *met[one].writes})
    print("kills", dict(kills))
    assert lacking == set()


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_lives_killed_at_random_instants_under_load_become_the_untouched_one(untouched: Untouched, tmp_path: Path):
    """The bot has no moment of rest: its time runs as fast as it works."""
    dice, kills, number = random.Random(SEED), 0, 0
    while kills < RANDOM_KILLS[SIZE]:
        number += 1
        place, at_ms = Place(tmp_path / str(number)), BEGIN_MS
        shutil.copytree(untouched.at(BEGIN_MS), place.folder)  # watching has begun
        for _ in range(min(KILLS_A_LIFE, RANDOM_KILLS[SIZE] - kills)):
            reached_ms = killed_after(place, at_ms, dice.uniform(0.0, 2.0 / KILLS_A_LIFE) * untouched.took_s)
            if reached_ms is None:
                break
            kills += 1
            assert untrue(place.book) == []
            at_ms = min(reached_ms + dice.choice((0, STEP_MS, DOWN_MS)), KILLED_UNTIL_MS)
        assert in_child(finish, place, at_ms) == 0
        assert untrue(place.book) == []
        assert unlike(Place(untouched.at(AT_REST_MS)), place) == []
        shutil.rmtree(place.folder)
    print("random kills", kills, "of lives", number)


def finish(place: Place, from_ms: int) -> None:
    asyncio.run(live(place, from_ms, AT_REST_MS))


def killed_after(place: Place, from_ms: int, seconds: float) -> int | None:
    """Let the bot live for so long and kill it; the instant its world had come to, None when it was through before."""
    reached_ms = FORK.Value("q", from_ms)

    def note(at_ms: int) -> None:
        reached_ms.value = at_ms

    def life() -> None:
        asyncio.run(live(place, from_ms, KILLED_UNTIL_MS, tell=note))

    child = FORK.Process(target=life)
    child.start()
    child.join(seconds)
    child.kill()
    child.join()
    return None if child.exitcode == 0 else int(reached_ms.value)
