"""Entry, stop and targets: on the right side of everything, on the tick, and paid for."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.levels import Levels, Pool, levels_of
from engine.params import CostParams, LevelParams
from engine.reading import Raid
from engine.setup import Setup, Zone
from engine.vocabulary import Direction, Market, Rejected, Stage

RAID = Raid(index=5, side=-1, level=98.0, count=1, depth=0.5, is_sweep=True, is_rejected=True, is_equal=False)
LONG = Setup(
    name="drawn",
    direction=Direction.LONG,
    zone=Zone(99.0, 101.0, 8, 1_700_000_000_000),
    protected=97.5,
    liquidity=RAID,
    structure=None,
    displacement_index=7,
    gap=None,
    fresh_zone=True,
)
SHORT = replace(LONG, direction=Direction.SHORT, protected=102.5)
POOLS = (
    Pool(103.0, "swing high", False),
    Pool(106.0, "swing high", False),
    Pool(108.0, "swing high", False),
    Pool(110.0, "previous day high", True),
)
POOLS_BELOW = tuple(pool._replace(price=200 - pool.price) for pool in POOLS)
NO_BUFFER = LevelParams(stop_buffer_atr=0.0)


def levels(setup: Setup = LONG, pools: tuple[Pool, ...] = POOLS, **changes: object) -> Levels | Rejected:
    given = {
        "atr": 1.0, "context_atr": 2.0, "tick_size": 0.1, "params": LevelParams(), "costs": CostParams(), **changes
    }  # fmt: skip
    return levels_of(setup, pools, **given)


def prices(found: Levels | Rejected) -> list[float]:
    assert isinstance(found, Levels)
    return [target.price for target in found.targets]


def test_the_entry_is_the_middle_of_the_zone():
    assert levels().entry == 100.0


def test_the_entry_may_stand_at_the_near_edge():
    near = LevelParams(entry_ratio=0.0)

    assert levels(params=near).entry == 101.0
    assert levels(SHORT, POOLS_BELOW, params=near).entry == 99.0


@pytest.mark.parametrize(("protected", "stop"), [(97.5, 97.3), (99.5, 98.8)])
def test_the_stop_of_a_long_stands_beyond_both_its_zone_and_the_protected_low(protected: float, stop: float):
    assert levels(replace(LONG, protected=protected)).stop_loss == stop  # 0.15 ATR, then down to the tick


@pytest.mark.parametrize(("protected", "stop"), [(102.5, 102.7), (100.5, 101.2)])
def test_the_stop_of_a_short_stands_beyond_both_its_zone_and_the_protected_high(protected: float, stop: float):
    assert levels(replace(SHORT, protected=protected), POOLS_BELOW).stop_loss == stop


def test_targets_are_the_two_nearest_pools_and_the_draw():
    found = levels(params=NO_BUFFER)

    assert prices(found) == [103.0, 106.0, 110.0]
    assert [target.reason for target in found.targets] == ["swing high", "swing high", "previous day high"]
    assert [target.share_ratio for target in found.targets] == pytest.approx([0.40, 0.35, 0.25])


def test_targets_of_a_short_are_the_mirror_image():
    assert prices(levels(SHORT, POOLS_BELOW, params=NO_BUFFER)) == [97.0, 94.0, 90.0]


def test_a_pool_nearer_than_1r_is_no_target():
    near = Pool(102.4, "swing high", False)

    assert prices(levels(pools=(near, *POOLS), params=NO_BUFFER)) == [103.0, 106.0, 110.0]
    assert prices(levels(pools=(near._replace(price=102.5), *POOLS), params=NO_BUFFER))[0] == 102.5


def test_a_pool_too_near_to_the_target_before_it_is_passed_by():
    crowded = (*POOLS, Pool(103.5, "swing high", False))

    assert prices(levels(pools=crowded, params=NO_BUFFER)) == [103.0, 106.0, 110.0]


def test_without_opposing_liquidity_there_are_no_levels():
    found = levels(pools=(Pool(102.0, "swing high", True),))

    assert found == Rejected(Stage.LEVELS, "no opposing liquidity at 1R or more")


def test_a_draw_out_of_reach_leaves_two_targets_whose_shares_are_whole():
    found = levels(context_atr=0.9, params=NO_BUFFER)

    assert prices(found) == [103.0, 106.0]
    assert sum(target.share_ratio for target in found.targets) == pytest.approx(1.0)
    assert found.targets[0].share_ratio == pytest.approx(0.40 / 0.75)


def test_only_what_price_is_drawn_to_is_a_third_target():
    assert prices(levels(pools=POOLS[:3], params=NO_BUFFER)) == [103.0, 106.0]


def test_rr_counts_to_the_last_target_and_the_plan_every_share():
    found = levels(params=NO_BUFFER)

    assert found.rr == pytest.approx(10 / 2.5)
    assert found.plan_r == pytest.approx((3 * 0.40 + 6 * 0.35 + 10 * 0.25) / 2.5)


def test_a_stop_that_is_not_beyond_the_entry_is_refused():
    flat = replace(LONG, zone=Zone(100.0, 100.02, 8, 0), protected=100.0)

    found = levels(flat, params=NO_BUFFER)
    assert isinstance(found, Rejected)
    assert (found.stage, found.value, found.limit) == (Stage.LEVELS, "100", "100")


def test_a_stop_below_zero_is_refused():
    assert isinstance(levels(replace(LONG, protected=0.05)), Rejected)


def test_the_round_trip_costs_more_in_r_on_spot():
    perpetual = levels(costs=CostParams(market=Market.USDT_M))
    spot = levels(costs=CostParams(market=Market.SPOT))

    assert perpetual.cost_r == pytest.approx(0.0015 * 100 / (100 - 97.3))
    assert spot.cost_r == pytest.approx(0.0025 * 100 / (100 - 97.3))


@pytest.mark.parametrize(
    ("tick", "scale"), [(0.1, 1.0), (0.1, 970.0), (1e-8, 1e-7), (1e-8, 3e-6), (0.5, 1.0), (0.01, 0.3), (0.0001, 0.004)]
)
def test_every_price_is_exactly_on_the_tick(tick: float, scale: float):
    setup = replace(LONG, zone=Zone(99.0123 * scale, 101.0456 * scale, 8, 0), protected=97.51239 * scale)
    pools = tuple(pool._replace(price=pool.price * scale * 1.00012345) for pool in POOLS)

    found = levels(setup, pools, atr=scale, context_atr=2 * scale, tick_size=tick)
    for price in (found.entry, found.stop_loss, found.zone_low, found.zone_high, *prices(found)):
        steps = Decimal(repr(price)) / Decimal(repr(tick))
        assert steps == steps.to_integral_value()


@pytest.mark.parametrize(
    ("price", "written"), [(97_123.45678, "97123.5"), (0.000012345678, "1.23457e-05"), (1.5, "1.5")]
)
def test_an_unknown_tick_is_taken_for_six_significant_digits(price: float, written: str):
    setup = replace(LONG, zone=Zone(price, price, 8, 0), protected=price * 0.9)
    pools = (Pool(price * 1.2, "swing high", True),)

    found = levels(setup, pools, atr=price / 100, context_atr=price, tick_size=None)
    assert repr(found.entry) == written


def test_two_pools_on_one_coarse_tick_are_one_target():
    pools = (Pool(103.2, "swing high", False), Pool(103.9, "swing high", False), Pool(104.3, "previous day high", True))
    setup = replace(LONG, zone=Zone(100.0, 100.0, 8, 0), protected=99.0)

    found = levels(setup, pools, tick_size=1.0, params=replace(NO_BUFFER, target_gap_r=0.0))
    assert prices(found) == [103.0, 104.0]


shapes = st.tuples(
    st.floats(0.02, 3.0),  # height of the zone
    st.floats(0.0, 3.0),  # how far the protected extreme lies beyond the entry
    st.lists(st.tuples(st.floats(0.01, 25.0), st.booleans()), max_size=8),
    st.sampled_from([0.001, 0.1, 0.25, 1.0, None]),
    st.sampled_from([1, -1]),
)


@given(shapes)
@settings(max_examples=300, deadline=None)
def test_levels_are_always_in_order_or_refused(shape):
    height, beyond, ahead, tick, sign = shape
    setup = replace(
        LONG if sign > 0 else SHORT,
        zone=Zone(100 - height / 2, 100 + height / 2, 8, 0),
        protected=100 - sign * beyond,
    )
    pools = tuple(Pool(100 + sign * distance, "pool", is_draw) for distance, is_draw in ahead)

    found = levels(setup, pools, tick_size=tick)
    if isinstance(found, Rejected):
        assert found.stage is Stage.LEVELS
        return
    ladder = [found.stop_loss, found.entry, *prices(found)]
    assert ladder == sorted(set(ladder), reverse=sign < 0)
    outermost = min(setup.zone.low, setup.protected) if sign > 0 else max(setup.zone.high, setup.protected)
    assert (outermost - found.stop_loss) * sign >= 0
    assert (found.targets[0].price - found.entry) * sign >= abs(found.entry - found.stop_loss) * (1 - 1e-12)
    assert sum(target.share_ratio for target in found.targets) == pytest.approx(1.0)
