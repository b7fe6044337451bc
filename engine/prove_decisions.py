"""The proof for decisions: a replay's pass, a live look at bare windows, and a look before noise decide the same."""

import numpy as np

from engine.candles import Candles, resampled
from engine.looks import Looks, ReadChart, Stack, look
from engine.params import Params
from engine.prove import Check, with_noise_after
from engine.timeframes import context_of
from engine.vocabulary import Rejected, Signal, Stage

RANDOM_BARS = 150
BARS_WITH_A_SETUP = 150


def prove_decisions(candles: Candles, params: Params, read: ReadChart, seed: int = 1) -> tuple[Check, ...]:
    """Decisions of one pass against live looks, and against looks at a series whose later bars are noise.

    The bars compared are drawn, half of them among those at which a setup completed. No check where the timeframe has
    no higher one to be read in.
    """
    context = context_of(candles.timeframe)
    if context is None or not len(candles):
        return ()
    whole = Looks(_stack(candles), params, read)
    passed = [whole.at(index) for index in range(len(candles))]
    dice = np.random.default_rng(seed)
    bars = sorted({*_drawn(dice, range(len(candles)), RANDOM_BARS), *_drawn(dice, _setups(passed), BARS_WITH_A_SETUP)})
    live = [look(_stack(candles.window(bar + 1, bar + 1)), params, read) for bar in bars]
    noisy = [Looks(_stack(with_noise_after(candles, bar + 1, dice)), params, read).at(bar) for bar in bars[::10]]
    return (
        _compared("live = replay", live, [passed[bar] for bar in bars]),
        _compared("decisions, noise after", noisy, [passed[bar] for bar in bars[::10]]),
    )


def _stack(candles: Candles) -> Stack:
    context = context_of(candles.timeframe)
    assert context is not None
    return Stack(candles, resampled(candles, context))


def _setups(decisions: list[Signal | Rejected]) -> list[int]:
    late = (Stage.LEVELS, Stage.CONFIDENCE)
    return [bar for bar, made in enumerate(decisions) if isinstance(made, Signal) or made.stage in late]


def _drawn(dice: np.random.Generator, bars: range | list[int], count: int) -> list[int]:
    if not len(bars):
        return []
    return [int(bar) for bar in dice.choice(np.asarray(bars), min(count, len(bars)), replace=False)]


def _compared(name: str, made: list[Signal | Rejected], expected: list[Signal | Rejected]) -> Check:
    return Check(name, len(made), sum(one != other for one, other in zip(made, expected, strict=True)))
