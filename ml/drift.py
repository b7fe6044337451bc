"""Drift: how far the features of late differ from those a model learned from.

PSI, the population stability index: the sum over ten bins of (share now - share then) x ln(share now / share then); by the
usual reading below 0.1 is stable, from 0.25 on another population (Siddiqi, Credit Risk Scorecards, 2006). Missing values
are a bin of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
DRIFTED_FROM = 0.25
LEAST_ROWS = 50
LEAST_SHARE = 1e-4
EXPLAINED_BY_CHANCE = (10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877, 29.588)
"""What chi-squared of 1, 2, ... 10 degrees of freedom exceeds once in a thousand, from the table."""

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reference:
    """How one feature was spread in training: inner bin edges, share of each bin and of missing last, least and most."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature of late: its PSI beyond what chance explains, and the share of values outside what training ever saw."""

    name: str
    psi: float
    out_of_range_ratio: float


def reference_of(column: Column) -> Reference:
    """The spread of a training column; NaN = missing."""
    known = column[np.isfinite(column)]
    if not known.size:
        return Reference((), (0.0, 1.0), float("inf"), float("-inf"))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return Reference(
        tuple(edges.tolist()), tuple(_shares(column, edges).tolist()), float(known.min()), float(known.max())
    )


def references_of(x: Column, names: Sequence[str]) -> dict[str, Reference]:
    """The spread of every column of a training set, (rows, features)."""
    return {name: reference_of(x[:, at]) for at, name in enumerate(names)}


def drift(x: Column, names: Sequence[str], references: Mapping[str, Reference]) -> tuple[FeatureDrift, ...]:
    """Every feature of late against its reference, the most drifted first; empty below LEAST_ROWS rows, which tell nothing."""
    if len(x) < LEAST_ROWS:
        return ()
    found = [_drift(name, x[:, at], references[name], len(x)) for at, name in enumerate(names)]
    return tuple(sorted(found, key=lambda one: -one.psi))


def _drift(name: str, column: Column, reference: Reference, rows: int) -> FeatureDrift:
    then = np.maximum(np.array(reference.shares), LEAST_SHARE)
    # half a row more in each bin: an empty one among few rows is no proof of anything
    now = (_shares(column, np.array(reference.edges)) * rows + 0.5) / (rows + 0.5 * then.size)
    # rows x PSI is about chi-squared while nothing has changed: what chance explains but once in a thousand is not drift
    chance = EXPLAINED_BY_CHANCE[then.size - 2] / rows
    psi = max(0.0, float(((now - then) * np.log(now / then)).sum()) - chance)
    known = column[np.isfinite(column)]
    outside = (known < reference.least) | (known > reference.most)
    return FeatureDrift(name, psi, float(outside.mean()) if known.size else 0.0)


def _shares(column: Column, edges: Column) -> Column:
    """The share of rows in each bin, and of the missing ones last."""
    known = column[np.isfinite(column)]
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=edges.size + 1)
    return np.append(counts, column.size - known.size) / max(column.size, 1)
