import numpy as np
import pytest

from engine.candles import Candles
from engine.timeframes import HOUR_MS, Timeframe
from engine.vocabulary import Direction, Outcome
from migrations.legacy.candle_check import Agreement, Touch, Touched, TradeToCheck, agreement, covers, first_touch

START_MS = 1_764_000_000_000 // HOUR_MS * HOUR_MS


def candles(*bars: tuple[float, float]) -> Candles:
    """Hourly bars by their low and high."""
    low, high = np.array(bars, dtype=np.float64).T
    open_ms = START_MS + HOUR_MS * np.arange(len(bars), dtype=np.int64)
    return Candles.checked("SOLUSDT", Timeframe.H1, open_ms, low, high, low, high, np.ones(len(bars)))


def trade(direction: Direction, stop: float, target: float, opened_ms: int = START_MS) -> TradeToCheck:
    return TradeToCheck(1, None, "SOLUSDT", direction, opened_ms, stop, target, None)


LONG = trade(Direction.LONG, stop=98, target=103)
SHORT = trade(Direction.SHORT, stop=103, target=98)


@pytest.mark.parametrize(
    ("bars", "first", "hours"),
    [
        (((99, 101), (100, 103), (97, 100)), Touched.TARGET, 2),
        (((99, 101), (98, 100), (99, 104)), Touched.STOP, 2),
        (((97, 104),), Touched.BOTH_IN_ONE_CANDLE, 1),
    ],
)
def test_a_long_meets_its_target_or_its_stop_first(bars, first: Touched, hours: int):
    assert first_touch(LONG, candles(*bars)) == Touch(first, START_MS + hours * HOUR_MS)


def test_a_short_reads_the_same_bars_the_other_way_round():
    assert first_touch(SHORT, candles((99, 101), (98, 100))).first is Touched.TARGET
    assert first_touch(SHORT, candles((99, 101), (100, 103))).first is Touched.STOP


def test_the_bar_a_trade_was_opened_in_is_not_asked():
    opened_inside = trade(Direction.LONG, stop=98, target=103, opened_ms=START_MS + 1)
    assert first_touch(opened_inside, candles((97, 104), (99, 101))) == Touch(Touched.NEITHER, None)


def test_candles_answer_only_for_times_they_hold():
    hour = candles((99, 101), (99, 101))
    assert covers(hour, START_MS)
    assert not covers(hour, START_MS - 1)
    assert not covers(hour, START_MS + 2 * HOUR_MS)


@pytest.mark.parametrize(
    ("outcome", "first", "verdict"),
    [
        (Outcome.WIN, Touched.TARGET, Agreement.AGREES),
        (Outcome.WIN, Touched.STOP, Agreement.DISAGREES),
        (Outcome.LOSS, Touched.STOP, Agreement.AGREES),
        (Outcome.LOSS, Touched.BOTH_IN_ONE_CANDLE, Agreement.UNDECIDED),
        (Outcome.BREAKEVEN, Touched.STOP, Agreement.UNDECIDED),
        (None, Touched.TARGET, Agreement.UNRECORDED),
        (None, Touched.NEITHER, Agreement.UNDECIDED),
    ],
)
def test_a_record_agrees_with_its_candles_or_not(outcome: Outcome | None, first: Touched, verdict: Agreement):
    assert agreement(outcome, Touch(first, None)) is verdict
