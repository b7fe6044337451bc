"""Features: frozen at the decision, the same live and in replay, blind to later candles, missing where unknown."""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from engine.decide import Describe, Description
from engine.looks import Describer, Looks, Stack, look
from engine.params import Params, WindowParams
from engine.vocabulary import Direction, Signal
from ml import features
from ml.features import FEATURE_NAMES, FEATURES_VERSION, feature_reader
from tests.engine.market import PARAMS, TICK, corpus, major, named, read, stack_of, walk, with_noise_after
from tests.shared import needs_shared


@cache
def simulated() -> Stack:
    return stack_of(walk(11, 900), btc=named(walk(12, 900), "BTCUSDT"))


def signals(stack: Stack, describer: Describer, params: Params = PARAMS) -> Iterator[tuple[int, Signal]]:
    looks = Looks(stack, params, read, TICK, describer)
    for bar in range(len(stack.own)):
        result = looks.at(bar)
        if isinstance(result, Signal):
            yield bar, result


def cut(stack: Stack, bar: int) -> Stack:
    own = stack.own.window(bar + 1, bar + 1)
    end_ms = own.closed_at_ms
    return Stack(own, stack.context.until(end_ms), None if stack.btc is None else stack.btc.until(end_ms))


def same(left: Signal, right: Signal) -> bool:
    """Equal bit by bit; NaN is NaN."""
    return repr(left) == repr(right)


def test_every_signal_carries_every_feature_in_one_version():
    for _, signal in signals(simulated(), feature_reader(PARAMS)):
        assert tuple(signal.features) == FEATURE_NAMES
        assert signal.features_version == FEATURES_VERSION
        assert all(isinstance(value, float) and not math.isinf(value) for value in signal.features.values())


def test_every_feature_is_there_somewhere_and_none_is_constant():
    stacks = [simulated(), *(decided.stack for decided in corpus())]
    rows = [signal.features for stack in stacks for _, signal in signals(stack, feature_reader(PARAMS))]

    for name in FEATURE_NAMES:
        assert len({row[name] for row in rows if not math.isnan(row[name])}) > 1, name


def test_a_live_look_at_any_bar_gives_the_features_of_the_replay():
    reader = feature_reader(PARAMS)
    compared = 0
    for bar, signal in signals(simulated(), reader):
        live = look(cut(simulated(), bar), PARAMS, read, TICK, reader)
        assert isinstance(live, Signal)
        assert same(live, signal)
        compared += 1
    assert compared >= 10


@needs_shared
def test_so_it_is_on_real_candles():
    params = Params()
    stack = stack_of(major("ETHUSDT", 3000), btc=major("BTCUSDT", 3000))
    reader = feature_reader(params)
    found = list(signals(stack, reader, params))

    assert found
    for bar, signal in found:
        live = look(cut(stack, bar), params, read, TICK, reader)
        assert isinstance(live, Signal)
        assert same(live, signal)


def leaks(describer: Describer) -> bool:
    """Whether features change when the bars after the decision are replaced by noise."""
    stack = simulated()
    for bar, signal in list(signals(stack, describer))[::4]:
        noisy = Stack(with_noise_after(stack.own, bar, seed=bar), stack.context, stack.btc)
        result = Looks(noisy, PARAMS, read, TICK, describer).at(bar)
        assert isinstance(result, Signal)
        if repr(dict(result.features)) != repr(dict(signal.features)):
            return True
    return False


class Cheat(Describe):
    """Knows the close after the decision."""

    def __init__(self, stack: Stack) -> None:
        self._own = stack.own

    def __call__(self, case, signal, /) -> Description:
        after = min(int(np.searchsorted(self._own.open_ms, signal.candle_close_ms)), len(self._own) - 1)
        return Description({"next_close": float(self._own.close[after])}, 1, None)


def test_nothing_after_the_decision_is_in_the_features_and_a_cheat_is_caught():
    assert not leaks(feature_reader(PARAMS))
    assert leaks(Cheat)


def test_without_btc_its_features_are_missing_and_not_neutral():
    [(_, signal), *_] = signals(stack_of(walk(11, 900)), feature_reader(PARAMS))

    assert math.isnan(signal.features["btc_trend"])
    assert math.isnan(signal.features["btc_move_atr"])
    assert math.isnan(signal.features["btc_ratio"])


def test_what_has_a_direction_is_told_in_the_signals_own():
    for _, signal in signals(simulated(), feature_reader(PARAMS)):
        assert signal.features["is_long"] == (signal.direction is Direction.LONG)
        assert signal.features["htf_trend"] == signal.htf_bias * signal.direction.sign


def test_a_short_series_lacks_the_slow_indicators():
    window = WindowParams(window_bars=300, memory_bars=150, min_bars=20, min_context_bars=3)
    params = Params(window=window, gates=PARAMS.gates)
    stacks = [stack_of(walk(seed, 120)) for seed in range(20, 50)]
    found = [one for stack in stacks for one in signals(stack, feature_reader(params), params)]

    early = [signal for bar, signal in found if bar < features.SLOW_EMA_BARS - 1]
    late = [signal for bar, signal in found if bar >= features.SLOW_EMA_BARS - 1]
    assert early
    assert late
    assert all(math.isnan(signal.features["slow_ema_distance_atr"]) for signal in early)
    assert not any(math.isnan(signal.features["slow_ema_distance_atr"]) for signal in late)


@pytest.mark.parametrize(
    ("adx", "regime"), [(30.0, "trend"), (25.0, "trend"), (22.0, "between"), (12.0, "range"), (math.nan, None)]
)
def test_the_regime_follows_the_adx(adx: float, regime: str | None):
    assert features.regime_of(adx) == regime
