"""Receives questions and presses: the author is kept as an event, role, rate and age are checked, then it is answered.

What is given twice by Telegram is answered once, because the event of a question is unique; so is that of a press.
"""

from dataclasses import dataclass, replace

from engine.timeframes import MINUTE_MS
from gateways.market import MarketError
from handlers.telegram.buttons import CONFIRMATION_LASTS_MS, ButtonError, Mint, Press
from handlers.telegram.catalogue import Markup
from handlers.telegram.commands import find
from handlers.telegram.desk import Action, Answer, Asked, ChatRef, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.paging import PAGE, paged
from storage.events import EventType
from storage.stores import Stores

QUESTIONS_A_MINUTE = 30
LATE_AFTER_MS = 2 * MINUTE_MS
LOGGED_CHARACTERS = 200
LEAVE = "leave"
ARGUMENT_SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class Message:
    """Where a question stands and how old it was when it was read; `id` is Telegram's in its chat."""

    id: int
    age_ms: int = 0


async def answered(desk: Desk, command: Command, asked: Asked, message: Message) -> Answer | None:
    """The answer to a command, or to why it is not done; None when the question deserves none (given twice, too many)."""
    asked = replace(asked, words=tuple(map(_whole, asked.words)))
    text = " ".join((f"/{command.name}", *asked.words))[:LOGGED_CHARACTERS]
    key = command_key(asked.chat, message.id)
    refusal = await _admit(desk, asked, text, key)
    if refusal is not None:
        return refusal.answer(asked)
    if not asked.user.role.includes(command.role):
        role, yours = command.role.value, asked.user.role.value
        return Answer(asked.say("refused.role", name=command.name, role=role, yours=yours))
    if command.changes and message.age_ms > LATE_AFTER_MS:
        return Answer(asked.say("refused.late", name=command.name, minutes=message.age_ms // MINUTE_MS))
    return await _page(desk, command, asked, message.id, 1)


async def pressed(desk: Desk, actions: tuple[Action, ...], data: str, press: Pressed) -> Answer | None:
    """The answer to a press of the button that carries `data`; None when it deserves none."""
    asked = press.asked
    with desk.book.reading() as view:
        mint = Mint.of(view, desk.now_ms())
    try:
        read = mint.read(data, press.user.telegram_id)
    except ButtonError as error:
        return Answer(asked.say(error.key), place=Place.TOAST)
    action = next((action for action in actions if action.name == read.action), None)
    if action is None:
        return Answer(asked.say("button.old"), place=Place.TOAST)
    is_final = action.changes and (read.is_confirmed or not action.destructive)
    key = f"button:{read.once}" if is_final else None
    refusal = await _admit(desk, asked, f"[{read.action}] {read.argument}", key, "button.used")
    if refusal is not None:
        return refusal.answer(asked, Place.TOAST)
    if not asked.user.role.includes(action.role):
        role, yours = action.role.value, asked.user.role.value
        return Answer(asked.say("refused.button_role", role=role, yours=yours), place=Place.TOAST)
    if action.destructive and not read.is_confirmed:
        return _asks_again(mint, action, read, asked)
    try:
        answer = await action.act(desk, replace(press, argument=read.argument))
    except (CommandError, MarketError) as error:
        return Answer(_told(error, asked))
    # the question that was confirmed must not be asked any more
    return replace(answer, place=Place.SAME) if action.destructive else answer


async def turn_page(desk: Desk, press: Pressed) -> Answer:
    """Another page of an earlier answer: its question is asked again."""
    message, _, page = press.argument.partition(ARGUMENT_SEPARATOR)
    message_id = int(message, 36)
    with desk.book.reading() as view:
        event = view.events.by_key(command_key(press.chat, message_id))
    command = None if event is None or event.message is None else find(event.message.split()[0].removeprefix("/"))
    if command is None or not press.user.role.includes(command.role):
        return Answer(press.asked.say("button.old"), place=Place.TOAST)
    assert event is not None
    assert event.message is not None
    asked = replace(press.asked, words=tuple(event.message.split()[1:]))
    return replace(await _page(desk, command, asked, message_id, int(page)), place=Place.SAME)


async def leave(desk: Desk, press: Pressed) -> Answer:
    """The answer "no" to a question whether something is to be done."""
    return Answer(press.asked.say("button.left"), place=Place.SAME)


def command_key(chat: ChatRef, message_id: int) -> str:
    """Names a question among all there ever were."""
    return f"command:{chat.id}:{message_id}"


def _whole(word: str) -> str:
    """A word as the book can hold it: half a character, which JSON can carry and UTF-8 cannot, is a question mark."""
    return word.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why something is not looked at; without a key it is not even told."""

    key: str | None

    def answer(self, asked: Asked, place: Place = Place.NEW) -> Answer | None:
        return None if self.key is None else Answer(asked.say(self.key, limit=QUESTIONS_A_MINUTE), place=place)


async def _admit(
    desk: Desk, asked: Asked, text: str, key: str | None, given_twice: str | None = None
) -> _Refusal | None:
    """Write down who asked what; a refusal when that stands there already, or when he asks too much."""
    now_ms = desk.now_ms()

    def admit(tx: Stores) -> _Refusal | None:
        lately = tx.events.count(EventType.COMMAND, now_ms - MINUTE_MS, asked.by)
        if lately > QUESTIONS_A_MINUTE:
            return _Refusal(None)
        if not tx.events.add(EventType.COMMAND, now_ms, actor=asked.by, message=text, idem_key=key):
            return _Refusal(given_twice)
        return _Refusal("refused.rate") if lately == QUESTIONS_A_MINUTE else None

    return await desk.writer.run(admit)


async def _page(desk: Desk, command: Command, asked: Asked, message_id: int, page: int) -> Answer:
    try:
        answer = await command.answer(desk, asked)
    except (CommandError, MarketError) as error:
        return Answer(_told(error, asked))
    with desk.book.reading() as view:
        mint = Mint.of(view, desk.now_ms())
    return paged(answer, asked, message_id, page, mint)


def _asks_again(mint: Mint, action: Action, read: Press, asked: Asked) -> Answer:
    owner = asked.user.telegram_id
    yes = mint.button(
        asked.say("button.yes"),
        action.name,
        read.argument,
        owner,
        lasts_ms=CONFIRMATION_LASTS_MS,
        is_confirmed=True,
    )
    no = mint.button(asked.say("button.no"), LEAVE, "", owner, lasts_ms=CONFIRMATION_LASTS_MS)
    what = asked.say(f"action.{action.name}", argument=read.argument)
    return Answer(asked.say("button.sure", what=what), ((yes, no),))


def _told(error: CommandError | MarketError, asked: Asked) -> Markup:
    if isinstance(error, CommandError):
        return asked.say(error.key, **error.values)
    return asked.say("refused.market", reason=str(error))


__all__ = ["LEAVE", "PAGE", "Message", "answered", "command_key", "leave", "pressed", "turn_page"]
