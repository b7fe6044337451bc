"""The named setups: findings that meet on one closed candle, each a liquidity event AND displacement or structure.

Every setup is written once for both directions; `sign` is +1 for a long and -1 for its mirror image. A setup completes
at the bar whose close makes its last finding known and is reported at that bar alone, so a look at an earlier or a
later bar never changes it. Its key names kind, zone and birth of the zone: one zone is one signal, however often it is
looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.findings import Kind
from engine.params import SetupParams
from engine.reading import Block, Gap, Reading
from engine.session_setups import judas_swing, silver_bullet
from engine.setup import Setup, zone_of
from engine.vocabulary import Direction, Rejected, Stage


@dataclass(frozen=True, slots=True)
class SetupRule:
    """A named setup: what finds it, and the kinds of which one must become known at the bar that completes it."""

    find: Callable[[Reading, int, SetupParams], Setup | None]
    completed_by: frozenset[Kind]


def sweep_displacement(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """Stops are taken on one side, price is displaced to the other and leaves a gap: entry in that gap."""
    gap = reading.new_gap(sign)
    if gap is None or not reading.is_displacement(gap.index, sign):
        return None
    raid = reading.last_raid(-sign, gap.index - params.displacement_within_bars, gap.index)
    if raid is None or not raid.is_rejected:
        return None
    return Setup(
        name="sweep_displacement",
        direction=Direction.of(sign),
        zone=zone_of(reading, gap.bottom, gap.top, gap.index),
        protected=reading.extreme(-sign, raid.index, reading.last),
        liquidity=raid,
        structure=reading.last_break(sign, raid.index, reading.last),
        displacement_index=gap.index,
        gap=gap,
        fresh_zone=True,
    )


def breaker_mss(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """A raid of the older low, then a market structure shift through the high between: entry in the breaker block."""
    shift = reading.break_at(reading.last, sign)
    breaker = reading.new_breaker(sign)
    if shift is None or shift.kind is not Kind.MSS or breaker is None:
        return None
    raid = reading.last_raid(-sign, breaker.index, reading.last)
    if raid is None:
        return None
    return Setup(
        name="breaker_mss",
        direction=Direction.of(sign),
        zone=zone_of(reading, breaker.bottom, breaker.top, breaker.index),
        protected=reading.extreme(-sign, breaker.index, reading.last),
        liquidity=raid,
        structure=shift,
        displacement_index=reading.last,
        gap=None,
        fresh_zone=True,
    )


def ob_fvg_discount(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """An order block with a gap on it, in discount for longs and premium for shorts, behind taken liquidity."""
    if not reading.has_new(Kind.FVG, sign) and not reading.has_new(Kind.OB, sign):
        return None
    middle = reading.equilibrium()
    if middle is None:
        return None
    blocks = tuple(reading.live_blocks(sign, params.structure_within_bars))
    if not blocks:
        return None
    gaps = tuple(reading.live_gaps(sign, min(block.index for block in blocks)))
    for block in blocks:
        gap = _gap_on(block, gaps, sign, params.overlap_gap_atr * reading.atr)
        if gap is None or (middle - block.middle) * sign <= 0:
            continue
        if max(gap.known_at, block.known_at) < reading.last:  # it completed earlier, another gap or block is new
            continue
        raid = reading.last_raid(-sign, block.index - params.liquidity_within_bars, reading.last)
        if raid is None:
            continue
        return Setup(
            name="ob_fvg_discount",
            direction=Direction.of(sign),
            zone=zone_of(reading, block.bottom, block.top, block.index),
            protected=reading.extreme(-sign, min(block.index, raid.index), reading.last),
            liquidity=raid,
            structure=reading.break_at(block.known_at, sign),
            displacement_index=reading.last_displacement(sign, block.index, reading.last),
            gap=gap,
            fresh_zone=not block.touched,
        )
    return None


def liquidity_rejection(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """Buy-side or sell-side liquidity is taken and rejected by a long wick, and price leaves with displacement or a break."""
    block = reading.new_rejection(sign)
    if block is None:
        return None
    raid = reading.last_raid(-sign, block.index - 1, block.index + 1)
    if raid is None or not raid.is_rejected:
        return None
    shift = reading.last_break(sign, block.index, reading.last)
    displaced = reading.last_displacement(sign, block.index, reading.last)
    if shift is None and displaced is None:
        return None
    return Setup(
        name="liquidity_rejection",
        direction=Direction.of(sign),
        zone=zone_of(reading, block.bottom, block.top, block.index),
        protected=reading.extreme(-sign, raid.index, reading.last),
        liquidity=raid,
        structure=shift,
        displacement_index=displaced,
        gap=None,
        fresh_zone=True,
    )


def sweep_ob_reaction(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """A sweep runs into a live order block and closes back out of it: entry on the block."""
    raid = reading.last_raid(-sign, reading.last, reading.last)
    if raid is None or not raid.is_rejected:
        return None
    reached = reading.extreme(-sign, reading.last, reading.last)
    for block in reading.live_blocks(sign, params.block_age_bars):
        near, far = (block.top, block.bottom) if sign > 0 else (block.bottom, block.top)
        inside = (near - reached) * sign >= 0 and (reached - far) * sign >= 0
        if block.known_at >= reading.last or not inside or (reading.close - near) * sign <= 0:
            continue
        return Setup(
            name="sweep_ob_reaction",
            direction=Direction.of(sign),
            zone=zone_of(reading, block.bottom, block.top, block.index),
            protected=reached,
            liquidity=raid,
            structure=reading.break_at(block.known_at, sign),
            displacement_index=reading.last_displacement(sign, block.index, reading.last),
            gap=None,
            fresh_zone=block.touched_at is None or block.touched_at >= reading.last,
        )
    return None


SETUPS = (
    SetupRule(sweep_displacement, frozenset((Kind.FVG,))),
    SetupRule(breaker_mss, frozenset((Kind.MSS,))),
    SetupRule(ob_fvg_discount, frozenset((Kind.FVG, Kind.OB))),
    SetupRule(liquidity_rejection, frozenset((Kind.REJECTION_BLOCK,))),
    SetupRule(sweep_ob_reaction, frozenset((Kind.SWEEP, Kind.RUN))),
    SetupRule(silver_bullet, frozenset((Kind.FVG,))),
    SetupRule(judas_swing, frozenset((Kind.OB,))),
)

COMPLETING = frozenset(kind for rule in SETUPS for kind in rule.completed_by)
"""Where none of these becomes known, no setup completes."""


def may_complete(reading: Reading) -> bool:
    """Whether the reading's last bar made anything known that can complete a setup."""
    return not COMPLETING.isdisjoint(reading.new_kinds)


