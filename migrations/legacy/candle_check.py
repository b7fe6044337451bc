"""Asks candles what a legacy trade met first, its stop or its target, and whether its recorded outcome agrees."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.candles import Candles
from engine.vocabulary import Direction, Outcome


class Touched(Enum):
    """What the price reached first after a trade was opened, as far as closed candles can tell."""

    TARGET = "TARGET"
    STOP = "STOP"
    BOTH_IN_ONE_CANDLE = "BOTH_IN_ONE_CANDLE"
    NEITHER = "NEITHER"


class Agreement(Enum):
    """Whether the candles confirm what was recorded; UNRECORDED = they know an end that the record does not."""

    AGREES = "AGREES"
    DISAGREES = "DISAGREES"
    UNDECIDED = "UNDECIDED"
    UNRECORDED = "UNRECORDED"


@dataclass(frozen=True, slots=True)
class TradeToCheck:
    """A trade of the book as far as candles can judge it; `outcome` is None where none was recorded."""

    signal_id: int
    position_id: int | None
    symbol: str
    direction: Direction
    opened_ms: int
    stop: float
    target: float
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Touch:
    """What was reached first; `at_ms` is the close of the candle that shows it, None where none does."""

    first: Touched
    at_ms: int | None


_EXPECTED = {Outcome.WIN: Touched.TARGET, Outcome.LOSS: Touched.STOP}


def covers(candles: Candles, instant_ms: int) -> bool:
    """Whether the series holds the time after an instant: a bar before it, and one that opens at it or later."""
    return len(candles) > 0 and int(candles.open_ms[0]) <= instant_ms <= int(candles.open_ms[-1])


def first_touch(trade: TradeToCheck, candles: Candles) -> Touch:
    """What the trade met first in the bars that opened after it; the bar it was opened in hides its order."""
    start = int(np.searchsorted(candles.open_ms, trade.opened_ms, side="left"))
    high, low = candles.high[start:], candles.low[start:]
    if trade.direction is Direction.LONG:
        at_target, at_stop = high >= trade.target, low <= trade.stop
    else:
        at_target, at_stop = low <= trade.target, high >= trade.stop
    touched = np.flatnonzero(at_target | at_stop)
    if not len(touched):
        return Touch(Touched.NEITHER, None)
    bar = int(touched[0])
    closed_ms = int(candles.open_ms[start + bar]) + candles.timeframe.ms
    if at_target[bar] and at_stop[bar]:
        return Touch(Touched.BOTH_IN_ONE_CANDLE, closed_ms)
    return Touch(Touched.TARGET if at_target[bar] else Touched.STOP, closed_ms)


def agreement(outcome: Outcome | None, touch: Touch) -> Agreement:
    """Whether a recorded outcome is what the candles show."""
    if touch.first not in (Touched.TARGET, Touched.STOP):
        return Agreement.UNDECIDED
    if outcome is None:
        return Agreement.UNRECORDED
    expected = _EXPECTED.get(outcome)
    if expected is None:
        return Agreement.UNDECIDED
    return Agreement.AGREES if touch.first is expected else Agreement.DISAGREES
