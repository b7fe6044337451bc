"""Walk-forward: folds fill the range, jobs may run anywhere, in any order and twice over, and the whole is always the same."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.candles import Candles
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import BookKind
from gateways.simulated_market import SimulatedMarket
from services.backtest import backtest
from services.blackouts import Blackout
from services.replay import BTC
from services.walk_forward import (
    Walked,
    WalkForwardError,
    jobs_of,
    judged,
    key_of,
    metrics_of,
    month_folds,
    together,
    unfinished_path,
    walk_forward,
)
from storage.backtests import NOT_SENT_OF, Backtests, BacktestTrade
from storage.book import Book
from storage.codec import features_text
from tests.services.test_replay import BEGIN_MS, PARAMS

END_MS = BEGIN_MS + 45 * DAY_MS
NOW_MS = END_MS + DAY_MS


@cache
def bars(symbol: str) -> Candles:
    return SimulatedMarket(7, lambda: END_MS).bars(symbol, Timeframe.H1, BEGIN_MS, END_MS)


def series() -> list[Candles]:
    return [bars("SOLUSDT"), bars(BTC)]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book.open(tmp_path / "positions.db", BookKind.LIVE, now_ms=BEGIN_MS) as book:
        yield book


def walk(book: Book, **how: int) -> Walked:
    return walk_forward(book, series(), PARAMS, months=1, now_ms=NOW_MS, **how)


def rows(trades: tuple[BacktestTrade, ...]) -> list[str]:
    """Trades as texts, because a missing feature (NaN) equals nothing."""
    return [f"{replace(trade, features={})} {features_text(trade.features)}" for trade in trades]


def kept(book: Book, run_id: int) -> list[str]:
    with book.reading() as view:
        return rows(Backtests(view.connection).trades(run_id)) + rows(Backtests(view.connection).trades(run_id + 1))


@cache
def uninterrupted() -> tuple[Walked, list[str]]:
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as book:
        walked = walk(book, processes=1)
        return walked, kept(book, walked.run_id)


@given(begin_ms=st.integers(1_500_000_000_000, 1_800_000_000_000), days=st.integers(1, 900), months=st.integers(1, 12))
def test_folds_fill_the_range_without_a_gap_and_begin_with_a_month(begin_ms: int, days: int, months: int):
    end_ms = begin_ms + days * DAY_MS
    folds = list(month_folds(begin_ms, end_ms, months))

    assert (folds[0].from_ms, folds[-1].to_ms) == (begin_ms, end_ms)
    assert all(before.to_ms == after.from_ms for before, after in itertools.pairwise(folds))
    assert all(fold.from_ms < fold.to_ms <= fold.from_ms + months * 31 * DAY_MS for fold in folds)
    assert all(fold.from_ms % DAY_MS == 0 for fold in folds[1:])


def test_there_is_a_job_for_every_series_in_every_fold():
    jobs = jobs_of(series(), PARAMS, months=1)

    assert [(job.candles.symbol, job.fold.from_ms) for job in jobs][:3] == [
        (BTC, BEGIN_MS + 3_600_000),
        ("SOLUSDT", BEGIN_MS + 3_600_000),
        (BTC, BEGIN_MS + 31 * DAY_MS),
    ]
    assert [[other.symbol for other in job.beside] for job in jobs[:2]] == [[], [BTC]]


def test_a_range_without_candles_is_refused():
    with pytest.raises(WalkForwardError, match="No candle"):
        jobs_of(series(), PARAMS, months=1, from_ms=END_MS + DAY_MS)


def test_one_fold_of_one_series_is_its_backtest():
    [job] = jobs_of([bars(BTC)], PARAMS, months=12)
    tested = backtest([bars(BTC)], PARAMS, now_ms=NOW_MS)
    trades = together([judged(job)])

    assert rows(tuple(one.trade for one in trades if one.stopped_by is None)) == rows(tested.trades)
    assert rows(tuple(one.trade for one in trades if one.stopped_by is not None)) == rows(tested.not_sent)
    assert len(tested.trades) > 5


def test_what_a_fold_decided_is_followed_beyond_its_end():
    first = jobs_of([bars(BTC)], PARAMS, months=1)[0]
    closed = [one.trade.closed_ms for one in judged(first).trades if one.trade.closed_ms is not None]

    assert max(closed) > first.fold.to_ms
    assert all(one.trade.decided_ms < first.fold.to_ms for one in judged(first).trades)


def test_a_zone_that_two_folds_see_counts_once():
    first, second = (judged(job) for job in jobs_of([bars(BTC)], PARAMS, months=1))
    again = replace(second, trades=(first.trades[-1], *second.trades))

    assert together([first, again]) == together([first, second])


def test_the_whole_is_kept_as_a_backtest_that_training_may_read(book: Book):
    walked = walk(book, processes=1)
    with book.reading() as view:
        run, rest = (Backtests(view.connection).get(run_id) for run_id in (walked.run_id, walked.run_id + 1))
        labelled = view.connection.execute("SELECT COUNT(*) FROM v_training").fetchone()[0]

    assert run.metrics == walked.metrics
    assert rest.metrics[NOT_SENT_OF] == walked.run_id
    assert labelled > 20
    assert list(walked.metrics["walk_forward"]["folds"]) == ["2026-01-01 to 2026-01-31", "2026-02-01 to 2026-02-15"]
    folds = walked.metrics["walk_forward"]["folds"].values()
    assert sum(fold["n"] for fold in folds) == walked.metrics["n"] > 5


@pytest.mark.long
def test_two_processes_come_to_what_one_does(book: Book):
    walked = walk(book, processes=2)

    assert walked.metrics == uninterrupted()[0].metrics
    assert kept(book, walked.run_id) == uninterrupted()[1]


class Stopped(Exception):
    """What ends a run early."""


def stop_after(done: int) -> object:
    def progress(what: str, at: int, total: int) -> None:
        if at >= done:
            raise Stopped

    return progress


def test_a_run_that_broke_off_goes_on_with_what_is_missing(book: Book):
    with pytest.raises(Stopped):
        walk(book, processes=1, progress=stop_after(3))
    path = unfinished_path(book, key_of(jobs_of(series(), PARAMS, months=1)))
    assert path.exists()
    walked = walk(book, processes=1)

    assert (walked.found_done, walked.jobs) == (3, 4)
    assert walked.metrics == uninterrupted()[0].metrics
    assert kept(book, walked.run_id) == uninterrupted()[1]
    assert not path.exists()


def test_a_run_that_died_between_keeping_and_tidying_up_is_not_kept_twice(book: Book, tmp_path: Path):
    path = unfinished_path(book, key_of(jobs_of(series(), PARAMS, months=1)))
    with pytest.raises(Stopped):
        walk(book, processes=1, progress=stop_after(4))
    spare = path.read_bytes()
    walked = walk(book, processes=1)
    path.write_bytes(spare)

    assert walk(book, processes=1).run_id == walked.run_id
    assert not path.exists()


def test_other_candles_parameters_folds_or_blackouts_are_another_run():
    jobs = jobs_of(series(), PARAMS, months=1)
    strict = replace(PARAMS, gates=replace(PARAMS.gates, min_rr=2.0))
    shifted = [replace(bars(BTC), close=bars(BTC).close * 1.0001), bars("SOLUSDT")]
    others = [
        jobs_of(series(), strict, months=1), jobs_of(series(), PARAMS, months=2), jobs_of(shifted, PARAMS, months=1),
        jobs_of(series(), PARAMS, months=1, blackouts=[Blackout(END_MS, "FOMC", DAY_MS, DAY_MS)]),
    ]  # fmt: skip

    assert metrics_of(jobs, [])["blackouts"] is None
    assert metrics_of(others[-1], [])["blackouts"] is not None
    assert key_of(jobs) == key_of(jobs_of(series()[::-1], PARAMS, months=1))
    assert len({key_of(jobs), *map(key_of, others)}) == 5
