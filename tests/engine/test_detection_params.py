"""Detection parameters are those of the published cases, and a wrong one is refused with a hint."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from engine.detection_params import DetectionParams

CASES = Path(__file__).parent / "cases.json"


def test_the_defaults_are_those_of_the_cases():
    published = json.loads(CASES.read_text())["default_params"]

    assert asdict(DetectionParams.from_mapping(published)) == asdict(DetectionParams())
    assert published.items() <= asdict(DetectionParams()).items()


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"swing_lft": 3}, "did you mean swing_left"),
        ({"colour": 3}, "colour is not a detection parameter$"),
        ({"swing_left": 0}, "swing_left is at least 1"),
        ({"swing_left": True}, "swing_left is of type int"),
        ({"swing_left": 2.5}, "swing_left is of type int"),
        ({"eq_tol": "wide"}, "eq_tol is of type float"),
        ({"eq_tol": -0.1}, "eq_tol is finite and not negative"),
        ({"eq_tol": float("nan")}, "eq_tol is finite and not negative"),
        ({"break_on": "body"}, "break_on is one of close, wick"),
        ({"break_on": ["close"]}, "break_on is one of close, wick"),
        ({"day_roll": "25:00"}, "day_roll is a clock time"),
        ({"tz": "Mars/Olympus"}, "tz is a zone such as"),
        ({"tz": "../etc"}, "tz is a zone such as"),
    ],
)
def test_what_makes_no_sense_is_refused(mapping: dict[str, object], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        DetectionParams.from_mapping(mapping)


def test_a_whole_number_is_a_price_too():
    assert DetectionParams.from_mapping({"disp_k": 2}).disp_k == 2
