"""The machine's clock jumps by an hour and back, under a live bot and between two starts: nothing is twice, nothing early."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from services.digest import queue_digest
from storage.book import Book
from storage.job_runs import JobStatus
from tests.crash.killing import untrue
from tests.crash.lives import BEGIN_MS, Place, live, unlike
from tests.services.published import Desk
from tests.services.rig import ms
from tests.storage.samples import NOW_MS

WRONG_FROM_MS, WRONG_UNTIL_MS = ms("2026-01-01T01:25"), ms("2026-01-01T01:50")
RESTART_MS, END_MS = ms("2026-01-01T01:40"), ms("2026-01-01T03:30")
FORWARD, BACK = HOUR_MS, -HOUR_MS


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("untouched"))
    asyncio.run(live(place, BEGIN_MS, END_MS))
    return place


@pytest.mark.parametrize("by_ms", [FORWARD, BACK])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_that_jumps_and_comes_back_changes_no_signal_and_no_close(
    tmp_path: Path, untouched: Place, by_ms: int, restarts: bool
):
    def wrong_by_ms(true_ms: int) -> int:
        return by_ms if WRONG_FROM_MS <= true_ms < WRONG_UNTIL_MS else 0

    place = Place(tmp_path)
    pauses = (BEGIN_MS, RESTART_MS, END_MS) if restarts else (BEGIN_MS, END_MS)
    for begin_ms, end_ms in pairwise(pauses):
        asyncio.run(live(place, begin_ms, end_ms, wrong_by_ms=wrong_by_ms))

    assert untrue(place.book) == []
    assert unlike(untouched, place) == []
    with Book.open_read_only(place.book) as book, book.reading() as view:
        runs = view.job_runs.last_of_each()
    assert {run.status for run in runs} <= {JobStatus.OK, JobStatus.SKIPPED}


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_a_night_in_which_clocks_change_has_one_digest_a_day_whatever_the_clock_does(tmp_path: Path, night: str):
    begin_ms = ms(night) - DAY_MS
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        desk = Desk(tx)
        desk.announce()
        desk.deliver()
        announcements = replace(desk.announcements, zone="Europe/Sofia")
        for at_ms in range(begin_ms, begin_ms + 3 * DAY_MS, 5 * MINUTE_MS):
            for jump_ms in (0, FORWARD, BACK):
                queue_digest(tx, announcements, at_ms + jump_ms)
        days = [str(message.payload["day"]) for message in tx.messages.all() if message.kind == "digest"]

    first = date.fromisoformat(night) - timedelta(days=2)
    assert days == [str(first + timedelta(days=number)) for number in range(3)]
