"""Watching over the bot: /health."""

from diagnostics.checks import CheckResult, Status, run_checks
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Answer, Asked, Command, Desk
from storage.users import Role

HEALTH_MARKS = {Status.OK: "✅", Status.IDLE: "💤", Status.WARN: "⚠️", Status.FAIL: "❌"}


async def health(desk: Desk, asked: Asked) -> Answer:
    """Every check over the book."""
    alone(asked, "health")
    with desk.book.reading() as view:
        found = run_checks(view, desk.now_ms())
    head = Markup(f"<b>{found.status.value}</b>")
    return Answer(joined([head, *(_check_line(asked, check) for check in found.checks)]))


def _check_line(asked: Asked, check: CheckResult) -> Markup:
    mark = HEALTH_MARKS[check.status]
    if check.status is Status.OK:
        return asked.say("health.good", mark=mark, name=check.name, value=check.value)
    return asked.say("health.line", mark=mark, name=check.name, value=check.value, detail=check.detail)


COMMANDS = (Command("health", "", "about.health", Role.OPERATOR, health),)
