"""A day of the live pipeline: the record and the channel tell the same story."""

from collections.abc import Mapping

import pytest

from engine.timeframes import Timeframe
from services.public_record import PublicRecord, record_since
from storage.identities import identities
from storage.publications import Publication, PublicationKind
from tests.services.rig import CHANNEL, Rig, ms, started, world_at

BEGIN_MS, EVENING_MS = ms("2026-01-01T00:50"), ms("2026-01-01T09:00")


@pytest.fixture
async def rig(tmp_path):
    async with (
        world_at(BEGIN_MS, tmp_path) as world,
        started(world, ("ADAUSDT", "XRPUSDT"), (Timeframe.M15,)) as rig,
    ):
        yield rig


def told(rig: Rig) -> tuple[Publication, ...]:
    with rig.book.reading() as view:
        assert [truth.name for truth in identities(view) if not truth.holds] == []
        return tuple(view.publications.rows())


def shown(rig: Rig) -> Mapping[int, str]:
    return {message.message_id: message.text for message in rig.world.api.messages(CHANNEL)}


def record(rig: Rig) -> PublicRecord:
    with rig.book.reading() as view:
        return record_since(view, 0)


async def test_every_message_of_the_channel_is_on_record_once_and_nothing_else_is(rig):
    await rig.play(EVENING_MS)
    rows, messages = told(rig), shown(rig)

    assert len(rows) >= 10
    assert {row.facts["message_id"] for row in rows} == messages.keys()
    assert len(rows) == len(messages)
    posts = [row for row in rows if row.kind is PublicationKind.SIGNAL]
    assert all(f"S-{row.signal_id} " in messages[row.facts["message_id"]] for row in posts)
    assert record(rig).sent == len(posts)


@pytest.mark.long
async def test_each_post_shows_the_head_before_it(rig):
    await rig.play(EVENING_MS)
    messages = shown(rig)

    for row in told(rig):
        if row.kind is PublicationKind.SIGNAL:
            assert row.prev_hash[:8] in messages[row.facts["message_id"]]
