"""What a chat hears: /follow, /alerts, /mute, and the button Follow under a post."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.sessions import DAY_MINUTES
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import timeframe_of
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.figures import signal_name
from handlers.telegram.texts import FOLLOW
from storage.chats import Chat, ChatKind
from storage.preferences import SESSIONS, Loudness, Preferences, QuietHours, Subject
from storage.stores import Stores
from storage.users import Role

ALL, OFF, ON, HELD = "all", "off", "on", "held"
CHANNEL = "channel"
MUTED_WITHOUT_A_WORD_MS = 8 * HOUR_MS
LONGEST_MUTE_MS = 30 * DAY_MS
SPAN = re.compile(r"(\d{1,4})([mhd])")
SPAN_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
CLOCK_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
MINUTES_AN_HOUR = 60

Change = Callable[[Preferences], Preferences]


async def follow(desk: Desk, asked: Asked) -> Answer:
    """A private copy of every signal that fits the chat's choices, or no more of them."""
    wanted = asked.words in ((), (ON,))
    if not wanted and asked.words != (OFF,):
        raise CommandError("ask.follow")
    await _follow(desk, asked, wanted)
    return Answer(asked.say("follow.on") if wanted else asked.say("follow.off"))


async def follow_pressed(desk: Desk, press: Pressed) -> Answer:
    """The same, by the button under a post."""
    await _follow(desk, press.asked, True)
    name = signal_name(int(press.argument))
    return Answer(press.asked.say("follow.pressed", name=name), place=Place.TOAST)


async def mute(desk: Desk, asked: Asked) -> Answer:
    """No new signals in this chat for a while; the ends of those it was given come silently."""
    now_ms = desk.now_ms()
    match asked.words:
        case ():
            until_ms: int | None = now_ms + MUTED_WITHOUT_A_WORD_MS
        case (word,) if word == OFF:
            until_ms = None
        case (word,) if (span := SPAN.fullmatch(word)) is not None:
            until_ms = now_ms + min(int(span[1]) * SPAN_MS[span[2]], LONGEST_MUTE_MS)
        case _:
            raise CommandError("ask.mute")
    await _change(desk, asked, lambda held: replace(held, muted_until_ms=until_ms))
    return Answer(asked.say("mute.off") if until_ms is None else asked.say("mute.on", until=asked.clock(until_ms)))


async def alerts(desk: Desk, asked: Asked) -> Answer:
    """What this chat (or with `channel`, the channel) hears; with words behind it, one choice more."""
    words, of_channel = list(asked.words), asked.words[:1] == (CHANNEL,)
    if of_channel:
        words.pop(0)
    if words:
        await _change(desk, asked, _chosen(words), of_channel)
    with desk.book.reading() as view:
        chat = _chat(view, asked, of_channel)
        held = Preferences() if chat is None else chat.preferences
    return Answer(joined(_shown(asked, held, desk.now_ms())))


async def _follow(desk: Desk, asked: Asked, wanted: bool) -> None:
    telegram_id = asked.user.telegram_id

    def keep(tx: Stores) -> None:
        chat = tx.chats.ensure(telegram_id, ChatKind.PRIVATE)
        tx.chats.prefer(chat.id, replace(chat.preferences, follows=wanted))

    await desk.writer.run(keep)


async def _change(desk: Desk, asked: Asked, change: Change, of_channel: bool = False) -> None:
    """Change the choices of a chat; what everybody in it hears is decided by operators."""
    is_own = asked.chat.kind is ChatKind.PRIVATE and not of_channel
    if not is_own and not asked.user.role.includes(Role.OPERATOR):
        raise CommandError("alerts.not_yours", role=Role.OPERATOR.value)

    def keep(tx: Stores) -> None:
        chat = _chat(tx, asked, of_channel)
        if chat is None and of_channel:
            raise CommandError("alerts.no_channel")
        chat = chat or tx.chats.ensure(asked.chat.id, asked.chat.kind)
        tx.chats.prefer(chat.id, change(chat.preferences))

    await desk.writer.run(keep)


def _chat(stores: Stores, asked: Asked, of_channel: bool) -> Chat | None:
    held = stores.chats.enabled(ChatKind.CHANNEL) if of_channel else stores.chats.of_telegram(asked.chat.id)
    return next((chat for chat in held if chat.topic_id == 0), None)


def _chosen(words: Sequence[str]) -> Change:
    """The change that words like `close silent` or `tf 1h,4h` mean; CommandError says how to write them."""
    name, *values = (word.lower() for word in words)
    subjects = {subject.value: subject for subject in Subject}
    loudness = {word.value: word for word in Loudness}
    if name in subjects and len(values) == 1 and values[0] in loudness:
        subject, loud = subjects[name], loudness[values[0]]
        return lambda held: replace(held, loudness={**held.loudness, subject: loud})
    if name in _CHOICES and values:
        choice = _CHOICES[name]
        try:
            choice(Preferences(), values)
        except ValueError as error:
            raise CommandError("alerts.no_choice", what=" ".join(words), why=str(error)) from error
        return lambda held: choice(held, values)
    raise CommandError("ask.alerts", subjects=", ".join(subjects))


