"""The web process over real HTTP: it answers from the book, reads alone, and refuses whoever may not ask."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from engine.params import Params
from engine.vocabulary import BookKind, LedgerKind, PortfolioKind
from handlers.web.app import application, listening, server
from handlers.web.guard import HEADERS
from handlers.web.reading import FRESH_MS, Readings, read
from services.watch_health import Symptom, watch
from storage.book import Book
from storage.chats import ChatKind
from storage.job_runs import JobStatus
from storage.lock import BookLock
from storage.pulse import Pulse, Vitals, beat
from tests.fakes.clock import ManualClock
from tests.storage.samples import NOW_MS, opened, recorded

TOKEN = "a-token-of-more-than-sixteen-characters"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A book with a position, a message that waits, a balance and two jobs."""
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        signal_id = recorded(tx)
        opened(tx, signal_id=signal_id)
        chat = tx.chats.ensure(-1001, ChatKind.CHANNEL)
        tx.outbox.queue("signal", {}, "waiting", [chat.id], NOW_MS - 90_000, signal_id=signal_id)
        for job, status in (("settle", JobStatus.OK), ("backup", JobStatus.FAILED)):
            tx.job_runs.claim(job, NOW_MS - 60_000, "test", NOW_MS - 60_000)
            tx.job_runs.finish(job, NOW_MS - 60_000, status, None, NOW_MS - 30_000)
        for _ in range(2):
            watch(tx, [Symptom("jobs", "FAIL", "1 bad", "backup", "look at it")], NOW_MS)
        beat(tx.meta, Pulse(NOW_MS, NOW_MS, vitals=Vitals(memory_bytes=123_456, open_files=7)))
    return tmp_path / "live.db"


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS).close()
    return tmp_path / "live.db"


@contextlib.contextmanager
def serving(path: Path, *, token: str | None = None, is_loopback: bool = True) -> Iterator[httpx.Client]:
    """The web process in a thread, on a port of its own; a client that asks it."""
    secret = None if token is None else SecretStr(token)
    door = listening("127.0.0.1", 0)
    web = server(application(Readings(path, Params(), lambda: NOW_MS), secret, is_loopback=is_loopback))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        while not web.started:
            time.sleep(0.005)
        with httpx.Client(base_url=f"http://127.0.0.1:{door.getsockname()[1]}", timeout=30) as client:
            yield client
    finally:
        web.should_exit = True
        thread.join()
        door.close()


