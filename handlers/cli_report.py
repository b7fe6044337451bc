"""`report daily|weekly|monthly`: the report of a period from the book, in words or as one JSON document."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from handlers.telegram.figures import Voice
from handlers.telegram.texts_report import calendar_of, changed_line, details_text, summary_text
from services.equity import Equity, equity_until
from services.periods import CalendarPeriod, local
from services.report_calendar import REPORTS, report_zone
from services.reports import Shown, document, shown
from services.split import plain
from storage.stores import Stores


class ReportError(ValueError):
    """A report that cannot be made; the message is one sentence."""


def report(view: Stores, name: str, day: str | None, now_ms: int) -> Shown:
    """The report by that name of the last closed period, or of the one that holds an ISO day; ReportError otherwise."""
    if name not in REPORTS:
        raise ReportError(f"report {name}: known are {', '.join(REPORTS)}.")
    period, zone = REPORTS[name], report_zone(view)
    if day is None:
        return shown(view, CalendarPeriod.last_closed(period, now_ms, zone), now_ms)
    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise ReportError(f"--date {day}: write it as an ISO date, like 2026-01-31.") from error
    if wanted > local(now_ms, zone).date():
        raise ReportError(f"--date {day}: that day has not begun in {zone}.")
    return shown(view, CalendarPeriod.holding(period, wanted, zone), now_ms)


def full_document(found: Shown) -> dict[str, Any]:
    """The JSON of the command: the report, the totals that people read first, and what is not as it was told."""
    facts = found.report.facts
    return {
        **document(found.report),
        "is_over": found.report.is_over,
        "totals": {
            "decided": facts.decided,
            "sent": facts.sent,
            "rejected": facts.not_sent,
            "missed": facts.missed,
            "expired": facts.expired,
            "cancelled": facts.cancelled,
            "closed": facts.trades.n,
            "wins": facts.trades.wins,
            "losses": facts.trades.losses,
            "breakeven": facts.trades.breakeven,
            "open": facts.open,
            "result_r": facts.trades.total_r,
            "result_pct": facts.money.result_pct,
        },
        "told_ms": found.told_ms,
        "changes": [asdict(change) for change in found.changes],
    }


def lines(found: Shown) -> Iterator[str]:
    """The same for people: the summary, then the details."""
    voice = Voice(zone=found.report.zone)
    yield plain(summary_text(found.report, voice, changed_line(found, voice)))
    if not found.report.facts.is_empty:
        yield ""
        yield plain(details_text(found.report, voice))


def equity_behind(view: Stores, found: Shown) -> Equity:
    """The curve that leads up to a report."""
    return equity_until(view, calendar_of(found.report))


def write(png: bytes, file: Path) -> None:
    """Write a picture; ReportError where the file refuses."""
    try:
        file.write_bytes(png)
    except OSError as error:
        raise ReportError(f"{file} cannot be written: {error.strerror}.") from error
