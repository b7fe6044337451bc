"""The equity curve: the ledger's balance and each period's R, and a picture that is the same every time."""

import struct
from datetime import date
from itertools import pairwise

import pytest

from engine.vocabulary import LedgerKind, PortfolioKind
from services.chart_canvas import HEIGHT, WIDTH
from services.chart_worker import chart_of
from services.equity import FEWEST_SHOWN, PERIODS_SHOWN, equity_until
from services.equity_chart import BALANCE, RESULTS, draw_equity, equity_chart
from services.periods import CalendarPeriod
from services.post import EquityRequest
from services.public_record import Ending
from services.reports import report_of
from storage.book import Book
from storage.snapshots import SnapshotPeriod
from tests.services.books import with_deposit
from tests.services.test_reports import NEXT_MORNING, TODAY, lived
from tests.storage.samples import DAY_MS, NOW_MS, book

__all__ = ["book"]


def size_of(png: bytes) -> tuple[int, ...]:
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("period", PERIODS_SHOWN)
def test_a_young_account_fills_the_picture_with_its_own_time(book: Book, period: SnapshotPeriod):
    late, far = (CalendarPeriod.holding(period, date(year, 10, 9), "UTC") for year in (2025, 2027))
    with with_deposit(book).transaction() as tx:
        young, old = equity_until(tx, late), equity_until(tx, far)

    assert (len(young.results), young.results[-1].span) == (FEWEST_SHOWN, late.span)
    assert (len(old.results), old.results[-1].span) == (PERIODS_SHOWN[period], far.span)


@pytest.mark.parametrize("period", PERIODS_SHOWN)
def test_the_periods_follow_each_other_up_to_the_one_asked_for(book: Book, period: SnapshotPeriod):
    calendar = CalendarPeriod.holding(period, date(2025, 10, 30), "Europe/Sofia")
    with with_deposit(book).transaction() as tx:
        tx.ledger.post(1, LedgerKind.DEPOSIT, 1.0, NOW_MS - 400 * DAY_MS, "long ago")
        equity = equity_until(tx, calendar)

    assert len(equity.results) == PERIODS_SHOWN[period]
    assert equity.results[-1].span == calendar.span
    assert all(before.span.to_ms == after.span.from_ms for before, after in pairwise(equity.results))


def test_it_tells_what_the_ledger_and_the_report_tell(book: Book):
    with with_deposit(book).transaction() as tx:
        for number, ending in enumerate((Ending.WIN, Ending.LOSS, Ending.TARGET_1_THEN_BREAK_EVEN)):
            lived(tx, ending, number)
        equity, facts = equity_until(tx, TODAY), report_of(tx, TODAY, NEXT_MORNING).facts
        balance = tx.journal.account(tx.portfolios.of_kind(PortfolioKind.PAPER).id).balance

    assert equity.balances[0].amount == 10_000.0  # from the deposit on
    assert equity.balances[-1].amount == pytest.approx(balance) == pytest.approx(facts.money.closing)
    assert (equity.results[-1].n, equity.results[-1].total_r) == (facts.trades.n, pytest.approx(facts.trades.total_r))


def test_the_same_curve_is_the_same_picture_and_stays_in_its_frames(book: Book):
    with with_deposit(book).transaction() as tx:
        lived(tx, Ending.LOSS)
        equity = equity_until(tx, TODAY)
    lines = [line.get_xydata() for line in draw_equity(equity).figure.lines]

    assert equity_chart(equity) == equity_chart(equity)
    assert size_of(equity_chart(equity)) == (WIDTH, HEIGHT)
    assert all(0 <= x <= WIDTH and RESULTS.bottom - 80 <= y <= BALANCE.top for line in lines for x, y in line)


def test_a_book_without_money_or_trades_has_a_picture_too(book: Book):
    request = EquityRequest(SnapshotPeriod.MONTH, date(2025, 10, 1), "Asia/Kolkata", NEXT_MORNING)

    assert size_of(chart_of(book.path, request)) == (WIDTH, HEIGHT)
