"""Learning in the chat: which model acts, a training asked for, and the way back, with real models in a real book."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.params import LearningParams, Params
from engine.vocabulary import BookKind
from handlers.telegram.buttons import Mint
from handlers.telegram.commands.learning import RULES_ALONE, back, ml, ml_train
from handlers.telegram.desk import Answer, Asked, ChatRef, CommandError, Desk, Pressed
from services.announce import Announcements
from services.hands import Hands
from services.learning import Learning
from services.train import Trained, keep
from services.training import train_book
from storage.book import Book
from storage.models import MODEL_NAME
from storage.users import Role, User
from storage.writer import Writer
from tests.handlers.telegram.chat import no_look
from tests.services.test_train import NOW_MS, PARAMS, with_backtest

OPERATOR = User(1, 77, "Ana", Role.OPERATOR, "en", "UTC", NOW_MS, None, None)


def asked(*words: str, language: str = "en") -> Asked:
    return Asked(words, replace(OPERATOR, language=language), ChatRef(77))


def desk_over(book: Book, writer: Writer, params: Params = PARAMS) -> Desk:
    learning = Learning(book, writer, params, lambda: NOW_MS)
    return Desk(book, writer, no_look, lambda: NOW_MS, Hands(params, Announcements()), learning=learning)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        with book.transaction() as tx:
            Mint.ensured(tx, NOW_MS)
        yield desk_over(book, writer)


def taught(desk: Desk, times: int = 1) -> Desk:
    """The desk's book with promoted models, the last of which acts."""
    outcome = train_book(with_backtest(desk.book), PARAMS, NOW_MS)
    assert isinstance(outcome, Trained)
    for _ in range(times):
        with desk.book.transaction() as tx:
            keep(tx, outcome, "test")
    return desk


def labels(answer: Answer) -> list[str]:
    return [button.label for row in answer.buttons for button in row]


def acting_id(desk: Desk) -> int | None:
    with desk.book.reading() as view:
        active = view.models.active(MODEL_NAME)
    return None if active is None else active.id


async def told(desk: Desk) -> list[str]:
    with desk.book.reading() as view:
        return [str(item.payload["text"]) for item in view.outbox.due(NOW_MS, 10)]


async def test_without_a_model_the_rules_decide_alone_and_it_is_said(desk: Desk):
    answer = await ml(desk, asked())

    assert answer.html == "No model was trained yet; the rules decide alone.\nA training is due."
    assert labels(answer) == []


@pytest.mark.parametrize(("language", "word"), [("en", "Model 1 acts: promoted: skill 0."), ("bg", "Действа модел 1")])
async def test_the_acting_model_is_shown_with_its_judgement(desk: Desk, language: str, word: str):
    answer = await ml(taught(desk), asked(language=language))

    assert word in answer.html
    assert len(labels(answer)) == 1


async def test_an_earlier_model_is_one_tap_away_and_so_are_the_rules_alone(desk: Desk):
    taught(desk, times=2)
    assert labels(await ml(desk, asked())) == ["↩ model 1", "rules alone"]

    pressed = Pressed("1", OPERATOR, ChatRef(77), 5)
    assert (await back(desk, pressed)).html == "Model 1 acts from now on."
    assert acting_id(desk) == 1
    assert desk.learning is not None
    assert desk.learning.acting is not None
    assert desk.learning.acting.id == 1

    assert (await back(desk, replace(pressed, argument=RULES_ALONE))).html == "The rules decide alone from now on."
    assert acting_id(desk) is None
    assert desk.learning.acting is None


async def test_a_button_for_a_model_that_is_gone_does_nothing(desk: Desk):
    with pytest.raises(CommandError):
        await back(desk, Pressed("99", OPERATOR, ChatRef(77), 5))


@pytest.mark.long
async def test_a_training_runs_beside_everything_and_tells_what_came_of_it(desk: Desk):
    with_backtest(desk.book)
    assert (await ml_train(desk, asked())).html.startswith("The training has begun")
    assert (await ml_train(desk, asked())).html == "A training is running already."

    async with asyncio.timeout(60):
        while not await told(desk):
            await asyncio.sleep(0.1)
    [message] = await told(desk)
    assert message.startswith("The training ended: model 1: promoted: skill 0.")
    assert acting_id(desk) == 1


async def test_a_training_without_rows_tells_why(tmp_path: Path):
    params = replace(PARAMS, learning=LearningParams())
    with Book.open(tmp_path / "empty.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        desk = desk_over(book, writer, params)
        await ml_train(desk, asked())
        async with asyncio.timeout(60):
            while not await told(desk):
                await asyncio.sleep(0.1)
        assert await told(desk) == ["The training ended: Training needs 50 labelled trades, has 0."]


async def test_a_bot_without_learning_says_so(desk: Desk):
    with pytest.raises(CommandError):
        await ml_train(replace(desk, learning=None), asked())
