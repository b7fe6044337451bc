"""The proof that nothing repaints: detection read on prefixes, before noise, on cut, flipped and scaled charts.

Every check compares readings: values that were, or could have been, spoken of at the close of a bar. A reading that
differs was rewritten by something that came later, and there must be none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.findings import NONE, Findings, Kind
from engine.kernel import window_is_equal
from engine.runner import INTERPRETED, Kernel, price_findings
from engine.sessions import Periods

Detector = Callable[[Candles], Findings]

DENSE_BARS = 200
"""Bars at the start of the series at whose every close the prefix is read anew."""
RANDOM_CUTS = 20
"""Cuts anywhere in the series, for each check that cuts."""
WINDOW_BARS = 1000
BITS_SCALE = 1024.0
"""A power of two: scaled prices keep every bit, so readings must be equal bit for bit."""
TEN = 10.0
GRID_BITS = 40
"""Significant bits of a price on the grid of the check that multiplies by ten: 53 hold it, its tenfold and sums."""
TEN_TOLERANCE = 1e-9
"""Relative, for prices times ten."""

_RAIDS = (Kind.SWEEP, Kind.RUN, Kind.TURTLE_SOUP, Kind.EQ)
_GAP_LIFE = (Kind.FVG_TOUCH, Kind.FVG_CE, Kind.FVG_FILL, Kind.IFVG)
_AFTER_A_BREAK = (Kind.OB_TOUCH, Kind.OB_BREAK, Kind.INDUCEMENT_TAKEN)
_NOT_LEVELS = (Kind.DISPLACEMENT, Kind.DAILY_BIAS)


@dataclass(frozen=True, slots=True)
class Check:
    """One way of trying to make the engine rewrite itself: how many readings it compared, how many had changed."""

    name: str
    compared: int
    rewritten: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What all checks found over `bars` bars, and whether a detector that peeks one bar ahead was caught."""

    bars: int
    checks: tuple[Check, ...]
    twin_is_caught: bool

    @property
    def compared(self) -> int:
        """Readings compared by all checks."""
        return sum(check.compared for check in self.checks)

    @property
    def rewritten(self) -> int:
        """Readings that had changed; 0 for an honest engine."""
        return sum(check.rewritten for check in self.checks)

    @property
    def holds(self) -> bool:
        """Nothing rewritten, something compared, and the peeking twin caught."""
        return self.compared > 0 and self.rewritten == 0 and self.twin_is_caught


@dataclass(frozen=True, slots=True)
class Reading:
    """One column of readings; `is_price` says whether it grows with the prices."""

    values: NDArray[Any]
    is_price: bool = False


def prove(candles: Candles, params: DetectionParams, kernel: Kernel = INTERPRETED, seed: int = 1) -> Proof:
    """Every check over `candles`; the same `seed` gives the same cuts and the same noise."""

    def detector(bars: Candles) -> Findings:
        return detect(bars, params, kernel=kernel)

    whole = detector(candles)
    checks = [
        prefixes(candles, detector, seed),
        noise_after(candles, whole, detector, seed),
        windows(candles, whole, detector, params.swing_left, seed),
        late_starts(candles, params, kernel, seed),
        scaled(candles, params, kernel, BITS_SCALE, 0.0),
        scaled(_on_a_binary_grid(candles), params, kernel, TEN, TEN_TOLERANCE),
    ]
    if params.break_on == "close" and params.swing_model == "fractal":  # the other schools treat the sides unequally
        checks.append(mirrored(candles, whole, detector))
    return Proof(len(candles), tuple(checks), prefixes(candles, peeking(detector), seed).rewritten > 0)


def prefixes(candles: Candles, detector: Detector, seed: int) -> Check:
    """What the first T bars alone tell, against what the whole tells of them."""
    whole = detector(candles)
    dense = range(min(DENSE_BARS, len(candles)) + 1)
    cuts = sorted({*dense, *_cuts(candles, seed)})
    results = [_compare(_readings(detector(candles.window(cut, cut)), cut), _readings(whole, cut)) for cut in cuts]
    return _summed("prefixes", results)


def noise_after(candles: Candles, whole: Findings, detector: Detector, seed: int) -> Check:
    """What is told of the first T bars when every later bar is replaced by noise."""
    dice = np.random.default_rng(seed)
    results = [
        _compare(_readings(detector(with_noise_after(candles, cut, dice)), cut), _readings(whole, cut))
        for cut in _cuts(candles, seed)
    ]
    return _summed("noise after", results)


def windows(candles: Candles, whole: Findings, detector: Detector, swing_left: int, seed: int) -> Check:
    """What a window alone tells, from the bar on from which `window_is_equal` promises the same."""
    results = []
    for end in _cuts(candles, seed):
        start = max(0, end - WINDOW_BARS)
        since = next((bar for bar in range(start + 1, end) if window_is_equal(whole, start, bar)), None)
        if since is None:
            continue
        seen = detector(candles.window(end, end - start))
        inside = _told_inside(seen, 0, since - start, end - start, swing_left)
        results.append(_compare(inside, _told_inside(whole, start, since, end, swing_left)))
    return _summed("windows", results)


