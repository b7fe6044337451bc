"""A scan of files: the decision at each last close, gates asked as of an empty book, nothing stored."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.candles import Candles
from engine.compiled import COMPILED
from engine.looks import Looks
from engine.params import GateParams, Params
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected, Signal, Stage
from services.scan_files import SERIES_A_PROCESS, Scanned, scan_files, scan_series
from tests.engine.market import PARAMS, corpus, named, read, stack_of, walk


def scanned(*series, params: Params = PARAMS) -> list[Scanned]:
    return scan_series(series, params, COMPILED)


def with_signal() -> tuple:
    """A series cut at a bar that decides a signal, BTC beside it, and that signal on six digits."""
    stack = corpus()[0].stack
    bar = next(iter(corpus()[0].signals))
    return stack.own.window(bar + 1, bar + 1), stack.btc, Looks(stack, PARAMS, read).at(bar)


def test_a_scan_finds_what_a_look_at_that_close_finds():
    own, btc, signal = with_signal()

    found, beside = scanned(own, btc)
    assert isinstance(found.result, Signal)
    assert found.result == signal
    assert (beside.symbol, beside.timeframe) == ("BTCUSDT", Timeframe.M30)


def test_a_signal_carries_every_verdict_of_an_empty_book():
    own, btc, _ = with_signal()

    found = scanned(own, btc)[0]
    assert [verdict.gate for verdict in found.verdicts][:3] == ["freshness", "bias", "zone_distance"]
    assert {verdict.gate for verdict in found.verdicts if not verdict.passed} <= {
        "bias",
        "rr",
        "cost",
        "confidence",
        "zone_distance",
    }


def test_a_signal_that_a_gate_stops_is_told_as_rejected_by_it():
    own, btc, _ = with_signal()
    strict = replace(PARAMS, gates=replace(GateParams(), store_from_confidence=0.0, max_cost_r=0.0, min_rr=0.0))
    loose = replace(PARAMS, gates=replace(strict.gates, max_cost_r=99.0, send_from_confidence=0.0))

    rejected = scanned(own, btc, params=strict)[0].rejected
    assert rejected.stage is Stage.GATE
    assert rejected.reason in ("bias", "cost", "zone_distance")
    assert scanned(own, btc, params=loose)[0].rejected in (None, *[Rejected(Stage.GATE, "bias", "2 against", "1")])


@pytest.mark.parametrize("timeframe", [Timeframe.W1, Timeframe.D3])
def test_a_series_without_a_higher_timeframe_is_told_as_such(timeframe: Timeframe):
    [found] = scanned(replace(walk(1), timeframe=timeframe))

    assert (found.rejected.stage, found.verdicts) == (Stage.CONTEXT, ())


def test_btc_of_another_timeframe_is_no_context():
    own = walk(1)
    alone = scanned(own)[0]

    assert scanned(own, named(walk(2, timeframe=Timeframe.H1), "BTCUSDT"))[0] == alone


def test_series_are_answered_in_their_order():
    series = [named(walk(seed, 200), f"COIN{seed}") for seed in (3, 1, 2)]

    assert [one.symbol for one in scanned(*series)] == ["COIN3", "COIN1", "COIN2"]
    assert stack_of(series[0]).context.timeframe is Timeframe.H4


def test_files_shared_among_processes_are_decided_as_series_at_once(tmp_path: Path):
    own, btc, _ = with_signal()
    coins = [named(walk(seed, 250), f"COIN{seed}") for seed in range(2 * SERIES_A_PROCESS)]
    series = [btc, *coins, named(own, "ETHUSDT")]  # whose confidence has a part of BTC's
    paths = [written(tmp_path / f"{candles.symbol}-30m.csv", candles) for candles in series]

    assert scan_files(paths, PARAMS) == scanned(*series)


def test_a_series_in_two_files_is_one(tmp_path: Path):
    whole = named(walk(1, 300), "COIN")
    halves = (whole.window(150, 150), whole.window(300, 160))
    paths = [written(tmp_path / f"COIN-30m-{part}.csv", half) for part, half in enumerate(halves)]

    assert scan_files(paths, PARAMS) == scanned(whole)


def written(path: Path, candles: Candles) -> Path:
    columns: Sequence[np.ndarray] = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    rows = zip(candles.open_ms.tolist(), *(column.tolist() for column in columns), strict=True)
    path.write_text("\n".join(["time,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]))
    return path
