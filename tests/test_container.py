"""The Dockerfile, read as Docker reads it: nobody runs as root, nothing secret goes in, all that is needed does."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import ROOMS, ROOT

SECRET = re.compile(r"token|secret|passw|api_?key|credential", re.IGNORECASE)


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments; comments and line ends in the middle are gone."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(at for at, (name, _) in enumerate(found) if name == "FROM") :]


def copied() -> list[str]:
    """What the last stage takes out of the checkout."""
    copies = (rest.split() for name, rest in last_stage() if name == "COPY" and "--from" not in rest)
    return [source for *sources, _ in copies for source in sources]


def argument(name: str) -> str:
    return [rest for found, rest in last_stage() if found == name][-1]


def test_it_runs_as_nobody_in_particular():
    names = [name for name, _ in last_stage()]
    user, group = argument("USER").split(":")

    assert int(user) > 999
    assert int(group) > 999
    assert "RUN" not in names[names.index("USER") :]
    assert "ADD" not in {name for name, _ in instructions()}


def test_what_it_keeps_is_on_a_volume_of_its_own():
    assert argument("VOLUME") == "/app/data"
    assert argument("WORKDIR") == "/app"
    assert "chown 10001:10001 data" in argument("RUN")
    places = re.findall(r"(?:CACHE_DIR|CONFIGDIR)=(\S+)", argument("ENV"))
    assert len(places) == 2
    assert all(place.startswith("/app/data/") for place in places), "the root may be read-only"


def test_packages_are_those_of_the_lock_file_by_their_hashes():
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]

    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert ("COPY", "requirements.lock /tmp/requirements.lock") in instructions()


def test_no_secret_goes_into_the_image():
    for name, rest in instructions():
        assert name != "ARG"
        assert name != "ENV" or not SECRET.search(rest)
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    let_through = {line[1:] for line in ignored if line.startswith("!")}

    assert ignored[0] == "*"
    assert let_through == {*copied(), "requirements.lock"}


def test_all_rooms_are_in_it_and_all_that_is_copied_is_there():
    assert set(ROOMS) <= set(copied())
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_what_is_copied_is_enough_to_answer_for_its_health(tmp_path: Path):
    for source in copied():
        place = ROOT / source
        if place.is_dir():
            shutil.copytree(place, tmp_path / source)
        else:
            shutil.copy(place, tmp_path / source)
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-B", "bot.py", "health"]
    done = subprocess.run(command, cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "there is no book" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the image is Linux")
@pytest.mark.parametrize(("exit_code", "is_healthy"), [(0, True), (1, True), (2, False), (137, False)])
def test_a_warning_is_no_reason_to_restart_and_a_failure_is(tmp_path: Path, exit_code: int, is_healthy: bool):
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\n[ \"$*\" = 'bot.py health' ] && exit {exit_code}\nexit 2\n")
    stand_in.chmod(stat.S_IRWXU)
    _, _, command = argument("HEALTHCHECK").partition(" CMD ")
    done = subprocess.run(["/bin/sh", "-c", command], env={"PATH": str(tmp_path)})

    assert (done.returncode == 0) is is_healthy
