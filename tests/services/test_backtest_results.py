"""Kept backtests are compared by figures drawn from their trades, and lend their weight to young scores."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.scores import ClosedTrade, Dim, ScoreStatus
from engine.vocabulary import BookKind, Direction, Outcome, SignalStatus
from services.backtest import keep_run
from services.backtest_results import NoSuchBacktest, compare, latest
from services.standings import standings
from storage.backtests import BacktestRun, BacktestTrade
from storage.book import Book
from tests.storage.samples import DAY_MS, LONG, NOW_MS

RUN = BacktestRun("BTCUSDT 1h", "abc", "1", ("BTCUSDT 1h",), NOW_MS, NOW_MS + 9 * DAY_MS, {"sent": 3})
CLOSED = BacktestTrade(
    "BTCUSDT",
    "1h",
    Direction.LONG,
    "sweep",
    NOW_MS + DAY_MS,
    NOW_MS + DAY_MS,
    NOW_MS + 2 * DAY_MS,
    2.0,
    Outcome.WIN,
    70.0,
)
LOST = replace(
    CLOSED, setup="breaker", timeframe="4h", decided_ms=NOW_MS + 2 * DAY_MS, closed_ms=NOW_MS + 3 * DAY_MS,
    r_multiple=-1.0, outcome=Outcome.LOSS,
)  # fmt: skip
UNFILLED = replace(CLOSED, decided_ms=NOW_MS, opened_ms=None, closed_ms=None, r_multiple=None, outcome=None)


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def keep(book: Book, *sent: BacktestTrade, not_sent: tuple[BacktestTrade, ...] = (), params_hash: str = "abc") -> int:
    with book.transaction() as tx:
        return keep_run(tx, replace(RUN, params_hash=params_hash), sent, not_sent, NOW_MS)


def test_runs_stand_side_by_side_as_a_whole_by_setup_and_by_timeframe(book: Book):
    first, second = keep(book, CLOSED, LOST, UNFILLED), keep(book, LOST)
    with book.reading() as view:
        one, other = compare(view, [first, second])

    assert (one.overall.n, one.overall.win_rate.value, one.overall.expectancy_r.value) == (2, 0.5, 0.5)
    assert (one.overall.profit_factor, one.overall.max_drawdown_r) == (2.0, 1.0)
    assert {name: part.total_r for name, part in one.by_setup.items()} == {"breaker": -1.0, "sweep": 2.0}
    assert {name: part.n for name, part in one.by_timeframe.items()} == {"1h": 1, "4h": 1}
    assert one.overall.win_rate.low < 0.5 < one.overall.win_rate.high
    assert (other.stored.id, other.overall.total_r) == (second, -1.0)


def test_a_run_without_trades_has_no_figures_and_breaks_nothing(book: Book):
    run_id = keep(book, UNFILLED)
    with book.reading() as view:
        [empty] = compare(view, [run_id])

    assert (empty.overall.n, empty.by_setup) == (0, {})
    assert math.isnan(empty.overall.expectancy_r.value)


def test_a_backtest_nobody_kept_is_told_of(book: Book):
    with book.reading() as view, pytest.raises(NoSuchBacktest, match="no backtest 9"):
        compare(view, [9])


def test_the_newest_runs_come_first_without_what_was_not_sent(book: Book):
    first, second = keep(book, CLOSED), keep(book, LOST)
    with book.reading() as view:
        assert [stored.id for stored in latest(view, 10)] == [second, first]
        assert [stored.id for stored in latest(view, 1)] == [second]


def live_loss(book: Book, times: int = 1) -> None:
    trade = ClosedTrade(
        "BTCUSDT", "1h", Direction.LONG, "sweep", "london", "trend", NOW_MS, NOW_MS, Outcome.LOSS, -100.0, -1.0
    )
    with book.transaction() as tx:
        for _ in range(times):
            tx.scores.record(trade)


def standing(book: Book, dim: Dim, params_hash: str = "abc") -> tuple[float, float, int]:
    with book.reading() as view:
        [one] = standings(view, params_hash, dim)
    return one.shrunk.win_ratio, one.shrunk.expectancy_r, one.shrunk.prior_trades


def test_a_young_score_leans_on_backtests_of_the_same_parameters_alone(book: Book):
    wins = [replace(CLOSED, decided_ms=NOW_MS + day * DAY_MS) for day in range(4)]
    keep(book, *wins, not_sent=(replace(LOST, setup="sweep", symbol="BTCUSDT"),))
    live_loss(book)

    assert standing(book, Dim.COIN) == (4 / 5, (4 * 2.0 - 1.0) / 5, 4)
    assert standing(book, Dim.COIN, "other") == (0.0, -1.0, 0)
    assert standing(book, Dim.SESSION) == (0.0, -1.0, 0)


def test_what_two_runs_decided_alike_counts_once_as_the_newest_made_it(book: Book):
    keep(book, CLOSED)
    keep(book, replace(CLOSED, r_multiple=1.0))
    live_loss(book)

    assert standing(book, Dim.COIN) == (1 / 2, 0.0, 1)


def test_what_the_book_decided_itself_is_no_prior_of_its_own_score(book: Book):
    own = replace(LONG, setup="sweep", candle_close_ms=CLOSED.decided_ms, valid_until_ms=CLOSED.decided_ms + DAY_MS)
    keep(book, CLOSED)
    live_loss(book)
    with book.transaction() as tx:
        tx.signals.record(own, (), SignalStatus.ACCEPTED, None, CLOSED.decided_ms)

    assert standing(book, Dim.COIN) == (0.0, -1.0, 0)


def test_a_status_follows_what_was_lived_alone(book: Book):
    keep(book, *(replace(CLOSED, decided_ms=NOW_MS + day * DAY_MS) for day in range(50)))
    live_loss(book, times=5)
    with book.reading() as view:
        [one] = standings(view, "abc", Dim.COIN)

    assert one.shrunk.win_ratio > 0.6
    assert one.score.status is ScoreStatus.BLACKLISTED
