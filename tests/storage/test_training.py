"""Training rows: one per decision, features of one version, and every row left out has its reason."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.vocabulary import BookKind, Direction, Outcome
from storage.backtests import BacktestRun, Backtests, BacktestTrade
from storage.book import Book
from storage.training import Origin, left_out, training_rows
from tests.storage.samples import NOW_MS

HOUR_MS = 3_600_000
RUN = BacktestRun("two years", "hash", "1", ("BTCUSDT 1h",), NOW_MS, NOW_MS + 1, {})
WON = BacktestTrade(
    "BTCUSDT", "1h", Direction.LONG, "fvg_retrace", NOW_MS, NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS, 1.5, Outcome.WIN,
    70.0, {"btc_trend": math.nan, "rsi": 12.0}, 1,
)  # fmt: skip
LOST = replace(WON, symbol="ETHUSDT", r_multiple=-1.1, outcome=Outcome.LOSS, decided_ms=NOW_MS - HOUR_MS)


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def record(book: Book, *trades: BacktestTrade, run: BacktestRun = RUN) -> int:
    with book.transaction() as tx:
        return Backtests(tx.connection).record(run, trades, NOW_MS)


def test_a_backtest_gives_labelled_rows_oldest_first_with_missing_features_missing(book: Book):
    record(book, WON, LOST)

    with book.reading() as view:
        lost, won = training_rows(view.connection, 1)
    assert (won.symbol, won.is_win, won.r_multiple) == ("BTCUSDT", True, 1.5)
    assert (lost.symbol, lost.is_win, lost.origin) == ("ETHUSDT", False, Origin.BACKTEST)
    assert (won.decided_ms, won.closed_ms) == (NOW_MS, NOW_MS + 2 * HOUR_MS)
    assert won.features["rsi"] == 12.0
    assert math.isnan(won.features["btc_trend"])


def test_a_setup_that_two_backtests_decided_counts_once_by_the_newest(book: Book):
    record(book, WON)
    record(book, replace(WON, r_multiple=2.5))

    with book.reading() as view:
        [row] = training_rows(view.connection, 1)
    assert row.r_multiple == 2.5


def test_rows_of_other_parameters_or_another_version_are_left_out_with_the_reason(book: Book):
    record(book, WON)
    record(book, LOST, run=replace(RUN, params_hash="other"))
    record(book, replace(WON, symbol="SOLUSDT", features_version=2))
    record(book, replace(WON, symbol="XRPUSDT", features={}, features_version=None))
    record(book, replace(WON, symbol="ADAUSDT", outcome=Outcome.BREAKEVEN, r_multiple=0.0))
    record(book, replace(WON, symbol="BNBUSDT", outcome=None, r_multiple=None, closed_ms=None))

    with book.reading() as view:
        assert [row.symbol for row in training_rows(view.connection, 1, "hash")] == ["BTCUSDT"]
        assert left_out(view.connection, 1, "hash") == {
            "backtest of other parameters": 1,
            "features of another version": 1,
            "backtest without features": 1,
            "neither won nor lost": 1,
        }


def test_what_a_backtest_wrote_is_what_it_reads(book: Book):
    run_id = record(book, WON, LOST)

    with book.reading() as view:
        assert [repr(trade) for trade in Backtests(view.connection).trades(run_id)] == [repr(WON), repr(LOST)]
