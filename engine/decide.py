"""The decision: candles in, Signal or Rejected out; same input, same output, byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from engine.confidence import Case, confidence_of, contributions_of
from engine.levels import Levels, Pool, levels_of
from engine.liquidity import pools_ahead
from engine.params import Params
from engine.reading import Reading
from engine.setup import Setup
from engine.setups import setups_at
from engine.vocabulary import ChartFacts, Rejected, Signal, Stage, Witness


@dataclass(frozen=True, slots=True)
class Readings:
    """One look at one series: its own chart, its higher timeframe joined on close, and BTC where it is not BTC."""

    own: Reading
    context: Reading
    btc: Reading | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What learning is told of a signal: its features by name (NaN = missing) in one version, and the market's regime."""

    features: Mapping[str, float]
    version: int
    regime: str | None


class Describe(Protocol):
    """Describes a signal from what was known at its close, and from nothing later."""

    def __call__(self, case: Case, signal: Signal, /) -> Description: ...


def decide(
    readings: Readings, params: Params, tick_size: float | None = None, describe: Describe | None = None
) -> Signal | Rejected:
    """The best setup that completes on the last closed candle, with levels and confidence; or why there is none."""
    short = too_short(readings, params)
    if short is not None:
        return short
    setups = setups_at(readings.own, params.setups)
    if isinstance(setups, Rejected):
        return setups
    cases = [Case(setup, readings.own, readings.context, readings.btc) for setup in setups]
    ahead = {sign: pools_ahead(readings.own, readings.context, sign) for sign in {case.sign for case in cases}}
    looks = [(case, _signal(case, ahead[case.sign], params, tick_size)) for case in cases]
    signals = [(case, look) for case, look in looks if isinstance(look, Signal)]
    if not signals:
        return next(look for _, look in looks if isinstance(look, Rejected))
    case, best = max(signals, key=lambda found: found[1].confidence)
    limit = params.gates.store_from_confidence
    if best.confidence < limit:
        return Rejected(Stage.CONFIDENCE, f"{best.setup} is too weak to keep", f"{best.confidence:.1f}", f"{limit:g}")
    if describe is None:
        return best
    told = describe(case, best)
    return replace(best, features=told.features, features_version=told.version, regime=told.regime)


def too_short(readings: Readings, params: Params) -> Rejected | None:
    """Why nothing can be decided on these readings; None when they are long enough and the market moves."""
    for reading, needed in ((readings.own, params.window.min_bars), (readings.context, params.window.min_context_bars)):
        if reading.bars < needed:
            name = f"{reading.symbol} {reading.timeframe.text}"
            return Rejected(
                Stage.DATA, f"{name} needs {needed} bars, has {reading.bars}", str(reading.bars), str(needed)
            )
    if not readings.own.atr > 0 or not readings.context.atr > 0:
        return Rejected(Stage.DATA, "the market does not move: mean true range 0", "0", "> 0")
    return None


def _signal(case: Case, pools: tuple[Pool, ...], params: Params, tick_size: float | None) -> Signal | Rejected:
    levels = levels_of(
        case.setup,
        pools,
        atr=case.reading.atr,
        context_atr=case.context.atr,
        tick_size=tick_size,
        params=params.levels,
        costs=params.costs,
    )
    if isinstance(levels, Rejected):
        return levels
    return _with_levels(case, levels, params)


def _with_levels(case: Case, levels: Levels, params: Params) -> Signal:
    setup, own = case.setup, case.reading
    contributions = contributions_of(case, params.confidence)
    confidence = confidence_of(contributions)
    return Signal(
        symbol=own.symbol,
        timeframe=own.timeframe,
        market=params.costs.market,
        direction=setup.direction,
        setup=setup.name,
        setup_key=setup.key,
        candle_close_ms=own.closed_at_ms,
        entry=levels.entry,
        zone_low=levels.zone_low,
        zone_high=levels.zone_high,
        stop_loss=levels.stop_loss,
        targets=levels.targets,
        valid_until_ms=own.closed_at_ms + params.levels.valid_bars * own.timeframe.ms,
        rr=levels.rr,
        plan_r=levels.plan_r,
        cost_r=levels.cost_r,
        confidence=confidence,
        base_confidence=confidence,
        contributions=contributions,
        params_hash=params.hash,
        session=own.windows[0] if own.windows else None,
        htf_bias=case.context.trend,
        reasons=_reasons(setup, own),
        witnesses=_witnesses(setup, own),
        chart=ChartFacts(own.atr, own.close, own.trend, zone_age_bars=own.last - setup.zone.index),
    )


def _reasons(setup: Setup, reading: Reading) -> tuple[str, ...]:
    """Two or three lines a trader reads: what was taken, what answered, where the entry lies."""
    lines = [f"{setup.liquidity.name} taken at {setup.liquidity.level:.6g}"]
    if setup.structure is not None:
        lines.append(f"{setup.structure.kind.name} through {setup.structure.level:.6g}")
    if setup.displacement_index is not None:
        bars = reading.last - setup.displacement_index
        lines.append(f"displacement {bars} bars ago" if bars else "displacement on this candle")
    return tuple(lines)


def _witnesses(setup: Setup, reading: Reading) -> tuple[Witness, ...]:
    """The findings the setup rests on, in the order in which they became known."""

    def witness(name: str, formed: int, known: int, lower: float, upper: float) -> Witness:
        return Witness(name, reading.open_ms(formed), reading.open_ms(known) + reading.timeframe.ms, lower, upper)

    raid, shift, gap = setup.liquidity, setup.structure, setup.gap
    found = [witness(f"{raid.name} taken", raid.index, raid.index, raid.level, raid.level)]
    if shift is not None:
        found.append(witness(shift.kind.word, shift.ref, shift.index, shift.level, shift.level))
    if setup.displacement_index is not None:
        at = setup.displacement_index
        found.append(witness("displacement", at, at, reading.extreme(-1, at, at), reading.extreme(1, at, at)))
    if gap is not None:
        found.append(witness("fvg", gap.index, gap.known_at, gap.bottom, gap.top))
    found.append(witness("zone", setup.zone.index, reading.last, setup.zone.low, setup.zone.high))
    return tuple(sorted(found, key=lambda w: (w.known_at_ms, w.formed_at_ms)))
