"""The data set of a training: features, labels and the time each label was open, and the folds it is judged on.

Labels overlap in time: a trade decided before a test block may close inside it and tell of it. Folds therefore walk
forward, and the rows whose label was still open when a test block began, or closed within the embargo before it, are left
out of its training (purging and embargo, Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 7).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.timeframes import DAY_MS

LEAST_ROWS = 50
LEAST_OF_A_CLASS = 10
FOLDS = 5
EMBARGO_MS = DAY_MS


class TrainingRefused(ValueError):
    """A training that would give no model worth the name; the message is one sentence for a person."""


class Labelled(Protocol):
    """A decision with its features and what became of it, as the book gives it."""

    @property
    def symbol(self) -> str: ...
    @property
    def timeframe(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def setup(self) -> str: ...
    @property
    def decided_ms(self) -> int: ...
    @property
    def closed_ms(self) -> int: ...
    @property
    def r_multiple(self) -> float: ...
    @property
    def is_win(self) -> bool: ...
    @property
    def confidence(self) -> float: ...
    @property
    def features(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows in the order they were decided. x: (rows, features), NaN = missing; the others are columns of one length.

    `r` is the net result in R, `confidence` the base score 0..100; `weight` is what a row counts.
    """

    names: tuple[str, ...]
    x: NDArray[np.float64]
    won: NDArray[np.bool_]
    r: NDArray[np.float64]
    confidence: NDArray[np.float64]
    decided_ms: NDArray[np.int64]
    closed_ms: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.won.size)

    @property
    def base_rate(self) -> float:
        """The weighted share of wins, 0..1."""
        return float(np.average(self.won, weights=self.weight))

    @property
    def sample_weight(self) -> NDArray[np.float64] | None:
        """The weights, or None where all rows count the same: estimators are faster without any."""
        return None if np.ptp(self.weight) == 0 else self.weight

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Some of the rows, by mask or by position."""
        return type(self)(
            self.names,
            self.x[rows],
            self.won[rows],
            self.r[rows],
            self.confidence[rows],
            self.decided_ms[rows],
            self.closed_ms[rows],
            self.weight[rows],
        )


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions of the rows to learn from and of those to judge on, which all come later."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def dataset_of(rows: Sequence[Labelled], names: Sequence[str], weights: Sequence[float] | None = None) -> Dataset:
    """The rows as arrays, oldest decision first; features that a row does not name are missing."""
    order = sorted(range(len(rows)), key=lambda at: (rows[at].decided_ms, rows[at].symbol, rows[at].timeframe))
    ordered = [rows[at] for at in order]
    x = np.array([[row.features.get(name, np.nan) for name in names] for row in ordered], dtype=np.float64)
    return Dataset(
        names=tuple(names),
        x=x.reshape(len(rows), len(names)),
        won=np.array([row.is_win for row in ordered], dtype=np.bool_),
        r=np.array([row.r_multiple for row in ordered], dtype=np.float64),
        confidence=np.array([row.confidence for row in ordered], dtype=np.float64),
        decided_ms=np.array([row.decided_ms for row in ordered], dtype=np.int64),
        closed_ms=np.array([row.closed_ms for row in ordered], dtype=np.int64),
        weight=np.ones(len(rows)) if weights is None else np.array([weights[at] for at in order], dtype=np.float64),
    )


def refuse_unusable(rows: Sequence[Labelled], names: Sequence[str], now_ms: int) -> None:
    """TrainingRefused with the first reason why no honest model can come of these rows."""
    wins = sum(row.is_win for row in rows)
    if len(rows) < LEAST_ROWS:
        raise TrainingRefused(f"Training needs {LEAST_ROWS} labelled trades, has {len(rows)}.")
    for word, count in (("won", wins), ("lost", len(rows) - wins)):
        if count < LEAST_OF_A_CLASS:
            raise TrainingRefused(f"Training needs {LEAST_OF_A_CLASS} trades that {word}, has {count}.")
    twins = len(rows) - len({(row.symbol, row.timeframe, row.direction, row.setup, row.decided_ms) for row in rows})
    if twins:
        raise TrainingRefused(f"{twins} rows are there twice; a decision may count only once.")
    backwards = sum(row.closed_ms < row.decided_ms for row in rows)
    if backwards:
        raise TrainingRefused(f"{backwards} labels were known before their decision.")
    unborn = sum(row.closed_ms > now_ms for row in rows)
    if unborn:
        raise TrainingRefused(f"{unborn} labels come from the future.")
    empty = sum(not any(np.isfinite(row.features.get(name, np.nan)) for name in names) for row in rows)
    if empty:
        raise TrainingRefused(f"{empty} rows have no feature at all.")


def before(data: Dataset, ms: int, embargo_ms: int = EMBARGO_MS) -> NDArray[np.intp]:
    """The rows whose label was closed at `ms` and the embargo before it: what may be learned for a judgement from there."""
    return np.flatnonzero(data.closed_ms < ms - embargo_ms)


def walk_forward(data: Dataset, folds: int = FOLDS, embargo_ms: int = EMBARGO_MS) -> Iterator[Fold]:
    """Test blocks in the order of time, each with everything that was known before it; blocks without two classes drop."""
    if not len(data):
        return
    for block in np.array_split(np.arange(len(data)), folds + 1)[1:]:
        if not block.size:
            continue
        train = before(data, int(data.decided_ms[block[0]]), embargo_ms)
        if data.won[train].sum() >= LEAST_OF_A_CLASS and (~data.won[train]).sum() >= LEAST_OF_A_CLASS:
            yield Fold(train, block)
