"""How good probabilities are: proper scores against the base rate, calibration, and how sure one may be of it.

Brier: mean squared error of the probability. Skill: 1 - Brier / Brier of the base rate (Brier skill score). ECE: mean gap
between what was promised and what came, over ten equally filled bins. Intervals come from a block bootstrap, because
trades that overlap in time are not independent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import Interval

BINS = 10
RESAMPLES = 1_000
CALIBRATION_RESAMPLES = 200  # each sorts all predictions anew
LEVEL = 0.95
LEAST_PROBABILITY = 1e-6

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decile:
    """The trades of one tenth of the predictions: mean probability, share that won, mean result in R."""

    n: int
    mean_p: float
    win_ratio: float
    expectancy_r: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What predictions on later data were worth; `skill` is against the base rate known before them."""

    n: int
    brier: float
    log_loss: float
    skill: Interval
    ece: Interval
    deciles: tuple[Decile, ...]


def judged(p: Column, won: NDArray[np.bool_], r: Column, base_rate: float, seed: int) -> Judgement:
    """The judgement of probabilities of winning against what happened, in the order of time."""
    base = np.full(p.size, base_rate)
    losses, base_losses = squared(p, won), squared(base, won)
    skills = 1 - resampled_means(losses, seed) / resampled_means(base_losses, seed)
    drawn = islice(resampled_blocks(p.size, seed), CALIBRATION_RESAMPLES)
    errors = np.array([calibration_error(p[block], won[block]) for block in drawn])
    skill = 1 - float(losses.mean()) / float(base_losses.mean())
    return Judgement(
        n=int(p.size),
        brier=float(losses.mean()),
        log_loss=log_loss(p, won),
        skill=_interval(skill, skills),
        ece=_interval(calibration_error(p, won), errors),
        deciles=_deciles(p, won, r),
    )


def better_by(p: Column, than: Column, won: NDArray[np.bool_], seed: int) -> Interval:
    """By how much the Brier score of `p` is lower than that of `than` on the same trades; above 0 = better."""
    gains = squared(than, won) - squared(p, won)
    return _interval(float(gains.mean()), resampled_means(gains, seed))


def squared(p: Column, won: NDArray[np.bool_]) -> Column:
    return (p - won) ** 2


def log_loss(p: Column, won: NDArray[np.bool_]) -> float:
    """Mean negative log-likelihood, natural logarithm."""
    held = np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return float(-np.where(won, np.log(held), np.log(1 - held)).mean())


def calibration_error(p: Column, won: NDArray[np.bool_]) -> float:
    """Expected calibration error over equally filled bins, weighted by their size."""
    bins = _bins(p)
    return float(sum(abs(p[rows].mean() - won[rows].mean()) * rows.size for rows in bins) / p.size)


def resampled_means(values: Column, seed: int) -> Column:
    """The mean of each of RESAMPLES resampled series; the same seed draws the same rows of any column."""
    return np.array([values[block].mean() for block in resampled_blocks(values.size, seed)])


def resampled_blocks(n: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """RESAMPLES times n positions, drawn in circular blocks of about the cube root of n (Politis and Romano 1992)."""
    dice = np.random.default_rng(seed)
    length = max(1, round(n ** (1 / 3)))
    steps = np.arange(length)
    for _ in range(RESAMPLES):
        starts = dice.integers(0, n, -(-n // length))
        yield ((starts[:, None] + steps) % n).ravel()[:n]


def _deciles(p: Column, won: NDArray[np.bool_], r: Column) -> tuple[Decile, ...]:
    return tuple(
        Decile(int(rows.size), float(p[rows].mean()), float(won[rows].mean()), float(r[rows].mean())) for rows in _bins(p)
    )


def _bins(p: Column) -> list[NDArray[np.intp]]:
    """Positions by probability in equally filled bins, the lowest first."""
    return [rows for rows in np.array_split(np.argsort(p, kind="stable"), BINS) if rows.size]


def _interval(value: float, resampled: Column) -> Interval:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Interval(value, float(low), float(high))
