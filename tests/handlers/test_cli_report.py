"""`report` tells what the chat tells, and as JSON what the book keeps."""

from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from services.periods import CalendarPeriod
from services.public_record import Ending
from services.reports import report_of, shown, snapshot_of
from storage.book import Book
from storage.snapshots import SnapshotPeriod
from tests.handlers.test_cli import NOW_MS, document, onebook, sentence
from tests.services.books import with_deposit
from tests.services.test_reports import TODAY, lived
from tests.storage import samples

DAY = "2025-10-09"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "live.db"
    with Book.open(path, BookKind.LIVE, now_ms=samples.NOW_MS) as book, with_deposit(book).transaction() as tx:
        lived(tx, Ending.LOSS)
        lived(tx, Ending.WIN, 1)
    return path


def test_the_document_is_the_report_with_its_totals_in_front(path: Path):
    found = document("report", "daily", "--date", DAY, "--db", path, "--json")
    with Book.open_read_only(path) as book, book.reading() as view:
        facts = shown(view, TODAY, NOW_MS).report.facts

    assert (found["period"], found["first"], found["zone"], found["is_over"]) == ("day", DAY, "UTC", True)
    assert found["totals"]["closed"] == 2
    assert (found["totals"]["wins"], found["totals"]["losses"]) == (1, 1)
    assert found["facts"]["trades"]["profit_factor"] == facts.trades.profit_factor
    assert found["facts"]["trades"]["win_rate"]["value"] == 0.5
    assert (found["told_ms"], found["changes"]) == (None, [])


def test_people_read_summary_and_details_without_markup(path: Path):
    told = onebook("report", "weekly", "--date", DAY, "--db", path).stdout

    assert "Report of the week 2025-10-06 to 2025-10-12 (UTC)" in told
    assert "by pair" in told
    assert "<" not in told


def test_without_a_date_it_is_the_last_period_that_is_over(path: Path):
    assert document("report", "daily", "--db", path, "--json")["first"] == "2026-03-01"
    assert document("report", "weekly", "--db", path, "--json")["first"] == "2026-02-23"
    assert document("report", "monthly", "--db", path, "--json")["first"] == "2026-02-01"
    assert "Nothing happened" in onebook("report", "daily", "--db", path).stdout


def test_what_is_not_as_it_was_told_is_named(path: Path):
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.snapshots.keep(snapshot_of(report_of(tx, TODAY, TODAY.span.to_ms)))
        lived(tx, Ending.LOSS, 2)
    found = document("report", "daily", "--date", DAY, "--db", path, "--json")

    assert found["told_ms"] == TODAY.span.to_ms
    assert {"name": "trades.n", "was": 2, "now": 3} in found["changes"]
    assert "Not as it was told" in onebook("report", "daily", "--date", DAY, "--db", path).stdout


def test_the_curve_is_drawn_into_a_file(path: Path, tmp_path: Path):
    onebook("report", "daily", "--date", DAY, "--db", path, "--chart", tmp_path / "curve.png")

    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_days_are_those_of_the_owner(path: Path):
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.users.ensure(77, None, NOW_MS, timezone="Asia/Tokyo")
        tx.connection.execute("UPDATE users SET role='OWNER'")
    found = document("report", "daily", "--date", DAY, "--db", path, "--json")

    assert (found["zone"], found["from_ms"]) == (
        "Asia/Tokyo",
        CalendarPeriod(SnapshotPeriod.DAY, TODAY.first, "Asia/Tokyo").span.from_ms,
    )


def test_what_cannot_be_reported_is_told_in_one_sentence(path: Path, tmp_path: Path):
    assert "known are daily, weekly, monthly" in sentence("report", "yearly", "--db", path)
    assert "ISO date" in sentence("report", "daily", "--date", "yesterday", "--db", path)
    assert "has not begun" in sentence("report", "daily", "--date", "2030-01-01", "--db", path)
    assert "no book" in sentence("report", "daily", "--db", tmp_path / "none.db")
    assert "cannot be written" in sentence("report", "daily", "--db", path, "--chart", tmp_path)
