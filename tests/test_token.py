"""With every library at its most talkative, and with every error there is, the log that is written shows no token."""

import io
import logging
from contextlib import contextmanager

from diagnostics import logs
from gateways.telegram_sender import TelegramSender
from tests.conftest import WATCH, holds_token
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.http import Drop, Hang, Refuse, Response

CHATTY = ("httpx", "httpcore", "telegram", "telegram.ext", "asyncio", "urllib3")
TROUBLE = (Drop(), Hang(0.5), Refuse(Response(502, b"<html>")), Refuse(Response(200, b"no json")))


@contextmanager
def everything_written(directory):
    """What the product's own log set-up writes while all libraries say everything; what is raw goes to nobody else."""
    stream, root = io.StringIO(), logging.getLogger()
    others = [
        handler for handler in root.handlers if handler is WATCH or type(handler).__module__.startswith("_pytest")
    ]
    logs.set_up(directory, [TOKEN], stream)
    for handler in others:
        root.removeHandler(handler)
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        logs.take_down()
        root.setLevel(logging.WARNING)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for handler in others:
            root.addHandler(handler)


async def test_the_log_shows_no_token_whatever_the_libraries_say(tmp_path):
    api = BotApi()
    api.script("sendMessage", *TROUBLE)
    with api.running() as url, everything_written(tmp_path) as written:
        for told in (url, "http://127.0.0.1:9/bot", url.replace("/bot", "/elsewhere")):
            sender = TelegramSender(TOKEN, api_url=told, answer_timeout_s=0.3)
            for _ in (*TROUBLE, None):
                result = await sender.send_message(1, "x")
                logging.getLogger("test").error("%s", result)
            await sender.aclose()
        log = written.getvalue()

    assert not holds_token(log)
    assert f"/bot{logs.REDACTED}/sendMessage" in log, "the libraries do write the address"


def test_a_traceback_with_the_address_in_it_shows_no_token(tmp_path):
    address = f"http://127.0.0.1:9/bot{TOKEN}/getMe"
    with everything_written(tmp_path) as written:
        try:
            raise RuntimeError(address) from ValueError(TOKEN.replace(":", "%3A"))
        except RuntimeError:
            logging.getLogger("test").exception("asking %s failed", address)
        log = written.getvalue()

    assert "RuntimeError" in log
    assert "ValueError" in log
    assert not holds_token(log)


def test_the_watch_sees_a_token_in_every_form():
    assert holds_token(f"https://api/bot{TOKEN}/x")
    assert holds_token(TOKEN.replace(":", "%3A"))
    assert holds_token(TOKEN.partition(":")[2])
    assert not holds_token("12345:another")
