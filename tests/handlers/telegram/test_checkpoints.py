"""Checkpoints in the chat: advice with its numbers and buttons that act once, progress, and what advice was worth."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.checkpoints import RULES
from engine.timeframes import HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind, CloseReason, Position, Rejected, Stage
from handlers.telegram.actions import ACTIONS
from handlers.telegram.advice import ADVISED, rule_text
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import LANGUAGES, text
from handlers.telegram.commands import checkpoints as chat
from handlers.telegram.desk import Answer, Asked, ChatRef, CommandError, Desk, Pressed
from handlers.telegram.figures import Voice
from handlers.telegram.reception import pressed
from handlers.telegram.texts import renderer
from services.announce import Announcements, MessageKind, signal_key
from services.checkpoints import NOT_JUDGED
from services.hands import STALE_AFTER_MS, Hands
from services.post import Post
from storage.book import Book
from storage.chats import ChatKind
from storage.checkpoints import Action
from storage.users import Role, User
from storage.writer import Writer
from tests.services.books import with_deposit
from tests.services.test_checkpoints import DEFAULTS, FILL, TO_25, TO_50, Chart, follow, losing
from tests.storage.samples import NOW_MS

OPERATOR = User(1, 78, "Ana", Role.OPERATOR, "en", "UTC", NOW_MS, None, None)
SUBSCRIBER = replace(OPERATOR, id=2, telegram_id=79, role=Role.SUBSCRIBER)
POSITION = 1
AFTER_TWO_HOURS_MS = NOW_MS + 2 * HOUR_MS + MINUTE_MS
CHANNEL = -100


@dataclass
class Room:
    """A book with an operator whose position has passed checkpoints, and the desk that answers him."""

    book: Book
    desk: Desk
    now_ms: int = AFTER_TWO_HOURS_MS

    def ask(self, *words: str, language: str = "en") -> str:
        asked = Asked(words, replace(OPERATOR, language=language), ChatRef(OPERATOR.telegram_id))
        return asyncio.run(chat.checkpoints(self.desk, asked)).html

    def told(self, kind: MessageKind) -> Post:
        """The newest message of a kind as it reads."""
        with self.book.reading() as view:
            message = [message for message in view.messages.all() if message.kind == kind.value][-1]
            return renderer()(view, view.outbox.of_message(message.id)[0])

    def press(self, label: str, post: Post | Answer | None = None, user: User = OPERATOR) -> Answer:
        shown = self.told(MessageKind.ADVICE) if post is None else post
        data = next(button.data for row in shown.buttons for button in row if button.label.startswith(label))
        press = Pressed("", user, ChatRef(user.telegram_id), 1)
        answer = asyncio.run(pressed(self.desk, ACTIONS, data, press))
        assert answer is not None
        return answer

    @property
    def position(self) -> Position:
        with self.book.reading() as view:
            return view.positions.get(POSITION)

    @property
    def action(self) -> Action | None:
        with self.book.reading() as view:
            return view.checkpoints.of_position(POSITION)[-1].action


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, Writer(book) as writer:
        with with_deposit(book).transaction() as tx:
            Mint.ensured(tx, NOW_MS)
            channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
            tx.users.ensure(OPERATOR.telegram_id, "Ana", NOW_MS)
            tx.users.set_role(OPERATOR.telegram_id, Role.OPERATOR, None, NOW_MS)
            tx.outbox.queue(MessageKind.SIGNAL.value, {}, signal_key(1), [channel], NOW_MS)
        hands = Hands(DEFAULTS, Announcements((channel,)))
        room = Room(book, Desk(book, writer, nobody_looks, lambda: room.now_ms, hands))
        yield room


async def nobody_looks(*_: object) -> tuple[int, Rejected]:
    return NOW_MS, Rejected(Stage.DATA, "not asked here")


def advised(room: Room, points: float = 10.0, **options: object) -> Room:
    """The position has passed its first checkpoint with so many points of confidence lost."""
    follow(room.book, losing(points), FILL, TO_25, **options)
    return room


def test_advice_reads_on_a_phone(room: Room):
    lines = advised(room).told(MessageKind.ADVICE).html.split("\n")

    assert lines[:2] == ["🧭 🟢 <b>LONG #BTCUSDT 1h</b> at 25 % of its way: <b>hold</b>", "nothing calls for a change"]
    assert lines[2].startswith("price 102.6, stop 98, +1.2")
    assert "(-10), RR left 1.61" in lines[3]
    assert lines[4].startswith("S-1 · position 1 · 2025-")


def test_advice_has_its_buttons_and_a_stop_only_where_there_is_a_better_place(room: Room):
    post = advised(room).told(MessageKind.ADVICE)
    assert [[button.label for button in row] for row in post.buttons] == [
        ["Close", "Take a part"],
        ["Stop to 100", "Hold"],
    ]
    assert all(len(button.data.encode()) <= 64 for row in post.buttons for button in row)


def test_a_chart_that_could_not_be_read_says_so(room: Room):
    advised(room, chart=Chart(Rejected(Stage.DATA, "BTCUSDT <1h> is stale")))

    lines = room.told(MessageKind.ADVICE).html.split("\n")
    assert lines[1] == "it could not be judged: BTCUSDT &lt;1h&gt; is stale"
    assert "BTCUSDT &lt;1h&gt; is stale" in room.ask("1")


def test_closing_asks_twice_and_happens_once(room: Room):
    advised(room)
    sure = room.press("Close")
    assert "close position 1@25 % for good" in sure.html
    assert room.position.is_open

    done = room.press("Yes", sure)
    assert done.html.startswith("Position 1 is closed at 102.5795: +1.24R")
    assert (room.position.close_reason, room.action) == (CloseReason.MANUAL, Action.CLOSED)
    assert room.press("Yes", sure).html == text("en", "button.used")


def test_a_part_asks_twice_too(room: Room):
    advised(room)
    done = room.press("Yes", room.press("Take"))

    assert done.html == "A part of position 1 is taken; 50 % of it stays open."
    assert room.action is Action.REDUCED


def test_the_stop_goes_where_the_advice_said(room: Room):
    answer = advised(room).press("Stop")

    assert answer.html == "The stop of position 1 stands at 100."
    assert (room.position.stop_loss, room.action) == (100.0, Action.STOP_MOVED)


def test_holding_is_an_answer(room: Room):
    assert advised(room).press("Hold").html == "Position 1 is held."
    assert (room.position.is_open, room.action) == (True, Action.HELD)


def test_the_same_answer_from_two_copies_of_the_advice_counts_once(room: Room):
    advised(room)
    first, second = room.told(MessageKind.ADVICE), room.told(MessageKind.ADVICE)

    room.press("Yes", room.press("Take", first))
    assert room.press("Yes", room.press("Take", second)).html == "That was done already."
    assert room.position.closed_ratio == pytest.approx(0.5)


def test_a_subscriber_cannot_press_and_neither_can_another(room: Room):
    advised(room)
    for somebody in (SUBSCRIBER, replace(SUBSCRIBER, role=Role.OPERATOR)):
        room.press("Hold", user=somebody)

    assert room.action is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_done_is_one_sentence(room: Room, language: str):
    advised(room)
    room.now_ms += STALE_AFTER_MS

    answer = room.press("Stop", user=replace(OPERATOR, language=language))
    assert answer.html == text(language, "hand.NO_PRICE", standing=6)
    assert room.position.stop_loss == 98.0


def test_what_was_closed_meanwhile_cannot_be_handled(room: Room):
    advised(room)
    post = room.told(MessageKind.ADVICE)
    room.press("Yes", room.press("Close", post))

    assert room.press("Stop", post).html == "The account has no open position 1."


def test_progress_shows_every_checkpoint_and_its_advice(room: Room):
    follow(room.book, losing(10.0), FILL, TO_25, TO_50)

    assert room.ask("1").split("\n") == [
        "<b>Position 1 LONG #BTCUSDT 1h</b> · S-1",
        "entry 100, stop 100, now 105",
        "▰▰▰▰▰▱▱▱▱▱ 50 % of the way to 110",
        "<pre>way     price  conf    RR advice",
        " 25     102.6   -10  1.61 hold",
        " 50       105   -10  1.00 hold</pre>",
        "nothing calls for a change",
    ]


def test_before_the_first_checkpoint_progress_says_where_it_stands(room: Room):
    follow(room.book, losing(10.0), FILL)

    assert "the first stands at 102.5" in room.ask("1")


@pytest.mark.parametrize("words", [(), ("x",), ("1", "2"), ("0",), ("2",), ("99",)])
def test_a_question_that_cannot_be_answered_says_how_to_ask(room: Room, words: tuple[str, ...]):
    advised(room)  # 2 is the record's own position

    with pytest.raises(CommandError):
        room.ask(*words)


def test_stats_compare_then_with_the_end_and_say_when_it_is_too_few(room: Room):
    assert room.ask("stats") == "No signal that was advised on has ended yet."
    follow(room.book, losing(40.0), FILL, TO_25, (102.6, 111.0, 102.5, 110.5))

    head, table = room.ask("stats").split("<pre>")
    assert head.startswith("What advice was worth")
    assert table.split("\n") == [
        "advice       n     then      end",
        "close       1*   +1.24R   +2.85R</pre>",
        "* fewer than 30: too few to judge",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_its_words(language: str):
    said = [rule_text(Voice(language), name, "why") for name in (*(rule.name for rule in RULES), NOT_JUDGED)]

    assert len(set(said)) == len(RULES) + 1


def test_what_is_done_by_hand_is_told_under_the_signal(room: Room):
    advised(room)
    for label in ("Stop", "Take", "Close"):
        answer = room.press(label)
        if answer.buttons:
            room.press("Yes", answer)

    parts = [room.told(MessageKind(kind)).html.split("\n")[0] for kind in sorted(ADVISED) if kind.startswith("hand_")]
    assert parts == [
        "✋ 🟢 <b>LONG #BTCUSDT 1h</b> closed by hand in the account: +1.24R",
        "✋ 🟢 <b>LONG #BTCUSDT 1h</b> 50% taken off in the account",
        "✋ 🟢 <b>LONG #BTCUSDT 1h</b> stop moved in the account, it keeps +0.00R",
    ]


def test_the_channel_reads_advice_without_buttons(room: Room):
    post = advised(room, to_channel=True).told(MessageKind.CHECKPOINT)

    assert post.html.startswith("🧭 🟢 <b>LONG #BTCUSDT 1h</b>")
    assert (post.buttons, "position" in post.html, "102.6" in post.html) == ((), False, False)
