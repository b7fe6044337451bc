"""What a list of results in R says, and how sure one may be of it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.timeframes import DAY_MS

RESAMPLES = 2_000
LEVEL = 0.95
WILSON_Z = 1.959963984540054
WIN_FROM_R = 0.1


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with the bounds of its 95 % interval; NaN where there is nothing to estimate from."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Performance:
    """Results of closed trades in R, net of costs; drawdown is the deepest fall of the running sum."""

    n: int
    wins: int
    losses: int
    breakeven: int
    expectancy_r: Interval
    win_rate: Interval
    profit_factor: float
    total_r: float
    max_drawdown_r: float
    mean_cost_r: float


def performance(
    r_multiples: NDArray[np.float64], closed_ms: NDArray[np.int64], cost_r: NDArray[np.float64], seed: int = 0
) -> Performance:
    """The performance of trades given by result, close and cost; columns of one length, any order."""
    order = np.argsort(closed_ms, kind="stable")
    r = r_multiples[order]
    gained, lost = float(r[r > 0].sum()), float(-r[r < 0].sum())
    wins, losses = int((r >= WIN_FROM_R).sum()), int((r <= -WIN_FROM_R).sum())
    return Performance(
        n=int(r.size),
        wins=wins,
        losses=losses,
        breakeven=int(r.size) - wins - losses,
        expectancy_r=expectancy(r, closed_ms[order], seed),
        win_rate=wilson(wins, int(r.size)),
        profit_factor=gained / lost if lost else math.inf if gained else math.nan,
        total_r=float(r.sum()),
        max_drawdown_r=_max_drawdown(r),
        mean_cost_r=float(cost_r.mean()) if cost_r.size else math.nan,
    )


def expectancy(r_multiples: NDArray[np.float64], closed_ms: NDArray[np.int64], seed: int = 0) -> Interval:
    """Mean R with a block-bootstrap interval: whole days are drawn, because trades of a day share the market."""
    if not r_multiples.size:
        return Interval(math.nan, math.nan, math.nan)
    _, day = np.unique(closed_ms // DAY_MS, return_inverse=True)
    sums, counts = np.bincount(day, weights=r_multiples), np.bincount(day)
    drawn = np.random.default_rng(seed).integers(0, sums.size, (RESAMPLES, sums.size))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(r_multiples.mean()), float(low), float(high))


def wilson(hits: int, n: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927)."""
    if not n:
        return Interval(math.nan, math.nan, math.nan)
    share, z2 = hits / n, WILSON_Z**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = WILSON_Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(share, centre - half, centre + half)


def _max_drawdown(r: NDArray[np.float64]) -> float:
    if not r.size:
        return 0.0
    equity = np.concatenate(([0.0], np.cumsum(r)))
    return float((np.maximum.accumulate(equity) - equity).max())
