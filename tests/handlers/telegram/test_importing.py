"""An older bot's files brought in from the chat."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.timeframes import Timeframe
from services import import_desk
from services.import_desk import ImportDesk, ImportRefused
from services.split import plain
from storage.chats import ChatKind
from tests.handlers.telegram.test_commands import press, told
from tests.services.rig import OWNER, Rig, ms, started, world_at

STRANGER = 100_000_001


@pytest.fixture
async def rig(tmp_path):
    begin_ms = ms("2026-01-01T00:50")
    async with world_at(begin_ms, tmp_path) as world, started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
        imports = ImportDesk(rig.book, rig.desk.writer, world.clock.now_ms)
        rig.desk = replace(rig.desk, imports=imports)
        yield rig
        await imports.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "old bot"
    folder.mkdir()
    (folder / "allowed_users.json").write_text(f"[{STRANGER}]")
    return folder


def is_known(rig: Rig) -> bool:
    with rig.book.reading() as view:
        return view.users.by_telegram_id(STRANGER) is not None


async def receipt(rig: Rig) -> str:
    assert rig.desk.imports is not None
    await rig.desk.imports.wait()
    await rig.sender.drain()
    return plain(rig.world.api.messages(OWNER)[-1].text)


async def test_an_import_is_shown_then_asked_for_twice_then_done(rig, folder):
    offer = await rig.ask(f"/import {folder}")
    assert "allowed_users" in plain(offer.html)
    sure = await press(rig, offer, "Import")
    assert "Nothing takes them out again" in plain(sure.html)
    assert not is_known(rig)

    assert "the receipt follows" in plain((await press(rig, sure, "Yes, do it")).html)
    assert "1 files, 1 records: 1 good, 0 known already, 0 set aside" in await receipt(rig)
    assert is_known(rig)


async def test_what_was_imported_is_known_the_second_time(rig, folder):
    for _ in range(2):
        sure = await press(rig, await rig.ask(f"/import {folder}"), "Import")
        await press(rig, sure, "Yes, do it")
        last = await receipt(rig)
        rig.world.clock.advance(60_000)

    assert "0 good, 1 known already" in last


async def test_what_cannot_be_imported_says_why(rig, folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()

    assert "Write it like /import" in await told(rig, "/import")
    assert "Write it like /import" in await told(rig, "/import nowhere")
    assert "nothing of an older bot" in await told(rig, f"/import {empty}")
    (empty / "history.json").touch()
    with (empty / "history.json").open("r+b") as file:
        file.truncate(import_desk.MOST_BYTES + 1)
    assert "64 MB are more than the 64 MB I take in" in await told(rig, f"/import {empty}")


async def test_one_import_runs_at_a_time_and_only_of_what_was_shown(rig, folder):
    desk = rig.desk.imports
    with rig.book.transaction() as tx:
        chat_id = tx.chats.ensure(OWNER, ChatKind.PRIVATE).id
    with pytest.raises(ImportRefused, match="gone"):
        desk.start("nothing", chat_id)
    offer = await desk.offer(folder)
    desk.start(offer.key, chat_id)
    with pytest.raises(ImportRefused, match="busy"):
        desk.start(offer.key, chat_id)


async def test_an_import_that_is_stopped_leaves_nothing_of_its_file_and_says_so(rig, folder):
    desk = rig.desk.imports
    with rig.book.transaction() as tx:
        chat_id = tx.chats.ensure(OWNER, ChatKind.PRIVATE).id
    offer = await desk.offer(folder)
    desk.start(offer.key, chat_id)
    await desk.close()

    assert "The import stopped: the bot was stopped" in await receipt(rig)
    assert not is_known(rig)
