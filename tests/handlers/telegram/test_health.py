"""/health on a phone: one screen, the worst first, the details behind buttons."""

import pytest

from engine.timeframes import HOUR_MS, Timeframe
from services.split import plain
from storage.events import EventType
from storage.pulse import Pulse, beat
from tests.handlers.telegram.test_commands import press, told
from tests.services.rig import Rig, ms, started, world_at

BEGIN_MS = ms("2026-01-01T00:50")


@pytest.fixture
async def rig(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world, started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
        yield rig


def break_two(rig: Rig) -> None:
    """The bot has been silent for an hour, and Telegram found a defect."""
    with rig.book.transaction() as tx:
        beat(tx.meta, Pulse(BEGIN_MS - HOUR_MS, BEGIN_MS - HOUR_MS, BEGIN_MS - HOUR_MS))
        tx.events.add(EventType.DEFECT, BEGIN_MS, message="row 3: <b> is not closed")


async def test_what_is_well_fits_into_two_lines(rig: Rig):
    status, well, idle = (await told(rig, "/health")).splitlines()

    assert status == "✅ OK"
    assert well.endswith("checks are well")
    assert idle.startswith("💤 nothing to do yet: ")


async def test_the_worst_stands_first_and_what_is_well_is_only_counted(rig: Rig):
    break_two(rig)
    shown = (await told(rig, "/health")).splitlines()

    assert shown[:3] == [
        "❌ FAIL",
        "❌ process: silent for 1 h 0 min – it ended in the middle, or hangs",
        "⚠️ defects: 1 in a day – row 3: <b> is not closed",
    ]
    assert len(shown) == 5


async def test_a_button_tells_limit_since_when_and_what_to_do_and_leads_back(rig: Rig):
    break_two(rig)
    overview = await rig.ask("/health")
    shown = await press(rig, overview, "process")

    assert plain(shown.html).splitlines() == [
        "❌ process: silent for 1 h 0 min – it ended in the middle, or hangs",
        "allowed: 3 min",
        "since 2025-12-31 23:50 UTC, for 1 h 0 min",
        "what to do: start it: python bot.py run; if it runs, restart it",
    ]
    assert (await press(rig, shown, "◀ Back")).html == overview.html


async def test_every_check_is_a_button_away(rig: Rig):
    shown = plain((await press(rig, await rig.ask("/health"), "Every check")).html)

    assert "✅ outbox: 0 waiting" in shown
    assert "✅ the public record is one unbroken chain" in shown


async def test_the_quick_answer_has_no_identities(rig: Rig):
    break_two(rig)
    shown = await told(rig, "/quick_health")

    assert shown.splitlines()[0] == "❌ FAIL"
    assert "process" in shown
    everything = int((await told(rig, "/health")).splitlines()[3].split()[1])
    assert int(shown.splitlines()[3].split()[1]) < everything
