"""The two setups of the clock: silver bullet, and Judas swing as the distribution leg of a power of three."""

from engine.findings import Kind
from engine.params import SetupParams
from engine.reading import Reading
from engine.setup import Setup, zone_of
from engine.timeframes import HOUR_MS
from engine.vocabulary import Direction

SILVER_BULLET_WINDOWS = frozenset({"sb_london", "sb_am", "sb_pm"})


def silver_bullet(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """A gap whose middle and third candle open inside one silver bullet hour, after liquidity was taken against it."""
    gap = reading.new_gap(sign)
    if gap is None:
        return None
    if not SILVER_BULLET_WINDOWS.intersection(reading.windows_of(gap.index)).intersection(reading.windows_of(gap.known_at)):
        return None
    raid = reading.last_raid(-sign, gap.index - params.liquidity_within_bars, gap.index)
    if raid is None or not raid.is_rejected:
        return None
    return Setup(
        name="silver_bullet",
        direction=Direction.of(sign),
        zone=zone_of(reading, gap.bottom, gap.top, gap.index),
        protected=reading.extreme(-sign, raid.index, reading.last),
        liquidity=raid,
        structure=reading.last_break(sign, raid.index, reading.last),
        displacement_index=reading.last_displacement(sign, raid.index, reading.last),
        gap=gap,
        fresh_zone=True,
    )


def judas_swing(reading: Reading, sign: int, params: SetupParams) -> Setup | None:
    """Accumulation in the Asian range, its raid by London as manipulation, then the shift that begins distribution.

    Known at the close that breaks structure against the raid; the entry is the order block of that break.
    """
    if reading.timeframe.ms > HOUR_MS:  # a longer candle spans the windows this setup is made of
        return None
    shift = reading.break_at(reading.last, sign)
    if shift is None or shift.kind is Kind.BOS:
        return None
    block = reading.new_block(sign)
    if block is None:
        return None
    raid = reading.last_judas_raid(sign, reading.last - params.structure_within_bars)
    if raid is None:
        return None
    return Setup(
        name="judas_swing",
        direction=Direction.of(sign),
        zone=zone_of(reading, block.bottom, block.top, block.index),
        protected=reading.extreme(-sign, raid.index, reading.last),
        liquidity=raid,
        structure=shift,
        displacement_index=reading.last_displacement(sign, raid.index, reading.last),
        gap=next(reading.live_gaps(sign, raid.index), None),
        fresh_zone=True,
    )
