"""A position is looked at again on its way to the last target: what has changed since its signal, and what to do.

The re-analysis reads the chart as `decide` does and scores it in the position's own direction. What supported the entry
counts as long as it stands; what came since may only add to it; facts of the entry itself (the liquidity taken, the
zone, the session, the volume) stay as they were decided. The first rule of the table that holds is the advice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from engine.confidence import GRADES, Grade, btc, confidence_of, displacement, fvg, htf, structure, weighed
from engine.decide import Readings
from engine.params import CheckpointParams, Params
from engine.reading import Break, Gap, Reading
from engine.vocabulary import Contribution, Signal

LEVELS = (25, 50, 75, 85)
"""The checkpoints: percent of the way from the entry to the last target."""


class Recommendation(Enum):
    HOLD = "HOLD"
    PARTIAL_CLOSE = "PARTIAL_CLOSE"
    MOVE_SL = "MOVE_SL"
    CLOSE_NOW = "CLOSE_NOW"


@dataclass(frozen=True, slots=True)
class Held:
    """A position at a checkpoint: its signal, its own prices, and where the market stands."""

    signal: Signal
    entry_price: float
    opened_ms: int
    stop: float
    price: float
    level: int

    @property
    def sign(self) -> int:
        return self.signal.direction.sign

    @property
    def rr_left(self) -> float:
        """Reward to the last target over the risk to the current stop, both from the current price."""
        reward = (self.signal.targets[-1].price - self.price) * self.sign
        return max(reward, 0.0) / ((self.price - self.stop) * self.sign)


@dataclass(frozen=True, slots=True)
class Reanalysis:
    """What a checkpoint found; `delta` is points of confidence against the stored signal before any model.

    `better_stop` is where the stop should follow to; None when it stands as close as it should.
    """

    level: int
    confidence: float
    delta: float
    structure_broken: bool
    bias_flipped: bool
    swept_against: bool
    rr_left: float
    better_stop: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the advice: its name, what it recommends, and when it holds."""

    name: str
    recommendation: Recommendation
    holds: Callable[[Reanalysis, CheckpointParams], bool]


def structure_broken(found: Reanalysis, params: CheckpointParams) -> bool:
    return found.structure_broken


def bias_flipped(found: Reanalysis, params: CheckpointParams) -> bool:
    return found.bias_flipped


def confidence_gone(found: Reanalysis, params: CheckpointParams) -> bool:
    return found.delta < params.close_below_delta


def swept_against(found: Reanalysis, params: CheckpointParams) -> bool:
    return found.swept_against


def confidence_fell_late(found: Reanalysis, params: CheckpointParams) -> bool:
    return found.level >= params.late_from_level and found.delta < params.reduce_below_delta


def little_left(found: Reanalysis, params: CheckpointParams) -> bool:
    late = found.level >= params.late_from_level
    return late and found.rr_left < params.reduce_below_rr and found.delta < 0


def stop_may_follow(found: Reanalysis, params: CheckpointParams) -> bool:
    steady = found.level >= params.trail_from_level and found.delta >= params.trail_from_delta
    return steady and found.better_stop is not None


def otherwise(found: Reanalysis, params: CheckpointParams) -> bool:
    return True


RULES: tuple[Rule, ...] = (
    Rule("structure_broken", Recommendation.CLOSE_NOW, structure_broken),
    Rule("bias_flipped", Recommendation.CLOSE_NOW, bias_flipped),
    Rule("confidence_gone", Recommendation.CLOSE_NOW, confidence_gone),
    Rule("swept_against", Recommendation.PARTIAL_CLOSE, swept_against),
    Rule("confidence_fell", Recommendation.PARTIAL_CLOSE, confidence_fell_late),
    Rule("little_left", Recommendation.PARTIAL_CLOSE, little_left),
    Rule("stop_may_follow", Recommendation.MOVE_SL, stop_may_follow),
    Rule("nothing_changed", Recommendation.HOLD, otherwise),
)
"""The advice in its order: the first rule that holds answers."""


def advice(found: Reanalysis, params: CheckpointParams) -> Rule:
    """The first rule that holds."""
    return next(rule for rule in RULES if rule.holds(found, params))


def level_price(entry_price: float, last_target: float, level: int) -> float:
    """The price of a checkpoint."""
    return entry_price + (last_target - entry_price) * level / 100.0


