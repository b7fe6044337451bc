"""Reports on demand: /daily, /weekly, /monthly, and the buttons that lead from one to the next."""

from collections.abc import Awaitable, Callable
from datetime import date

from handlers.telegram.buttons import Mint
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Place, Pressed
from handlers.telegram.report_buttons import REPORT, View, asked_for, report_buttons
from handlers.telegram.texts_report import changed_line, details_text, head_text, summary_text
from services.periods import CalendarPeriod, local
from services.post import EquityRequest
from services.report_calendar import REPORTS, report_zone
from services.reports import shown
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores
from storage.users import Role


def on_demand(name: str, period: SnapshotPeriod) -> Callable[[Desk, Asked], Awaitable[Answer]]:
    """The command for reports of this length: the last closed period, or the one that holds a day."""

    async def answer(desk: Desk, asked: Asked) -> Answer:
        now_ms = desk.now_ms()
        with desk.book.reading() as view:
            calendar = _calendar(asked, name, period, now_ms, report_zone(view))
            return _shown(view, asked, calendar, View.SUMMARY, now_ms)

    return answer


async def report_pressed(desk: Desk, press: Pressed) -> Answer:
    """Another period or view in place of the one shown; the curve as a message of its own."""
    now_ms = desk.now_ms()
    with desk.book.reading() as view:
        calendar, wanted = asked_for(press.argument, report_zone(view))
        return _shown(view, press.asked, calendar, wanted, now_ms)


def _calendar(asked: Asked, name: str, period: SnapshotPeriod, now_ms: int, zone: str) -> CalendarPeriod:
    newest = CalendarPeriod.last_closed(period, now_ms, zone)
    if not asked.words:
        return newest
    refused = CommandError("ask.report", name=name, example=newest.first.isoformat())
    try:
        [word] = asked.words
        day = date.fromisoformat(word)
    except ValueError as error:
        raise refused from error
    if day > local(now_ms, zone).date():
        raise refused
    return CalendarPeriod.holding(period, day, zone)


def _shown(view: Stores, asked: Asked, calendar: CalendarPeriod, wanted: View, now_ms: int) -> Answer:
    found, voice = shown(view, calendar, now_ms), asked.voice
    curve = EquityRequest(calendar.period, calendar.first, calendar.zone, now_ms)
    if wanted is View.CURVE:
        return Answer(head_text(found.report, voice), chart=curve)
    text = details_text if wanted is View.DETAILS else summary_text
    mint, owner = Mint.of(view, now_ms), asked.user.telegram_id
    buttons = report_buttons(mint, voice, calendar, wanted, now_ms, owner)
    return Answer(text(found.report, voice, changed_line(found, voice)), buttons, curve, Place.SAME)


COMMANDS = tuple(
    Command(name, "[DATE]", f"about.{name}", Role.OPERATOR, on_demand(name, period)) for name, period in REPORTS.items()
)
ACTIONS = (Action(REPORT, Role.OPERATOR, report_pressed),)
