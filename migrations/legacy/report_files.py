"""Daily reports: of several for one date the latest real one counts, and what reports made-up trades counts nowhere."""

import re
from collections.abc import Iterable, Iterator

from migrations.legacy import words
from migrations.legacy.fakes import made_up
from migrations.legacy.json_stream import Broken, Piece
from migrations.legacy.normal_form import LegacyReport, Reading, RecordVerdict, Unusable
from migrations.legacy.outline import Fields, Outline, Source
from migrations.legacy.reading import Found, Judge, Judged, broken, found_records, judged_one
from migrations.legacy.rows import Row
from migrations.legacy.times import Clock, calendar_date
from migrations.legacy.words import shown

HOLDERS = ("reports", "daily_reports")
COUNTERS = frozenset(
    {"total_signals", "signals_sent", "signals_generated", "active_trades", "closed_trades", "win_rate", "total_pnl"}
)
EXTREMES = ("best_trade", "worst_trade")
PERCENT_FIELDS = ("win_rate", "accuracy")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def is_reports(outline: Outline, _: str) -> bool:
    for holder in HOLDERS:
        rows = (*outline.rows(holder), *outline.keyed(holder))
        if any(_looks_like_a_report(row) for row in rows):
            return True
        if holder in outline.names and not rows and len(outline.names) == 1:
            return True
    if any("date" in row and _looks_like_a_report(row) for row in outline.rows(None)):
        return True
    return any(
        _DATE.fullmatch(name) and isinstance(value, dict) and _looks_like_a_report(value)
        for name, value in outline.members.items()
    )


def read_reports(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """Every report in the order of its file, judged against the others of its date."""
    holder = next((name for name in HOLDERS if name in source.outline.names), None)
    judge = report_judge(source.clock)
    readings = [
        broken(found) if isinstance(found, Broken) else judged_one(found, judge)
        for found in found_records(pieces, holder)
    ]
    latest = _latest_of_each_date(readings)
    for index, reading in enumerate(readings):
        if not isinstance(reading.content, LegacyReport) or latest[reading.content.date] == index:
            yield reading
            continue
        kept = readings[latest[reading.content.date]]
        yield reading._replace(
            verdict=RecordVerdict.DUPLICATE,
            reasons=(f"of {kept.place}, the latest report of {reading.content.date}",),
            content=None,
        )


def report_judge(clock: Clock, name: str = "report") -> Judge:
    """Judges rows as reports; `name` keeps the reports of different bots apart."""

    def judge(row: Row, found: Found) -> Judged:
        date = calendar_date(row.fields.get("date", found.key))
        for extreme in EXTREMES:
            _refuse_made_up(row.inner(extreme), extreme)
        for field in PERCENT_FIELDS:
            _check_percent(row, field)
        written_us = row.instant_if_any(("timestamp",), clock)
        if written_us is None:
            written_us = clock.read(date, "date", row.repairs)
        return Judged(LegacyReport(date, written_us), f"{name}|{date}")

    return judge


def _latest_of_each_date(readings: list[Reading]) -> dict[str, int]:
    latest: dict[str, tuple[int, int]] = {}
    for index, reading in enumerate(readings):
        if isinstance(reading.content, LegacyReport):
            date = reading.content.date
            latest[date] = max(latest.get(date, (0, 0)), (reading.content.written_us, index))
    return {date: index for date, (_, index) in latest.items()}


def _refuse_made_up(trade: Row | None, extreme: str) -> None:
    """A report that praises a trade nobody made is the output of a test."""
    if trade is None or not trade.has(words.ENTRY_FIELDS):
        return
    entry = trade.price(words.ENTRY_FIELDS, f"{extreme} entry")
    symbol = trade.word(("symbol",)) or ""
    if (reason := made_up(trade.fields, symbol, entry)) is not None:
        raise Unusable(f"test output: its {extreme.replace('_', ' ')} is a {reason}")
    word = trade.word(words.DIRECTION_FIELDS)
    stop = trade.number(words.STOP_FIELDS)
    if word is not None and stop is not None and (entry - stop) * words.direction_of(word).sign <= 0:
        raise Unusable(f"test output: its {extreme.replace('_', ' ')} has its stop on the wrong side")


def _check_percent(row: Row, field: str) -> None:
    value = row.fields.get(field)
    if isinstance(value, float) and value != value:
        row.repairs.append(f"{field} was NaN, taken as not measured")
        return
    percent = row.number((field,))
    if percent is not None and not 0 <= percent <= 100:
        raise Unusable(f"{field} {shown(percent)} is outside 0..100")


def _looks_like_a_report(row: Fields) -> bool:
    return not COUNTERS.isdisjoint(row) and "symbol" not in row
