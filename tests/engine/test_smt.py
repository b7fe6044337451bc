"""Divergence of two correlated series: one takes its high, the other fails to."""

import pytest

from engine.candles import Candles, InputError
from engine.detect import detect, events
from engine.detection_params import DetectionParams
from engine.timeframes import Timeframe
from tests.drawing import START_MS, drawn

PARAMS = DetectionParams()
TWO_TOPS = [9, 10, 12, 10, 9, 9, 10, None, 10, 9]


def tops(second: float, timeframe: Timeframe = Timeframe.M15) -> Candles:
    """Two swing highs, the first at 12."""
    highs = [second if high is None else float(high) for high in TWO_TOPS]
    return drawn([(high - 0.5, high, 5.0 + 0.01 * bar, high - 0.5) for bar, high in enumerate(highs)], timeframe)


def divergences(ours: Candles, theirs: Candles) -> list[dict[str, object]]:
    return [event for event in events(ours, detect(ours, PARAMS, theirs)) if event["kind"] == "smt"]


def test_a_higher_high_against_a_lower_one():
    expected = {"kind": "smt", "known_at": 9, "dir": -1, "refs_a": [2, 7], "refs_b": [2, 7]}

    assert divergences(tops(13), tops(11)) == [{**expected, "swept": "A"}]
    assert divergences(tops(11), tops(13)) == [{**expected, "swept": "B"}]


@pytest.mark.parametrize(("ours", "theirs"), [(13, 13), (11, 11), (12, 13), (13, 12)])
def test_agreement_and_equal_highs_are_no_divergence(ours: float, theirs: float):
    assert divergences(tops(ours), tops(theirs)) == []


def test_series_are_joined_on_time():
    theirs = tops(11)
    shifted = Candles.checked(
        "B",
        theirs.timeframe,
        [START_MS - 2 * theirs.timeframe.ms, START_MS - theirs.timeframe.ms, *theirs.open_ms.tolist()],
        *([column[0], column[0], *column] for column in (theirs.open, theirs.high, theirs.low, theirs.close)),
        [1.0] * (len(theirs) + 2),
    )

    assert divergences(tops(13), shifted)[0]["refs_b"] == [4, 9]


def test_a_swing_of_the_other_that_is_known_later_is_waited_for():
    theirs = tops(11)
    late = Candles.checked(
        "B",
        theirs.timeframe,
        [*theirs.open_ms.tolist()[:-1], START_MS + 20 * theirs.timeframe.ms],
        *(theirs.open, theirs.high, theirs.low, theirs.close, theirs.volume),
    )

    assert divergences(tops(13), late) == []


def test_two_timeframes_cannot_diverge():
    with pytest.raises(InputError, match="1h"):
        divergences(tops(13), tops(11, Timeframe.H1))
