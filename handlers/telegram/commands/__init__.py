"""The commands of the chat: one table that routing, /help, Telegram's menu and the docs are made of.

A subject has a module of its own; its commands get the words behind them and give an answer in HTML.
"""

from handlers.telegram.catalogue import joined
from handlers.telegram.commands import (
    access,
    account,
    backtests,
    backups,
    checkpoints,
    closing,
    health,
    hearing,
    importing,
    learning,
    locks,
    machine,
    market,
    myself,
    pausing,
    record,
    reports,
    risk,
    scores,
    signals,
    statistics,
    turned_down,
)
from handlers.telegram.desk import Answer, Asked, Command, Desk
from services.pause import paused_reason
from storage.users import Role


async def start(desk: Desk, asked: Asked) -> Answer:
    """What this is, whether it runs, and what the asker may ask."""
    with desk.book.reading() as view:
        paused = paused_reason(view)
    state = asked.say("start.running") if paused is None else asked.say("start.paused", reason=paused)
    return Answer(joined([asked.say("start.what", state=state), "", *_lines(asked)]))


async def help_(desk: Desk, asked: Asked) -> Answer:
    """What the asker may ask."""
    return Answer(joined(_lines(asked)))


COMMANDS: tuple[Command, ...] = (
    Command("start", "", "about.start", Role.SUBSCRIBER, start),
    Command("help", "", "about.help", Role.SUBSCRIBER, help_),
    *signals.COMMANDS,
    *market.COMMANDS,
    *turned_down.COMMANDS,
    *record.COMMANDS,
    *hearing.COMMANDS,
    *myself.COMMANDS,
    *account.COMMANDS,
    *closing.COMMANDS,
    *checkpoints.COMMANDS,
    *statistics.COMMANDS,
    *reports.COMMANDS,
    *risk.COMMANDS,
    *backtests.COMMANDS,
    *health.COMMANDS,
    *learning.COMMANDS,
    *scores.COMMANDS,
    *pausing.COMMANDS,
    *locks.COMMANDS,
    *access.COMMANDS,
    *machine.COMMANDS,
    *importing.COMMANDS,
    *backups.COMMANDS,
)


def find(name: str) -> Command | None:
    """The command of this name."""
    return next((command for command in COMMANDS if command.name == name), None)


def open_to(role: Role) -> tuple[Command, ...]:
    """The commands somebody of this role may give."""
    return tuple(command for command in COMMANDS if role.includes(command.role))


def _lines(asked: Asked) -> list[str]:
    return [
        asked.say("help.line", usage=command.usage, about=asked.say(command.description_key))
        for command in open_to(asked.user.role)
    ]
