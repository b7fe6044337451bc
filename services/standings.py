"""How coins, setups, sessions ... stand: each live score beside what backtests of the same parameters expected of it."""

from dataclasses import dataclass

from engine.scores import Dim, Score
from ml.priors import Shrunk, priors_of, shrunk
from storage.backtests import closed_in_backtests
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Standing:
    """A score as it was lived, and drawn towards the backtests; the status follows the first alone."""

    score: Score
    shrunk: Shrunk


def standings(view: Stores, params_hash: str, dim: Dim | None = None) -> tuple[Standing, ...]:
    """Every score (of one dimension), the most traded first."""
    priors = priors_of(closed_in_backtests(view.connection, params_hash))
    return tuple(Standing(score, shrunk(score, priors.get((score.dim, score.key)))) for score in view.scores.all(dim))
