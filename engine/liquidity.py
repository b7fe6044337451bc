"""The liquidity ahead of a signal: where its targets may stand, with the names a trader knows."""

from engine.levels import Pool
from engine.reading import EQUAL_NAMES, Reading
from engine.timeframes import Timeframe

SWING_NAMES = {1: "swing high", -1: "swing low"}
DAY_NAMES = {1: "previous day high", -1: "previous day low"}
WEEK_NAMES = {1: "previous week high", -1: "previous week low"}


def pools_ahead(own: Reading, context: Reading, sign: int) -> tuple[Pool, ...]:
    """Every pool beyond the last close on the side `sign`: unraided swings, equals, previous day and week, HTF swings.

    What the own candles have traded through since the day, the week or the forming higher candle began is taken and
    draws nobody any more. A week too long for the own window is read from the higher timeframe.
    """
    now_ms, close = own.closed_at_ms, own.close
    ahead = [(level, own.is_equal(bar, sign)) for level, bar in own.pools(sign) if (level - close) * sign > 0]
    pools = [Pool(level, EQUAL_NAMES[sign] if equal else SWING_NAMES[sign], equal) for level, equal in ahead]
    swing = f"{context.timeframe.text} {SWING_NAMES[sign]}"
    higher = [Pool(level, swing, True) for level, _ in context.pools(sign) if (level - close) * sign > 0]
    pools += _untaken(higher, own, sign, context.closed_at_ms)
    week = own.previous_week(now_ms) or context.previous_week(now_ms)
    for day, name, period in (
        (own.previous_day(), DAY_NAMES[sign], Timeframe.D1),
        (week, WEEK_NAMES[sign], Timeframe.W1),
    ):
        level = None if day is None else day.high if sign > 0 else day.low
        if level is not None and (level - close) * sign > 0:
            pools += _untaken([Pool(level, name, True)], own, sign, period.floor(now_ms))
    return tuple(pools)


def _untaken(pools: list[Pool], own: Reading, sign: int, since_ms: int) -> list[Pool]:
    """Those that no own candle opened at or after `since_ms` has traded through."""
    reached = own.extreme_since(sign, since_ms)
    return pools if reached is None else [pool for pool in pools if (pool.price - reached) * sign >= 0]
