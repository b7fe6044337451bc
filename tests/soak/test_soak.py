"""Weeks of the bot's life: nothing grows, no slot is lost, no alarm is raised without a reason.

The short form is two days of four pairs, the full one a month of fifty.
"""

import os
from pathlib import Path

import pytest

from tests.soak.run import Size, soak

SIZES = {"short": Size(days=2, symbols=4), "full": Size(days=30, symbols=50)}
MOST_GROWTH_RATIO = 0.05


@pytest.mark.long
@pytest.mark.timeout(7_200)
async def test_a_month_with_a_flapping_exchange_and_telegram_leaves_everything_accounted_for(tmp_path: Path):
    size = SIZES[os.environ.get("ONEBOOK_LONG", "short")]
    seen = await soak(size, tmp_path)

    assert seen.verdict.slots.unaccounted == ()
    assert seen.verdict.unexplained == ()
    assert seen.verdict.broken_identities == ()
    assert seen.verdict.looks > size.days * size.symbols * 40
    assert seen.verdict.mends["series comes again"] > 0
    if size is SIZES["full"]:  # two days are all warm-up
        assert seen.growth_ratio < MOST_GROWTH_RATIO
