"""The named setups on drawn charts: found at the bar that completes them, both ways, and not without each part."""

import pytest

from engine.candles import Candles
from engine.chart import read_chart
from engine.detection_params import DetectionParams
from engine.findings import Kind
from engine.params import SetupParams, WindowParams
from engine.reading import Reading
from engine.runner import INTERPRETED
from engine.setup import Setup
from engine.setups import setups_at
from engine.timeframes import HOUR_MS, Timeframe
from engine.vocabulary import Direction, Rejected, Stage
from tests.drawing import START_MS, Row, drawn

RULES = DetectionParams(disp_n=5, disp_k=1.5, eq_tol=0.0, sweep_reclaim=3, tz="UTC", day_roll="00:00")

# A low at 98.0 (bar 4) and a high at 100.2 (bar 6), both confirmed two bars later, then a raid of the low (bar 8).
TO_THE_RAID: list[Row] = [
    (100.0, 100.6, 99.4, 100.2), (100.2, 100.7, 99.5, 99.9), (99.9, 100.3, 99.0, 99.2), (99.2, 99.6, 98.4, 98.8),
    (98.8, 99.2, 98.0, 98.9), (98.9, 99.8, 98.6, 99.5), (99.5, 100.2, 99.1, 99.8), (99.8, 100.0, 98.9, 99.1),
    (99.1, 99.3, 97.6, 98.6),
]  # fmt: skip
RAIDLESS = {8: (99.1, 99.3, 98.05, 98.6)}
HIGH_OUT_OF_REACH = {6: (99.5, 103.5, 99.1, 99.8)}

# The displacement (bar 9) breaks 100.2 and leaves a gap 99.3 - 100.0 that is known at bar 10.
DISPLACED = [*TO_THE_RAID, (98.6, 102.0, 98.5, 101.8), (101.8, 102.6, 100.0, 102.3), (102.3, 102.9, 101.5, 102.0)]
WEAK_LEG = {9: (98.6, 102.0, 98.5, 99.9), 10: (100.1, 100.9, 100.0, 100.8)}

# The same leg without a gap: bar 10 comes back to 99.2.
REJECTED = [*TO_THE_RAID, (98.6, 102.0, 98.5, 101.8), (101.8, 102.6, 99.2, 102.3), (102.3, 102.9, 101.5, 102.0)]

# The block of bar 8 (97.6 - 99.3), later a low at 99.8 (bar 13) whose raid (bar 17) ends in that block.
BACK_TO_THE_BLOCK = [
    *TO_THE_RAID, (98.6, 100.9, 98.5, 100.8), (100.8, 101.2, 99.3, 101.0), (101.0, 101.4, 100.2, 100.6),
    (100.6, 100.9, 100.0, 100.4), (100.4, 100.8, 99.8, 100.6), (100.6, 101.2, 100.1, 101.0),
    (101.0, 101.3, 100.3, 101.2), (101.2, 101.4, 100.6, 100.8), (100.8, 101.0, 99.0, 100.5),
    (100.5, 101.0, 100.0, 100.6),
]  # fmt: skip

# Down through 102.0 (bar 7), older low 100.0 (bar 8), high 102.0 (bar 10), raid of the low (bar 12), shift (bar 15).
SHIFTED: list[Row] = [
    (104.0, 104.6, 103.4, 104.2), (104.2, 104.6, 103.2, 103.5), (103.5, 103.9, 102.8, 103.0),
    (103.0, 103.3, 102.0, 102.9), (102.9, 103.8, 102.6, 103.5), (103.5, 104.0, 103.0, 103.2),
    (103.2, 103.5, 102.2, 102.4), (102.4, 102.6, 101.0, 101.2), (101.2, 101.4, 100.0, 100.6),
    (100.6, 101.5, 100.4, 101.3), (101.3, 102.0, 100.9, 101.6), (101.6, 101.8, 100.6, 100.8),
    (100.8, 101.0, 99.5, 100.3), (100.3, 101.0, 100.0, 100.8), (100.8, 101.2, 100.3, 100.9),
    (100.9, 103.6, 100.8, 103.5), (103.5, 103.9, 101.1, 103.7),
]  # fmt: skip

CHARTS = {
    "sweep_displacement": (DISPLACED, 10, (99.3, 100.0), 97.6),
    "ob_fvg_discount": (DISPLACED, 10, (97.6, 99.3), 97.6),
    "liquidity_rejection": (REJECTED, 10, (97.6, 98.6), 97.6),
    "sweep_ob_reaction": (BACK_TO_THE_BLOCK, 17, (97.6, 99.3), 99.0),
    "breaker_mss": (SHIFTED, 15, (100.9, 102.0), 99.5),
}
"""By setup: its chart, the bar that completes it, its zone, and the low that must hold."""