def late_starts(candles: Candles, params: DetectionParams, kernel: Kernel, seed: int) -> Check:
    """What a run tells that begins late in a window, as a live look's does, from the bar on that is promised the same."""
    results = []
    for end in _cuts(candles, seed):
        window = candles.window(end, WINDOW_BARS)
        start = len(window) // 3
        late, whole = (price_findings(window, params, kernel, since=first) for first in (start, 0))
        since = next((bar for bar in range(start + 1, len(window)) if window_is_equal(late, start, bar)), None)
        if since is not None:
            told, expected = (
                _told_inside(found, start, since, len(window), params.swing_left) for found in (late, whole)
            )
            results.append(_compare(told, expected))
    return _summed("late starts", results)


def scaled(candles: Candles, params: DetectionParams, kernel: Kernel, factor: float, tolerance: float) -> Check:
    """Prices times `factor`, and the parameters that are prices with them, change nothing but prices."""
    larger = _with_prices(candles, *(column * factor for column in _prices(candles)))
    in_proportion = replace(params, eq_tol=params.eq_tol * factor, fvg_min_gap=params.fvg_min_gap * factor)
    seen = _readings(detect(larger, in_proportion, kernel=kernel), len(candles))
    expected = [
        replace(reading, values=reading.values * factor) if reading.is_price else reading
        for reading in _readings(detect(candles, params, kernel=kernel), len(candles))
    ]
    return _summed(f"prices times {factor:g}", [_compare(seen, expected, tolerance)])


def mirrored(candles: Candles, whole: Findings, detector: Detector) -> Check:
    """A chart turned upside down swaps the sides of everything and changes nothing else."""
    opens, highs, lows, closes = _prices(candles)
    seen = detector(_with_prices(candles, -opens, -lows, -highs, -closes))
    level = ~np.isin(whole.kind, _NOT_LEVELS)
    upper, lower = np.where(level, -whole.lower, whole.upper), np.where(level, -whole.upper, whole.lower)
    turned = replace(whole, direction=-whole.direction, upper=upper, lower=lower)
    bars, turned_bars = whole.bars, seen.bars
    return _summed(
        "mirrored",
        [
            _compare(_by_bar(seen), _by_bar(turned)),
            _compare(
                [Reading(turned_bars.trend), Reading(seen.last_swings(1)), Reading(seen.last_swings(-1))],
                [Reading(-bars.trend), Reading(whole.last_swings(-1)), Reading(whole.last_swings(1))],
            ),
        ],
    )


def peeking(detector: Detector) -> Detector:
    """The same detector, handed each bar with the close of the bar after it: what a repainting one amounts to."""

    def twin(candles: Candles) -> Findings:
        opens, highs, lows, closes = _prices(candles)
        ahead = np.append(closes[1:], closes[-1:])
        return detector(_with_prices(candles, opens, np.maximum(highs, ahead), np.minimum(lows, ahead), ahead))

    return twin


def with_noise_after(candles: Candles, cut: int, dice: np.random.Generator) -> Candles:
    """The candles with every bar from position `cut` (at least 1) on replaced by noise of the same level."""
    """The same bars up to `cut`, noise of the same size instead of every later one."""
    opens, highs, lows, closes = (column.copy() for column in _prices(candles))
    later = len(candles) - cut
    opens[cut:] = closes[cut - 1] * np.exp(dice.normal(size=later) * 0.05)
    closes[cut:] = opens[cut:] * np.exp(dice.normal(size=later) * 0.05)
    highs[cut:] = np.maximum(opens[cut:], closes[cut:]) * (1 + dice.random(later) * 0.05)
    lows[cut:] = np.minimum(opens[cut:], closes[cut:]) * (1 - dice.random(later) * 0.05)
    return _with_prices(candles, opens, highs, lows, closes)


def _cuts(candles: Candles, seed: int) -> list[int]:
    if not len(candles):
        return []
    cuts: list[int] = np.random.default_rng(seed).integers(1, len(candles) + 1, RANDOM_CUTS).tolist()
    return cuts


def _prices(candles: Candles) -> tuple[NDArray[np.float64], ...]:
    return candles.open, candles.high, candles.low, candles.close


def _with_prices(
    candles: Candles,
    open: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
) -> Candles:
    return replace(candles, open=open, high=high, low=low, close=close)


