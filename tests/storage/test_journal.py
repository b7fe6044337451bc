from dataclasses import replace

import pytest

from engine.vocabulary import CloseReason, LedgerKind, Outcome, PortfolioKind, SignalStatus
from storage.book import Book
from storage.journal import JournalFilter
from storage.positions import Ending, Progress
from tests.storage.samples import DAY_MS, LONG, NOW_MS, SHORT, opened, paper, recorded

WON = Ending(110.0, NOW_MS + DAY_MS, CloseReason.TAKE_PROFIT, 10.0, 20.0, 5.0, fees=0.4)


def test_a_signal_without_a_position_is_a_row(book: Book):
    with book.transaction() as tx:
        recorded(tx)
        [row] = tx.journal.rows()

    assert (row.symbol, row.status, row.book, row.position_id, row.outcome) == (
        "BTCUSDT",
        SignalStatus.SENT,
        None,
        None,
        None,
    )
    assert (row.created_ms, row.created_at) == (NOW_MS, "2025-10-09 09:00:00")


def test_a_signal_is_one_row_and_its_paper_position_comes_before_its_shadow(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        opened(tx, signal_id=signal_id, portfolio_id=shadow, exclusive=False)
        position_id = opened(tx, signal_id=signal_id)
        tx.positions.close(position_id, WON)
        [row] = tx.journal.rows()

    assert (row.book, row.position_id, row.outcome) == (PortfolioKind.PAPER, position_id, Outcome.WIN)
    assert (row.exit_price, row.close_reason, row.r_multiple) == (110.0, CloseReason.TAKE_PROFIT, 5.0)
    assert (row.closed_ms, row.closed_at) == (NOW_MS + DAY_MS, "2025-10-10 09:00:00")


@pytest.mark.parametrize(
    ("which", "ids"),
    [
        (JournalFilter(), [1, 2, 3]),
        (JournalFilter(symbol="ETHUSDT"), [3]),
        (JournalFilter(status=SignalStatus.EXPIRED), [2]),
        (JournalFilter(outcome=Outcome.WIN), [1]),
        (JournalFilter(book=PortfolioKind.PAPER), [1]),
        (JournalFilter(book=PortfolioKind.LEGACY), []),
        (JournalFilter(timeframe="4h"), []),
        (JournalFilter(since_ms=NOW_MS + 1), [2, 3]),
        (JournalFilter(since_ms=NOW_MS + 1, until_ms=NOW_MS + 2), [2]),
    ],
)
def test_rows_are_told_by_creation_and_filtered(book: Book, which: JournalFilter, ids: list[int]):
    with book.transaction() as tx:
        won = recorded(tx, LONG, SignalStatus.CLOSED)
        tx.positions.close(opened(tx, signal_id=won), WON)
        recorded(tx, replace(SHORT, candle_close_ms=NOW_MS + 1), SignalStatus.EXPIRED)
        recorded(tx, replace(LONG, symbol="ETHUSDT", candle_close_ms=NOW_MS + 2))
        journal = tx.journal

        assert [row.signal_id for row in journal.rows(which)] == ids
        assert [row.signal_id for row in journal.rows(which, newest_first=True)] == ids[::-1]
        assert [row.signal_id for row in journal.rows(which, limit=1)] == ids[:1]
        assert journal.count(which) == len(ids)


def test_an_account_tells_balance_unrealized_and_realized(book: Book):
    with book.transaction() as tx:
        account_id = paper(tx)
        tx.ledger.post(account_id, LedgerKind.DEPOSIT, 10_000.0, NOW_MS, "deposit")
        tx.positions.close(opened(tx), WON)
        tx.positions.update_progress(opened(tx), Progress(98.0, 0.5, 103.0, NOW_MS, "1m", 1.5, 0.0))

        account = tx.journal.account(account_id)
    assert (account.balance, account.unrealized, account.equity) == (10_000.0, 3.0, 10_003.0)
    assert (account.realized, account.n_open, account.n_closed) == (20.0, 1, 1)


def test_the_shadow_book_keeps_no_account(book: Book):
    with book.reading() as view:
        assert [account.kind for account in view.journal.accounts()] == [PortfolioKind.PAPER]
        with pytest.raises(LookupError, match="keeps no account"):
            view.journal.account(view.portfolios.of_kind(PortfolioKind.SHADOW).id)
