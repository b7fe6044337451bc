"""Entry, stop and targets of a setup, rounded to the tick once, with what the round trip costs in R."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import NamedTuple

from engine.params import CostParams, LevelParams
from engine.setup import Setup
from engine.vocabulary import Direction, Rejected, Stage, Target

SIGNIFICANT_DIGITS = 6
NEAR_TARGETS = 2


class Pool(NamedTuple):
    """Liquidity that rests at a price; `is_draw` marks what price is drawn to from afar (DESIGN 5, targets)."""

    price: float
    name: str
    is_draw: bool


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices on the tick; `rr` to the last target, `plan_r` when every target is hit at its share, `cost_r` the round trip."""

    entry: float
    zone_low: float
    zone_high: float
    stop_loss: float
    targets: tuple[Target, ...]
    rr: float
    plan_r: float
    cost_r: float


def levels_of(
    setup: Setup,
    pools: tuple[Pool, ...],
    *,
    atr: float,
    context_atr: float,
    tick_size: float | None,
    params: LevelParams,
    costs: CostParams,
) -> Levels | Rejected:
    """The levels of `setup`, or why it has none. `atr` and `context_atr` are mean true ranges in price."""
    sign = setup.direction.sign
    zone = setup.zone
    inner, outer = (zone.high, zone.low) if sign > 0 else (zone.low, zone.high)
    entry = _on_tick(inner + (outer - inner) * params.entry_ratio, tick_size, ROUND_HALF_EVEN)
    stop = stop_beyond(setup, buffer=params.stop_buffer_atr * atr, tick_size=tick_size)
    risk = (entry - stop) * sign
    if risk <= 0 or stop <= 0:
        return Rejected(Stage.LEVELS, "the stop does not stand beyond the entry", f"{stop:.10g}", f"{entry:.10g}")
    targets = _targets(entry, risk, sign, pools, context_atr, tick_size, params)
    if isinstance(targets, Rejected):
        return targets
    rewards = [(target.price - entry) * sign / risk for target in targets]
    return Levels(
        entry=entry,
        zone_low=_on_tick(zone.low, tick_size, ROUND_HALF_EVEN),
        zone_high=_on_tick(zone.high, tick_size, ROUND_HALF_EVEN),
        stop_loss=stop,
        targets=targets,
        rr=rewards[-1],
        plan_r=sum(reward * target.share_ratio for reward, target in zip(rewards, targets, strict=True)),
        cost_r=costs.round_trip_ratio * entry / risk,
    )


def stop_beyond(setup: Setup, *, buffer: float, tick_size: float | None) -> float:
    """The stop: `buffer` beyond both the zone that gives the entry and the structure that the setup rests on."""
    if setup.direction is Direction.LONG:
        return _on_tick(min(setup.zone.low, setup.protected) - buffer, tick_size, ROUND_FLOOR)
    return _on_tick(max(setup.zone.high, setup.protected) + buffer, tick_size, ROUND_CEILING)


def _targets(
    entry: float,
    risk: float,
    sign: int,
    pools: tuple[Pool, ...],
    context_atr: float,
    tick_size: float | None,
    params: LevelParams,
) -> tuple[Target, ...] | Rejected:
    """Up to three: the nearest opposing pool, the next one, the draw; each clear of the one before."""
    gap = params.target_gap_r * risk
    floor = entry + sign * params.first_target_min_r * risk
    # a target stands on the tick just short of its liquidity, and is held against the limits there
    toward = ROUND_FLOOR if sign > 0 else ROUND_CEILING
    ahead = sorted(
        (
            Pool(_on_tick(pool.price, tick_size, toward), pool.name, pool.is_draw)
            for pool in pools
            if (pool.price - floor) * sign >= 0
        ),
        key=lambda pool: pool.price * sign,
    )
    chosen: list[Pool] = []
    for pool in ahead:
        if len(chosen) < NEAR_TARGETS and _is_clear(pool, floor, chosen, sign):
            chosen.append(pool)
            floor = pool.price + sign * gap
    if not chosen:
        return Rejected(Stage.LEVELS, f"no opposing liquidity at {params.first_target_min_r:g}R or more")
    reach = params.draw_within_context_atr * context_atr
    for pool in ahead:
        if pool.is_draw and _is_clear(pool, floor, chosen, sign) and abs(pool.price - entry) <= reach:
            chosen.append(pool)
            break
    shares = params.shares[: len(chosen)]
    return tuple(
        Target(no, pool.price, share / sum(shares), pool.name)
        for no, (share, pool) in enumerate(zip(shares, chosen, strict=True), 1)
    )


def _is_clear(pool: Pool, floor: float, chosen: list[Pool], sign: int) -> bool:
    """At or beyond `floor`, and on another tick than the target before it."""
    return (pool.price - floor) * sign >= 0 and (not chosen or pool.price != chosen[-1].price)


@lru_cache(maxsize=8192)
def _on_tick(price: float, tick_size: float | None, rounding: str) -> float:
    """`price` on the tick grid, in decimal arithmetic so that 0.1 ticks do not leave 0.30000000000000004.

    Where the tick is not known (a candle file), the grid is six significant digits of the price itself. Remembered,
    since the same pools stand ahead of one signal after the other.
    """
    exact = Decimal(repr(price))
    if not tick_size:
        return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - SIGNIFICANT_DIGITS + 1), rounding))
    tick = Decimal(repr(tick_size))
    return float((exact / tick).to_integral_value(rounding) * tick)