def setups_at(reading: Reading, params: SetupParams) -> tuple[Setup, ...] | Rejected:
    """Every setup that completes at the reading's last bar, in the order of the table; else what was missing."""
    return tuple(_complete(reading, params)) or _what_is_missing(reading, params)


def _complete(reading: Reading, params: SetupParams) -> Iterator[Setup]:
    for rule in SETUPS:
        if rule.completed_by.isdisjoint(reading.new_kinds):
            continue
        for sign in (1, -1):
            setup = rule.find(reading, sign, params)
            if setup is not None and _is_tradable(setup, reading, params):
                yield setup


def _is_tradable(setup: Setup, reading: Reading, params: SetupParams) -> bool:
    """The zone has a sensible height, price stands on its far side, and displacement or structure backs the raid."""
    height = setup.zone.height / reading.atr
    ahead = (reading.close - setup.zone.middle) * setup.direction.sign > 0
    backed = setup.structure is not None or setup.displacement_index is not None
    return params.zone_min_atr <= height <= params.zone_max_atr and ahead and backed


def _what_is_missing(reading: Reading, params: SetupParams) -> Rejected:
    since = reading.last - params.liquidity_within_bars
    raided = [side for side in (1, -1) if reading.was_raided(side, since)]
    if not raided:
        return Rejected(Stage.SETUP, "no liquidity was taken lately", "none", f"{params.liquidity_within_bars} bars")
    if not any(reading.was_answered(-side, since) for side in raided):
        return Rejected(Stage.SETUP, "liquidity was taken, but neither displacement nor a structure break answered it")
    return Rejected(Stage.SETUP, "no zone completed on this candle")


def _gap_on(block: Block, gaps: Sequence[Gap], sign: int, reach: float) -> Gap | None:
    """The first of the gaps no older than the block that overlaps it or stands within reach of its near edge."""
    for gap in gaps:
        distance = gap.bottom - block.top if sign > 0 else block.bottom - gap.top
        if gap.index >= block.index and distance <= reach:
            return gap
    return None
