"""What a call to Telegram may come to, as values: what follows from each is decided elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """Delivered; an edit that changes nothing counts as delivered too."""

    message_id: int


@dataclass(frozen=True, slots=True)
class ParseError:
    """Not delivered: Telegram cannot read the HTML."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """Not delivered: the text or caption is beyond Telegram's limit."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoPicture:
    """Not delivered: Telegram does not take this picture, or takes none in this chat; words might pass."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoButtons:
    """Not delivered: Telegram does not take these buttons."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoTopic:
    """Not delivered: the forum topic is not there."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoOriginal:
    """Not delivered: the message to reply to is not there."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChatGone:
    """Not delivered, nor will anything be: blocked, kicked, without the right to write, or no such chat."""

    reason: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """Not delivered: the group has become a supergroup with another id."""

    new_chat_id: int


@dataclass(frozen=True, slots=True)
class Flood:
    """Not delivered: Telegram wants a pause of `retry_after_s`."""

    retry_after_s: float


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody knows: the request left and no proper answer came. It may have been delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerTrouble:
    """Telegram answered that it failed on its own side (5xx): hardly delivered, and it may be tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not delivered: Telegram refuses this request for another reason, and would again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Certainly not delivered: no connection was made, or Telegram does not accept the token. It may be tried again."""

    reason: str


Result = (
    Sent
    | ParseError
    | TooLong
    | NoPicture
    | NoButtons
    | NoTopic
    | NoOriginal
    | ChatGone
    | Migrated
    | Flood
    | TimedOut
    | ServerTrouble
    | Rejected
    | Unreachable
)


class Pressable(Protocol):
    """A button under a message; `data` comes back when it is pressed, 1 to 64 bytes."""

    @property
    def label(self) -> str: ...

    @property
    def data(self) -> str: ...


Keyboard = Sequence[Sequence[Pressable]]


class SendsMessages(Protocol):
    """What is asked of Telegram: one call each, tried once, whose end is a value."""

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
    ) -> Result: ...

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,
        caption: str = "",
        *,
        reply_to: int | None = None,
        topic_id: int = 0,
        html: bool = True,
        keyboard: Keyboard = (),
        silent: bool = False,
    ) -> Result: ...

    async def answers(self) -> bool:
        """Whether a call that does nothing got its answer."""
        ...

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, *, html: bool = True, keyboard: Keyboard = ()
    ) -> Result: ...
