"""The hand-checked cases pass, and the checker itself can fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.compiled import COMPILED
from engine.conformance import run_cases
from engine.runner import INTERPRETED, Kernel

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "cases.json").read_text())
[GAP] = [case for case in DOCUMENT["cases"] if case["name"] == "fvg_bullish"]
[BAD] = [case for case in DOCUMENT["cases"] if case["error"]]


def outcome(*cases: dict[str, Any]) -> list[str]:
    result = run_cases({**DOCUMENT, "cases": list(cases)})
    assert result.passed + result.failed == len(cases)
    return [failure.why for failure in result.failures]


@pytest.mark.parametrize("kernel", [INTERPRETED, COMPILED], ids=["interpreted", "compiled"])
def test_every_case_passes(kernel: Kernel):
    result = run_cases(DOCUMENT, kernel)

    assert result.failures == ()
    assert result.passed == len(DOCUMENT["cases"]) == 63


def test_an_event_that_is_missing_fails():
    expected = {**GAP["expect"][0], "top": 11.1}

    assert outcome({**GAP, "expect": [expected]}) == [f"misses {expected}"]


def test_an_event_too_many_fails():
    [why] = outcome({**GAP, "expect": []})

    assert "too many" in why


def test_an_event_known_at_another_bar_fails():
    [why] = outcome({**GAP, "expect": [{**GAP["expect"][0], "known_at": 1}]})

    assert why.startswith("misses")


def test_bad_candles_that_should_be_refused_must_be():
    [why] = outcome({**GAP, "error": "nan price at 1"})

    assert why == "raised nothing, expected: nan price at 1"


def test_bad_candles_that_should_not_be_there_fail():
    [why] = outcome({**BAD, "error": None})

    assert "InputError" in why


def test_a_case_that_cannot_be_read_is_a_failure_with_a_reason():
    assert len(outcome({"name": "empty"}, {**GAP, "params": {"swing_lft": 1}}, {**GAP, "times": ["noon"]})) == 3


def test_a_file_without_cases_is_refused():
    with pytest.raises(ValueError, match="no list of cases"):
        run_cases({"cases": 3})