TAKEN_AWAY = [
    ("sweep_displacement", "the raid", RAIDLESS),
    ("sweep_displacement", "the displacement", WEAK_LEG),
    ("sweep_displacement", "the gap", {10: (101.8, 102.6, 99.2, 102.3)}),
    ("ob_fvg_discount", "the raid", RAIDLESS),
    ("ob_fvg_discount", "the structure break", HIGH_OUT_OF_REACH),
    ("ob_fvg_discount", "the gap", {10: (101.8, 102.6, 99.2, 102.3)}),
    ("ob_fvg_discount", "the discount", {8: (98.2, 99.3, 97.6, 98.6)}),
    ("liquidity_rejection", "the raid", RAIDLESS),
    ("liquidity_rejection", "displacement and break", {9: (98.6, 100.1, 98.5, 99.3), 10: (99.3, 100.1, 99.2, 99.9)}),
    ("liquidity_rejection", "the wick", {8: (98.6, 99.3, 97.6, 97.6), 9: (97.6, 102.0, 97.6, 101.8)}),
    ("sweep_ob_reaction", "the raid", {13: (100.4, 100.8, 98.95, 100.6)}),
    ("sweep_ob_reaction", "the block, for nothing broke", HIGH_OUT_OF_REACH),
    ("sweep_ob_reaction", "the close back out of the block", {17: (100.8, 101.0, 99.0, 99.25)}),
    ("sweep_ob_reaction", "the touch of the block", {17: (100.8, 101.0, 99.4, 100.5)}),
    ("breaker_mss", "the raid", {12: (100.8, 101.0, 100.1, 100.3)}),
    ("breaker_mss", "the displacement", {15: (101.4, 103.6, 100.8, 102.3)}),
    ("breaker_mss", "the break", {15: (100.9, 103.6, 100.8, 101.9)}),
    ("breaker_mss", "the trend it shifts", {3: (103.0, 103.3, 99.0, 102.9)}),
]

BOTH = pytest.mark.parametrize("direction", list(Direction), ids=lambda d: d.value)


def chart_of(rows: list[Row], direction: Direction, start_ms: int = START_MS) -> Candles:
    """The drawn chart, or its mirror image around 100 where the setup is a short."""
    if direction is Direction.SHORT:
        rows = [(200 - o, 200 - low, 200 - high, 200 - c) for o, high, low, c in rows]
    return drawn([tuple(round(price, 6) for price in row) for row in rows], start_ms=start_ms)


def look(candles: Candles, bar: int) -> tuple[Setup, ...] | Rejected:
    """What a look at the close of `bar` finds, on the candles up to it and nothing more."""
    chart = read_chart(candles.window(bar + 1, bar + 1), RULES, INTERPRETED)
    return setups_at(Reading(chart, bar, WindowParams()), SetupParams())


def found(candles: Candles, name: str) -> dict[int, Setup]:
    """By bar: the setup of that name that completes there."""
    looks = ((bar, look(candles, bar)) for bar in range(len(candles)))
    return {
        bar: setup
        for bar, setups in looks
        if not isinstance(setups, Rejected)
        for setup in setups
        if setup.name == name
    }


def changed(rows: list[Row], changes: dict[int, Row]) -> list[Row]:
    return [changes.get(bar, row) for bar, row in enumerate(rows)]


@BOTH
@pytest.mark.parametrize("name", CHARTS)
def test_a_setup_is_found_at_exactly_the_bar_that_completes_it(name: str, direction: Direction):
    rows, bar, _, _ = CHARTS[name]

    assert list(found(chart_of(rows, direction), name)) == [bar]


@BOTH
@pytest.mark.parametrize("name", CHARTS)
def test_a_setup_has_its_direction_its_zone_and_the_extreme_that_must_hold(name: str, direction: Direction):
    rows, bar, (low, high), protected = CHARTS[name]
    if direction is Direction.SHORT:
        low, high, protected = 200 - high, 200 - low, 200 - protected

    setup = found(chart_of(rows, direction), name)[bar]
    assert setup.direction is direction
    assert (setup.zone.low, setup.zone.high) == pytest.approx((low, high))
    assert setup.protected == pytest.approx(protected)
    assert setup.liquidity.side == -direction.sign


@BOTH
@pytest.mark.parametrize(("name", "part", "changes"), TAKEN_AWAY, ids=[f"{n} without {p}" for n, p, _ in TAKEN_AWAY])
def test_a_setup_is_not_found_without(name: str, part: str, changes: dict[int, Row], direction: Direction):
    assert found(chart_of(changed(CHARTS[name][0], changes), direction), name) == {}


@BOTH
def test_every_setup_rests_on_a_raid_and_on_displacement_or_structure(direction: Direction):
    for name, (rows, bar, _, _) in CHARTS.items():
        setup = found(chart_of(rows, direction), name)[bar]

        assert setup.liquidity.index <= bar
        assert setup.structure is not None or setup.displacement_index is not None