def levels_passed(signal: Signal, entry_price: float, reached: float, after_level: int) -> tuple[int, ...]:
    """The checkpoints above `after_level` that the price `reached` touches or lies beyond, the nearest first."""
    sign, last_target = signal.direction.sign, signal.targets[-1].price
    return tuple(
        level
        for level in LEVELS
        if level > after_level and (reached - level_price(entry_price, last_target, level)) * sign >= 0
    )


def reanalyse(held: Held, readings: Readings, params: Params) -> Reanalysis:
    """The position of `held` on the chart of `readings`."""
    own, sign = readings.own, held.sign
    confidence = confidence_of(contributions_now(held.signal, readings, params))
    return Reanalysis(
        level=held.level,
        confidence=confidence,
        delta=round(confidence - held.signal.base_confidence, 2),
        structure_broken=_is_broken(own, sign, own.first_bar_since(held.signal.candle_close_ms)),
        bias_flipped=readings.context.trend == -sign and held.signal.htf_bias not in (None, -sign),
        swept_against=_swept_against(held, own),
        rr_left=held.rr_left,
        better_stop=_better_stop(held, own, params),
    )


def contributions_now(signal: Signal, readings: Readings, params: Params) -> tuple[Contribution, ...]:
    """The signal's contributions as they stand on the chart of `readings`; at its own close, those that were stored."""
    own, sign = readings.own, signal.direction.sign
    since = own.first_bar_since(signal.candle_close_ms)
    pushed, answered = (own.last_displacement(side, since, own.last) for side in (sign, -sign))
    pushed_back = answered is not None and (pushed is None or pushed < answered)
    came = _Backing(
        structure=own.last_break(sign, since, own.last) if own.trend == sign else None,
        displacement_index=None if pushed_back else pushed,
        gap=next(own.live_gaps(sign, since), None),
    )
    case = _Standing(sign, came, own, readings.context, readings.btc)
    stored = {part.name: Grade(_ratio(part), part.reason) for part in signal.contributions}
    now = {
        "structure": _kept_or_better(stored.get("structure"), structure(case), stands=not _is_broken(own, sign, since)),
        "displacement": _kept_or_better(stored.get("displacement"), displacement(case), stands=not pushed_back),
        "fvg": _kept_or_better(stored.get("fvg"), fvg(case), stands=not own.was_inverted(sign, since)),
        "htf": htf(case),
        "btc": btc(case),
    }
    grades = [(name, now.get(name) or stored.get(name) or Grade(None, "not stored")) for name, _ in GRADES]
    return weighed(grades, params.confidence)


@dataclass(frozen=True, slots=True)
class _Backing:
    """What backs a direction of what became known since a signal was decided."""

    structure: Break | None
    displacement_index: int | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class _Standing:
    """A position's direction on the chart of now, as the grades read it."""

    sign: int
    setup: _Backing
    reading: Reading
    context: Reading
    btc: Reading | None


def _is_broken(own: Reading, sign: int, since: int) -> bool:
    """Whether structure broke against a direction since that bar, and was not broken back."""
    return own.trend == -sign and own.last_break(-sign, since, own.last) is not None


def _kept_or_better(stored: Grade | None, now: Grade, *, stands: bool) -> Grade:
    """The better of a stored grade and the one of now, where what it was given for still stands."""
    if not stands or stored is None or stored.ratio is None or now.ratio is None:
        return now
    return stored if stored.ratio > now.ratio else now


def _ratio(part: Contribution) -> float | None:
    return None if part.points is None or part.possible <= 0 else part.points / part.possible


def _swept_against(held: Held, own: Reading) -> bool:
    """Whether the liquidity ahead was taken and rejected since the position opened, and price was displaced against it."""
    opened_bar = own.first_bar_since(held.opened_ms - own.timeframe.ms + 1)
    raid = own.last_raid(held.sign, opened_bar, own.last)
    if raid is None or not raid.is_rejected:
        return False
    return own.last_displacement(-held.sign, raid.index, own.last) is not None


def _better_stop(held: Held, own: Reading, params: Params) -> float | None:
    """Break-even; from there on behind the last internal swing. None where that is no step towards profit."""
    sign = held.sign
    if (held.entry_price - held.stop) * sign > 0:
        wanted: float | None = held.entry_price
    else:
        swing = own.last_internal_swing(-sign)
        wanted = None if swing is None else swing - sign * params.levels.stop_buffer_atr * own.atr
    if wanted is None or (wanted - held.stop) * sign <= 0 or (held.price - wanted) * sign <= 0:
        return None
    return wanted
