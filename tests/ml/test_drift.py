"""Drift: the same market is quiet, another one rings."""

import numpy as np
from scipy.special import chdtri

from ml.drift import BINS, DRIFTED_FROM, EXPLAINED_BY_CHANCE, drift, references_of

NAMES = ("a", "b")


def sample(rows: int, seed: int, shift: float = 0.0, missing: float = 0.1) -> np.ndarray:
    dice = np.random.default_rng(seed)
    x = dice.normal(size=(rows, 2))
    x[:, 0] += shift
    x[dice.random(rows) < missing, 1] = np.nan
    return x


REFERENCES = references_of(sample(2000, 1), NAMES)


def test_the_same_market_has_not_drifted():
    for rows in (50, 200, 2000):
        assert all(one.psi < DRIFTED_FROM for one in drift(sample(rows, 2), NAMES, REFERENCES))


def test_a_shifted_feature_is_named_first_and_its_strangers_counted():
    first, second = drift(sample(300, 3, shift=4.0), NAMES, REFERENCES)

    assert (first.name, first.psi > DRIFTED_FROM) == ("a", True)
    assert first.out_of_range_ratio > 0.5
    assert (second.name, second.psi < DRIFTED_FROM) == ("b", True)


def test_a_feature_that_goes_missing_has_drifted():
    first, _ = drift(sample(300, 4, missing=0.8), NAMES, REFERENCES)

    assert (first.name, first.psi > DRIFTED_FROM) == ("b", True)


def test_a_feature_nobody_ever_saw_is_stable_while_it_stays_away():
    nothing = np.full((300, 2), np.nan)
    assert all(one.psi == 0.0 for one in drift(nothing, NAMES, references_of(nothing, NAMES)))


def test_a_handful_of_rows_tells_nothing():
    assert drift(sample(49, 5, shift=4.0), NAMES, REFERENCES) == ()


def test_what_chance_explains_is_the_thousandth_quantile_of_chi_squared():
    assert [round(float(chdtri(degrees, 1e-3)), 3) for degrees in range(1, BINS + 1)] == list(EXPLAINED_BY_CHANCE)
