"""The liquidity ahead of a signal: where its targets may stand, with the names a trader knows."""

from engine.levels import Pool
from engine.reading import EQUAL_NAMES, Reading

SWING_NAMES = {1: "swing high", -1: "swing low"}
DAY_NAMES = {1: "previous day high", -1: "previous day low"}
WEEK_NAMES = {1: "previous week high", -1: "previous week low"}


def pools_ahead(own: Reading, context: Reading, sign: int) -> tuple[Pool, ...]:
    """Every pool beyond the last close on the side `sign`: unraided swings, equals, previous day and week, HTF swings.

    A week too long for the own window is read from the higher timeframe.
    """
    pools = [
        *(Pool(level, EQUAL_NAMES[sign] if equal else SWING_NAMES[sign], equal) for level, equal in own.pools(sign)),
        *(Pool(level, f"{context.timeframe.text} {SWING_NAMES[sign]}", True) for level, _ in context.pools(sign)),
    ]
    week = own.previous_week(own.closed_at_ms) or context.previous_week(own.closed_at_ms)
    for day, name in ((own.previous_day(), DAY_NAMES[sign]), (week, WEEK_NAMES[sign])):
        if day is not None:
            pools.append(Pool(day.high if sign > 0 else day.low, name, True))
    return tuple(pool for pool in pools if (pool.price - own.close) * sign > 0)
