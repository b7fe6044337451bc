"""/backup: made, tried out and told, for the owner alone."""

import pytest

from engine.timeframes import Timeframe
from services.backup import backups_of
from tests.handlers.telegram.test_commands import told
from tests.services.rig import ms, started, world_at


@pytest.fixture
async def rig(tmp_path):
    async with (
        world_at(ms("2026-01-01T00:50"), tmp_path) as world,
        started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig,
    ):
        yield rig


async def test_the_owner_gets_a_backup_that_was_tried_out(rig):
    said = await told(rig, "/backup")

    [backup] = backups_of(rig.world.path)
    assert backup.path.name in said
    assert "every identity holds. 1 are kept." in said


async def test_a_backup_that_cannot_be_made_is_told_with_the_reason(rig):
    (rig.world.path.parent / "backups").write_text("in the way")

    assert "There is no good backup" in await told(rig, "/backup")


async def test_words_behind_it_are_answered_with_how_to_ask(rig):
    assert "/backup" in await told(rig, "/backup now")
    assert backups_of(rig.world.path) == ()