def _on_a_binary_grid(candles: Candles) -> Candles:
    """The candles in steps so fine that no tick is lost, and such that prices times ten are exact.

    On decimal ticks a body can equal its limit to the last digit; which side the rounding of a product falls on would
    then differ between the two charts without a rule being broken.
    """
    if not len(candles):
        return candles
    step = 2.0 ** (np.ceil(np.log2(np.abs(candles.high).max())) - GRID_BITS)
    return _with_prices(candles, *(np.rint(column / step) * step for column in _prices(candles)))


def _readings(findings: Findings, bars: int) -> list[Reading]:
    """Everything told up to the close of bar `bars` - 1, as columns."""
    told, state, clock = slice(0, int(findings.bars.first_event[bars])), findings.bars, findings.sessions
    readings = [
        Reading(state.first_event[: bars + 1]),
        Reading(findings.kind[told]),
        Reading(findings.known_at[told]),
        Reading(findings.index[told]),
        Reading(findings.ref[told]),
        Reading(findings.direction[told]),
        Reading(findings.upper[told], is_price=True),
        Reading(findings.lower[told], is_price=True),
        Reading(findings.origin[told]),
        Reading(state.trend[:bars]),
        Reading(findings.last_swings(1)[:bars]),
        Reading(findings.last_swings(-1)[:bars]),
        Reading(state.true_range[:bars], is_price=True),
        Reading(state.settled[:bars]),
    ]
    if clock is not None:
        readings.append(Reading(clock.windows[:bars]))
        readings.extend(Reading(levels, is_price=True) for levels in _levels_before(clock.days, bars))
        readings.extend(Reading(levels, is_price=True) for levels in _levels_before(clock.weeks, bars))
    return readings


def _levels_before(periods: Periods, bars: int) -> Iterator[NDArray[np.float64]]:
    """High and low of the period before that of each bar, NaN where there is none."""
    previous = periods.of_bars(np.arange(bars)) - 1
    for levels in (periods.high, periods.low):
        yield np.where(previous < 0, np.nan, levels[previous]) if bars else levels[:0]


def _told_inside(findings: Findings, start: int, since: int, end: int, swing_left: int) -> list[Reading]:
    """What is told at bars since..end-1 about objects a window from `start` on can know, counted from `start`."""
    at = np.arange(len(findings))[findings.between(since, end - 1)]
    kind, ref, origin = findings.kind[at], findings.ref[at], findings.origin[at]
    about_ref = np.where(kind == Kind.PROJECTION, findings.ref[origin], ref)
    unknown = (
        (np.isin(kind, (*_RAIDS, Kind.PROJECTION)) & (about_ref - swing_left < start))
        | (np.isin(kind, _GAP_LIFE) & (ref - 1 < start))
        | (np.isin(kind, _AFTER_A_BREAK) & (findings.known_at[origin] < since))
        | (kind >= Kind.ASIAN_RANGE)  # the clock has its own memory: see Periods.before
    )
    at = at[~unknown]
    ref, origin = findings.ref[at], findings.origin[at]
    state, bars = findings.bars, slice(since, end)
    return [
        Reading(findings.kind[at]),
        Reading(findings.known_at[at] - start),
        Reading(findings.index[at] - start),
        Reading(np.where(ref == NONE, NONE, ref - start)),
        Reading(findings.direction[at]),
        Reading(findings.upper[at]),
        Reading(findings.lower[at]),
        Reading(np.where(origin == NONE, NONE, findings.known_at[origin] - start)),
        Reading(state.trend[bars]),
        Reading(findings.last_swings(1)[bars] - start),
        Reading(findings.last_swings(-1)[bars] - start),
        Reading(state.true_range[bars]),
    ]


def _by_bar(findings: Findings) -> list[Reading]:
    """The events in an order that does not depend on which side is looked at first within a bar."""
    columns = (findings.lower, findings.upper, findings.direction, findings.ref, findings.index, findings.kind)
    order = np.lexsort((*columns, findings.known_at))
    return [Reading(column[order]) for column in (findings.known_at, *columns)]


def _compare(seen: list[Reading], expected: list[Reading], tolerance: float = 0.0) -> tuple[int, int]:
    """(values compared, values that differ); a column that is longer in one counts its surplus as different."""
    compared = changed = 0
    for one, other in zip(seen, expected, strict=True):
        length = min(one.values.size, other.values.size)
        surplus = max(one.values.size, other.values.size) - length
        same = _same(one.values[:length], other.values[:length], tolerance)
        compared += length + surplus
        changed += surplus + length - int(same.sum())
    return compared, changed


def _same(one: NDArray[Any], other: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    if tolerance:
        close: NDArray[np.bool_] = np.isclose(one, other, rtol=tolerance, atol=0.0, equal_nan=True)
        return close
    same: NDArray[np.bool_] = (one == other) | ((one != one) & (other != other))  # NaN is equal to NaN here
    return same


def _summed(name: str, results: list[tuple[int, int]]) -> Check:
    return Check(name, sum(compared for compared, _ in results), sum(changed for _, changed in results))
