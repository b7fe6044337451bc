"""Scores in the chat: how the account's trades stand, and a person's word on a coin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.params import Params
from engine.scores import Dim, ScoreStatus, StatusSource
from engine.vocabulary import BookKind
from handlers.telegram.commands.scores import scores
from handlers.telegram.desk import Asked, ChatRef, CommandError, Desk
from services.announce import Announcements
from services.hands import Hands
from storage.book import Book
from storage.users import Role, User
from storage.writer import Writer
from tests.engine.test_scores import LOST, WON
from tests.handlers.telegram.chat import no_look
from tests.storage.samples import NOW_MS, paper

OPERATOR = User(1, 77, "Ana", Role.OPERATOR, "en", "UTC", NOW_MS, None, None)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        yield Desk(book, writer, no_look, lambda: NOW_MS, Hands(Params(), Announcements()))


def asked(*words: str) -> Asked:
    return Asked(words, OPERATOR, ChatRef(77))


def with_closes(desk: Desk) -> Desk:
    with desk.book.transaction() as tx:
        for trade in (*[LOST] * 4, WON):
            tx.scores.record(trade)
    return desk


async def test_before_the_first_close_there_is_nothing_to_show(desk: Desk):
    assert (await scores(desk, asked())).html == "The account has not closed a trade yet."


@pytest.mark.parametrize(("dim", "key"), [("coin", "BTCUSDT"), ("weekday", "Fri"), ("session", "ny_kz")])
async def test_a_dimension_is_shown_with_its_rate_and_status(desk: Desk, dim: str, key: str):
    shown = (await scores(with_closes(desk), asked(dim))).html.replace("</pre>", "")

    [row] = [line for line in shown.splitlines() if line.startswith(key)]
    assert row.split() == [key, "5", "20%", "20%", "blocked"]


async def test_a_persons_word_sizes_the_next_order_and_can_be_taken_back(desk: Desk):
    with_closes(desk)
    assert (await scores(desk, asked("btcusdt", "reduced"))).html == "BTCUSDT is reduced from now on."
    with desk.book.reading() as view:
        score = view.scores.get(Dim.COIN, "BTCUSDT")
        account = view.positions.account_view(paper(view), "BTCUSDT", NOW_MS)
        [(author,)] = view.connection.execute("SELECT actor FROM events WHERE type='SETTING_CHANGED'")
    assert (score.status, score.source) == (ScoreStatus.REDUCED, StatusSource.MANUAL)
    assert account.coin_status is ScoreStatus.REDUCED
    assert author == asked().by

    assert (await scores(desk, asked("BTCUSDT", "auto"))).html == "BTCUSDT is blocked from now on."


@pytest.mark.parametrize("words", [("weather",), ("BTCUSDT", "splendid"), ("a", "b", "c")])
async def test_anything_else_is_told_how_to_ask(desk: Desk, words: tuple[str, ...]):
    with pytest.raises(CommandError):
        await scores(desk, asked(*words))
