"""The kernel: compiled as interpreted, windows as the whole, and the columns linked as they promise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candles import Candles
from engine.compiled import COMPILED
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.findings import NONE, Findings, Kind
from engine.kernel import window_is_equal
from engine.prove import late_starts, windows
from engine.runner import EVENTS_AT_LEAST, EVENTS_PER_BAR, price_findings
from engine.timeframes import Timeframe
from tests.drawing import START_MS, drawn, eurusd, random_walk
from tests.shared import needs_shared

DEFAULT = DetectionParams()
LIVE = replace(DEFAULT, swing_left=5, swing_right=5, internal_left=2, internal_right=2, disp_n=14)

params_of_any_school = st.builds(
    DetectionParams,
    swing_left=st.integers(1, 5),
    swing_right=st.integers(1, 5),
    internal_left=st.integers(1, 3),
    internal_right=st.integers(1, 3),
    break_on=st.sampled_from(["close", "wick"]),
    disp_n=st.integers(1, 14),
    disp_k=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    fvg_min_gap=st.sampled_from([0.0, 0.5]),
    fvg_color_filter=st.booleans(),
    ob_school=st.sampled_from(["last_opposite", "luxalgo", "smc"]),
    ob_zone=st.sampled_from(["range", "body"]),
    eq_tol=st.sampled_from([0.0, 0.5, 2.0]),
    eq_tol_atr=st.sampled_from([0.0, 0.3]),
    sweep_reclaim=st.integers(0, 5),
    swing_model=st.sampled_from(["fractal", "luxalgo_leg"]),
    swing_size=st.integers(1, 4),
)


def bits(found: Findings) -> list[bytes]:
    """Every column as it lies in memory."""
    events = (found.kind, found.known_at, found.index, found.ref, found.direction, found.upper, found.lower)
    return [column.tobytes() for column in (*events, found.origin, *found.bars)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 200), params_of_any_school)
def test_compiled_and_interpreted_give_the_same_bits(seed: int, bars: int, params: DetectionParams):
    walk = random_walk(seed, bars) if bars else drawn([])

    assert bits(price_findings(walk, params, COMPILED)) == bits(price_findings(walk, params))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 399), params_of_any_school)
def test_both_forms_tell_the_same_since_a_bar_and_nothing_before_it(seed: int, since: int, params: DetectionParams):
    walk = random_walk(seed, 400)
    found = price_findings(walk, params, COMPILED, since=since)

    assert bits(found) == bits(price_findings(walk, params, since=since))
    assert found.known_at.min(initial=since) >= since


@needs_shared
def test_compiled_and_interpreted_give_the_same_bits_on_real_bars():
    assert bits(price_findings(eurusd(), LIVE, COMPILED)) == bits(price_findings(eurusd(), LIVE))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), params_of_any_school)
def test_a_window_that_is_called_equal_is(seed: int, params: DetectionParams):
    walk = random_walk(seed, 1500)

    def detector(candles: Candles) -> Findings:
        return detect(candles, params, kernel=COMPILED)

    assert windows(walk, detector(walk), detector, params.swing_left, seed).rewritten == 0


@pytest.mark.parametrize("since", [3, 40, 41, 150, 299])
def test_what_a_bar_and_its_neighbours_tell_is_told_from_the_first_bar_on(since: int):
    walk = random_walk(5, 300)
    late, whole = (price_findings(walk, LIVE, COMPILED, since=first) for first in (since, 0))

    def of_neighbours(found: Findings) -> list[tuple[int, ...]]:
        kinds = (Kind.SWING, Kind.ISWING, Kind.DISPLACEMENT, Kind.FVG)
        at = np.flatnonzero(np.isin(found.kind, kinds) & (found.known_at >= since))
        return list(zip(*(column[at].tolist() for column in (found.kind, found.known_at, found.direction)), strict=True))

    assert of_neighbours(late) == of_neighbours(whole)
    assert late.bars.true_range[since:].tolist() == whole.bars.true_range[since:].tolist()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), params_of_any_school)
def test_a_run_that_begins_late_and_is_called_equal_is(seed: int, params: DetectionParams):
    assert late_starts(random_walk(seed, 1500), params, COMPILED, seed).rewritten == 0


@pytest.mark.parametrize("params", [DEFAULT, LIVE])
def test_most_windows_are_called_equal_after_some_bars(params: DetectionParams):
    found = price_findings(random_walk(1, 5000), params, COMPILED)
    equal = [window_is_equal(found, start, start + 200) for start in range(4500)]

    assert sum(equal) > 0.95 * len(equal)
    assert window_is_equal(found, 0, 0)
    assert not window_is_equal(found, 100, 100)


def test_leaving_the_extras_out_leaves_the_rest_as_it_is():
    walk = random_walk(4, 800)
    full, plain = price_findings(walk, DEFAULT), price_findings(walk, DEFAULT, extras=False)
    extras = (Kind.BREAKER, Kind.MITIGATION_BLOCK, Kind.REJECTION_BLOCK, Kind.PROJECTION, Kind.INDUCEMENT)
    kept = ~np.isin(full.kind, (*extras, Kind.INDUCEMENT_TAKEN, Kind.TURTLE_SOUP))

    assert full.kind[kept].tolist() == plain.kind.tolist()
    assert full.upper[kept].tolist() == plain.upper.tolist()


def test_a_chart_with_more_events_than_expected_gets_more_room():
    reach = [10.0 * bar if bar % 2 else 1.0 for bar in range(3000)]  # every other bar takes both sides and breaks both
    rows = [(50_000.0, 50_000.0 + up, 50_000.0 - up, 50_000.0 + up / 2) for up in reach]
    params = DetectionParams(swing_left=1, swing_right=1, break_on="wick")
    candles = drawn(rows)

    found = price_findings(candles, params)

    assert len(found) > EVENTS_PER_BAR * len(candles) + EVENTS_AT_LEAST


ABOUT = {
    Kind.FVG_TOUCH: (Kind.FVG,),
    Kind.FVG_CE: (Kind.FVG,),
    Kind.FVG_FILL: (Kind.FVG,),
    Kind.IFVG: (Kind.FVG,),
    Kind.OB: (Kind.BOS, Kind.CHOCH),
    Kind.OB_TOUCH: (Kind.OB,),
    Kind.OB_BREAK: (Kind.OB,),
    Kind.BOS: (Kind.SWING,),
    Kind.CHOCH: (Kind.SWING,),
    Kind.MSS: (Kind.CHOCH,),
    Kind.SWEEP: (Kind.SWING,),
    Kind.RUN: (Kind.SWING,),
    Kind.EQ: (Kind.SWING,),
    Kind.REJECTION_BLOCK: (Kind.SWING,),
    Kind.TURTLE_SOUP: (Kind.RUN,),
    Kind.BREAKER: (Kind.BOS, Kind.CHOCH),
    Kind.MITIGATION_BLOCK: (Kind.BOS, Kind.CHOCH),
    Kind.INDUCEMENT: (Kind.BOS, Kind.CHOCH),
    Kind.INDUCEMENT_TAKEN: (Kind.INDUCEMENT,),
    Kind.PROJECTION: (Kind.SWEEP, Kind.RUN),
}


def test_every_finding_points_at_what_it_is_about():
    walk = random_walk(5, 3000)
    found = detect(walk, replace(DEFAULT, break_on="wick", sweep_reclaim=3, disp_k=1.0))
    for position in range(len(found)):
        finding = found.finding(position, walk)
        if finding.kind not in ABOUT:
            assert finding.origin == NONE
            continue
        origin = found.finding(finding.origin, walk)
        assert origin.kind in ABOUT[finding.kind]
        assert origin.known_at <= finding.known_at
        if finding.kind not in (Kind.OB, Kind.MSS, Kind.BREAKER, Kind.MITIGATION_BLOCK, Kind.REJECTION_BLOCK):
            assert finding.ref in (origin.index, origin.ref, NONE) or finding.kind in (Kind.EQ, Kind.PROJECTION)
    assert set(ABOUT) <= set(found.kind.tolist())


def test_a_newer_block_may_lie_behind_an_older_one():
    rows = [
        *((9.5, 10, 9, 9.8), (9.8, 12, 9.6, 11), (11, 11.5, 10.2, 10.4)),  # a swing high at 12
        (12.1, 12.8, 11.5, 11.9),  # swept by a wick: the block of the next bar's break
        (12.6, 12.7, 12.3, 12.4),  # breaks 12 with a down close: the block of the break of 12.8 that follows
        *((13, 13.5, 12.9, 13.4), (13.4, 13.4, 12.75, 13), (13, 13.1, 12.6, 12.9)),
    ]
    found = price_findings(drawn(rows), DetectionParams(swing_left=1, swing_right=1))
    touches = found.kind == Kind.OB_TOUCH

    assert list(zip(found.known_at[touches].tolist(), found.ref[touches].tolist(), strict=True)) == [(6, 3), (7, 4)]


def test_findings_are_found_by_bar():
    walk = random_walk(6, 300)
    found = detect(walk, DEFAULT)

    assert found.between(0, 299) == slice(0, len(found))
    assert set(found.known_at[found.between(120, 120)].tolist()) == {120}
    assert np.all(np.diff(found.known_at) >= 0)


def test_a_gap_is_known_only_when_the_third_candle_has_closed():
    candles = drawn([(10, 10.5, 9.8, 10.4), (10.4, 12, 10.3, 11.9), (11.9, 12.5, 11, 12.3)], Timeframe.H1)
    found = price_findings(candles, DEFAULT)
    [gap] = [found.finding(position, candles) for position in range(len(found)) if found.kind[position] == Kind.FVG]

    assert (gap.upper, gap.lower) == (11, 10.5)
    assert gap.formed_at_ms == START_MS + Timeframe.H1.ms
    assert gap.known_at_ms == START_MS + 3 * Timeframe.H1.ms
