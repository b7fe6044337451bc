"""What a command is given and what it gives back: the desk, the question, the answer, and a row of the table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from engine.timeframes import Timeframe
from engine.vocabulary import Rejected, Signal
from handlers.telegram.catalogue import Markup, text
from handlers.telegram.figures import ClockText, Voice, clock_of
from services.access import author
from services.backtest_desk import BacktestDesk
from services.blackouts import NO_BLACKOUTS, BlackoutFile
from services.chart_desk import Draw, Series, no_charts, no_series
from services.hands import Hands
from services.import_desk import ImportDesk
from services.learning import Learning
from services.post import Button, Picture
from storage.book import Book
from storage.chats import ChatKind
from storage.users import Role, User
from storage.writer import Writer

Look = Callable[[str, Timeframe], Awaitable[tuple[int, Signal | Rejected]]]
"""What the engine says now about a symbol on a timeframe, and at which close; MarketError when it cannot be had."""


class CommandError(Exception):
    """A question that cannot be answered; `key` of the catalogue says in one sentence how to ask."""

    def __init__(self, key: str, /, **values: str | int) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def _nobody_restarts() -> None:
    """For a desk without a bot around it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The bot around the desk: what it was started with (no secrets), where its log lies, how it is started anew."""

    facts: tuple[tuple[str, str], ...] = ()
    log_dir: Path | None = None
    restart: Callable[[], None] = _nobody_restarts


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands are answered from."""

    book: Book
    writer: Writer
    look: Look
    now_ms: Callable[[], int]
    hands: Hands
    blackouts: BlackoutFile = NO_BLACKOUTS
    draw: Draw = no_charts
    series: Series = no_series
    backtests: BacktestDesk | None = None
    imports: ImportDesk | None = None
    machine: Machine = field(default_factory=Machine)
    learning: Learning | None = None


@dataclass(frozen=True, slots=True)
class ChatRef:
    """The chat a question came from; `id` is Telegram's."""

    id: int
    kind: ChatKind = ChatKind.PRIVATE
    topic_id: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """The words behind a command, who gave it and where."""

    words: tuple[str, ...]
    user: User
    chat: ChatRef

    @property
    def by(self) -> str:
        """The author as events name him."""
        return author(self.user.telegram_id)

    @property
    def clock(self) -> ClockText:
        """Writes instants in the asker's zone."""
        return clock_of(self.user.timezone)

    @property
    def voice(self) -> Voice:
        """How the asker is spoken to."""
        return Voice(self.user.language, self.user.timezone)

    def say(self, key: str, /, **values: str | int) -> Markup:
        """A text of the catalogue in the asker's language."""
        return text(self.user.language, key, **values)


class Place(Enum):
    """Where the answer to a pressed button goes."""

    NEW = "new message"
    SAME = "in place of the message with the button"
    TOAST = "a line over the chat that goes away"


@dataclass(frozen=True, slots=True)
class Answer:
    """HTML of ours with rows of buttons under it and perhaps a picture above it; `place` matters to presses alone.

    `menu_of` is the Telegram id of somebody whose menu of commands is another one from now on.
    """

    html: Markup
    buttons: tuple[tuple[Button, ...], ...] = ()
    chart: Picture | None = None
    place: Place = Place.NEW
    menu_of: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table of commands; one that `changes` something is not done long after it was given."""

    name: str
    arguments: str
    description_key: str
    role: Role
    answer: Callable[[Desk, Asked], Awaitable[Answer]]
    changes: bool = False

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.arguments}".rstrip()


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button's argument, who pressed it and where; `message_id` is that of the message it hangs under."""

    argument: str
    user: User
    chat: ChatRef
    message_id: int

    @property
    def asked(self) -> Asked:
        """The press as a question without words."""
        return Asked((), self.user, self.chat)


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table of buttons: one that `changes` something works once, a `destructive` one asks again first.

    `name` has at most 8 characters, because a button carries it.
    """

    name: str
    role: Role
    act: Callable[[Desk, Pressed], Awaitable[Answer]]
    changes: bool = False
    destructive: bool = False
