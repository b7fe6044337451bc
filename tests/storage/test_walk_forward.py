"""Results of jobs outlive the run that made them, once each, and go when the whole is kept."""

import math
from pathlib import Path

import pytest

from engine.vocabulary import Direction, Outcome
from storage.backtests import BacktestTrade
from storage.errors import NotABook, ReadOnlyBook
from storage.walk_forward import JobResult, JobTrade, UnfinishedRun
from tests.storage.samples import HOUR_MS, NOW_MS

CLOSED = BacktestTrade(
    "BTCUSDT", "1h", Direction.SHORT, "breaker", NOW_MS, NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS, -1.04, Outcome.LOSS,
    63.5, {"rsi": 0.1 + 0.2}, 1,
)  # fmt: skip
UNFILLED = BacktestTrade("BTCUSDT", "1h", Direction.LONG, "sweep", NOW_MS, None, None, None, None, 71.0, {}, 1)
RESULT = JobResult(
    720, {"setup.levels": 3}, (7,),
    (JobTrade(CLOSED, "a:1", 0.07, None, True), JobTrade(UNFILLED, "a:2", 0.1, "rr", False)),
)  # fmt: skip
EMPTY = JobResult(720, {}, (), ())


def test_results_are_read_by_the_next_run_as_they_were_put(tmp_path: Path):
    path = tmp_path / "run"
    with UnfinishedRun.open(path, NOW_MS) as run:
        assert (run.done(), run.began_ms) == ({}, NOW_MS)
        run.put(3, RESULT)
        run.put(0, EMPTY)

    with UnfinishedRun.open(path, NOW_MS + HOUR_MS) as run:
        assert (run.done(), run.began_ms) == ({0: EMPTY, 3: RESULT}, NOW_MS)


def test_a_result_that_is_kept_stands(tmp_path: Path):
    with UnfinishedRun.open(tmp_path / "run", NOW_MS) as run:
        run.put(3, RESULT)
        run.put(3, EMPTY)

        assert run.done() == {3: RESULT}


def test_a_missing_feature_stays_missing(tmp_path: Path):
    trade = JobTrade(BacktestTrade(
        "BTCUSDT", "1h", Direction.LONG, "sweep", NOW_MS, None, None, None, None, 71.0, {"adx": math.nan}, 1
    ), "a:2", 0.1, None, False)  # fmt: skip
    with UnfinishedRun.open(tmp_path / "run", NOW_MS) as run:
        run.put(0, JobResult(1, {}, (), (trade,)))
        [again] = run.done()[0].trades

    assert math.isnan(again.trade.features["adx"])


def test_a_run_that_is_whole_leaves_nothing(tmp_path: Path):
    with UnfinishedRun.open(tmp_path / "run", NOW_MS) as run:
        run.put(0, EMPTY)
        run.discard()

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_and_a_file_of_another_kind_are_told_in_a_sentence(tmp_path: Path):
    other = tmp_path / "other"
    other.write_text("no database at all, but some text of more than a hundred bytes " * 4)
    with pytest.raises(ReadOnlyBook, match="cannot be written"), UnfinishedRun.open(tmp_path / "no" / "run", NOW_MS):
        pass
    with pytest.raises(NotABook), UnfinishedRun.open(other, NOW_MS):
        pass
