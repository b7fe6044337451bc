"""No repaint, no memory: a decision is the same whatever came after its bar and whatever lies before its window."""

from dataclasses import replace

import numpy as np
import pytest

from engine.candles import Candles
from engine.chart import Chart
from engine.looks import LEAD_BARS, Looks, Stack, look
from engine.params import Params
from engine.reading import Reading
from engine.setups import may_complete
from engine.timeframes import Timeframe
from engine.vocabulary import Direction, Rejected, Signal, Stage
from tests.engine.market import (
    PARAMS,
    TICK,
    corpus,
    decisions,
    major,
    mirrored,
    multiplied,
    named,
    read,
    rewritten,
    stack_of,
    walk,
    with_noise_after,
)
from tests.shared import needs_shared

MIRROR_ABOUT = 512.0


def whole(candles: Candles, /, since: int = 0) -> Chart:
    """Reads every window whole, whatever part of it would do."""
    return read(candles)


def window_of(stack: Stack, bar: int, params: Params = PARAMS) -> Stack:
    """All that a live look at the close of `bar` is given: bare windows of closed candles."""
    count, close_ms = params.window.window_bars, int(stack.own.closed_ms[bar])

    def cut(candles):
        closed = candles.until(close_ms)
        return closed.window(len(closed), count)

    return Stack(stack.own.window(bar + 1, count), cut(stack.context), None if stack.btc is None else cut(stack.btc))


def test_a_look_over_the_whole_series_equals_a_look_at_each_bare_window():
    compared = 0
    for decided in corpus():
        for bar in range(0, len(decided.results), 6):
            assert look(window_of(decided.stack, bar), PARAMS, read, TICK) == decided.results[bar]
            compared += 1
        for bar, signal in decided.signals.items():
            assert repr(look(window_of(decided.stack, bar), PARAMS, read, TICK)) == repr(signal)

    assert compared > 1000


@needs_shared
@pytest.mark.parametrize("name", ["ETHUSDT", "XRPUSDT"])
def test_a_look_over_real_candles_equals_a_look_at_each_bare_window(name: str):
    stack = stack_of(major(name, 4000), major("BTCUSDT", 4000))
    looks = Looks(stack, Params(), read)
    results = {bar: looks.at(bar) for bar in range(1500, 4000)}
    signals = [bar for bar, result in results.items() if isinstance(result, Signal)]

    for bar in sorted({*signals, *range(1500, 4000, 16)}):
        assert repr(look(window_of(stack, bar, Params()), Params(), read)) == repr(results[bar])
    assert len(signals) > 20


def calm(bars: int) -> Candles:
    """Within one range: swings, but no close beyond any, so that no window ever proves equal to a longer one."""
    wave = 100 + 3 * np.sin(np.arange(bars + 1) / 4)
    return rewritten(walk(3, bars), wave[:-1], wave[:-1] + 1, wave[:-1] - 1, wave[1:])


def test_every_bar_whose_own_window_may_complete_a_setup_is_among_the_completing():
    for candles in (walk(3, 900), calm(900)):
        stack = stack_of(candles)
        completing = set(Looks(stack, PARAMS, read, TICK).completing(450, 900))
        windows = {bar: window_of(stack, bar).own for bar in range(450, 900)}
        expected = {bar for bar, own in windows.items() if may_complete(Reading(read(own), len(own) - 1, PARAMS.window))}

        assert expected
        assert expected <= completing < set(windows)


def test_a_live_look_reads_a_window_from_shortly_before_memory_and_whole_where_that_proves_too_little():
    for candles, times in ((walk(3, 300), 1), (calm(300), 2)):
        read_since: list[int] = []

        def counted(candles: Candles, /, since: int = 0, told: list[int] = read_since) -> Chart:
            if candles.timeframe is Timeframe.M30:
                told.append(since)
            return read(candles, since)

        stack = stack_of(candles)

        assert repr(look(stack, PARAMS, counted, TICK)) == repr(Looks(stack_of(candles), PARAMS, whole, TICK).at(299))
        assert read_since == [300 - PARAMS.window.memory_bars - LEAD_BARS, 0][:times]


def test_a_look_never_uses_the_candles_after_its_bar():
    for decided in corpus():
        for bar in sorted(decided.signals)[::3]:
            own = with_noise_after(decided.stack.own, bar, seed=bar)
            noisy = stack_of(own, decided.stack.btc, decided.stack.context.timeframe)

            assert Looks(noisy, PARAMS, read, TICK).at(bar) == decided.results[bar]


def test_a_look_never_uses_a_higher_candle_that_has_not_closed():
    stack = corpus()[0].stack
    bar = next(bar for bar in corpus()[0].signals if stack.own.closed_ms[bar] % Timeframe.H4.ms)
    open_now = stack.context.closed_ms > stack.own.closed_ms[bar]
    changed = replace(stack, context=multiplied(stack.context, open_now, 2))

    assert Looks(changed, PARAMS, read, TICK).at(bar) == corpus()[0].results[bar]


