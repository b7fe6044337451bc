"""A decision: the best setup with levels and points, or the stage at which the look ended."""

from dataclasses import replace

import pytest

from engine.decide import Readings, decide
from engine.looks import Looks
from engine.params import GateParams, LevelParams, Params
from engine.reading import Reading
from engine.vocabulary import Rejected, Signal, Stage
from tests.engine.market import PARAMS, TICK, Decided, corpus, decisions, read, stack_of, walk


def signals() -> list[tuple[Decided, int, Signal]]:
    return [(decided, bar, signal) for decided in corpus() for bar, signal in decided.signals.items()]


def with_params(params: Params) -> list[Signal | Rejected]:
    return [Looks(decided.stack, params, read, TICK).at(bar) for decided in corpus()[:3] for bar in decided.signals]


def test_a_signal_says_when_until_when_and_by_what_it_was_decided():
    for decided, bar, signal in signals():
        own = decided.stack.own

        assert signal.candle_close_ms == own.closed_ms[bar]
        assert signal.valid_until_ms == signal.candle_close_ms + 24 * own.timeframe.ms
        assert (signal.symbol, signal.timeframe) == (own.symbol, own.timeframe)
        assert signal.params_hash == PARAMS.hash
        assert signal.chart.last_price == own.close[bar]


def test_a_signal_rests_on_findings_known_at_its_close():
    for _, _, signal in signals():
        known = [witness.known_at_ms for witness in signal.witnesses]

        assert known == sorted(known)
        assert known[-1] == signal.candle_close_ms
        assert all(witness.formed_at_ms < witness.known_at_ms for witness in signal.witnesses)
        assert {"zone"} < {witness.name for witness in signal.witnesses}


def test_a_signal_names_the_liquidity_that_was_taken():
    assert all(signal.reasons[0].split(" taken at ")[0] for _, _, signal in signals())
    assert all(" taken at " in signal.reasons[0] for _, _, signal in signals())


def test_the_entry_lies_in_the_zone_and_price_on_its_far_side():
    for _, _, signal in signals():
        assert signal.zone_low <= signal.entry <= signal.zone_high
        assert (signal.chart.last_price - signal.entry) * signal.direction.sign >= -TICK


def test_the_targets_lie_ahead_of_price():
    for _, _, signal in signals():
        ahead = [(target.price - signal.chart.last_price) * signal.direction.sign for target in signal.targets]

        assert all(distance > -TICK for distance in ahead)


def test_a_key_stands_for_one_zone():
    zones: dict[tuple[int, str], set[tuple[float, float]]] = {}
    for decided, _, signal in signals():
        zones.setdefault((id(decided), signal.setup_key), set()).add((signal.zone_low, signal.zone_high))

    assert all(len(prices) == 1 for prices in zones.values())


def test_a_signal_too_weak_to_keep_is_rejected_with_its_confidence_and_the_limit():
    strict = replace(PARAMS, gates=replace(GateParams(), store_from_confidence=99.0))

    for result in with_params(strict):
        assert result.stage is Stage.CONFIDENCE
        assert (float(result.value) < 99.0, result.limit) == (True, "99")


def test_a_setup_without_liquidity_ahead_is_rejected_at_its_levels():
    far = replace(PARAMS, levels=replace(LevelParams(), first_target_min_r=500.0))

    assert {result.stage for result in with_params(far)} == {Stage.LEVELS}


def test_of_several_setups_the_strongest_is_kept():
    strong = [result.confidence for result in with_params(PARAMS)]
    assert strong == [signal.confidence for decided, _, signal in signals() if decided in corpus()[:3]]


def test_too_short_a_context_is_named():
    own = walk(1)
    views = [Reading(read(candles), len(candles) - 1, PARAMS.window) for candles in (own, stack_of(own).context)]
    short = Reading(read(own.window(9, 9)), 8, PARAMS.window)

    assert decide(Readings(views[0], short), PARAMS) == Rejected(Stage.DATA, "WALK 30m needs 10 bars, has 9", "9", "10")


@pytest.mark.parametrize("tick", [TICK, None])
def test_a_decision_with_and_without_a_known_tick_is_on_its_grid(tick: float | None):
    found = [result for result in decisions(stack_of(walk(2)), tick_size=tick) if isinstance(result, Signal)]

    assert found
    assert all(signal.entry == float(f"{signal.entry:.6g}") for signal in found)
