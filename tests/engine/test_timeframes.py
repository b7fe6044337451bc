"""One timeframe, however it is spelled."""

import numpy as np
import pytest

from engine.timeframes import DAY_MS, Timeframe, context_of


@pytest.mark.parametrize(
    ("text", "timeframe"),
    [
        ("1D", Timeframe.D1),
        ("1d", Timeframe.D1),
        ("24h", Timeframe.D1),
        ("1440m", Timeframe.D1),
        ("1 day", Timeframe.D1),
        ("1H", Timeframe.H1),
        ("60m", Timeframe.H1),
        ("60 min", Timeframe.H1),
        ("15M", Timeframe.M15),
        (" 4 hours ", Timeframe.H4),
        ("7d", Timeframe.W1),
        ("1W", Timeframe.W1),
    ],
)
def test_spellings(text: str, timeframe: Timeframe):
    assert Timeframe.parse(text) is timeframe


@pytest.mark.parametrize("text", ["", "7m", "1M", "h", "15", "15 moons", "-1h", "1.5h", "1h1h", "99999999d"])
def test_anything_else_is_refused_with_what_is_known(text: str):
    with pytest.raises(ValueError, match="known are 1m, 3m, 5m, 15m"):
        Timeframe.parse(text)


def test_every_written_form_means_itself():
    assert [Timeframe.parse(timeframe.text) for timeframe in Timeframe] == list(Timeframe)


def test_weeks_start_on_monday_and_three_days_at_the_epoch():
    friday = 1_704_412_800_000 + 13 * 3_600_000  # 2024-01-05 13:00 UTC
    monday = 1_704_067_200_000  # 2024-01-01 00:00 UTC

    assert Timeframe.W1.floor(friday) == monday
    assert Timeframe.D3.floor(friday) % (3 * DAY_MS) == 0
    assert Timeframe.H4.floor(np.array([friday, friday + 3 * 3_600_000])).tolist() == [
        friday - 3_600_000,
        friday + 3 * 3_600_000,
    ]


def test_the_stacks():
    stacks = {"15m": "1h", "30m": "4h", "1h": "4h", "2h": "1d", "4h": "1d", "1d": "1w"}

    assert {low: str(context_of(Timeframe.parse(low))) for low in stacks} == stacks
    assert context_of(Timeframe.W1) is None
    assert all(higher.ms > low.ms for low in Timeframe if (higher := context_of(low)) is not None)
