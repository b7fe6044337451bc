"""The audit of the lock files: what is found fails, what nobody answered for is said aloud and fails nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

SOUND = {"name": "httpx", "version": "1.0", "vulns": []}
VULNERABLE = {"name": "oldlib", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.2"]}]}
UNANSWERED = {"name": "other", "skip_reason": "nobody knows it"}


def audited(folder: Path, says: str, code: int) -> tuple[int, str]:
    """The exit code and the line of `.ci/audit.py` when pip-audit says so and ends so."""
    stand_in = f"import sys\nsys.stderr.write('cannot connect\\n')\nsys.stdout.write({says!r})\nsys.exit({code})\n"
    (folder / "pip_audit.py").write_text(stand_in)
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, ".ci/audit.py", "requirements.lock"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND, SOUND], 0, "no known vulnerability in 2 packages"),
        ([SOUND, UNANSWERED], 0, "NOT AUDITED: nobody answers for 1 of 2 packages"),
        ([UNANSWERED, VULNERABLE], 1, "vulnerable: oldlib 0.1: PYSEC-1, fixed in 0.2"),
    ],
)
def test_only_what_was_found_is_a_failure(tmp_path: Path, packages: list[object], code: int, said: str):
    document = json.dumps({"dependencies": packages, "fixes": []})

    assert audited(tmp_path, document, code) == (code, f"requirements.lock: {said}")


def test_a_service_that_cannot_be_reached_is_said_aloud_and_fails_nothing(tmp_path: Path):
    assert audited(tmp_path, "", 1) == (0, "requirements.lock: NOT AUDITED: cannot connect")


def test_the_audit_is_part_of_ci():
    assert "make audit" in (ROOT / ".ci" / "run").read_text()
    assert ".ci/audit.py requirements.lock requirements-dev.lock" in (ROOT / "Makefile").read_text()
