"""No log line shows the token, in whatever form it gets there."""

import io
import logging
from urllib.parse import quote

import pytest

from diagnostics.logs import FILE_NAME, set_up, take_down

TOKEN = "123456:AAHsecret_secret-secretsecretsecret"
OTHER = "987654321:AAFotherotherotherotherotherother_"


@pytest.fixture
def logged(tmp_path):
    stream = io.StringIO()
    set_up(tmp_path, [TOKEN], stream)
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
