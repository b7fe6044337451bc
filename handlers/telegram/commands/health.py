"""Watching over the bot: /health, /quick_health and the details behind their buttons."""

import asyncio

from diagnostics.checks import CheckResult, Health, Status, place_of, quick_health, run_checks
from engine.timeframes import duration_text
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import alone
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from services.post import Button
from services.rules import in_force
from storage.users import Role

HEALTH_MARKS = {Status.OK: "✅", Status.IDLE: "💤", Status.WARN: "⚠️", Status.FAIL: "❌"}
DETAIL = "health"
EVERYTHING = "all"
BUTTONS_A_ROW = 3
MOST_BUTTONS = 9
"""So many ill checks have a button each; more are a larger trouble than any single one of them."""


async def health(desk: Desk, asked: Asked) -> Answer:
    """What is ill, the worst first, and how many checks are well; buttons lead to the details."""
    alone(asked, "health")
    return await _overview(desk, asked)


async def quick(desk: Desk, asked: Asked) -> Answer:
    """The same from the checks that answer at once."""
    alone(asked, "quick_health")
    with desk.book.reading() as view:
        params = in_force(view, desk.hands.params)
        found = quick_health(view, desk.now_ms(), params, place_of(desk.book.path))
    return Answer(joined(_screen(asked, found)))


async def detail(desk: Desk, press: Pressed) -> Answer:
    """One check with its limit, since when, and what to do; every check; or the overview again."""
    asked = press.asked
    if not press.argument:
        return await _overview(desk, asked, Place.SAME)
    found, mint = await asyncio.to_thread(_looked, desk)
    back = ((mint.button(asked.say("button.back"), DETAIL, "", asked.user.telegram_id),),)
    if press.argument == EVERYTHING:
        return Answer(joined(_line(asked, check) for check in found.worst_first), back, place=Place.SAME)
    if not 0 <= (at := int(press.argument)) < len(found.checks):
        raise CommandError("health.gone")
    return Answer(joined(_details(asked, found.checks[at], desk.now_ms())), back, place=Place.SAME)


async def _overview(desk: Desk, asked: Asked, place: Place = Place.NEW) -> Answer:
    found, mint = await asyncio.to_thread(_looked, desk)
    owner = asked.user.telegram_id
    ill = [(at, check) for at, check in enumerate(found.checks) if check.status.is_ill]
    ill.sort(key=lambda one: one[1].status.rank, reverse=True)
    buttons = [mint.button(check.name[:20], DETAIL, str(at), owner) for at, check in ill[:MOST_BUTTONS]]
    buttons.append(mint.button(asked.say("health.everything"), DETAIL, EVERYTHING, owner))
    return Answer(joined(_screen(asked, found)), _rows(buttons), place=place)


def _looked(desk: Desk) -> tuple[Health, Mint]:
    """Every check, asked in a thread: a large book takes a moment."""
    now_ms = desk.now_ms()
    with desk.book.reading() as view:
        params = in_force(view, desk.hands.params)
        return run_checks(view, now_ms, params, place_of(desk.book.path)), Mint.of(view, now_ms)


def _screen(asked: Asked, found: Health) -> list[Markup]:
    ill = [check for check in found.worst_first if check.status.is_ill]
    idle = [check for check in found.checks if check.status is Status.IDLE]
    well = len(found.checks) - len(ill) - len(idle)
    lines = [asked.say("health.status", mark=HEALTH_MARKS[found.status], status=found.status.value)]
    lines += [_line(asked, check) for check in ill]
    lines.append(asked.say("health.well", mark=HEALTH_MARKS[Status.OK], count=well))
    if idle:
        names = ", ".join(check.name for check in idle)
        lines.append(asked.say("health.idle", mark=HEALTH_MARKS[Status.IDLE], names=names))
    return lines


def _line(asked: Asked, check: CheckResult) -> Markup:
    mark = HEALTH_MARKS[check.status]
    if check.status is Status.OK:
        return asked.say("health.good", mark=mark, name=check.name, value=check.value)
    return asked.say("health.line", mark=mark, name=check.name, value=check.value, detail=check.detail)


def _details(asked: Asked, check: CheckResult, now_ms: int) -> list[Markup]:
    lines = [_line(asked, check), asked.say("health.limit", limit=check.limit)]
    if check.since_ms is not None:
        since, lasted = asked.clock(check.since_ms), duration_text(max(now_ms - check.since_ms, 0))
        lines.append(asked.say("health.since", since=since, lasted=lasted))
    if check.remedy:
        lines.append(asked.say("health.remedy", remedy=check.remedy))
    return lines


def _rows(buttons: list[Button]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(buttons[at : at + BUTTONS_A_ROW]) for at in range(0, len(buttons), BUTTONS_A_ROW))


COMMANDS = (
    Command("health", "", "about.health", Role.OPERATOR, health),
    Command("quick_health", "", "about.quick_health", Role.OPERATOR, quick),
)
ACTIONS = (Action(DETAIL, Role.OPERATOR, detail),)
