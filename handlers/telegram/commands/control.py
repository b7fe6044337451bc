"""Watching over the bot: /health, /pause, /resume."""

from diagnostics.checks import CheckResult, Status, run_checks
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, Desk
from services.pause import pause, resume
from storage.users import Role

HEALTH_MARKS = {Status.OK: "✅", Status.IDLE: "💤", Status.WARN: "⚠️", Status.FAIL: "❌"}


async def health(desk: Desk, asked: Asked) -> Answer:
    """Every check over the book."""
    alone(asked, "health")
    with desk.book.reading() as view:
        found = run_checks(view, desk.now_ms())
    head = Markup(f"<b>{found.status.value}</b>")
    return Answer(joined([head, *(_check_line(asked, check) for check in found.checks)]))


async def pause_(desk: Desk, asked: Asked) -> Answer:
    """From now on signals are decided and kept, none is sent."""
    reason, at_ms = " ".join(asked.words), desk.now_ms()
    await desk.writer.run(lambda tx: pause(tx, reason, asked.by, at_ms))
    return Answer(asked.say("pause.done"))


async def resume_(desk: Desk, asked: Asked) -> Answer:
    """Signals are sent again."""
    alone(asked, "resume")
    at_ms = desk.now_ms()
    was_paused = await desk.writer.run(lambda tx: resume(tx, asked.by, at_ms))
    return Answer(asked.say("resume.done") if was_paused else asked.say("resume.running"))


def _check_line(asked: Asked, check: CheckResult) -> Markup:
    mark = HEALTH_MARKS[check.status]
    if check.status is Status.OK:
        return asked.say("health.good", mark=mark, name=check.name, value=check.value)
    return asked.say("health.line", mark=mark, name=check.name, value=check.value, detail=check.detail)


COMMANDS = (
    Command("health", "", "about.health", Role.OPERATOR, health),
    Command("pause", "[REASON]", "about.pause", Role.OPERATOR, pause_, changes=True),
    Command("resume", "", "about.resume", Role.OPERATOR, resume_, changes=True),
)
