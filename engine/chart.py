"""A chart: one series with its findings, quick to ask for those of some kinds that became known at some bars.

The sort of a finding is its kind and its direction in one byte, and a chart keeps the sorts of all its findings as one
string of bytes in the order in which they became known. So the findings of a span of bars are a span of that string,
and looking for some of them is looking for bytes, which costs a live look less than any index would to build.
"""

import re
from bisect import bisect_right
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detection_params import DetectionParams
from engine.findings import Findings, Kind
from engine.runner import Kernel, price_findings
from engine.session_findings import JudasRaids, asian_ranges, judas_raids, midnight_opens
from engine.sessions import NewYork

_DOWN = 32
"""The bit of a sort that tells bearish from bullish; the others are the kind."""

Sorts = re.Pattern[bytes]
"""Finds the findings of some kinds and one direction."""


def sort_of(kind: Kind, direction: int) -> int:
    """The byte that stands for a finding of this kind and direction."""
    return kind if direction > 0 else kind | _DOWN


def sorts_of(*kinds: Kind) -> dict[int, Sorts]:
    """By direction, the findings of these kinds."""
    return {
        direction: re.compile(b"[%b]" % b"".join(b"\\x%02x" % sort_of(kind, direction) for kind in kinds))
        for direction in (1, -1)
    }


def is_of(*kinds: Kind) -> dict[int, NDArray[np.bool_]]:
    """By direction: by sort, whether it is one of these kinds; sooner than `sorts_of` where hundreds of bars are asked."""
    return {
        direction: np.isin(np.arange(2 * _DOWN), [sort_of(kind, direction) for kind in kinds]) for direction in (1, -1)
    }


class Chart:
    """One series with its findings; bars are positions in its candles, positions those of its findings' columns."""

    def __init__(self, candles: Candles, findings: Findings, params: DetectionParams) -> None:
        self.candles = candles
        self._params = params
        self.findings = findings
        self._first_event = findings.bars.first_event.data
        self.sorts: NDArray[np.int8] = findings.kind | (findings.direction & _DOWN)
        self._text = self.sorts.tobytes()

    def known(self, sorts: Sorts, first_bar: int, last_bar: int) -> list[int]:
        """The positions of those known from the close of `first_bar` to that of `last_bar`, the oldest first."""
        if first_bar > last_bar:
            return []
        begin, end = self._first_event[max(first_bar, 0)], self._first_event[last_bar + 1]
        return [found.start() for found in sorts.finditer(self._text, begin, end)]

    def is_any_known(self, sorts: Sorts, first_bar: int, last_bar: int) -> bool:
        """Whether one of these became known from the close of `first_bar` to that of `last_bar`."""
        begin, end = self._first_event[max(first_bar, 0)], self._first_event[last_bar + 1]
        return sorts.search(self._text, begin, end) is not None

    def last_known(self, kind: Kind, direction: int, last_bar: int, first_bar: int = 0) -> int:
        """The position of the last known from the close of `first_bar` to that of `last_bar`; NONE without one."""
        begin, end = self._first_event[first_bar], self._first_event[last_bar + 1]
        return self._text.rfind(sort_of(kind, direction), begin, end)

    def known_at(self, position: int) -> int:
        """The bar at whose close the finding at `position` became known."""
        return bisect_right(self._first_event, position) - 1

    def news_of(self, bar: int) -> tuple[int, bytes]:
        """The position of the first of those that became known at the close of `bar`, and the sorts of all of them."""
        begin = self._first_event[bar]
        return begin, self._text[begin : self._first_event[bar + 1]]

    def new_kinds(self, bar: int) -> frozenset[int]:
        """The kinds that became known at the close of `bar`."""
        return frozenset(sort & ~_DOWN for sort in self.news_of(bar)[1])

    def bars_with(self, kinds: frozenset[Kind]) -> NDArray[np.bool_]:
        """By bar, whether one of these kinds became known at its close."""
        counts = np.concatenate(([0], np.cumsum(np.isin(self.findings.kind, list(kinds)))))
        of_bars = counts[self.findings.bars.first_event]
        return of_bars[1:] > of_bars[:-1]

    def mean_range_before(self, bar: int) -> float | None:
        """Mean true range of the `disp_n` bars before `bar`, as displacement is measured; None where there are fewer."""
        count = self._params.disp_n
        if bar < count:
            return None
        total = 0.0  # oldest first, as the kernel adds them
        for true_range in self.findings.bars.true_range[bar - count : bar].tolist():
            total += true_range
        return total / count

    @cached_property
    def judas_raids(self) -> JudasRaids:
        """Raids of each Asian range in its Judas window, in the order of bars."""
        candles, new_york = self.candles, NewYork.of(self.candles)
        windows = new_york.windows
        asian = asian_ranges(candles, windows, new_york)
        return judas_raids(candles, windows, asian, midnight_opens(new_york))


def read_chart(candles: Candles, params: DetectionParams, kernel: Kernel, since: int = 0) -> Chart:
    """The chart of `candles`: one pass of the price kernel; what only the clock tells is worked out when asked for.

    `since` is the bar from which on something becomes known (`price_findings`).
    """
    return Chart(candles, price_findings(candles, params, kernel, since=since), params)
