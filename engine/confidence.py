"""How good a setup is, 0..100: a sum of named contributions in the signal's own direction, each with its reason.

A contribution whose data is missing gives no points and takes none: the points possible of the others are scaled up,
so that the stored contributions always add up to the stored confidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from engine.findings import Kind
from engine.params import ConfidenceParams
from engine.reading import Break, Gap, Reading
from engine.setup import Setup
from engine.vocabulary import Contribution

STRONG_DISPLACEMENT = 3.0
GOOD_GAP_ATR = 0.5
GOOD_ZONE_ATR = 0.5
WIDE_ZONE_ATR = 3.0
GOOD_VOLUME_RATIO = 2.0
OTE_FROM, OTE_TO = 0.62, 0.79
DAY_MS = 86_400_000
BREAK_GRADES = {Kind.MSS: 1.0, Kind.CHOCH: 0.75, Kind.BOS: 0.65}
WITH_TREND_GRADE = 0.4
STALE_ZONE_FACTOR = 0.5
KILL_ZONE_GRADES = {"london_kz": 1.0, "ny_kz": 1.0, "london_close_kz": 0.6, "asian_range": 0.3}
STRUCTURE_SHARE_OF_HTF = 0.7


class Backing(Protocol):
    """What backs a direction besides the liquidity that was taken."""

    @property
    def structure(self) -> Break | None: ...
    @property
    def displacement_index(self) -> int | None: ...
    @property
    def gap(self) -> Gap | None: ...


class Standing(Protocol):
    """What the grades of the market's own state are drawn from; a case is one."""

    @property
    def setup(self) -> Backing: ...
    @property
    def reading(self) -> Reading: ...
    @property
    def context(self) -> Reading: ...
    @property
    def btc(self) -> Reading | None: ...
    @property
    def sign(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Case:
    """All that a confidence is drawn from: the setup, its own chart, the higher timeframe, and BTC where it is not BTC."""

    setup: Setup
    reading: Reading
    context: Reading
    btc: Reading | None

    @property
    def sign(self) -> int:
        return self.setup.direction.sign


class Grade(NamedTuple):
    """A contribution's share of its points, 0..1; None when there is nothing to grade."""

    ratio: float | None
    reason: str


def structure(case: Standing) -> Grade:
    shift = case.setup.structure
    if shift is not None:
        return Grade(BREAK_GRADES[shift.kind], f"{shift.kind.name} through {shift.level:.6g}")
    if case.reading.trend == case.sign:
        return Grade(WITH_TREND_GRADE, "with the trend, no break yet")
    return Grade(0.0, "no break in its direction")


def liquidity(case: Case) -> Grade:
    raid = case.setup.liquidity
    depth = min(abs(raid.depth) / case.reading.atr, 1.0)
    grade = (0.5 if raid.is_sweep else 0.35) + 0.15 * min(raid.count - 1, 2) + 0.2 * raid.is_equal + 0.2 * depth
    return Grade(min(grade, 1.0), f"{raid.name} at {raid.level:.6g}, {raid.count} taken")


def displacement(case: Standing) -> Grade:
    index = case.setup.displacement_index
    if index is None:
        return Grade(0.0, "no displacement")
    strength = case.reading.body_strength(index)
    if strength is None:
        return Grade(None, "too few bars before it to measure")
    return Grade(min(strength / STRONG_DISPLACEMENT, 1.0), f"body {strength:.1f} x mean range")


def zone(case: Case) -> Grade:
    height = case.setup.zone.height / case.reading.atr
    slope = (WIDE_ZONE_ATR - height) / (WIDE_ZONE_ATR - GOOD_ZONE_ATR)
    freshness = 1.0 if case.setup.fresh_zone else STALE_ZONE_FACTOR
    word = "fresh" if case.setup.fresh_zone else "already touched"
    return Grade(max(0.0, min(slope, 1.0)) * freshness, f"{height:.2f} ATR high, {word}")


def fvg(case: Standing) -> Grade:
    gap = case.setup.gap
    if gap is None:
        return Grade(0.0, "no gap on the zone")
    size = (gap.top - gap.bottom) / case.reading.atr
    return Grade(min(size / GOOD_GAP_ATR, 1.0), f"gap of {size:.2f} ATR")


def discount(case: Case) -> Grade:
    """How far the zone's middle retraces the dealing range, seen from the side the signal trades to."""
    dealing = case.reading.dealing_range()
    if dealing is None:
        return Grade(None, "no dealing range yet")
    low, high = dealing
    middle = case.setup.zone.middle
    retraced = (high - middle) / (high - low) if case.sign > 0 else (middle - low) / (high - low)
    if OTE_FROM <= retraced <= OTE_TO:
        return Grade(1.0, f"in OTE, {retraced:.0%} retraced")
    if retraced > 0.5:
        return Grade(0.7, f"in {'discount' if case.sign > 0 else 'premium'}, {retraced:.0%} retraced")
    return Grade(max(0.0, retraced), f"{retraced:.0%} retraced")


def htf(case: Standing) -> Grade:
    """Agreement with the higher timeframe: its structure, and the daily two-candle bias, each soft."""
    trend, daily = case.context.trend, case.reading.daily_bias
    if trend == 0 and daily is None:
        return Grade(None, "the higher timeframe has no structure yet")
    words = {1: "with", 0: "neutral", -1: "against"}
    structural = trend * case.sign
    by_day = (daily or 0) * case.sign
    grade = STRUCTURE_SHARE_OF_HTF * (structural + 1) / 2 + (1 - STRUCTURE_SHARE_OF_HTF) * (by_day + 1) / 2
    name = case.context.timeframe.text
    return Grade(grade, f"{name} structure {words[structural]}, daily bias {words[by_day]}")


def session(case: Case) -> Grade:
    if case.reading.timeframe.ms >= DAY_MS // 6:
        return Grade(None, "a candle this long spans sessions")
    windows = case.reading.windows
    best = max((name for name in windows if name in KILL_ZONE_GRADES), key=lambda n: KILL_ZONE_GRADES[n], default=None)
    if best is None:
        return Grade(0.0, "outside the kill zones")
    return Grade(KILL_ZONE_GRADES[best], best)


def volume(case: Case) -> Grade:
    index = case.setup.displacement_index
    ratio = case.reading.volume_ratio(case.reading.last if index is None else index)
    if ratio is None:
        return Grade(None, "no volume in the candles")
    return Grade(min(ratio / GOOD_VOLUME_RATIO, 1.0), f"{ratio:.1f} x mean volume")


def btc(case: Standing) -> Grade:
    if case.btc is None:
        return Grade(None, "no BTC context")
    agreement = case.btc.trend * case.sign
    return Grade(
        (agreement + 1) / 2, f"BTC structure {'with' if agreement > 0 else 'against' if agreement < 0 else 'neutral'}"
    )


GRADES: tuple[tuple[str, Callable[[Case], Grade]], ...] = (
    ("structure", structure),
    ("liquidity", liquidity),
    ("displacement", displacement),
    ("zone", zone),
    ("fvg", fvg),
    ("discount", discount),
    ("htf", htf),
    ("session", session),
    ("volume", volume),
    ("btc", btc),
)


def contributions_of(case: Case, params: ConfidenceParams) -> tuple[Contribution, ...]:
    """Every contribution, the missing ones too; their points add up to the confidence."""
    return weighed([(name, grade(case)) for name, grade in GRADES], params)


def weighed(grades: Sequence[tuple[str, Grade]], params: ConfidenceParams) -> tuple[Contribution, ...]:
    """The contributions of graded parts; the points possible of what is missing go to the others."""
    names = tuple([name for name, _ in grades])
    points, shares, scale = _shares(names, tuple([grade.ratio is None for _, grade in grades]), params)
    return tuple(
        [
            Contribution(name, None if ratio is None else round(ratio * own * scale, 3), share, reason)
            for (name, (ratio, reason)), own, share in zip(grades, points, shares, strict=True)
        ]
    )


@lru_cache(maxsize=64)
def _shares(
    names: tuple[str, ...], missing: tuple[bool, ...], params: ConfidenceParams
) -> tuple[list[float], list[float], float]:
    """The points of each part as `params` give them, and as they are possible where some are missing; their ratio."""
    points: list[float] = [getattr(params, name) for name in names]
    present = sum(own for own, lacks in zip(points, missing, strict=True) if not lacks)
    scale = 100.0 / present if present else 0.0
    return points, [own if lacks else round(own * scale, 3) for own, lacks in zip(points, missing, strict=True)], scale


def confidence_of(contributions: tuple[Contribution, ...]) -> float:
    """The confidence, 0..100."""
    return min(100.0, round(sum(part.points for part in contributions if part.points is not None), 2))
