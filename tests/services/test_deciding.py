"""Deciding ahead: slices of any length, in one process or several, give what each bar's own look gives."""

from collections.abc import Sequence
from functools import cache

import pytest

from engine.candles import Candles, resampled
from engine.looks import Looks, Stack, chart_reader
from engine.runner import INTERPRETED
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe, context_of
from engine.vocabulary import Rejected, Signal, Stage
from ml.features import feature_reader
from services.deciding import bars_between, looks_between
from services.record import Looked
from tests.services.test_replay import BEGIN_MS, END_MS, PARAMS, bars

LATE_MS = BEGIN_MS + 9 * DAY_MS
HOLE_MS = (BEGIN_MS + 20 * DAY_MS, BEGIN_MS + 23 * DAY_MS)


def without(candles: Candles, begin_ms: int, end_ms: int) -> Candles:
    kept = (candles.open_ms < begin_ms) | (candles.open_ms >= end_ms)
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return Candles.checked(candles.symbol, candles.timeframe, *(column[kept] for column in columns))


@cache
def stacks() -> tuple[Stack, ...]:
    """BTC; a pair with a hole; one that was listed later; the same on another timeframe."""
    btc = bars("BTCUSDT")
    eth = without(bars("ETHUSDT"), *HOLE_MS)
    sol = without(bars("SOLUSDT"), BEGIN_MS, LATE_MS)
    slow = bars("ETHUSDT", Timeframe.H4)
    return tuple(
        Stack(own, resampled(own, context), None if own.symbol == "BTCUSDT" else btc)
        for own in (btc, eth, sol, slow)
        if (context := context_of(own.timeframe)) is not None
    )


@cache
def bar_by_bar() -> tuple[Looked, ...]:
    """Every look taken on the whole series, one bar after the other."""
    found = []
    for stack in stacks():
        looks = Looks(stack, PARAMS, chart_reader(PARAMS, INTERPRETED), describer=feature_reader(PARAMS))
        for index, closed_ms in enumerate(stack.own.closed_ms.tolist()):
            found.append(Looked(stack.own.symbol, stack.own.timeframe, closed_ms, looks.at(index)))
    return tuple(sorted(found, key=lambda look: (look.candle_close_ms, look.symbol, look.timeframe.ms)))


def between(begin_ms: int, end_ms: int, job_bars: int = 250, *, all_looks: bool = True) -> list[list[Looked]]:
    return list(looks_between(stacks(), PARAMS, begin_ms, end_ms, all_looks=all_looks, job_bars=job_bars))


def same(looks: Sequence[Looked]) -> list[str]:
    """Looks to the last digit; a missing feature is NaN, which equals nothing."""
    return [repr(look) for look in looks]


@pytest.mark.parametrize("job_bars", [201, 5_000])
def test_slices_give_what_a_look_at_each_bar_gives(job_bars: int):
    slices = between(BEGIN_MS, END_MS + 1, job_bars)

    assert sum(isinstance(look.result, Signal) for look in bar_by_bar()) > 20
    assert same([look for part in slices for look in part]) == same(bar_by_bar())
    assert len(slices) >= (END_MS - BEGIN_MS) // (job_bars * HOUR_MS)


def test_a_part_of_the_range_is_decided_on_the_windows_of_the_whole():
    begin_ms, end_ms = BEGIN_MS + 17 * DAY_MS + 1, BEGIN_MS + 31 * DAY_MS
    expected = [look for look in bar_by_bar() if begin_ms <= look.candle_close_ms < end_ms]

    assert same([look for part in between(begin_ms, end_ms) for look in part]) == same(expected)
    assert bars_between(stacks(), begin_ms, end_ms) == len(expected)


def test_processes_give_the_same_in_the_same_order():
    parts = looks_between(
        stacks(), PARAMS, BEGIN_MS, END_MS + 1, all_looks=True, job_bars=250, process_bars=len(bar_by_bar()) // 2
    )

    assert same([look for part in parts for look in part]) == same(bar_by_bar())


def test_only_looks_with_a_setup_are_handed_on_where_no_others_are_wanted():
    kept = [look for part in between(BEGIN_MS, END_MS + 1, all_looks=False) for look in part]
    stages = {look.result.stage for look in kept if isinstance(look.result, Rejected)}

    assert stages == {Stage.LEVELS, Stage.CONFIDENCE}
    with_setup = [
        look
        for look in bar_by_bar()
        if isinstance(look.result, Signal) or look.result.stage in (Stage.LEVELS, Stage.CONFIDENCE)
    ]
    assert same(kept) == same(with_setup)
    assert len(kept) < len(bar_by_bar()) / 4


def test_slices_are_worked_out_when_they_are_asked_for_in_one_process():
    parts = looks_between(stacks(), PARAMS, BEGIN_MS, END_MS + 1, all_looks=True, job_bars=100)
    first = next(parts)
    parts.close()

    assert max(look.candle_close_ms for look in first) < BEGIN_MS + 100 * HOUR_MS
    assert {look.symbol for look in first} == {"BTCUSDT", "ETHUSDT"}  # the third was not listed yet


def test_a_range_without_bars_has_no_slices():
    assert between(BEGIN_MS - 9 * DAY_MS, BEGIN_MS) == []
    assert between(END_MS, BEGIN_MS) == []
