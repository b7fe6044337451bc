"""About who asks: /lang, /tz, /whereami."""

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handlers.telegram.catalogue import LANGUAGES, text
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from storage.chats import ChatKind
from storage.preferences import Preferences
from storage.stores import Stores
from storage.users import Role


async def lang(desk: Desk, asked: Asked) -> Answer:
    """Every answer and every message to this person is in that language from now on."""
    known = ", ".join(LANGUAGES)
    if len(asked.words) != 1 or asked.words[0].lower() not in LANGUAGES:
        raise CommandError("ask.lang", known=known, now=asked.user.language)
    language, telegram_id = asked.words[0].lower(), asked.user.telegram_id

    def keep(tx: Stores) -> None:
        tx.users.set_language(telegram_id, language)
        _prefer_in_private(tx, telegram_id, lambda held: replace(held, language=language))

    await desk.writer.run(keep)
    return Answer(text(language, "lang.done"), menu_of=telegram_id)


async def tz(desk: Desk, asked: Asked) -> Answer:
    """Times are shown to this person in that zone from now on."""
    if len(asked.words) != 1:
        raise CommandError("ask.tz", now=asked.user.timezone)
    [zone] = asked.words
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CommandError("ask.tz", now=asked.user.timezone) from error
    telegram_id = asked.user.telegram_id

    def keep(tx: Stores) -> None:
        tx.users.set_timezone(telegram_id, zone)
        _prefer_in_private(tx, telegram_id, lambda held: replace(held, zone=zone))

    await desk.writer.run(keep)
    here = replace(asked, user=replace(asked.user, timezone=zone))
    return Answer(here.say("tz.done", zone=zone, now=here.clock(desk.now_ms())))


async def whereami(desk: Desk, asked: Asked) -> Answer:
    """The numbers by which settings name this chat and this person."""
    alone(asked, "whereami")
    key = "whereami.topic" if asked.chat.topic_id else "whereami.chat"
    chat = asked.say(key, id=asked.chat.id, kind=asked.chat.kind.value, topic=asked.chat.topic_id)
    user = asked.user
    return Answer(
        asked.say(
            "whereami.you",
            chat=chat,
            id=user.telegram_id,
            role=user.role.value,
            language=user.language,
            zone=user.timezone,
            now=asked.clock(desk.now_ms()),
        )
    )


def _prefer_in_private(tx: Stores, telegram_id: int, changed: Callable[[Preferences], Preferences]) -> None:
    chat = tx.chats.ensure(telegram_id, ChatKind.PRIVATE)
    tx.chats.prefer(chat.id, changed(chat.preferences))


COMMANDS = (
    Command("lang", "en|bg", "about.lang", Role.SUBSCRIBER, lang, changes=True),
    Command("tz", "ZONE", "about.tz", Role.SUBSCRIBER, tz, changes=True),
    Command("whereami", "", "about.whereami", Role.SUBSCRIBER, whereami),
)