def test_what_lies_before_the_window_does_not_matter():
    for decided in corpus():
        for bar in [bar for bar in decided.signals if bar > 600][::4]:
            own = decided.stack.own
            longer_ago = np.arange(len(own)) <= bar - PARAMS.window.window_bars
            # the higher timeframe has its own window, which reaches farther back, and stays as it is
            changed = replace(decided.stack, own=multiplied(own, longer_ago, 3))

            assert Looks(changed, PARAMS, read, TICK).at(bar) == decided.results[bar]


def test_two_looks_give_the_same_bytes():
    first, second = (decisions(corpus()[0].stack) for _ in range(2))

    assert repr(first) == repr(second)


def test_a_mirrored_chart_gives_the_mirrored_signal():
    compared = 0
    for seed in range(3):
        own, btc = walk(seed), named(walk(seed + 50), "BTCUSDT")
        upright = decisions(stack_of(own, btc))
        upside_down = decisions(stack_of(mirrored(own, MIRROR_ABOUT), mirrored(btc, MIRROR_ABOUT)))
        for result, mirror in zip(upright, upside_down, strict=True):
            if isinstance(result, Signal):
                compared += 1
            assert turned(mirror) == plain(result)

    assert compared > 30


def plain(result: Signal | Rejected) -> object:
    """What a mirror keeps: kind, zone, levels, points; not prices in words, nor ratios to the price."""
    if isinstance(result, Rejected):
        return result.stage
    targets = tuple((target.no, target.price, target.share_ratio) for target in result.targets)
    prices = (result.entry, result.stop_loss, result.zone_low, result.zone_high, targets)
    points = tuple((part.name, part.points, part.possible) for part in result.contributions)
    facts = (result.rr, result.plan_r, result.confidence, result.htf_bias, result.session)
    return result.setup, result.direction, prices, points, facts


def turned(result: Signal | Rejected) -> object:
    """A decision on the mirrored chart, turned back."""
    if isinstance(result, Rejected):
        return result.stage

    def flip(price: float) -> float:
        return 2 * MIRROR_ABOUT - price

    setup, direction, (entry, stop, low, high, targets), points, facts = plain(result)
    rr, plan_r, confidence, bias, session = facts
    back = tuple((no, flip(price), share) for no, price, share in targets)
    prices = (flip(entry), flip(stop), flip(high), flip(low), back)
    return setup, Direction(direction).opposite, prices, points, (rr, plan_r, confidence, -bias, session)


def test_every_look_is_a_signal_or_a_rejection_with_stage_and_reason():
    results = [result for decided in corpus() for result in decided.results]

    assert all(isinstance(result, Signal) or (result.stage in Stage and result.reason) for result in results)
    assert {result.stage for result in results if isinstance(result, Rejected)} >= {
        Stage.DATA, Stage.CONTEXT, Stage.SETUP, Stage.LEVELS,
    }  # fmt: skip


def test_a_stack_without_candles_is_rejected():
    empty = walk(1).window(0, 0)

    result = look(Stack(empty, empty), PARAMS, read)
    assert (result.stage, result.reason) == (Stage.DATA, "WALK 30m has no candles")


def test_before_a_higher_candle_has_closed_there_is_no_context():
    result = decisions(stack_of(walk(1, bars=80)))[0]

    assert (result.stage, result.value, result.limit) == (Stage.CONTEXT, "0", "1")


def test_too_few_bars_are_counted_in_the_rejection():
    result = decisions(stack_of(walk(1, bars=80)))[20]

    assert result == Rejected(Stage.DATA, "WALK 30m needs 60 bars, has 21", "21", "60")


def test_a_market_that_does_not_move_is_rejected():
    flat = rewritten(walk(1), *[np.full(900, 100.0)] * 4)

    result = decisions(stack_of(flat))[-1]
    assert (result.stage, result.limit) == (Stage.DATA, "> 0")


def test_btc_is_no_context_of_itself():
    own = named(walk(1), "BTCUSDT")

    assert decisions(stack_of(own, own)) == decisions(stack_of(own))


def test_btc_beside_it_changes_the_confidence_alone():
    own, btc = walk(3), named(walk(53), "BTCUSDT")
    alone, beside = decisions(stack_of(own)), decisions(stack_of(own, btc))
    pairs = [(a, b) for a, b in zip(alone, beside, strict=True) if isinstance(a, Signal) and isinstance(b, Signal)]

    assert any(a.confidence != b.confidence for a, b in pairs)
    assert all(
        (a.entry, a.stop_loss, a.targets) == (b.entry, b.stop_loss, b.targets) for a, b in pairs if a.setup == b.setup
    )
