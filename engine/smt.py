"""SMT: matching swings of two correlated series of which one takes its level and the other fails to."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.candles import Candles
from engine.findings import NONE, Divergence, Findings, Kind


@dataclass(frozen=True, slots=True)
class _Swing:
    index: int
    """In its own series."""
    bar: int
    """The bar of series A that opens at the same time; NONE without one."""
    known_at: int
    """The first bar of series A at whose close it is known."""
    level: float


def divergences(
    candles: Candles, findings: Findings, other: Candles, other_findings: Findings, tolerance: int
) -> tuple[Divergence, ...]:
    """Every divergence between `candles` (A) and `other` (B), ordered by the bar of A at which it is known.

    The series are joined on open times; swings match when they lie at most `tolerance` bars of A apart, and so must the
    swing before each of them.
    """
    found = [
        divergence
        for side in (1, -1)
        for divergence in _of_side(
            side, _swings(candles, candles, findings, side), _swings(candles, other, other_findings, side), tolerance
        )
    ]
    return tuple(sorted(found, key=lambda divergence: divergence.known_at))


def _of_side(side: int, ours: list[_Swing], theirs: list[_Swing], tolerance: int) -> Iterator[Divergence]:
    start = 0
    pairs = list(pairwise(theirs))
    for earlier_a, later_a in pairwise(ours):
        while start < len(pairs) and pairs[start][1].bar < later_a.bar - tolerance:
            start += 1
        for earlier_b, later_b in pairs[start:]:
            if later_b.bar > later_a.bar + tolerance:
                break
            if NONE in (earlier_b.bar, later_b.bar) or abs(earlier_a.bar - earlier_b.bar) > tolerance:
                continue
            step_a = (later_a.level - earlier_a.level) * side
            step_b = (later_b.level - earlier_b.level) * side
            if step_a * step_b >= 0:
                continue
            yield Divergence(
                known_at=max(later_a.known_at, later_b.known_at),
                direction=-side,
                swept="A" if step_a > 0 else "B",
                refs_a=(earlier_a.index, later_a.index),
                refs_b=(earlier_b.index, later_b.index),
            )


def _swings(candles: Candles, own: Candles, findings: Findings, side: int) -> list[_Swing]:
    """The swings of one side of `own`, placed on the bars of `candles`; those not yet known there are left out."""
    positions = np.flatnonzero((findings.kind == Kind.SWING) & (findings.direction == side))
    index = findings.index[positions]
    bar = np.searchsorted(candles.open_ms, own.open_ms[index])
    known_at = np.searchsorted(candles.open_ms, own.open_ms[findings.known_at[positions]])
    known = known_at < len(candles)
    same = np.zeros(positions.shape, dtype=bool)
    same[known] = candles.open_ms[bar[known]] == own.open_ms[index[known]]
    columns = (index[known], np.where(same, bar, NONE)[known], known_at[known], findings.upper[positions][known])
    return [_Swing(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