def _list(values: Sequence[str]) -> tuple[str, ...]:
    parts = tuple(part for value in values for part in value.split(",") if part)
    return () if parts == (ALL,) else parts


def _number(values: Sequence[str]) -> float:
    [value] = values
    number = 0.0 if value == OFF else float(value)
    if not 0.0 <= number < math.inf:
        raise ValueError("it is a number of at least 0")
    return number


def _switch(values: Sequence[str]) -> bool:
    if values not in ([ON], [OFF]):
        raise ValueError(f"it is {ON} or {OFF}")
    return values == [ON]


def _quiet(values: Sequence[str]) -> QuietHours | None:
    if values == [OFF]:
        return None
    span, *more = values
    found = CLOCK_SPAN.fullmatch(span)
    if found is None or more not in ([], [HELD]):
        raise ValueError(f"it is written like 22:00-07:00, with {HELD} behind it if messages are to wait")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    begin, end = hour * MINUTES_AN_HOUR + minute, end_hour * MINUTES_AN_HOUR + end_minute
    return QuietHours(begin % DAY_MINUTES, end % DAY_MINUTES, held=bool(more))


def _hours(values: Sequence[str]) -> tuple[int, ...]:
    return () if values == [OFF] else tuple(sorted({int(part) for part in _list(values)}))


_CHOICES: Mapping[str, Callable[[Preferences, Sequence[str]], Preferences]] = {
    "symbols": lambda held, values: replace(held, symbols=tuple(part.upper() for part in _list(values))),
    "tf": lambda held, values: replace(held, timeframes=tuple(timeframe_of(part) for part in _list(values))),
    "sessions": lambda held, values: replace(held, sessions=_list(values)),
    "score": lambda held, values: replace(held, min_score=_number(values)),
    "rr": lambda held, values: replace(held, min_rr=_number(values)),
    "quiet": lambda held, values: replace(held, quiet=_quiet(values)),
    "digest": lambda held, values: replace(held, digest_hours=_hours(values)),
    "executor": lambda held, values: replace(held, executor_block=_switch(values)),
    "leverage": lambda held, values: replace(held, leverage_hint=_switch(values)),
}


def _shown(asked: Asked, held: Preferences, now_ms: int) -> Iterator[Markup]:
    """The choices, one line each, in the words they are written with."""
    yield asked.say("alerts.head")
    for subject in Subject:
        yield asked.say("alerts.choice", name=subject.value, value=held.loudness_of(subject).value)
    quiet = held.quiet
    lists = (
        ("symbols", held.symbols),
        ("tf", [timeframe.text for timeframe in held.timeframes]),
        ("sessions", held.sessions),
    )
    for name, values in lists:
        yield asked.say("alerts.choice", name=name, value=",".join(values) or ALL)
    for name, number in (("score", held.min_score), ("rr", held.min_rr)):
        yield asked.say("alerts.choice", name=name, value=f"{number:g}" if number else OFF)
    yield asked.say("alerts.choice", name="quiet", value=OFF if quiet is None else _quiet_text(quiet))
    yield asked.say("alerts.choice", name="digest", value=",".join(map(str, held.digest_hours)) or OFF)
    for name, is_on in (("executor", held.executor_block), ("leverage", held.leverage_hint), ("follow", held.follows)):
        yield asked.say("alerts.choice", name=name, value=ON if is_on else OFF)
    if held.muted_until_ms is not None and held.muted_until_ms > now_ms:
        yield asked.say("mute.on", until=asked.clock(held.muted_until_ms))
    yield asked.say("alerts.how", sessions=", ".join(SESSIONS))


def _quiet_text(quiet: QuietHours) -> str:
    begin, end = (f"{minute // MINUTES_AN_HOUR:02}:{minute % MINUTES_AN_HOUR:02}" for minute in _minutes(quiet))
    return f"{begin}-{end} {HELD}" if quiet.held else f"{begin}-{end}"


def _minutes(quiet: QuietHours) -> tuple[int, int]:
    return quiet.begin_minute, quiet.end_minute


COMMANDS = (
    Command("follow", "[off]", "about.follow", Role.SUBSCRIBER, follow, changes=True),
    Command("alerts", "[CHOICE VALUE]", "about.alerts", Role.SUBSCRIBER, alerts, changes=True),
    Command("mute", "[8h|off]", "about.mute", Role.SUBSCRIBER, mute, changes=True),
)
ACTIONS = (Action(FOLLOW, Role.SUBSCRIBER, follow_pressed),)
