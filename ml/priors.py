"""Priors: what backtests promised of a coin, setup, hour ..., and the score of a few live trades drawn towards it.

A rate over few trades says little. It is shrunk towards the backtests of the same parameters as if these had added `k`
live trades at their own mean: (live sum + k * prior mean) / (live n + k), for the win rate the posterior mean of a
beta-binomial, for the expectancy in R that of a normal of known variance (Gelman et al., Bayesian Data Analysis, 2.4-2.5).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.scores import ClosedTrade, Dim, Score, keys_of

PRIOR_TRADES = 20
"""k: how many live trades the backtests count for at most; never more than they have trades themselves."""
UNTOLD_DIMS = frozenset({Dim.SESSION, Dim.REGIME})
"""What kept backtest trades do not tell: here a score stands alone."""

Priors = Mapping[tuple[Dim, str], Score]
"""The closed backtest trades by what they are grouped by; amounts are R."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A score drawn towards its prior; `prior_trades` is k, 0 where no backtest knows the key, and NaN means nothing known."""

    win_ratio: float
    expectancy_r: float
    prior_trades: int


def priors_of(trades: Iterable[ClosedTrade]) -> Priors:
    """What `trades` of backtests came to under each of their keys."""
    priors: dict[tuple[Dim, str], Score] = {}
    for trade in trades:
        for dim, key in keys_of(trade):
            if dim not in UNTOLD_DIMS:
                priors[dim, key] = priors.get((dim, key), Score(dim, key)).after(trade)
    return priors


def shrunk(live: Score, prior: Score | None) -> Shrunk:
    """The win ratio and expectancy of `live` as if up to `PRIOR_TRADES` trades of `prior` had come before."""
    k = 0 if prior is None else min(PRIOR_TRADES, prior.n)
    n = live.n + k
    if prior is None or not k:
        return Shrunk(live.win_ratio, live.sum_r / live.n if live.n else math.nan, 0)
    return Shrunk(
        win_ratio=(live.wins + k * prior.win_ratio) / n,
        expectancy_r=(live.sum_r + k * prior.sum_r / prior.n) / n,
        prior_trades=k,
    )
