"""Parameters: unknown names and wrong values are refused, and a set is named by its hash."""

import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass, replace
from datetime import time
from pathlib import Path

import pytest

from engine.detection_params import DetectionParams
from engine.follow import EntryOrder
from engine.params import AccountParams, CostParams, GateParams, Params, ParamsError
from engine.vocabulary import Market

ROOT = Path(__file__).resolve().parents[2]


def read(toml: str) -> Params:
    return Params.from_mapping(tomllib.loads(toml))


def test_an_empty_file_gives_the_defaults():
    assert read("") == Params()


def test_a_file_overrides_by_name_and_leaves_the_rest():
    params = read("[gates]\nmin_rr = 2\n[detection]\nswing_left = 3")

    assert params.gates == replace(GateParams(), min_rr=2.0)
    assert params.detection == replace(Params().detection, swing_left=3)
    assert params.levels == Params().levels


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[gates]\nmin_r = 2", "unknown parameter gates.min_r; did you mean gates.min_rr?"),
        ("[gate]\nmin_rr = 2", "unknown parameter gate; did you mean gates?"),
        ("[detection]\nswing_lef = 2", "unknown parameter detection.swing_lef; did you mean detection.swing_left?"),
        ("zebra = 1", "unknown parameter zebra"),
    ],
)
def test_an_unknown_name_is_refused_and_the_nearest_is_suggested(toml: str, sentence: str):
    with pytest.raises(ParamsError) as caught:
        read(toml)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "toml",
    [
        "[gates]\nmin_rr = '3'",
        "[gates]\nmin_rr = true",
        "[gates]\nmin_rr = nan",
        "[gates]\nmin_rr = inf",
        "[gates]\nmin_rr = -1",
        "[gates]\ndaily_cap = 2.5",
        "[gates]\ndaily_cap = true",
        "gates = 3",
        "[costs]\nmarket = 'futures'",
        "[costs]\nmarket = ['spot']",
        "[levels]\nshares = 1",
        "[levels]\nshares = ['a']",
        "[levels]\nshares = [0.5, 0.5]",
        "[levels]\nshares = [0.5, 0.5, 0]",
        "[levels]\nentry_ratio = 1.5",
        "[levels]\nfirst_target_min_r = 0",
        "[window]\nmin_bars = 0",
        "[window]\nmemory_bars = 1001",
        "[account]\nrisk_ratio = 0",
        "[detection]\nbreak_on = 'tick'",
        "[detection]\nfvg_color_filter = 1",
        "[follow]\nmax_hold_ms = true",
        "[follow]\nmax_hold_ms = 17:00:00",
        "[follow]\nend_of_day = 17",
        "[follow]\nend_of_day_zone = 'Mars/Olympus'",
        "[follow]\nslippage_ratio = -0.1",
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(toml: str):
    with pytest.raises(ParamsError) as caught:
        read(toml)

    name = toml.strip("[").split("]")[0].split(" ")[0]
    assert name in str(caught.value)


def test_enums_times_and_lists_are_read():
    params = read(
        "[costs]\nmarket='spot'\n[levels]\nshares=[1, 1, 2]\n[follow]\nend_of_day=17:00:00\nentry_order='MARKET'"
    )

    assert params.costs.market is Market.SPOT
    assert params.levels.shares == (1.0, 1.0, 2.0)
    assert (params.follow.end_of_day, params.follow.entry_order) == (time(17), EntryOrder.MARKET)


def test_equal_sets_have_equal_digits_however_a_number_is_spelled():
    whole, fraction = (Params(gates=replace(GateParams(), min_rr=rr)) for rr in (4, 4.0))

    assert whole == fraction
    assert whole.hash == fraction.hash
    assert read("[gates]\nmin_rr = 4").hash == fraction.hash


def changed(value: object) -> object:
    """Another value of the same kind that every section accepts."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value / 2 + 0.001
        case tuple():
            return (value[0] / 2, *value[1:])
        case Market():
            return Market.SPOT
        case EntryOrder():
            return EntryOrder.MARKET
        case None:
            return 1
        case _:
            return OTHER_WORDS[value]


OTHER_WORDS = {
    "close": "wick", "last_opposite": "smc", "range": "body", "fractal": "luxalgo_leg", "UTC": "America/New_York",
    "00:00": "17:00", "keep_last": "keep_last",
}  # fmt: skip


def every_change() -> list[tuple[str, Params]]:
    params, changes = Params(), []
    for section in fields(params):
        part = getattr(params, section.name)
        assert is_dataclass(part)
        for one in fields(part):
            value = time(17) if one.name == "end_of_day" else changed(getattr(part, one.name))
            if value != getattr(part, one.name):
                other = replace(params, **{section.name: replace(part, **{one.name: value})})
                changes.append((f"{section.name}.{one.name}", other))
    return changes


def test_every_changed_value_changes_the_hash():
    changes = every_change()

    deciding = [(name, params) for name, params in changes if not name.startswith("learning.")]
    hashes = {name: params.hash for name, params in deciding} | {"defaults": Params().hash}
    assert len(deciding) > 80
    assert len(set(hashes.values())) == len(hashes)


def test_when_is_trained_is_no_part_of_what_decides():
    learning = [params for name, params in every_change() if name.startswith("learning.")]

    assert len(learning) > 5
    assert {params.hash for params in learning} == {Params().hash}


def test_the_hash_is_the_same_in_another_process():
    code = "from engine.params import Params; print(Params().hash)"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert hashes == {Params().hash}


def test_fees_are_by_market_and_the_round_trip_adds_up():
    costs = CostParams(fee_spot_ratio=0.001, fee_usdt_m_ratio=0.0005, slippage_ratio=0.0002, spread_ratio=0.0001)

    assert replace(costs, market=Market.SPOT).round_trip_ratio == pytest.approx(0.0025)
    assert replace(costs, market=Market.USDT_M).round_trip_ratio == pytest.approx(0.0015)


def test_the_points_possible_add_up_to_a_hundred():
    points = Params().confidence

    assert sum(getattr(points, one.name) for one in fields(points)) == 100


def test_the_documented_defaults_stand():
    params = Params()

    assert (params.window.window_bars, params.levels.shares, params.levels.valid_bars) == (1000, (0.40, 0.35, 0.25), 24)
    assert (params.gates.min_rr, params.gates.max_cost_r) == (3.0, 0.15)
    assert (params.gates.store_from_confidence, params.gates.send_from_confidence) == (50.0, 60.0)
    assert params.gates.send_from_confidence_manual == 70.0
    assert params.account == AccountParams(10_000.0, 0.01, 1, 5, 3.0, 0.05, 0.03)
    assert params.detection != DetectionParams()
