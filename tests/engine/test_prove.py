"""The proof holds for the engine, in every school, and fails for whoever peeks or rewrites."""

from dataclasses import replace

import numpy as np
import pytest

from engine.candles import Candles
from engine.compiled import COMPILED
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.findings import Findings
from engine.prove import peeking, prefixes, prove
from tests.drawing import drawn, eurusd, random_walk
from tests.shared import needs_shared

DEFAULT = DetectionParams()
SCHOOLS = [
    DEFAULT,
    replace(DEFAULT, break_on="wick", ob_school="luxalgo", sweep_reclaim=3),
    replace(DEFAULT, swing_model="luxalgo_leg", ob_school="smc", ob_zone="body"),
    replace(DEFAULT, swing_left=5, swing_right=5, internal_left=2, internal_right=2, disp_n=14, eq_tol_atr=0.2),
]


PROMISED = ("windows", "late starts")
"""What is compared only where it is promised, and nothing is in the school of legs."""


@pytest.mark.parametrize("params", SCHOOLS)
@pytest.mark.parametrize("holes", [False, True])
def test_nothing_is_rewritten(params: DetectionParams, holes: bool):
    proof = prove(random_walk(7, 1300, tick=0.5, holes=holes), params, COMPILED)

    assert proof.holds
    assert [check.name for check in proof.checks if not check.compared and check.name not in PROMISED] == []
    assert proof.bars == 1300


def test_every_prefix_of_a_short_series():
    assert prove(random_walk(8, 150), DEFAULT).rewritten == 0


@needs_shared
def test_nothing_is_rewritten_on_real_bars():
    proof = prove(eurusd().window(12_000, 6_000), replace(DEFAULT, eq_tol=0.0001, sweep_reclaim=3), COMPILED)

    assert proof.holds
    assert {check.name for check in proof.checks if check.compared} == {
        *("prefixes", "noise after", "windows", "late starts", "prices times 1024", "prices times 10", "mirrored")
    }


def test_who_peeks_one_bar_ahead_is_caught():
    def detector(candles: Candles) -> Findings:
        return detect(candles, DEFAULT)

    walk = random_walk(9, 200)

    assert prefixes(walk, detector, seed=1).rewritten == 0
    assert prefixes(walk, peeking(detector), seed=1).rewritten > 0


def test_who_hides_the_newest_bar_is_caught():
    def forgetful(candles: Candles) -> Findings:
        found = detect(candles, DEFAULT)
        trend = np.where(np.arange(len(candles)) == len(candles) - 1, 0, found.bars.trend)
        return replace(found, bars=found.bars._replace(trend=trend))

    assert prefixes(random_walk(9, 200), forgetful, seed=1).rewritten > 0


def test_nothing_proves_nothing():
    assert not prove(drawn([]), DEFAULT).holds
