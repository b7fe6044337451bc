"""The bot itself, for its owner: /settings, /logs, /restart, /import."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from diagnostics.logs import last_lines
from engine.vocabulary import BookKind
from handlers.telegram.buttons import SECRET_KEY, Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone, count_of
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.tables import Column, Table
from services.import_legacy import ImportReport, import_directory
from storage.book import Book
from storage.users import Role

RESTART = "restart"
LOG_LINES, LOG_LINES_MOST = 20, 200
MOST_VALUE_CHARACTERS = 120
HIDDEN = (SECRET_KEY,)
"""Settings of the book that nobody is shown."""

RECEIPT = Table(
    (
        Column("table.file", 16),
        Column("table.records", 5, right=True),
        Column("table.good", 5, right=True),
        Column("table.bad", 5, right=True),
    )
)


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


async def import_(desk: Desk, asked: Asked) -> Answer:
    """What an import of an older bot's files would bring; nothing is written."""
    folder = Path(" ".join(asked.words)) if asked.words else None
    if folder is None or not folder.is_dir():
        raise CommandError("ask.import")
    report = await asyncio.to_thread(_tried, folder, desk.now_ms())
    rows = (
        (one.file, str(one.records), str(one.imported + one.repaired), str(one.quarantined)) for one in report.files
    )
    return Answer(joined([RECEIPT.html(asked.user.language, rows), asked.say("import.how", folder=str(folder))]))


def _tried(folder: Path, now_ms: int) -> ImportReport:
    with Book.temporary(BookKind.LIVE, now_ms=now_ms) as book:
        return import_directory(book, folder, now_ms=now_ms, dry_run=True)


def _settings(desk: Desk, asked: Asked) -> Iterator[Markup]:
    yield asked.say("settings.started")
    for name, value in desk.machine.facts:
        yield asked.say("settings.line", name=name, value=value[:MOST_VALUE_CHARACTERS])
    with desk.book.reading() as view:
        changed = [setting for setting in view.settings.all() if setting.key not in HIDDEN]
    yield asked.say("settings.changed") if changed else asked.say("settings.unchanged")
    for setting in changed:
        yield asked.say(
            "settings.change",
            name=setting.key,
            value=str(setting.value)[:MOST_VALUE_CHARACTERS],
            by=setting.updated_by,
            at=asked.clock(setting.updated_ms),
        )


COMMANDS = (
    Command("settings", "", "about.settings", Role.OWNER, settings),
    Command("import", "FOLDER", "about.import", Role.OWNER, import_),
    Command("logs", "[N]", "about.logs", Role.OWNER, logs),
    Command("restart", "", "about.restart", Role.OWNER, restart, changes=True),
)
ACTIONS = (Action(RESTART, Role.OWNER, restart_pressed, changes=True, destructive=True),)
