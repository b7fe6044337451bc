"""Reports as people read them: golden texts, limits of a phone and of Telegram, buttons, and the morning's message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation import Interval
from engine.protections import Lock, LockKind
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, Direction, Outcome
from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import EVERYBODY, Mint
from handlers.telegram.catalogue import LANGUAGES, Markup, keys
from handlers.telegram.commands import find
from handlers.telegram.commands.reports import report_pressed
from handlers.telegram.desk import Answer, Asked, ChatRef, CommandError, Place, Pressed
from handlers.telegram.figures import Voice
from handlers.telegram.report_buttons import REPORT, View, argument, asked_for
from handlers.telegram.texts_report import changed_line, details_text, summary_text
from services.access import ensure_owners
from services.announce import Announcements
from services.periods import CalendarPeriod
from services.post import EquityRequest
from services.public_record import Ending
from services.report_calendar import REPORTS
from services.report_delivery import Reporting
from services.reports import (
    INCIDENTS,
    Change,
    Facts,
    Figures,
    Grouped,
    Imported,
    IncidentCount,
    Machine,
    ModelFigures,
    Money,
    Report,
    Shown,
)
from services.split import TEXT_UNITS, plain, units
from storage.book import Book
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.reports import Dimension, GateCount, JobCount, Origin, Results, SignalGroup, Trade
from storage.snapshots import SnapshotPeriod
from storage.users import Role, User
from storage.writer import Writer
from tests.fakes.telegram_html import read
from tests.handlers.telegram.goldens import compare, kept
from tests.services.books import with_deposit
from tests.services.rig import OWNER, ms, started, world_at
from tests.services.test_reports import TODAY, lived
from tests.storage.samples import DAY_MS, NOW_MS

WIDEST = 34
ZONES = {"en": "UTC", "bg": "Europe/Sofia"}
MORNING_MS = TODAY.span.to_ms + 8 * HOUR_MS
READER = User(1, OWNER, "Ana", Role.OPERATOR, "en", "UTC", NOW_MS, None, None)
NO_TRADES = Figures(0, 0, 0, 0, None, None, None, 0.0, 0.0)
BEST = Trade(12, "BTCUSDT", "1h", Direction.LONG, Origin.SENT, NOW_MS, Outcome.WIN, 2.831, 5.66, 0.07)
WORST = replace(BEST, signal_id=14, symbol="1000PEPEUSDT", direction=Direction.SHORT, r_multiple=-1.057, pnl_pct=-2.1)
FULL = Facts(
    signals=(
        SignalGroup(Direction.LONG, "sweep_displacement", 7, 3, 0),
        SignalGroup(Direction.SHORT, "judas_swing", 5, 1, 1),
    ),
    stopped=(GateCount("rr", 4), GateCount("confidence", 3)),
    filled=3,
    expired=1,
    cancelled=0,
    trades=Figures(3, 1, 2, 0, Interval(1 / 3, 0.061, 0.792), Interval(0.24, -1.057, 2.831), 1.34, 0.72, 2.11),
    open=2,
    held_back=replace(NO_TRADES, n=5, wins=1, losses=4, total_r=-2.4),
    imported=Imported(2, 1, 1, 0, 1.25),
    best=BEST,
    worst=WORST,
    groups=(
        Grouped(Dimension.SYMBOL, (Results("1000PEPEUSDT", 2, 0, 2, -2.11), Results("BTCUSDT", 1, 1, 0, 2.83))),
        Grouped(Dimension.SETUP, (Results("sweep_displacement", 2, 1, 1, 1.77), Results("judas_swing", 1, 0, 1, -1.05))),
        Grouped(Dimension.SCORE, (Results("70-79", 3, 1, 2, 0.72),)),
    ),
    money=Money("USDT", 10_000.0, 71.5, 12.4, 0.0, 2.1),
    model=ModelFigures(
        9, 1, (Results("lowered", 1, 0, 1, -1.05), Results("raised", 2, 1, 1, 1.77)),
        Results("withheld", 1, 0, 1, -1.0), 3, 1, 1.3,
    ),
    locks=(Lock(LockKind.COOLDOWN, "BTCUSDT", NOW_MS, NOW_MS + 4 * HOUR_MS, "1 stop", "none"),),
)  # fmt: skip
WELL = Machine((JobCount("backup", JobStatus.OK, 24), JobCount("settle", JobStatus.OK, 1440)), (), 0)
UNWELL = Machine(
    (*WELL.jobs, JobCount("settle", JobStatus.MISSED, 3), JobCount("backup", JobStatus.FAILED, 1)),
    (IncidentCount(EventType.DEFECT, 2), IncidentCount(EventType.INCIDENT_OPENED, 1)),
    2,
)
EMPTY = Facts(
    (), (), 0, 0, 0, NO_TRADES, 0, NO_TRADES, Imported(0, 0, 0, 0, 0.0), None, None, (),
    Money("USDT", 10_000.0, 0.0, 0.0, 0.0, 0.0), None, (),
)  # fmt: skip
DAY = Report(SnapshotPeriod.DAY, "2025-10-09", "UTC", TODAY.span.from_ms, TODAY.span.to_ms, MORNING_MS, FULL, WELL)
REPORTS_TOLD = {
    "day": DAY,
    "day_unwell": replace(DAY, facts=replace(FULL, model=None, locks=()), machine=UNWELL),
    "day_empty": replace(DAY, facts=EMPTY),
    "day_so_far": replace(DAY, facts=replace(EMPTY, open=1), made_ms=NOW_MS),
    "week": replace(DAY, period=SnapshotPeriod.WEEK, first="2025-10-06"),
    "month": replace(DAY, period=SnapshotPeriod.MONTH, first="2025-10-01"),
}
CHANGES = (Change("imported.n", 0, 2), Change("trades.total_r", -1.05, 0.72), Change("best.symbol", "A", "B"))


def voice(language: str) -> Voice:
    return Voice(language, ZONES[language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", REPORTS_TOLD)
def test_a_report_reads_as_its_golden_file(name: str, language: str):
    compare(name, language, summary_text(REPORTS_TOLD[name], voice(language)), "reports")


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_details_and_its_changes_read_as_their_golden_files(language: str):
    changed = changed_line(Shown(DAY, MORNING_MS, CHANGES), voice(language))

    compare("details", language, details_text(DAY, voice(language)), "reports")
    compare("changed", language, summary_text(DAY, voice(language), changed), "reports")


def test_every_golden_file_is_of_a_report():
    names = [*REPORTS_TOLD, "details", "changed"]

    assert kept("reports") == {f"{name}.{language}.html" for name in names for language in LANGUAGES}


def test_nothing_is_said_of_changes_where_there_are_none():
    assert changed_line(Shown(DAY, MORNING_MS, ()), Voice()) is None
    assert changed_line(Shown(DAY, None, ()), Voice()) is None


def test_every_trouble_that_reports_count_has_its_words():
    assert {f"report.incident.{type.value}" for type in INCIDENTS} <= keys()
    assert {f"report.by.{dimension.value}" for dimension in Dimension} <= keys()


def crowded(word: str) -> Report:
    """A month in which everything happened often, and was called `word`."""
    rows = tuple(Results(f"{word}{n}", 999, 500, 499, -99.99) for n in range(40))
    facts = replace(
        FULL,
        signals=tuple(SignalGroup(Direction.LONG, f"{word}{n}", 9999, 999, 9) for n in range(40)),
        stopped=tuple(GateCount(f"{word}{n}", 9999) for n in range(40)),
        groups=tuple(Grouped(dimension, rows) for dimension in Dimension),
        best=replace(BEST, symbol=word),
        locks=tuple(Lock(LockKind.PAUSE, word, NOW_MS, None, word, word) for _ in range(40)),
    )
    jobs = tuple(JobCount(f"{word}{n}", JobStatus.FAILED, 99) for n in range(20))
    return replace(DAY, facts=facts, machine=Machine(jobs, tuple(IncidentCount(type, 99) for type in INCIDENTS), 9))


@settings(max_examples=25)
@given(st.text(max_size=30), st.sampled_from(LANGUAGES))
def test_whatever_things_are_called_a_report_is_read_and_fits(word: str, language: str):
    for told in (summary_text(crowded(word), voice(language)), details_text(crowded(word), voice(language))):
        assert units(read(told).text) <= TEXT_UNITS


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_are_as_wide_as_a_phone(language: str):
    for told in (
        summary_text(crowded("WWWWWWWWWWWW"), voice(language)),
        details_text(crowded("W" * 30), voice(language)),
    ):
        lines = [line for table in re.findall(r"<pre>(.*?)</pre>", told, re.DOTALL) for line in table.splitlines()]
        assert lines
        assert max(len(plain(Markup(line))) for line in lines) <= WIDEST


# ---- in the chat


@dataclass(frozen=True, slots=True)
class Desk:
    """What these commands are answered from: the book and the time."""

    book: Book
    at_ms: int = MORNING_MS

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book:
        with with_deposit(book).transaction() as tx:
            Mint.ensured(tx, NOW_MS)
            ensure_owners(tx, (OWNER,), "UTC", NOW_MS)
            lived(tx, Ending.LOSS)
        yield Desk(book)


async def answered(desk: Desk, text: str) -> Answer:
    name, *words = text.removeprefix("/").split()
    command = find(name)
    assert command is not None
    return await command.answer(desk, Asked(tuple(words), READER, ChatRef(OWNER)))


async def pressed(desk: Desk, answer: Answer, label: str) -> Answer:
    with desk.book.reading() as view:
        mint = Mint.of(view, desk.now_ms())
    [data] = [button.data for row in answer.buttons for button in row if button.label == label]
    press = mint.read(data, OWNER)
    assert press.action == REPORT
    return await report_pressed(desk, Pressed(press.argument, READER, ChatRef(OWNER), 1))


async def test_daily_is_yesterday_and_a_date_is_its_day(desk: Desk):
    assert "Report of 2025-10-09" in (yesterday := await answered(desk, "/daily")).html
    assert "2025-10-06 to 2025-10-12" in (await answered(desk, "/weekly 2025-10-10")).html
    assert "2025-10-01 to 2025-10-31" in (await answered(desk, "/monthly 2025-10-10")).html
    assert (await answered(desk, "/daily 2025-10-09")).html == yesterday.html
    assert yesterday.chart == EquityRequest(SnapshotPeriod.DAY, date(2025, 10, 9), "UTC", MORNING_MS)


async def test_a_period_that_is_not_over_says_so(desk: Desk):
    assert "so far" in (await answered(desk, "/monthly 2025-10-10")).html
    assert "so far" not in (await answered(desk, "/daily")).html


@pytest.mark.parametrize("words", ["tomorrow", "2025-10-11", "2025-10-09 2025-10-08"])
async def test_a_day_that_cannot_be_meant_is_told_how_to_write(desk: Desk, words: str):
    with pytest.raises(CommandError) as refused:
        await answered(desk, f"/daily {words}")

    assert (refused.value.key, refused.value.values["example"]) == ("ask.report", "2025-10-09")


async def test_buttons_lead_to_the_neighbours_and_to_the_details_in_place(desk: Desk):
    today = await answered(desk, "/daily")
    before = await pressed(desk, today, "◀ 2025-10-08")
    details = await pressed(desk, today, "details")

    assert ("Report of 2025-10-08" in before.html, "Nothing happened" in before.html) == (True, True)
    assert (before.place, details.place) == (Place.SAME, Place.SAME)
    assert (await pressed(desk, before, "2025-10-09 ▶")).html == today.html
    assert "by pair" in details.html
    assert (await pressed(desk, details, "summary")).html == today.html
    assert "by pair" not in (await pressed(desk, await pressed(desk, details, "◀ 2025-10-08"), "summary")).html


async def test_the_curve_comes_as_a_picture_of_its_own(desk: Desk):
    curve = await pressed(desk, await answered(desk, "/weekly"), "📈 curve")

    assert isinstance(curve.chart, EquityRequest)
    assert (curve.chart.period, curve.place) == (SnapshotPeriod.WEEK, Place.NEW)


async def test_there_is_no_period_after_one_that_is_not_over(desk: Desk):
    answer = await answered(desk, "/daily 2025-10-10")

    assert [button.label for button in answer.buttons[0]] == ["◀ 2025-10-09"]


@pytest.mark.parametrize("period", REPORTS.values())
@pytest.mark.parametrize("view", View)
def test_a_button_carries_its_period_and_view(period: SnapshotPeriod, view: View):
    calendar = CalendarPeriod.holding(period, date(2025, 10, 9), "Europe/Sofia")

    assert asked_for(argument(calendar, view), "Europe/Sofia") == (calendar, view)


def test_who_runs_the_bot_may_ask_and_nobody_else():
    [action] = [action for action in ACTIONS if action.name == REPORT]

    assert {find(name).role for name in REPORTS} == {action.role} == {Role.OPERATOR}


async def test_the_morning_brings_the_report_to_the_owner_once_and_not_to_the_channel(tmp_path: Path):
    async with (
        world_at(ms("2026-01-01T22:00"), tmp_path) as world,
        started(world, ("ADAUSDT",), (Timeframe.H1,)) as rig,
    ):
        with Writer(rig.book) as writer:
            reporting = Reporting(rig.book, writer, Announcements(), world.clock.now_ms, lambda: None)
            for _ in range(30):
                world.clock.advance(30 * MINUTE_MS)
                await reporting.run()
                await rig.sender.drain()
        [told] = [message for message in world.api.messages(OWNER) if "Report of" in message.text]
        with rig.book.reading() as view:
            owners = {button.split(":")[3] for _, button in told.buttons}
            [report] = [view.snapshots.last("report", SnapshotPeriod.DAY)]

    assert "Report of 2026-01-01" in told.text
    assert [label for label, _ in told.buttons] == ["◀ 2025-12-31", "2026-01-02 ▶", "details", "📈 curve"]
    assert owners == {str(EVERYBODY)}
    assert report is not None
    assert ms("2026-01-02T08:00") <= report.taken_ms < ms("2026-01-02T08:00") + DAY_MS
