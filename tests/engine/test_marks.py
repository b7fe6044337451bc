"""The marks of both makers: the same bits, and those of a window the same as those of the whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candles import Candles
from engine.compiled import mark as mark_compiled
from engine.detection_params import DetectionParams
from engine.marks import (
    CHUNK,
    DISPLACED_UP,
    GAP_UP,
    INTERNAL_HIGH,
    SWING_HIGH,
    MarkColumns,
    mark_by_array,
)
from engine.runner import rules_of
from engine.timeframes import Timeframe
from tests.drawing import drawn, random_walk
from tests.engine.test_kernel import params_of_any_school

DEFAULT = DetectionParams()


def marked(candles: Candles, params: DetectionParams, mark=mark_by_array) -> MarkColumns:
    into = MarkColumns(np.empty(len(candles), np.uint8), np.empty(len(candles)))
    mark(candles.open, candles.high, candles.low, candles.close, rules_of(params), into)
    return into


def bits(columns: MarkColumns) -> list[bytes]:
    return [column.tobytes() for column in columns]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 60), params_of_any_school)
def test_by_array_and_by_loop_are_the_same_bits(seed: int, bars: int, params: DetectionParams):
    walk = random_walk(seed, bars, tick=0.5) if bars else drawn([])

    assert bits(marked(walk, params, mark_compiled)) == bits(marked(walk, params))


@pytest.mark.parametrize("bars", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 3])
@pytest.mark.parametrize("model", ["fractal", "luxalgo_leg"])
def test_the_compiled_loop_marks_across_its_chunks(bars: int, model: str):
    params = replace(DEFAULT, swing_model=model, swing_size=4, disp_n=14, internal_left=3, fvg_min_gap=0.2)
    walk = random_walk(bars, bars, tick=0.5)

    assert bits(marked(walk, params, mark_compiled)) == bits(marked(walk, params))


def test_flat_bars_at_zero_keep_the_sign_of_their_range():
    flat = [0.0, -0.0, -0.0, 0.0] * 4
    candles = Candles.checked("SPREAD", Timeframe.H1, np.arange(16), flat, flat, flat, flat, flat, signed=True)

    assert bits(marked(candles, DEFAULT, mark_compiled)) == bits(marked(candles, DEFAULT))


def test_marks_stand_at_the_bar_that_shows_them_and_swings_at_the_one_that_confirms():
    rows = [(10, 10.2, 9.8, 10.1)] * 5 + [(10.1, 12.3, 10.1, 12.2), (12.2, 12.25, 11, 12), (12, 12.1, 11.5, 11.9)]
    marks = marked(drawn(rows), DEFAULT).marks

    assert [bool(mark & DISPLACED_UP) for mark in marks[-3:]] == [True, False, False]
    assert [bool(mark & GAP_UP) for mark in marks[-3:]] == [False, True, False]
    assert [bool(mark & INTERNAL_HIGH) for mark in marks[-3:]] == [False, True, False]
    assert [bool(mark & SWING_HIGH) for mark in marks[-3:]] == [False, False, True]


def test_of_equal_highs_the_first_is_the_swing_and_in_a_leg_neither():
    rows = [(10, high, 9, 10) for high in (11, 12, 13, 13, 12, 11)]

    assert np.flatnonzero(marked(drawn(rows), DEFAULT).marks & SWING_HIGH).tolist() == [4]
    legs = replace(DEFAULT, swing_model="luxalgo_leg", swing_size=1)
    assert not (marked(drawn(rows[:4]), legs).marks & SWING_HIGH).any()
