"""The dead-man's sign is given while health is not FAIL, and nothing suffers when nobody hears it."""

from pathlib import Path

import pytest

from engine.timeframes import HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from gateways.sign_of_life import Unheard, give_sign
from services.deadman import DeadMan
from services.schedule import NothingToDo
from storage.book import Book
from storage.events import EventType
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.fakes.http import Drop, Fault, Faults, Hang, Refuse, Request, Response, running
from tests.storage.samples import NOW_MS

SECRET_PATH = "/ping/0f9c-secret"


class Watchman:
    """A service that waits for signs of life."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.faults = Faults()

    async def answer(self, request: Request) -> Response:
        async def act() -> Response:
            self.heard.append(f"{request.method} {request.path}")
            return Response(200, b"OK")

        return await self.faults.around("ping", act)


@pytest.fixture
def book(tmp_path: Path):
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def told(book: Book) -> list[str | None]:
    with book.reading() as view:
        return [event.message for event in view.events.latest(9, EventType.DEADMAN_UNHEARD)]


async def test_the_sign_is_given_while_health_is_not_fail(book: Book):
    watchman, failing = Watchman(), []
    with Writer(book) as writer, running(watchman.answer) as url:
        deadman = DeadMan(url + SECRET_PATH, lambda: bool(failing), writer, lambda: NOW_MS)
        await deadman.sign()
        assert watchman.heard == [f"GET {SECRET_PATH}"]

        failing.append("the book")
        with pytest.raises(NothingToDo, match="health is FAIL"):
            await deadman.sign()
        assert len(watchman.heard) == 1
        assert told(book) == []


async def test_a_sign_nobody_hears_is_one_event_an_hour_and_no_error(book: Book):
    watchman, clock = Watchman(), ManualClock(NOW_MS // HOUR_MS * HOUR_MS)
    watchman.faults.script("ping", Refuse(Response(503)), Drop())
    with Writer(book) as writer, running(watchman.answer) as url:
        deadman = DeadMan(url + SECRET_PATH, lambda: False, writer, clock.now_ms, within_s=60.0)
        await deadman.sign()
        clock.advance(5 * MINUTE_MS)
        await deadman.sign()
        assert told(book) == ["it answered 503"]

        clock.advance(HOUR_MS)
        await deadman.sign()
        assert len(watchman.heard) == 1
        assert len(told(book)) == 1


@pytest.mark.parametrize(
    ("fault", "within_s", "said"),
    [
        (Hang(30.0), 0.2, "no answer within 0.2 s"),
        (Drop(), 60.0, "it cannot be asked"),
        (Refuse(Response(302, b"", {"Location": "http://127.0.0.1:9/"})), 60.0, "it answered 302"),
    ],
)
async def test_whatever_goes_wrong_is_said_without_the_address(fault: Fault, within_s: float, said: str):
    watchman = Watchman()
    watchman.faults.script("ping", fault)
    with running(watchman.answer) as url, pytest.raises(Unheard, match=said) as unheard:
        await give_sign(url + SECRET_PATH, within_s)

    assert "secret" not in str(unheard.value)
    assert unheard.value.__cause__ is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/secret", "http://[::secret"])
async def test_an_address_where_nobody_is_does_not_show_itself(address: str):
    with pytest.raises(Unheard) as unheard:
        await give_sign(address, within_s=5.0)

    assert "secret" not in str(unheard.value)
