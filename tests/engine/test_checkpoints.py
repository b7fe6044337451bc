"""Checkpoints: where they stand, what a re-analysis sees on candles that made it so, and which advice answers first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candles import Candles
from engine.checkpoints import (
    LEVELS,
    RULES,
    Held,
    Reanalysis,
    Recommendation,
    advice,
    contributions_now,
    level_price,
    levels_passed,
    reanalyse,
)
from engine.confidence import confidence_of
from engine.decide import Readings
from engine.follow import Phase, Plan, Track, bar_of, step
from engine.looks import Looks, Stack
from engine.params import CheckpointParams, ConfidenceParams, Params
from engine.timeframes import Timeframe
from engine.vocabulary import Contribution, Direction, Rejected, Signal, Stage
from tests.engine.market import PARAMS, TICK, corpus, mirrored, named, read, rewritten, stack_of, walk, with_noise_after
from tests.storage.samples import LONG, SHORT

ROUNDING = 1e-3
LIMITS = CheckpointParams()
CALM = Reanalysis(
    level=50,
    confidence=70.0,
    delta=-10.0,
    structure_broken=False,
    bias_flipped=False,
    swept_against=False,
    rr_left=1.0,
    better_stop=101.0,
)
"""Nothing that calls for anything: too much confidence lost to follow with the stop, too little to leave."""
LATE = replace(CALM, level=75)


@dataclass(frozen=True, slots=True)
class Passed:
    """A checkpoint that a followed signal passed in the candle `bar`."""

    bar: int
    held: Held
    readings: Readings

    def found(self, params: Params = PARAMS) -> Reanalysis:
        return reanalyse(self.held, self.readings, params)


def checkpoints(stack: Stack, signal_bar: int, params: Params = PARAMS) -> Iterator[Passed]:
    """Every checkpoint of the signal decided at `signal_bar`, looked at as of the open of the candle that passed it."""
    looks = Looks(stack, params, read, TICK)
    signal = looks.at(signal_bar)
    assert isinstance(signal, Signal)
    track, last = Track.waiting(Plan.of(signal)), 0
    for at in range(signal_bar + 1, len(stack.own)):
        phase, bar = track.phase, bar_of(stack.own, at)
        track, _ = step(track, bar, params.follow)
        if track.phase is not Phase.OPEN or phase is not Phase.OPEN:
            continue
        assert track.entry_price is not None
        assert track.opened_ms is not None
        assert track.mark is not None
        reached = bar.high if signal.direction is Direction.LONG else bar.low
        passed = levels_passed(signal, track.entry_price, reached, last)
        readings = looks.readings_at(bar.open_ms)
        if passed and isinstance(readings, Readings):
            last = passed[-1]
            yield Passed(at, Held(signal, track.entry_price, track.opened_ms, track.stop, track.mark, last), readings)


def passed_at(stack: Stack, signal_bar: int, bar: int, params: Params = PARAMS) -> Passed:
    return next(passed for passed in checkpoints(stack, signal_bar, params) if passed.bar == bar)


def short_walk(seed: int, btc: Candles | None = None) -> Stack:
    return stack_of(walk(seed, 500, Timeframe.M15), btc, context=Timeframe.H1)


def beside_btc(seed: int) -> Stack:
    return short_walk(seed, named(walk(seed + 1000, 500, Timeframe.M15), "BTCUSDT"))


def raided_and_displaced(passed: Passed, stack: Stack, *, rejected: bool) -> Stack:
    """The stack, but the highs ahead of a long are raided two bars before, and price is pushed back.

    Rejected, it closes below them at once; else it closes far above and is pushed back to where they still lie below.
    """
    own, reading = stack.own, passed.readings.own
    bar, price = reading.last - 1, float(own.close[reading.last - 2])
    ahead, _ = next(reading.pools(1))
    closed, back = (price, 2 * reading.atr) if rejected else (ahead + 8 * reading.atr, 6 * reading.atr)
    raid = (price, max(ahead, closed) + TICK, price, closed)
    push = (closed, closed, closed - back, closed - back)
    columns = [column.copy() for column in (own.open, own.high, own.low, own.close)]
    for column, *values in zip(columns, raid, push, strict=True):
        column[bar : bar + 2] = values
    return replace(stack_of(rewritten(own, *columns)), btc=stack.btc)


@pytest.mark.parametrize(
    ("name", "stack", "signal_bar", "bar"),
    [
        ("structure_broken", lambda: corpus()[2].stack, 443, 468),
        ("bias_flipped", lambda: short_walk(156), 343, 360),
        ("swept_against", lambda: beside_btc(527), 390, 459),
        ("confidence_fell", lambda: beside_btc(645), 343, 374),
        ("little_left", lambda: corpus()[6].stack, 763, 799),
        ("stop_may_follow", lambda: corpus()[0].stack, 855, 873),
        ("nothing_changed", lambda: corpus()[1].stack, 254, 257),
    ],
)
def test_candles_make_each_advice(name: str, stack: Callable[[], Stack], signal_bar: int, bar: int):
    passed = passed_at(stack(), signal_bar, bar)

    assert advice(passed.found(), LIMITS).name == name


def test_confidence_is_gone_where_the_market_weighs_most():
    market = ConfidenceParams(displacement=30.0, fvg=20.0, htf=20.0, btc=30.0)
    params = replace(PARAMS, confidence=market)
    found = passed_at(beside_btc(645), 343, 374, params).found(params)

    assert found.delta < LIMITS.close_below_delta
    assert advice(found, LIMITS).name == "confidence_gone"


def raided(passed: Passed, *, rejected: bool) -> Reanalysis:
    assert passed.held.signal.direction is Direction.LONG
    looks = Looks(raided_and_displaced(passed, corpus()[1].stack, rejected=rejected), PARAMS, read, TICK)
    readings = looks.readings_at(passed.readings.own.closed_at_ms)
    assert isinstance(readings, Readings)
    return reanalyse(passed.held, readings, PARAMS)


def test_liquidity_swept_with_displacement_against_calls_for_a_part():
    passed = passed_at(corpus()[1].stack, 254, 291)
    found = raided(passed, rejected=True)

    assert (found.swept_against, found.structure_broken, found.bias_flipped) == (True, False, False)
    assert advice(found, LIMITS).recommendation is Recommendation.PARTIAL_CLOSE
    assert not passed.found().swept_against


def test_liquidity_that_was_run_through_is_not_swept_against():
    passed = passed_at(corpus()[1].stack, 254, 291)

    assert not raided(passed, rejected=False).swept_against


@pytest.mark.parametrize(("bias_then", "flipped"), [(1, True), (0, True), (-1, False), (None, False)])
def test_a_bias_flips_only_where_it_was_not_against_before(bias_then: int | None, flipped: bool):
    passed = passed_at(short_walk(156), 343, 360)
    signal = passed.held.signal
    then = None if bias_then is None else bias_then * signal.direction.sign
    held = replace(passed.held, signal=replace(signal, htf_bias=then))

    assert reanalyse(held, passed.readings, PARAMS).bias_flipped is flipped


BREAKING = replace(CALM, structure_broken=True)
FLIPPED = replace(CALM, bias_flipped=True)
SWEPT = replace(CALM, swept_against=True)


@pytest.mark.parametrize(
    ("name", "recommendation", "fires", "does_not"),
    [
        ("structure_broken", Recommendation.CLOSE_NOW, BREAKING, CALM),
        ("bias_flipped", Recommendation.CLOSE_NOW, FLIPPED, CALM),
        ("confidence_gone", Recommendation.CLOSE_NOW, replace(CALM, delta=-30.01), replace(CALM, delta=-30.0)),
        ("swept_against", Recommendation.PARTIAL_CLOSE, SWEPT, CALM),
        ("confidence_fell", Recommendation.PARTIAL_CLOSE, replace(LATE, delta=-15.01), replace(LATE, delta=-15.0)),
        ("confidence_fell", Recommendation.PARTIAL_CLOSE, replace(LATE, delta=-16.0), replace(CALM, delta=-16.0)),
        ("little_left", Recommendation.PARTIAL_CLOSE, replace(LATE, rr_left=0.49), replace(LATE, rr_left=0.5)),
        ("little_left", Recommendation.PARTIAL_CLOSE, replace(LATE, rr_left=0.4), replace(CALM, rr_left=0.4)),
        (
            "little_left",
            Recommendation.PARTIAL_CLOSE,
            replace(LATE, rr_left=0.4, delta=-0.01),
            replace(LATE, rr_left=0.4, delta=0.0),
        ),
        ("stop_may_follow", Recommendation.MOVE_SL, replace(CALM, delta=-5.0), replace(CALM, delta=-5.01)),
        ("stop_may_follow", Recommendation.MOVE_SL, replace(CALM, delta=3.0), replace(CALM, delta=3.0, level=25)),
        (
            "stop_may_follow",
            Recommendation.MOVE_SL,
            replace(CALM, delta=3.0),
            replace(CALM, delta=3.0, better_stop=None),
        ),
        ("nothing_changed", Recommendation.HOLD, CALM, BREAKING),
    ],
)
def test_a_rule_fires_at_its_limit_and_not_beside_it(
    name: str, recommendation: Recommendation, fires: Reanalysis, does_not: Reanalysis
):
    answer = advice(fires, LIMITS)

    assert (answer.name, answer.recommendation) == (name, recommendation)
    assert advice(does_not, LIMITS).name != name


def test_the_first_rule_that_holds_answers():
    everything = replace(
        CALM, level=85, structure_broken=True, bias_flipped=True, swept_against=True, delta=-40.0, rr_left=0.1
    )
    calmer = (
        everything,
        replace(everything, structure_broken=False),
        replace(everything, structure_broken=False, bias_flipped=False),
        replace(everything, structure_broken=False, bias_flipped=False, delta=-20.0),
        replace(everything, structure_broken=False, bias_flipped=False, delta=-20.0, swept_against=False),
        replace(LATE, rr_left=0.1, delta=-3.0),
        replace(LATE, delta=-3.0),
        replace(LATE, delta=-10.0),
    )

    assert [advice(found, LIMITS) for found in calmer] == list(RULES)


@pytest.mark.parametrize(
    ("reached", "after", "passed"),
    [
        (102.4, 0, ()),
        (102.5, 0, (25,)),
        (107.5, 0, (25, 50, 75)),
        (107.5, 50, (75,)),
        (120.0, 75, (85,)),
        (120.0, 85, ()),
        (99.0, 0, ()),
    ],
)
def test_levels_are_passed_on_the_way_to_the_last_target_each_once(reached: float, after: int, passed: tuple[int, ...]):
    assert levels_passed(LONG, 100.0, reached, after) == passed


def test_a_short_passes_its_levels_downwards():
    assert level_price(100.0, SHORT.targets[-1].price, 50) == 97.0
    assert levels_passed(SHORT, 100.0, 97.0, 0) == (25, 50)
    assert levels_passed(SHORT, 100.0, 103.0, 0) == ()


def test_the_reward_left_is_measured_against_the_current_stop():
    held = Held(LONG, 100.0, LONG.candle_close_ms, stop=98.0, price=108.0, level=75)

    assert held.rr_left == pytest.approx(2.0 / 10.0)
    assert replace(held, stop=107.0).rr_left == pytest.approx(2.0)
    assert replace(held, price=111.0).rr_left == 0.0


def ratio(part: Contribution) -> float:
    assert part.points is not None
    return part.points / part.possible


def every_checkpoint() -> Iterator[Passed]:
    for decided in corpus():
        for bar in decided.signals:
            yield from checkpoints(decided.stack, bar)


def test_a_better_stop_is_break_even_first_and_always_a_step_towards_profit():
    followed = [(passed.held, passed.found().better_stop) for passed in every_checkpoint()]
    moved = [(held, stop) for held, stop in followed if stop is not None]

    assert {(held.entry_price - held.stop) * held.sign > 0 for held, _ in moved} == {True, False}
    for held, stop in moved:
        assert (stop - held.stop) * held.sign > 0
        assert (held.price - stop) * held.sign > 0
        if (held.entry_price - held.stop) * held.sign > 0:
            assert stop == held.entry_price


def test_the_facts_of_the_entry_stay_and_what_stands_keeps_its_grade():
    for passed in every_checkpoint():
        signal = passed.held.signal
        before = {part.name: part for part in signal.contributions}
        now = {part.name: part for part in contributions_now(signal, passed.readings, PARAMS)}

        for name in ("liquidity", "zone", "discount", "session", "volume"):
            assert now[name].reason == before[name].reason
        if not passed.found().structure_broken:
            assert ratio(now["structure"]) >= ratio(before["structure"]) - ROUNDING


def test_at_the_close_of_the_signal_itself_nothing_has_changed():
    for decided in corpus():
        looks = Looks(decided.stack, PARAMS, read, TICK)
        for signal in decided.signals.values():
            readings = looks.readings_at(signal.candle_close_ms)
            assert isinstance(readings, Readings)

            now = confidence_of(contributions_now(signal, readings, PARAMS))
            assert now == pytest.approx(signal.base_confidence, abs=0.05)


def test_a_chart_upside_down_gets_the_same_advice():
    stack = corpus()[0].stack
    about = float(stack.own.high.max()) + 50.0
    assert stack.btc is not None
    turned = stack_of(mirrored(stack.own, about), mirrored(stack.btc, float(stack.btc.high.max()) + 50.0))
    for passed in checkpoints(stack, 855):
        found, mirror = passed.found(), passed_at(turned, 855, passed.bar).found()

        assert advice(mirror, LIMITS) == advice(found, LIMITS)
        assert (mirror.level, mirror.structure_broken) == (found.level, found.structure_broken)
        assert mirror.delta == pytest.approx(found.delta, abs=0.1)


def windowed(candles: Candles, ms: int) -> Candles:
    closed = candles.until(ms)
    return closed.window(len(closed), PARAMS.window.window_bars)


def test_the_window_of_a_live_look_says_the_same():
    for decided in corpus()[:4]:
        stack = decided.stack
        assert stack.btc is not None
        for bar in decided.signals:
            for passed in checkpoints(stack, bar):
                ms = passed.readings.own.closed_at_ms
                cut = Stack(windowed(stack.own, ms), windowed(stack.context, ms), windowed(stack.btc, ms))
                readings = Looks(cut, PARAMS, read, TICK).readings_at(ms)

                assert isinstance(readings, Readings)
                assert reanalyse(passed.held, readings, PARAMS) == passed.found()


def test_what_comes_later_changes_no_advice():
    stack = corpus()[1].stack
    passed = passed_at(stack, 254, 291)
    last = passed.readings.own.last
    noisy = replace(stack_of(with_noise_after(stack.own, last, seed=9)), btc=stack.btc)

    readings = Looks(noisy, PARAMS, read, TICK).readings_at(passed.readings.own.closed_at_ms)
    assert isinstance(readings, Readings)
    assert reanalyse(passed.held, readings, PARAMS) == passed.found()


def test_a_window_that_is_too_short_is_not_judged():
    refused = Looks(short_walk(156), PARAMS, read, TICK).readings_at(int(short_walk(156).own.open_ms[20]))

    assert isinstance(refused, Rejected)
    assert refused.stage in (Stage.DATA, Stage.CONTEXT)


@settings(deadline=None)
@given(
    found=st.builds(
        Reanalysis,
        level=st.sampled_from(LEVELS),
        confidence=st.floats(0, 100),
        delta=st.floats(-100, 100),
        structure_broken=st.booleans(),
        bias_flipped=st.booleans(),
        swept_against=st.booleans(),
        rr_left=st.floats(0, 10),
        better_stop=st.none() | st.floats(1, 100),
    )
)
def test_there_is_always_one_advice_and_a_stop_to_move_where_it_says_so(found: Reanalysis):
    rule = advice(found, LIMITS)

    assert rule in RULES
    assert rule.recommendation is not Recommendation.MOVE_SL or found.better_stop is not None
