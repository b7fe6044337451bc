"""Findings: everything detected in one series, as columns, in the order in which it became known."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.sessions import Sessions

NONE = -1
"""In the columns `ref` and `origin`, and in the per-bar columns of bar positions: there is none."""


class Kind(IntEnum):
    """What was found; the lower-case name is its word in the event contract."""

    SWING = 0
    ISWING = 1
    DISPLACEMENT = 2
    BOS = 3
    CHOCH = 4
    MSS = 5
    FVG = 6
    FVG_TOUCH = 7
    FVG_CE = 8
    FVG_FILL = 9
    IFVG = 10
    OB = 11
    OB_TOUCH = 12
    OB_BREAK = 13
    BREAKER = 14
    MITIGATION_BLOCK = 15
    REJECTION_BLOCK = 16
    EQ = 17
    SWEEP = 18
    RUN = 19
    TURTLE_SOUP = 20
    INDUCEMENT = 21
    INDUCEMENT_TAKEN = 22
    PROJECTION = 23
    ASIAN_RANGE = 24
    MIDNIGHT_OPEN = 25
    JUDAS_RAID = 26
    NWOG = 27
    NDOG = 28
    SB_FVG = 29
    DAILY_BIAS = 30

    __hash__ = int.__hash__
    """As its number, which it equals: what is looked up by kind is so with every look."""

    @property
    def word(self) -> str:
        """The kind's name in the event contract."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, for a person or a gate to look at; the fields mean what they mean in `Findings`."""

    kind: Kind
    direction: int
    index: int
    ref: int
    known_at: int
    upper: float
    lower: float
    origin: int
    formed_at_ms: int
    """Open of the bar `index`."""
    known_at_ms: int
    """Close of the bar `known_at`: the first instant at which it may be spoken of."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Two correlated series whose matching swings disagree (SMT): one took the level, the other did not."""

    known_at: int
    direction: int
    """Against the side that was taken: -1 at highs, +1 at lows."""
    swept: str
    """A for the series itself, B for the other."""
    refs_a: tuple[int, int]
    refs_b: tuple[int, int]
    """The earlier and the later swing's bar, each in its own series."""


class BarColumns(NamedTuple):
    """What is true at the close of each bar; every column has one entry a bar."""

    first_event: NDArray[np.int32]
    """One entry more than bars: the events known at bar t are first_event[t] .. first_event[t + 1] - 1."""
    trend: NDArray[np.int8]
    """-1, 0, +1: the side of the last structure break."""
    true_range: NDArray[np.float64]
    settled: NDArray[np.int32]
    """The latest start of a window whose own run agrees with this one after this bar; see `window_is_equal`."""


@dataclass(frozen=True, eq=False)
class Findings:
    """Every finding of one series: columns of one length, ordered by `known_at`, within a bar by the rule's order.

    kind        Kind
    index       the bar it lies on: a swing's bar, a gap's middle, a block's candle, otherwise the bar it happened
    ref         the bar it refers to: the swing broken or raided, the gap or block touched, the earlier equal swing,
                for an Asian range its first bar; NONE without one
    direction   +1 bullish or high side, -1 bearish or low side, as the event contract says for its kind
    upper,      the zone's edges; both the level where the finding is a level; a displacement's body and its
    lower       yardstick (mean true range); a projection's leg
    origin      position in these columns of the finding this one is about: the gap or block of its touch, the swing of
                a break, raid or pair of equals, the run of a turtle soup, the break of a block, an inducement, the
                raid that a projection rests on; NONE without one
    """

    kind: NDArray[np.int8]
    index: NDArray[np.int32]
    ref: NDArray[np.int32]
    direction: NDArray[np.int8]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    origin: NDArray[np.int32]
    bars: BarColumns
    sessions: Sessions | None = None
    """What the clock says about each bar; None when only prices were read."""
    divergences: tuple[Divergence, ...] = ()
    """Ordered by `known_at`; empty without a second series."""

    def __len__(self) -> int:
        return int(self.kind.size)

    @cached_property
    def known_at(self) -> NDArray[np.int32]:
        """The bar at whose close each may first be spoken of; made when it is first asked for."""
        bars = np.arange(self.bar_count, dtype=np.int32)
        return np.repeat(bars, np.diff(self.bars.first_event))

    @cached_property
    def _swings(self) -> dict[int, NDArray[np.intp]]:
        """By side, the positions of the swings."""
        of_swings = self.kind == Kind.SWING
        return {side: np.flatnonzero(of_swings & (self.direction == side)) for side in (1, -1)}

    def last_swing(self, side: int, bar: int) -> int:
        """The bar of the last swing high (side +1) or low (-1) confirmed at the close of `bar`; NONE before the first."""
        swings = self._swings[side]
        count = np.searchsorted(swings, self.bars.first_event[bar + 1])
        return int(self.index[swings[count - 1]]) if count else NONE

    def last_swings(self, side: int) -> NDArray[np.int32]:
        """`last_swing` at every bar."""
        swings = self._swings[side]
        known_for = np.diff(self.known_at[swings], prepend=0, append=self.bar_count)
        return np.repeat(np.append(np.int32(NONE), self.index[swings]), known_for)

    @property
    def bar_count(self) -> int:
        """How many bars were read."""
        return int(self.bars.trend.size)

    def between(self, first_bar: int, last_bar: int) -> slice:
        """The positions of what became known from the close of `first_bar` to that of `last_bar`, both included."""
        return slice(int(self.bars.first_event[first_bar]), int(self.bars.first_event[last_bar + 1]))

    def finding(self, position: int, candles: Candles) -> Finding:
        """The finding at `position` as one object; `candles` are those it was found in."""
        known_at, index = int(self.known_at[position]), int(self.index[position])
        return Finding(
            kind=Kind(int(self.kind[position])),
            direction=int(self.direction[position]),
            index=index,
            ref=int(self.ref[position]),
            known_at=known_at,
            upper=float(self.upper[position]),
            lower=float(self.lower[position]),
            origin=int(self.origin[position]),
            formed_at_ms=int(candles.open_ms[index]),
            known_at_ms=int(candles.open_ms[known_at]) + candles.timeframe.ms,
        )
