"""One row of the outbox said to Telegram: in as many calls as it takes, each plainer where Telegram takes offence.

Nothing here is written to the book; what came of it is returned.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateways.telegram_words import (
    Keyboard,
    NoButtons,
    NoOriginal,
    NoPicture,
    NoTopic,
    ParseError,
    Result,
    SendsMessages,
    Sent,
    TooLong,
)
from services.post import Post
from services.split import CAPTION_UNITS, TEXT_UNITS, plain, shortened, split, units
from storage.outbox import OutboxItem

Turn = Callable[[], Awaitable[None]]
"""Waits until one more call may go out."""

Tell = Callable[[int, int], Awaitable[None]]
"""Writes down that a part, by its number from 0, is out as this message; only asked where there is more than one."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A row marked SENDING: what it shows, and how many of its parts were delivered by an earlier try."""

    item: OutboxItem
    post: Post
    png: bytes | None = None
    delivered: int = 0
    first_message_id: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What came of a row: the result of its last call, and each `defect` Telegram found in what it was given."""

    result: Result
    defects: tuple[str, ...] = ()
    lost_topic: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a row: words, a picture, or a picture with words under it."""

    text: str
    png: bytes | None = None
    keyboard: Keyboard = ()


def parts_of(post: Post, png: bytes | None) -> tuple[Part, ...]:
    """The messages that a post takes: one, but for long texts and for a picture whose text is too long for a caption."""
    if png is not None and units(plain(post.html)) <= CAPTION_UNITS:
        return (Part(post.html, png, post.buttons),)
    texts = [text for text in split(post.html) if plain(text).strip()]
    words = [Part(text) for text in texts[:-1]] + [Part(text, None, post.buttons) for text in texts[-1:]]
    return (*words, *((Part("", png),) if png is not None else ()))


async def deliver(telegram: SendsMessages, sending: Sending, turn: Turn, tell: Tell, main_chat: bool) -> End:
    """Send what is not out yet of a row, in order; the turn of the first call is taken already.

    The result is that of the first part that failed, else Sent with the id of the first message. With `main_chat` its
    topic is known to be gone.
    """
    item, first_id = sending.item, sending.first_message_id
    parts = parts_of(sending.post, sending.png)
    ends, calls = list[End](), 0
    for number, part in enumerate(parts):
        if number < sending.delivered:
            continue
        if calls:
            await turn()
        calls += 1
        wire = Wire(
            item.chat_telegram_id,
            part,
            reply_to=item.reply_to_telegram_id if first_id is None else first_id,
            topic_id=0 if main_chat else item.topic_id,
            silent=sending.post.silent,
        )
        end = await _persist(telegram, wire, turn)
        ends.append(end)
        if isinstance(end.result, Sent):
            first_id = end.result.message_id if first_id is None else first_id
            if len(parts) > 1:
                await tell(number, end.result.message_id)
        elif not (isinstance(end.result, NoPicture) and not part.text and number):
            return _together(ends, end.result)  # but a picture alone that is not taken leaves its words standing
    assert first_id is not None, "a post shows something"
    return _together(ends, Sent(first_id))


async def revise(telegram: SendsMessages, sending: Sending, turn: Turn) -> End:
    """Make the row's original show this post; no picture changes."""
    item = sending.item
    assert item.reply_to_telegram_id is not None, "an edit without its message is dropped before"
    wire = Wire(
        item.chat_telegram_id, Part(sending.post.html, None, sending.post.buttons), edits=item.reply_to_telegram_id
    )
    return await _persist(telegram, wire, turn)


@dataclass(frozen=True, slots=True)
class Wire:
    """One call."""

    chat_id: int
    part: Part
    html: bool = True
    reply_to: int | None = None
    topic_id: int = 0
    silent: bool = False
    edits: int | None = None

    def without_offence(self, result: Result) -> "Wire | None":
        """The same without what Telegram will not take; None when there is nothing to leave out."""
        part = self.part
        match result:
            case ParseError() if self.html:
                return replace(self, part=replace(part, text=plain(part.text)), html=False)
            case TooLong() if part.png is not None and part.text:
                return replace(self, part=replace(part, png=None))
            case TooLong() if self.edits is None and part.text != _short(part.text, self.html):
                return replace(self, part=replace(part, text=_short(part.text, self.html)), html=False)
            case NoPicture() if part.png is not None and part.text:
                return replace(self, part=replace(part, png=None))
            case NoButtons() if part.keyboard:
                return replace(self, part=replace(part, keyboard=()))
            case NoTopic() if self.topic_id:
                return replace(self, topic_id=0)
            case NoOriginal() if self.reply_to is not None:
                return replace(self, reply_to=None)
        return None

    def call(self, telegram: SendsMessages) -> Awaitable[Result]:
        part = self.part
        if self.edits is not None:
            return telegram.edit_message(self.chat_id, self.edits, part.text, html=self.html, keyboard=part.keyboard)
        if part.png is not None:
            return telegram.send_photo(
                self.chat_id,
                part.png,
                part.text,
                reply_to=self.reply_to,
                topic_id=self.topic_id,
                html=self.html,
                keyboard=part.keyboard,
                silent=self.silent,
            )
        return telegram.send_message(
            self.chat_id,
            part.text,
            reply_to=self.reply_to,
            topic_id=self.topic_id,
            html=self.html,
            keyboard=part.keyboard,
            silent=self.silent,
        )


async def _persist(telegram: SendsMessages, wire: Wire, turn: Turn) -> End:
    """The call, made plainer each time Telegram takes offence at one thing."""
    defects, lost_topic = list[str](), False
    while True:
        result = await wire.call(telegram)
        plainer = wire.without_offence(result)
        if plainer is None:
            return End(result, tuple(defects), lost_topic)
        match result:
            case NoTopic():
                lost_topic = True
            case ParseError(reason) | TooLong(reason) | NoPicture(reason) | NoButtons(reason):
                defects.append(reason)
        wire = plainer
        await turn()


def _short(text: str, is_html: bool) -> str:
    return shortened(plain(text) if is_html else text, TEXT_UNITS // 2)


def _together(ends: list[End], result: Result) -> End:
    found = tuple(defect for end in ends for defect in end.defects)
    return End(result, found, any(end.lost_topic for end in ends))
