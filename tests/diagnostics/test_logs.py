"""A record is one line that programs can read, the files stay small, and no line shows a secret in whatever form."""

import io
import logging
import shlex
from pathlib import Path
from urllib.parse import quote

import pytest

from diagnostics.logs import FILE_BYTES, FILE_NAME, OLD_FILES, last_lines, set_up, take_down

TOKEN = "123456:AAHsecret_secret-secretsecretsecret"
OTHER = "987654321:AAFotherotherotherotherotherother_"
DEADMAN_URL = 'https://hc.example/ping/5f0c?x="quoted"'
MOST_BYTES_IN_ALL = 500_000_000


@pytest.fixture
def logged(tmp_path):
    stream = io.StringIO()
    set_up(tmp_path, [TOKEN, DEADMAN_URL], stream)
    yield lambda: stream.getvalue() + (tmp_path / FILE_NAME).read_text()
    take_down()


@pytest.mark.parametrize("form", [TOKEN, quote(TOKEN, safe=""), TOKEN.split(":")[1], repr(TOKEN.encode()), OTHER])
def test_a_token_in_any_form_is_taken_out(logged, form):
    logging.getLogger("x").warning("POST https://api.telegram.org/bot%s/sendMessage", form)

    assert "secret" not in logged()
    assert "other" not in logged()
    assert "sendMessage" in logged()


def test_a_token_inside_an_exception_is_taken_out(logged):
    try:
        raise ValueError(f"The token `{TOKEN}` was rejected")
    except ValueError:
        logging.getLogger("x").exception("failed")

    assert "was rejected" in logged()
    assert "secret" not in logged()


def test_httpx_does_not_tell_its_urls(logged):
    logging.getLogger("httpx").info("HTTP Request: POST https://somewhere")
    logging.getLogger("y").info("after")

    assert "somewhere" not in logged()
    assert "after" in logged()


def test_a_secret_with_characters_that_are_quoted_is_taken_out(logged):
    logging.getLogger("x").warning("asking %s failed", DEADMAN_URL, extra={"facts": {"url": DEADMAN_URL}})

    assert logged().count("<token>") == 4, "twice on stderr, twice in the file"
    assert "5f0c" not in logged()


def test_a_record_is_one_line_of_pairs_whatever_it_says(tmp_path: Path, logged):
    try:
        raise ValueError("two\nlines")
    except ValueError:
        facts = {"job": "scan:1h", "title": 'my "group"\nat=now level=INFO msg=forged'}
        logging.getLogger("services.schedule").warning("it failed", exc_info=True, extra={"facts": facts})
    [line] = (tmp_path / FILE_NAME).read_text().splitlines()
    pairs = [pair.partition("=") for pair in shlex.split(line)]

    assert [key for key, _, _ in pairs] == ["at", "level", "from", "msg", "job", "title", "error"]
    assert line.startswith("at=20")
    assert 'level=WARNING from=services.schedule msg="it failed" job=scan:1h title=' in line


def test_the_files_rotate_and_stay_within_their_size(tmp_path: Path):
    set_up(tmp_path, [], io.StringIO(), file_bytes=2_000)
    try:
        for number in range(500):
            logging.getLogger("x").info("line %d", number)
    finally:
        take_down()
    files = list(tmp_path.iterdir())

    assert len(files) == OLD_FILES + 1
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert (OLD_FILES + 1) * FILE_BYTES <= MOST_BYTES_IN_ALL


def test_the_last_lines_are_found_across_a_rotation(tmp_path: Path):
    assert last_lines(tmp_path, 3) == ()
    (tmp_path / FILE_NAME).write_text("three\n")
    (tmp_path / f"{FILE_NAME}.1").write_text("zero\none\ntwo\n")

    assert last_lines(tmp_path, 3) == ("one", "two", "three")
    assert last_lines(tmp_path, 1) == ("three",)
