"""Priors: few live trades lean on the backtests, many stand alone, and where nothing is known nothing is invented."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.scores import ClosedTrade, Dim, Score
from engine.vocabulary import Direction, Outcome
from ml.priors import PRIOR_TRADES, priors_of, shrunk

WON = ClosedTrade(
    "BTCUSDT", "1h", Direction.LONG, "sweep", None, None, 1_760_000_400_000, 1_760_010_000_000, Outcome.WIN, 2.0, 2.0
)
LOST = replace(WON, outcome=Outcome.LOSS, pnl=-1.0, r_multiple=-1.0)


def score(wins: int, n: int, sum_r: float) -> Score:
    return Score(Dim.COIN, "BTCUSDT", n=n, wins=wins, losses=n - wins, sum_r=sum_r)


def test_the_formula_is_the_one_that_is_stated():
    told = shrunk(score(1, 4, -1.0), score(120, 200, 60.0))

    assert told.prior_trades == PRIOR_TRADES == 20
    assert told.win_ratio == pytest.approx((1 + 20 * 0.6) / (4 + 20))
    assert told.expectancy_r == pytest.approx((-1.0 + 20 * 0.3) / (4 + 20))


def test_a_backtest_of_few_trades_counts_for_no_more_than_it_has():
    told = shrunk(score(1, 4, -1.0), score(3, 3, 6.0))

    assert told.prior_trades == 3
    assert told.win_ratio == pytest.approx((1 + 3) / (4 + 3))


def test_without_a_backtest_the_score_stands_alone():
    told = shrunk(score(1, 4, -1.0), None)

    assert (told.win_ratio, told.expectancy_r, told.prior_trades) == (0.25, -0.25, 0)
    assert shrunk(score(1, 4, -1.0), Score(Dim.COIN, "BTCUSDT")) == told


def test_without_any_trade_there_is_no_number():
    told = shrunk(score(0, 0, 0.0), None)

    assert math.isnan(told.win_ratio)
    assert math.isnan(told.expectancy_r)


@given(n=st.integers(1, 10_000), data=st.data(), prior_n=st.integers(1, 10_000))
def test_the_shrunk_rate_lies_between_what_was_lived_and_what_was_tested(n: int, data: st.DataObject, prior_n: int):
    live = score(data.draw(st.integers(0, n)), n, 0.0)
    prior = score(data.draw(st.integers(0, prior_n)), prior_n, 0.0)
    told = shrunk(live, prior)
    low, high = sorted((live.win_ratio, prior.win_ratio))

    assert low - 1e-12 <= told.win_ratio <= high + 1e-12
    assert abs(told.win_ratio - live.win_ratio) <= PRIOR_TRADES / (n + PRIOR_TRADES) + 1e-12


def test_backtest_trades_are_counted_under_every_key_they_tell_of():
    priors = priors_of([WON, LOST, replace(WON, symbol="ETHUSDT")])

    btc = priors[Dim.COIN, "BTCUSDT"]
    assert (btc.n, btc.wins, btc.sum_r) == (2, 1, 1.0)
    assert priors[Dim.SETUP, "sweep"].n == priors[Dim.DIRECTION, "LONG"].n == 3
    assert {dim for dim, _ in priors} == set(Dim) - {Dim.SESSION, Dim.REGIME}
