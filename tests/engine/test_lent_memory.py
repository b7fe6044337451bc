"""Memory lent again: only what nobody looks at any more."""

import numpy as np

from engine.candles import Candles
from engine.compiled import COMPILED, LARGE_ROOM
from engine.detection_params import DetectionParams
from engine.findings import Findings
from engine.lent_memory import Lender
from engine.runner import EVENTS_PER_BAR, price_findings
from engine.timeframes import Timeframe

SIZE = 1 << 16
LONG_BARS = 2 * LARGE_ROOM // EVENTS_PER_BAR


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def long_walk(seed: int) -> Candles:
    dice = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(dice.normal(0, 1e-3, LONG_BARS)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(open_, close) * 1.0005, np.minimum(open_, close) * 0.9995
    times = np.arange(LONG_BARS) * Timeframe.M15.ms
    return Candles.checked("WALK", Timeframe.M15, times, open_, high, low, close, np.ones(LONG_BARS))


def columns_of(findings: Findings) -> list[bytes]:
    named = (findings.kind, findings.index, findings.ref, findings.upper, findings.lower, findings.origin)
    return [column.tobytes() for column in (*named, findings.direction, *findings.bars)]


def test_a_piece_nobody_holds_is_lent_again():
    lender = Lender()
    first = address(lender.piece(SIZE))
    assert address(lender.piece(SIZE // 2)) == first


def test_a_piece_is_not_lent_again_while_a_part_of_a_part_of_it_is_held():
    lender = Lender()
    held = np.ndarray((2, 8), np.int32, lender.piece(SIZE), 64)[1][:4]
    held[:] = 7
    again = lender.piece(SIZE)
    again[:] = 0
    assert held.tolist() == [7, 7, 7, 7]
    newer = address(again)
    del held, again
    assert address(lender.piece(SIZE)) == newer


def test_a_larger_piece_is_a_new_one():
    lender = Lender()
    assert lender.piece(10).size >= 10
    assert lender.piece(SIZE).size >= SIZE


def test_two_pieces_that_are_held_are_two():
    lender = Lender()
    one, other = lender.piece(SIZE), lender.piece(SIZE)
    one[:], other[:] = 1, 2
    assert (set(one.tolist()), set(other.tolist())) == ({1}, {2})


def test_the_findings_of_a_long_series_stay_what_they_are_while_others_are_found():
    params = DetectionParams()
    first, second = long_walk(1), long_walk(2)
    kept = price_findings(first, params, COMPILED)
    told = columns_of(kept)
    price_findings(second, params, COMPILED)
    assert columns_of(kept) == told
    assert columns_of(price_findings(second, params, COMPILED)) != told


def test_the_memory_of_a_long_run_serves_the_next():
    params, candles = DetectionParams(), long_walk(1)
    kept = price_findings(candles, params, COMPILED)
    told, first = columns_of(kept), address(kept.upper)
    del kept
    again = price_findings(candles, params, COMPILED)
    assert (address(again.upper), columns_of(again)) == (first, told)
