"""A live bot on a disk that cannot be written for a while: it says so once, goes on when it can, and its book is whole."""

import asyncio
import contextlib
import logging
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.killing import untrue
from tests.crash.lives import BEGIN_MS, Place, live, unlike, world
from tests.services.rig import ms
from tests.storage.crashing import Trouble, in_child

SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL = 8, 10, 13
END_MS = ms("2026-01-01T01:50")
TROUBLE_FROM_MS, TROUBLE_UNTIL_MS = ms("2026-01-01T01:02"), ms("2026-01-01T01:21")
LIMIT_BYTES = 16 << 10
"""Less than the book and its log have, more than the chats take."""
DISK_BYTES = 8 << 20
ROOT = Path(__file__).resolve().parents[2]
MAY_MOUNT = ("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("untouched"))
    asyncio.run(live(place, BEGIN_MS, END_MS))
    return place


def right(place: Place, untouched: Place) -> bool:
    assert untrue(place.book) == []
    assert unlike(untouched, place) == []
    return True


@pytest.mark.parametrize("code", [SQLITE_FULL, SQLITE_READONLY, SQLITE_IOERR])
def test_what_could_not_be_written_is_made_up_for_when_it_can(
    tmp_path: Path, untouched: Place, caplog: pytest.LogCaptureFixture, code: int
):
    clock, _ = world()
    trouble = Trouble(code, lambda: TROUBLE_FROM_MS <= clock.ms < TROUBLE_UNTIL_MS)
    asyncio.run(live(Place(tmp_path), BEGIN_MS, END_MS, fault=trouble))

    assert trouble.struck > 3
    assert right(Place(tmp_path), untouched)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([record for record in said if str(Place(tmp_path).book) in record.getMessage()]) <= 4
    assert [record for record in said if record.exc_info] == []


def test_an_answer_of_telegram_that_cannot_be_written_down_at_once_is_kept_and_nothing_is_said_twice(
    tmp_path: Path, untouched: Place
):
    place, (clock, _) = Place(tmp_path), world()
    trouble = Trouble(SQLITE_FULL, lambda: len(place.chats.arrived()) == 1 and clock.ms < TROUBLE_UNTIL_MS)
    asyncio.run(live(place, BEGIN_MS, END_MS, fault=trouble))

    assert trouble.struck > 3
    assert right(place, untouched)
    heard = [call.text for call in place.chats.arrived()]
    assert len(heard) == len(set(heard))


def live_with_limited_files(place: Place) -> None:
    """No file may grow for a while, as the system itself refuses it."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(at_ms: int) -> None:
        is_limited = TROUBLE_FROM_MS <= at_ms < TROUBLE_UNTIL_MS
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES if is_limited else hard, hard))

    asyncio.run(live(place, BEGIN_MS, END_MS, tell=limit))


def test_writes_that_the_system_refuses_are_made_up_for(tmp_path: Path, untouched: Place):
    assert in_child(live_with_limited_files, Place(tmp_path)) == 0
    assert right(Place(tmp_path), untouched)


def live_on_a_disk_that_fills(disk: Path, result: Path) -> None:
    """Somebody else's file takes all the room of the disk for a while; the chats are not on it."""
    place, ballast = Place(disk, elsewhere=result), disk / "ballast"

    def fill(at_ms: int) -> None:
        if TROUBLE_FROM_MS <= at_ms < TROUBLE_UNTIL_MS:
            with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 512)
        else:
            ballast.unlink(missing_ok=True)

    asyncio.run(live(place, BEGIN_MS, END_MS, tell=fill))
    shutil.copy(place.book, result)


ON_A_DISK_OF_ITS_OWN = f"""
mount -t tmpfs -o size={DISK_BYTES} none "$1" && exec "$0" -c '
import sys, pathlib
from tests.crash.test_bad_disk import live_on_a_disk_that_fills
live_on_a_disk_that_fills(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))' "$1" "$2"
"""


@pytest.mark.long
def test_a_disk_that_is_full_for_a_while_is_made_up_for(tmp_path: Path, untouched: Place):
    disk, result = tmp_path / "disk", tmp_path / "result"
    disk.mkdir()
    result.mkdir()
    if shutil.which("unshare") is None or subprocess.run(MAY_MOUNT, capture_output=True).returncode:
        pytest.skip("no disk of its own can be mounted here")
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_DISK_OF_ITS_OWN]
    ended = subprocess.run([*command, sys.executable, str(disk), str(result)], cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert "is full; nothing was written." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert right(Place(result), untouched)
