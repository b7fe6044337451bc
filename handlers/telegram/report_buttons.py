"""The buttons under a report: the period before and after it, its details, its curve."""

from datetime import date
from enum import Enum

from engine.timeframes import DAY_MS
from handlers.telegram.buttons import EVERYBODY, Mint
from handlers.telegram.figures import Voice
from services.periods import CalendarPeriod
from services.post import Button
from storage.snapshots import SnapshotPeriod

REPORT = "report"
LAST_MS = 30 * DAY_MS
INITIALS = {"d": SnapshotPeriod.DAY, "w": SnapshotPeriod.WEEK, "m": SnapshotPeriod.MONTH}


class View(Enum):
    SUMMARY = "s"
    DETAILS = "d"
    CURVE = "c"


def report_buttons(
    mint: Mint, voice: Voice, calendar: CalendarPeriod, view: View, now_ms: int, owner: int = EVERYBODY
) -> tuple[tuple[Button, ...], ...]:
    """What leads on from a view of a report; there is no period after one that is not over."""

    def button(label: str, to: CalendarPeriod, shown: View) -> Button:
        return mint.button(label, REPORT, argument(to, shown), owner, lasts_ms=LAST_MS)

    neighbours = [button(f"◀ {calendar.previous.first}", calendar.previous, view)]
    if calendar.span.to_ms <= now_ms:
        neighbours.append(button(f"{calendar.next.first} ▶", calendar.next, view))
    other = View.SUMMARY if view is View.DETAILS else View.DETAILS
    views = (
        button(voice.say(f"report.button.{other.name.lower()}"), calendar, other),
        button(voice.say("report.button.curve"), calendar, View.CURVE),
    )
    return tuple(neighbours), views


def argument(calendar: CalendarPeriod, view: View) -> str:
    """A period and a view in ten letters and digits; the zone is the one of all reports."""
    initial = next(letter for letter, period in INITIALS.items() if period is calendar.period)
    return f"{initial}{calendar.first:%Y%m%d}{view.value}"


def asked_for(said: str, zone: str) -> tuple[CalendarPeriod, View]:
    """What `argument` wrote, in a zone; ValueError for anything else."""
    initial, day, view = said[:1], said[1:-1], said[-1:]
    if initial not in INITIALS:
        raise ValueError(f"{said!r} names no report")
    return CalendarPeriod.holding(INITIALS[initial], date.fromisoformat(day), zone), View(view)