def samples(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_a_sound_book_is_200_and_an_unsound_one_503_with_the_checks(healthy: Path):
    with serving(healthy) as client:
        well = client.get("/healthz")
    healthy.write_bytes(b"no book any more")
    with serving(healthy) as client:
        unwell = client.get("/healthz")

    assert (well.status_code, well.json()["status"]) == (200, "OK")
    assert {"name", "status", "value", "limit", "detail"} <= set(well.json()["checks"][0])
    assert (unwell.status_code, unwell.json()["status"]) == (503, "FAIL")
    assert "is not a book" in unwell.json()["checks"][0]["detail"]


def test_where_there_is_no_book_yet_nothing_is_wrong_and_none_is_made(tmp_path: Path):
    with serving(tmp_path / "none.db") as client:
        assert client.get("/healthz").status_code == 200
        assert samples(client.get("/metrics").text)["onebook_health"] == 0
    assert list(tmp_path.iterdir()) == []


def test_metrics_tell_the_numbers_of_the_book(path: Path):
    with BookLock.acquire(path, "bot", NOW_MS - 5_000), serving(path) as client:
        answer = client.get("/metrics")
    told = samples(answer.text)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert told['onebook_positions_open{book="paper"}'] == 1
    assert told['onebook_positions_open{book="shadow"}'] == 0
    assert told['onebook_outbox{state="PENDING"}'] == 1
    assert told["onebook_outbox_oldest_seconds"] == 90
    assert told['onebook_job_age_seconds{job="settle"}'] == 30
    assert (told['onebook_job_ok{job="settle"}'], told['onebook_job_ok{job="backup"}']) == (1, 0)
    assert sum(value for name, value in told.items() if name.startswith("onebook_signals")) == 1
    assert (told["onebook_bot_up"], told["onebook_bot_uptime_seconds"]) == (1, 5)
    assert (told["onebook_bot_memory_bytes"], told["onebook_bot_open_files"]) == (123_456, 7)
    assert told["onebook_incidents_open"] == 1
    assert told['onebook_check{check="jobs done well"}'] == 3
    assert told["process_resident_memory_bytes"] > 0


def test_the_balance_is_the_sum_of_the_ledger(path: Path):
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        paper = tx.portfolios.of_kind(PortfolioKind.PAPER)
        tx.ledger.post(paper.id, LedgerKind.DEPOSIT, 10_000.0, NOW_MS, "deposit")
        tx.ledger.post(paper.id, LedgerKind.ADJUSTMENT, -1.5, NOW_MS, "adjustment")
    with serving(path) as client:
        told = samples(client.get("/metrics").text)

    assert told['onebook_balance{book="paper"}'] == 9_998.5
    assert 'onebook_balance{book="shadow"}' not in told


def test_every_answer_carries_the_security_headers_and_says_nothing_of_what_serves_it(healthy: Path):
    with serving(healthy, token=TOKEN) as client:
        for question in (("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/docs"), ("POST", "/healthz")):
            headers = client.request(*question).headers

            assert {name: headers[name] for name in HEADERS} == HEADERS
            assert "server" not in headers


def test_on_loopback_the_numbers_need_the_token_and_health_does_not(healthy: Path):
    with serving(healthy, token=TOKEN) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers=KNOWN).status_code == 200


def test_beyond_loopback_nothing_is_answered_without_the_token(healthy: Path):
    wrong = (TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer ünknown".encode())
    with serving(healthy, token=TOKEN, is_loopback=False) as client:
        for headers in ({}, *({"Authorization": given} for given in wrong)):
            for page in ("/healthz", "/metrics", "/elsewhere"):
                answer = client.get(page, headers=headers)

                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.get("/healthz", headers=KNOWN).status_code == 200


def test_a_page_that_leads_its_own_name_to_loopback_reads_nothing(healthy: Path):
    with serving(healthy) as client:
        assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
        assert client.get("/healthz", headers={"Host": "[:::"}).status_code == 421
        assert client.get("/healthz", headers={"Host": "localhost:8321"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "[::1]:8321"}).status_code == 200


def test_nothing_can_be_changed_sent_or_browsed(healthy: Path):
    with serving(healthy) as client:
        assert {client.request(method, "/anywhere").status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {
            405
        }
        assert client.request("GET", "/healthz", content=b"x").status_code == 413
        assert client.request("GET", "/healthz", content=iter([b"x"])).status_code == 413
        assert {client.get(page).status_code for page in ("/", "/docs", "/openapi.json", "/../etc/passwd")} == {404}
        assert client.head("/healthz").status_code == 200


def test_headers_without_end_are_not_read(healthy: Path):
    with serving(healthy) as client, socket.create_connection((client.base_url.host, client.base_url.port)) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000)

        assert line.recv(1_000).startswith(b"HTTP/1.1 400 ")


async def test_the_book_is_read_once_for_however_many_ask(path: Path):
    clock = ManualClock(NOW_MS)
    readings = Readings(path, Params(), clock.now_ms)
    first, second = await asyncio.gather(readings.newest(), readings.newest())
    clock.advance(FRESH_MS)

    assert first is second
    assert await readings.newest() is not first


def test_a_look_leaves_the_book_as_it_was(path: Path):
    before = path.read_bytes()
    read(path, Params(), NOW_MS)

    assert path.read_bytes() == before


def test_a_port_that_is_taken_is_told_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ValueError, match=r"cannot be listened on: \w"):
        listening("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ValueError, match="no such port"):
        listening("127.0.0.1", 70_000)
