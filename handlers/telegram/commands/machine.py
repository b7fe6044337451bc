"""The bot itself, for its owner: /settings, /logs, /restart."""

import asyncio
from collections.abc import Iterator

from diagnostics.logs import last_lines
from engine.timeframes import duration_text
from handlers.telegram.buttons import SECRET_KEY, Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone, count_of
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.figures import ClockText
from storage.codec import Json
from storage.events import SYSTEM
from storage.users import Role

RESTART = "restart"
LOG_LINES, LOG_LINES_MOST = 20, 200
MOST_VALUE_CHARACTERS = 120
MS = "_ms"
FIRST_INSTANT_MS = 10**12
"""Numbers of milliseconds from here on are instants since 1970, below it they are stretches of time."""
HIDDEN = (SECRET_KEY,)
"""Settings of the book that nobody is shown."""


async def settings(desk: Desk, asked: Asked) -> Answer:
    """What the bot was started with, and what people changed since, with whom and when."""
    alone(asked, "settings")
    return Answer(joined(_settings(desk, asked)))


async def logs(desk: Desk, asked: Asked) -> Answer:
    """The last lines of the log, which holds no secrets."""
    count = count_of(asked.words, "logs", LOG_LINES, LOG_LINES_MOST)
    if desk.machine.log_dir is None:
        raise CommandError("logs.none")
    lines = await asyncio.to_thread(last_lines, desk.machine.log_dir, count)
    return Answer(joined(asked.say("logs.line", line=line) for line in lines) if lines else asked.say("logs.none"))


async def restart(desk: Desk, asked: Asked) -> Answer:
    """The button that stops the bot and starts it anew, with settings and parameters read again."""
    alone(asked, "restart")
    with desk.book.reading() as view:
        mint = Mint.of(view, desk.now_ms())
    button = mint.button(asked.say("restart.button"), RESTART, "", asked.user.telegram_id)
    return Answer(asked.say("restart.question"), ((button,),))


async def restart_pressed(desk: Desk, press: Pressed) -> Answer:
    """Stop, and start anew."""
    desk.machine.restart()
    return Answer(press.asked.say("restart.done"), place=Place.SAME)


def _settings(desk: Desk, asked: Asked) -> Iterator[Markup]:
    yield asked.say("settings.started")
    for name, value in desk.machine.facts:
        yield asked.say("settings.line", name=name, value=value[:MOST_VALUE_CHARACTERS])
    with desk.book.reading() as view:
        by_people = [setting for setting in view.settings.all() if setting.updated_by != SYSTEM]
    changed = [setting for setting in by_people if setting.key not in HIDDEN]
    yield asked.say("settings.changed") if changed else asked.say("settings.unchanged")
    for setting in changed:
        yield asked.say(
            "settings.change",
            name=setting.key,
            value=_plain(setting.value, asked.clock)[:MOST_VALUE_CHARACTERS],
            by=setting.updated_by,
            at=asked.clock(setting.updated_ms),
        )


def _plain(value: Json, clock: ClockText) -> str:
    """A value of the book's settings as people read it: instants and stretches of time as such, without what is empty."""
    match value:
        case list():
            return "; ".join(_plain(one, clock) for one in value)
        case dict():
            told = {name: _time(one, clock) if name.endswith(MS) else _plain(one, clock) for name, one in value.items()}
            return ", ".join(f"{name.removesuffix(MS)} {words}" for name, words in told.items() if words)
        case None:
            return ""
        case _:
            return str(value)


def _time(value: Json, clock: ClockText) -> str:
    if not isinstance(value, int):
        return ""
    return clock(value) if value >= FIRST_INSTANT_MS else duration_text(value)


COMMANDS = (
    Command("settings", "", "about.settings", Role.OWNER, settings),
    Command("logs", "[N]", "about.logs", Role.OWNER, logs),
    Command("restart", "", "about.restart", Role.OWNER, restart, changes=True),
)
ACTIONS = (Action(RESTART, Role.OWNER, restart_pressed, changes=True, destructive=True),)
