"""The confidence: a sum of named contributions, every one of which can fire, in the signal's own direction."""

from collections import defaultdict

import pytest

from engine.confidence import GRADES, confidence_of
from engine.params import ConfidenceParams
from engine.vocabulary import Contribution, Signal
from tests.engine.market import corpus

ROUNDING = 0.01
NAMES = [name for name, _ in GRADES]


def signals() -> list[Signal]:
    return [signal for decided in corpus() for signal in decided.signals.values()]


def points_by_name() -> dict[str, list[Contribution]]:
    parts: dict[str, list[Contribution]] = defaultdict(list)
    for signal in signals():
        for part in signal.contributions:
            parts[part.name].append(part)
    return parts


def test_the_corpus_holds_many_signals_of_both_directions():
    found = signals()

    assert len(found) > 100
    assert len({signal.direction for signal in found}) == 2
    assert len({signal.setup for signal in found}) >= 5


def test_the_contributions_add_up_to_the_confidence():
    for signal in signals():
        given = sum(part.points for part in signal.contributions if part.points is not None)

        assert signal.confidence == pytest.approx(given, abs=ROUNDING)
        assert signal.base_confidence == signal.confidence


def test_the_points_possible_of_what_is_there_are_a_hundred():
    for signal in signals():
        possible = sum(part.possible for part in signal.contributions if part.points is not None)

        assert possible == pytest.approx(100.0, abs=ROUNDING)
        assert all(
            0 <= part.points <= part.possible + ROUNDING for part in signal.contributions if part.points is not None
        )


def test_every_signal_stores_every_contribution_in_order_with_its_reason():
    for signal in signals():
        assert [part.name for part in signal.contributions] == NAMES
        assert all(part.reason for part in signal.contributions)


@pytest.mark.parametrize("name", NAMES)
def test_a_contribution_can_fire_and_is_no_constant(name: str):
    ratios = {round(part.points / part.possible, 3) for part in points_by_name()[name] if part.points is not None}

    assert max(ratios) > 0.5
    assert len(ratios) > 1


@pytest.mark.parametrize("name", ["session", "btc"])
def test_a_missing_contribution_is_stored_as_missing_with_its_reason(name: str):
    missing = [part for part in points_by_name()[name] if part.points is None]

    assert missing
    assert all(part.reason and part.possible == getattr(ConfidenceParams(), name) for part in missing)


def test_what_is_missing_leaves_its_points_to_the_others():
    alone = next(signal for signal in signals() if signal.contributions[NAMES.index("btc")].points is None)
    structure = alone.contributions[NAMES.index("structure")]

    assert structure.possible > ConfidenceParams().structure


def test_every_weight_is_a_contribution_and_the_other_way_round():
    assert set(ConfidenceParams.__dataclass_fields__) == set(NAMES)


def test_without_any_weight_there_is_no_confidence():
    parts = tuple(Contribution(name, None, 0.0, "nothing") for name in NAMES)

    assert confidence_of(parts) == 0.0
    assert confidence_of((Contribution("all", 100.003, 100.0, "rounding"),)) == 100.0