@BOTH
def test_a_silver_bullet_is_a_gap_inside_its_hour(direction: Direction):
    ten_in_new_york = START_MS + 15 * HOUR_MS
    in_time, too_early = (chart_of(DISPLACED, direction, ten_in_new_york - bars * Timeframe.M15.ms) for bars in (9, 10))

    assert list(found(in_time, "silver_bullet")) == [10]
    assert found(too_early, "silver_bullet") == {}


@BOTH
def test_a_silver_bullet_needs_liquidity_taken_before_it(direction: Direction):
    start_ms = START_MS + 15 * HOUR_MS - 9 * Timeframe.M15.ms

    assert found(chart_of(changed(DISPLACED, RAIDLESS), direction, start_ms), "silver_bullet") == {}


def test_the_key_names_kind_direction_and_zone():
    setup = found(chart_of(DISPLACED, Direction.LONG), "sweep_displacement")[10]

    assert setup.key == f"sweep_displacement|LONG|{START_MS + 9 * Timeframe.M15.ms}|99.3|100.0"


def test_a_raid_closed_back_only_later_counts_from_the_bar_that_closed_back():
    """Bar 8 runs the low (closes below it), bar 9 closes back above: a turtle soup, and the leg is backed by it."""
    rows = changed(DISPLACED, {8: (99.1, 99.3, 97.6, 97.8), 9: (97.8, 102.0, 97.7, 101.8)})

    assert list(found(chart_of(rows, Direction.LONG), "sweep_displacement")) == [10]


@BOTH
def test_a_block_and_its_gap_are_not_found_again_when_another_gap_appears(direction: Direction):
    second_gap = [*DISPLACED, (102.0, 104.0, 101.9, 103.9), (103.9, 104.3, 103.2, 104.0)]

    assert list(found(chart_of(second_gap, direction), "ob_fvg_discount")) == [10]


@BOTH
def test_a_run_that_was_never_closed_back_is_no_rejected_liquidity(direction: Direction):
    rows = [
        *TO_THE_RAID[:8], (99.1, 99.3, 94.0, 94.2), (94.2, 94.5, 93.0, 93.2), (93.2, 97.5, 93.1, 97.3),
        (97.3, 97.6, 95.2, 97.4),
    ]  # fmt: skip
    closed_back = [*rows[:11], (97.3, 98.6, 95.2, 98.5)]

    assert found(chart_of(rows, direction), "sweep_displacement") == {}
    assert list(found(chart_of(closed_back, direction), "sweep_displacement")) == [11]


@BOTH
def test_a_silver_bullet_needs_displacement_or_a_break(direction: Direction):
    start_ms = START_MS + 15 * HOUR_MS - 9 * Timeframe.M15.ms
    weak = changed(DISPLACED, {**WEAK_LEG, **HIGH_OUT_OF_REACH})

    assert found(chart_of(weak, direction, start_ms), "silver_bullet") == {}


@BOTH
def test_a_block_lives_until_a_close_goes_through_it_and_knows_when_it_was_touched(direction: Direction):
    rows = [*DISPLACED, (102.0, 102.2, 99.0, 101.0), (101.0, 101.2, 97.0, 97.5)]
    chart = read_chart(chart_of(rows, direction), RULES, INTERPRETED)
    views = {bar: Reading(chart, bar, WindowParams()) for bar in (11, 12, 13)}

    blocks = {bar: list(view.live_blocks(direction.sign, 20)) for bar, view in views.items()}
    assert [block.touched_at for block in blocks[11]] == [None]
    assert [block.touched_at for block in blocks[12]] == [12]
    assert blocks[13] == []


def test_a_look_without_a_setup_says_what_is_missing():
    calm = chart_of([(100.0, 100.5, 99.5, 100.0)] * 30, Direction.LONG)
    raided = chart_of(TO_THE_RAID, Direction.LONG)
    answered = chart_of(DISPLACED, Direction.LONG)

    assert look(calm, 29) == Rejected(Stage.SETUP, "no liquidity was taken lately", "none", "12 bars")
    assert "neither displacement nor a structure break" in look(raided, 8).reason
    assert look(answered, 11) == Rejected(Stage.SETUP, "no zone completed on this candle")


def test_a_zone_too_thin_or_too_tall_is_no_setup():
    chart = read_chart(chart_of(DISPLACED, Direction.LONG).window(11, 11), RULES, INTERPRETED)
    reading = Reading(chart, 10, WindowParams())

    assert isinstance(setups_at(reading, SetupParams(zone_max_atr=0.1)), Rejected)
    assert isinstance(setups_at(reading, SetupParams(zone_min_atr=2.0)), Rejected)


def test_the_structure_of_a_breaker_is_the_shift_itself():
    setup = found(chart_of(SHIFTED, Direction.LONG), "breaker_mss")[15]

    assert (setup.structure.kind, setup.structure.index, setup.structure.ref) == (Kind.MSS, 15, 10)
    assert setup.displacement_index == 15
