"""`web` as it is started: it says where it answers, stops when it is told to, and refuses what would be open to all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from handlers.cli_web import serve
from handlers.web.app import WebError
from tests.handlers.test_cli import ROOT


def test_it_does_not_listen_beyond_this_machine_without_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WebError, match="set ONEBOOK_WEB_TOKEN"):
        serve(tmp_path / "live.db", None, "0.0.0.0", 0, lambda: 0, print)


def test_it_answers_until_it_is_told_to_stop(tmp_path: Path):
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ONEBOOK_")}
    command = [sys.executable, "bot.py", "web", "--port", "0", "--db", str(tmp_path / "none.db")]
    web = subprocess.Popen(command, cwd=ROOT, env=mine, stderr=subprocess.PIPE, text=True)
    try:
        assert web.stderr is not None
        where = web.stderr.readline().split()[1]
        answer = httpx.get(where, timeout=30)
        web.send_signal(signal.SIGTERM)

        assert answer.json()["status"] == "OK"
        assert web.wait(timeout=30) in (0, -signal.SIGTERM)
        assert "Traceback" not in web.stderr.read()
    finally:
        web.kill()
        web.wait()
        web.stderr.close()
