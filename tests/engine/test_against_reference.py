"""The engine and the literal reading of the definitions tell the same events: in every school, with ties and holes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from engine.candles import Candles
from engine.detect import detect, events
from engine.detection_params import DetectionParams
from engine.findings import Kind
from engine.timeframes import Timeframe
from tests.drawing import eurusd, random_walk
from tests.engine import reference
from tests.shared import needs_shared

DEFAULT = DetectionParams()
SCHOOLS = {
    "default": DEFAULT,
    "wick breaks, body blocks": replace(DEFAULT, break_on="wick", ob_zone="body", sweep_reclaim=3),
    "luxalgo blocks": replace(DEFAULT, ob_school="luxalgo", swing_left=3, swing_right=1, sweep_reclaim=1),
    "smc blocks, coloured gaps": replace(DEFAULT, ob_school="smc", fvg_color_filter=True, sweep_reclaim=5),
    "luxalgo legs": replace(DEFAULT, swing_model="luxalgo_leg", swing_size=3, sweep_reclaim=2),
    "large swings": replace(DEFAULT, swing_left=5, swing_right=5, internal_left=2, internal_right=2, disp_n=14),
    "slow confirmation": replace(DEFAULT, swing_left=1, swing_right=6, internal_right=4, sweep_reclaim=8),
    "wide gaps, tight equals": replace(DEFAULT, fvg_min_gap=0.2, eq_tol=0.0, eq_tol_atr=0.3, disp_k=1.0),
    "crypto days": replace(DEFAULT, tz="UTC", day_roll="00:00", disp_k=0.5, disp_body_frac=0.0),
    "morning roll": replace(DEFAULT, day_roll="09:30"),
}


@pytest.mark.parametrize("school", SCHOOLS)
@pytest.mark.parametrize("seed", range(12))
def test_random_walks_on_a_coarse_grid_with_gaps(school: str, seed: int):
    candles = _walk(seed)

    assert _told(candles, SCHOOLS[school]) == _read(candles, SCHOOLS[school])


def test_the_random_walks_show_every_kind():
    params = SCHOOLS["wick breaks, body blocks"]
    walks = [_walk(seed) for seed in range(12)]
    shown = {event["kind"] for walk in walks for event in events(walk, detect(walk, params))}

    assert {kind.word for kind in Kind} <= shown


@pytest.mark.parametrize("school", ["default", "wick breaks, body blocks", "luxalgo legs"])
@pytest.mark.parametrize("seed", range(8))
def test_two_series_diverge_where_the_definition_says(school: str, seed: int):
    params = SCHOOLS[school]
    ours, theirs = random_walk(seed, bars=400, tick=0.5), random_walk(seed + 100, bars=400, tick=0.5)

    told = [event for event in events(ours, detect(ours, params, theirs)) if event["kind"] == "smt"]

    assert _counted(told) == _counted(reference.smt_events(_bars(ours), _bars(theirs), params))
    assert told


@needs_shared
@pytest.mark.parametrize(("first", "count"), [(0, 1500), (9000, 1500), (20000, 1500)])
def test_real_euro_dollar_bars(first: int, count: int):
    candles = eurusd().window(first + count, count)
    params = replace(DEFAULT, eq_tol=0.0001, sweep_reclaim=3)

    assert _told(candles, params) == _read(candles, params)


def _walk(seed: int) -> Candles:
    timeframe = (Timeframe.M15, Timeframe.H1, Timeframe.H4)[seed % 3]
    return random_walk(seed, 260, tick=(0.1, 0.5, 1.0)[seed % 3], holes=seed % 2 == 0, timeframe=timeframe)


def _told(candles: Candles, params: DetectionParams) -> Counter[str]:
    return _counted(events(candles, detect(candles, params)))


def _read(candles: Candles, params: DetectionParams) -> Counter[str]:
    bars = _bars(candles)
    times = candles.open_ms.tolist()
    timed = reference.time_events(bars, times, candles.timeframe.ms, params)
    return _counted([*reference.price_events(bars, params), *timed])


def _bars(candles: Candles) -> list[reference.Bar]:
    columns = (candles.open, candles.high, candles.low, candles.close)
    return [reference.Bar(*row) for row in np.column_stack(columns).tolist()]


_SAID_BY_THE_ENGINE_ONLY = {"sb_fvg": {"index", "top", "bottom"}, "fvg": {"gap"}}


def _counted(told: Iterable[reference.Event]) -> Counter[str]:
    """The multiset of events, prices to nine decimals."""
    return Counter(
        repr(
            sorted(
                (name, _rounded(value))
                for name, value in event.items()
                if name not in _SAID_BY_THE_ENGINE_ONLY.get(event["kind"], ())
            )
        )
        for event in told
    )


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 9) + 0.0
    return [_rounded(item) for item in value] if isinstance(value, list) else value
