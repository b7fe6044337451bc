"""The most leverage a signal stands: never more than ten, and stopped before it is liquidated."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.leverage import MAINTENANCE_RATIO, most_leverage
from engine.vocabulary import Market
from tests.storage.samples import LONG, SHORT


def test_a_near_stop_allows_ten_and_no_more():
    assert most_leverage(replace(LONG, stop_loss=99.9)) == 10


@pytest.mark.parametrize("signal", [replace(LONG, stop_loss=90.0), replace(SHORT, stop_loss=110.0)])
def test_a_far_stop_allows_less_in_both_directions(signal):
    assert most_leverage(signal) == 7


def test_on_spot_nothing_is_borrowed():
    assert most_leverage(replace(LONG, market=Market.SPOT)) is None


@given(stop=st.floats(1.0, 99.99))
def test_liquidation_always_lies_beyond_the_stop(stop: float):
    leverage = most_leverage(replace(LONG, stop_loss=stop))

    assert leverage is not None
    assert 1 <= leverage <= 10
    assert leverage == 1 or 100.0 * (1 - 1 / leverage + MAINTENANCE_RATIO) < stop
