"""The menus of commands at Telegram follow roles and languages."""

import pytest

from engine.timeframes import Timeframe
from handlers.telegram.catalogue import text
from handlers.telegram.commands import find, open_to
from services.access import ensure_owners
from storage.users import Role
from tests.handlers.telegram.chat import Chat, door_of, opened
from tests.services.rig import OWNER, Rig, ms, started, world_at

MEMBER, FORMER = 88, 99


@pytest.fixture
async def rig(tmp_path):
    async with world_at(ms("2026-01-01T00:50"), tmp_path) as world:
        world.api.now_ms = world.clock.now_ms
        async with started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
            with rig.book.transaction() as tx:
                tx.users.ensure(MEMBER, "Ben", world.clock.ms)
                ensure_owners(tx, (OWNER, FORMER), "UTC", world.clock.ms)
                ensure_owners(tx, (OWNER,), "UTC", world.clock.ms)
            world.api.menus[FORMER] = [{"command": "restart", "description": "left from before"}]
            yield rig


@pytest.fixture
async def chat(rig):
    async with opened(door_of(rig)):
        chat = Chat(rig.world)
        await chat.until_read()
        yield chat


def menu(rig: Rig, telegram_id: int) -> list[str] | None:
    shown = rig.world.api.menus.get(telegram_id)
    return None if shown is None else [entry["command"] for entry in shown]


def may(role: Role) -> list[str]:
    return [command.name for command in open_to(role)]


async def test_everybody_sees_what_subscribers_may_ask_and_owners_all(rig, chat):
    assert menu(rig, 0) == may(Role.SUBSCRIBER)
    assert menu(rig, OWNER) == may(Role.OWNER)
    assert menu(rig, MEMBER) is None


async def test_whoever_is_no_longer_let_in_has_no_menu_of_his_own(rig, chat):
    assert menu(rig, FORMER) is None


async def test_a_role_that_is_given_or_taken_changes_the_menu(rig, chat):
    await chat.ask(f"/users {MEMBER} OPERATOR")
    await chat.until_read()
    assert menu(rig, MEMBER) == may(Role.OPERATOR)

    await chat.ask(f"/users {MEMBER} SUBSCRIBER")
    await chat.until_read()
    assert menu(rig, MEMBER) == may(Role.SUBSCRIBER)

    await chat.ask(f"/users {MEMBER} BLOCKED")
    await chat.until_read()
    assert menu(rig, MEMBER) is None


async def test_a_menu_speaks_the_language_that_was_chosen(rig, chat):
    await chat.ask("/lang bg")
    await chat.until_read()

    command = find("health")
    assert command is not None
    said = {entry["command"]: entry["description"] for entry in rig.world.api.menus[OWNER]}
    assert said["health"] == text("bg", command.description_key)
