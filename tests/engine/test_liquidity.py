"""The liquidity ahead: every pool lies beyond the close, and none has been traded through since it could be known."""

import numpy as np
import pytest

from engine.levels import Pool
from engine.liquidity import DAY_NAMES, WEEK_NAMES, pools_ahead
from engine.reading import Reading
from engine.timeframes import Timeframe
from tests.engine.market import PARAMS, read, stack_of, walk


def looks(seed: int, sign: int) -> list[tuple[Reading, Reading, tuple[Pool, ...]]]:
    stack = stack_of(walk(seed))
    own_chart, context_chart = read(stack.own), read(stack.context)
    found = []
    for index in range(400, len(stack.own), 7):
        own = Reading(own_chart, index, PARAMS.window)
        closed = int(np.searchsorted(stack.context.closed_ms, own.closed_at_ms, side="right"))
        context = Reading(context_chart, closed - 1, PARAMS.window)
        found.append((own, context, pools_ahead(own, context, sign)))
    return found


@pytest.mark.parametrize("sign", [1, -1])
def test_every_pool_lies_beyond_the_last_close(sign: int):
    pools = [(own, pool) for own, _, ahead in looks(1, sign) for pool in ahead]

    assert len(pools) > 100
    assert all((pool.price - own.close) * sign > 0 for own, pool in pools)


@pytest.mark.parametrize(("names", "period"), [(DAY_NAMES, Timeframe.D1), (WEEK_NAMES, Timeframe.W1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_day_or_week_taken_in_this_one_draws_nobody(names: dict[int, str], period: Timeframe, sign: int):
    offered = 0
    for own, _, ahead in looks(2, sign):
        reached = own.extreme_since(sign, int(period.floor(own.closed_at_ms)))
        for pool in ahead:
            if pool.name == names[sign]:
                offered += 1
                assert reached is None or (pool.price - reached) * sign >= 0

    assert offered > 0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_higher_swing_taken_inside_the_forming_candle_draws_nobody(sign: int):
    higher = [
        (pool, own.extreme_since(sign, context.closed_at_ms))
        for own, context, ahead in looks(3, sign)
        for pool in ahead
        if pool.name.startswith("4h")
    ]

    assert any(reached is not None for _, reached in higher)
    assert all(reached is None or (pool.price - reached) * sign >= 0 for pool, reached in higher)
