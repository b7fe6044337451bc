"""The one gate: whom the book does not let in gets nothing and does nothing, by whatever way he comes."""

import asyncio

import pytest
from telegram import Update
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, CommandHandler, MessageHandler, TypeHandler

from engine.timeframes import MINUTE_MS, Timeframe
from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import Mint
from handlers.telegram.commands import COMMANDS
from handlers.telegram.desk import ChatRef, Pressed
from handlers.telegram.door import GATE_GROUP
from handlers.telegram.polling import ALLOWED_UPDATES
from handlers.telegram.reception import LATE_AFTER_MS, QUESTIONS_A_MINUTE, pressed
from services.access import STRANGERS_AN_HOUR, ensure_owners
from services.pause import paused_reason
from storage.chats import ChatKind
from storage.events import EventType
from storage.users import KNOWN_ROLES, Role
from tests.handlers.telegram.chat import Chat, door_of, opened
from tests.services.rig import OWNER, ms, started, world_at

STRANGER, MEMBER = 666, 88
GROUP = -555
BEGIN_MS = ms("2026-01-01T00:50")
OUTSIDE = (None, Role.PENDING, Role.BLOCKED)


@pytest.fixture
async def rig(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world:
        world.api.now_ms = world.clock.now_ms
        async with started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
            yield rig


@pytest.fixture
async def door(rig):
    door = door_of(rig)
    async with opened(door):
        yield door


@pytest.fixture
async def chat(rig, door):
    return Chat(rig.world)


def let_in(rig, role: Role | None, telegram_id: int = MEMBER) -> None:
    if role is None:
        return
    with rig.book.transaction() as tx:
        tx.users.ensure(telegram_id, "Ben", rig.world.clock.ms)
        tx.users.set_role(telegram_id, role, OWNER, rig.world.clock.ms)


def role_of(rig, telegram_id: int) -> Role | None:
    with rig.book.reading() as view:
        user = view.users.by_telegram_id(telegram_id)
    return None if user is None else user.role


def questions(rig, telegram_id: int) -> list[str]:
    """What somebody asked, as the book keeps it, oldest first."""
    with rig.book.reading() as view:
        events = view.events.latest(200, EventType.COMMAND)
    return [event.message for event in reversed(events) if event.actor == f"telegram:{telegram_id}"]


def button_of(rig, action: str, argument: str = "1", owner: int = 0, **more) -> str:
    with rig.book.reading() as view:
        return Mint.of(view, rig.world.clock.ms).button("x", action, argument, owner, **more).data


def test_every_handler_stands_behind_the_gate(door):
    """A kind of handler that is new here needs a test of its own below."""
    groups = door.application.handlers
    [gate] = groups[GATE_GROUP]
    behind = [handler for group, handlers in groups.items() if group != GATE_GROUP for handler in handlers]

    assert min(groups) == GATE_GROUP
    assert isinstance(gate, TypeHandler)
    assert gate.type is Update
    named = [next(iter(handler.commands)) for handler in behind if isinstance(handler, CommandHandler)]
    assert named == [command.name for command in COMMANDS]
    others = [type(handler) for handler in behind if not isinstance(handler, CommandHandler)]
    assert others == [MessageHandler, CallbackQueryHandler, ChatMemberHandler]
    assert set(ALLOWED_UPDATES) == {"message", "callback_query", "my_chat_member"}


@pytest.mark.parametrize("role", OUTSIDE)
async def test_outside_nothing_is_answered_and_nothing_done(rig, chat, role):
    let_in(rig, role)
    shown = await chat.asked("/help")
    for command in COMMANDS:
        chat.world.api.say(MEMBER, f"/{command.name} 1")
    chat.world.api.say(MEMBER, "/nonsense")
    chat.world.api.say(MEMBER, "hello")
    for action in ACTIONS:
        for confirmed in (False, True):
            data = button_of(rig, action.name, is_confirmed=confirmed)
            chat.world.api.press(MEMBER, shown.message_id, data)
    await chat.until_read()

    assert chat.heard(MEMBER) == []
    assert questions(rig, MEMBER) == []
    assert role_of(rig, MEMBER) in (Role.PENDING, role)
    assert chat.shown(shown) == shown
    assert not any(call.method == "answerCallbackQuery" for call in chat.world.api.calls)
    with rig.book.reading() as view:
        assert paused_reason(view) is None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
async def test_a_command_is_refused_to_every_role_below_its_own(rig, command):
    lower = [role for role in KNOWN_ROLES if not role.includes(command.role)]
    for number, role in enumerate(lower):
        let_in(rig, role, 100 + number)
        answer = await rig.ask(f"/{command.name}", 100 + number)

        assert f"role {command.role.value}; yours is {role.value}" in answer.html
        assert questions(rig, 100 + number) == [f"/{command.name}"]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
async def test_a_button_is_refused_to_every_role_below_its_own(rig, chat, action):
    shown = await chat.asked("/help")
    for role in KNOWN_ROLES:
        if role.includes(action.role):
            continue
        let_in(rig, role)
        for confirmed in (False, True):
            told = await chat.press_data(shown, button_of(rig, action.name, is_confirmed=confirmed), MEMBER)
            assert f"role {action.role.value}; yours is {role.value}" in told
    assert chat.shown(shown) == shown


async def test_a_strangers_start_asks_the_owner_once_and_he_is_let_in_by_a_button(rig, chat):
    for _ in range(3):
        chat.world.api.say(STRANGER, "/start")
    await chat.until_read()
    await rig.sender.drain()
    asked = [message for message in chat.heard(OWNER) if "wants to use this bot" in message.text]

    assert [label for label, _ in asked[0].buttons] == ["Approve", "Block"]
    assert len(asked) == 1
    assert (role_of(rig, STRANGER), chat.heard(STRANGER)) == (Role.PENDING, [])

    await chat.press(asked[0], "Approve")
    await rig.sender.drain()

    assert role_of(rig, STRANGER) is Role.SUBSCRIBER
    assert "You may use this bot now" in chat.heard(STRANGER)[0].text
    assert "/signal" in await chat.ask("/help", STRANGER)
    with rig.book.reading() as view:
        [event, *_] = view.events.latest(1, EventType.RIGHTS_CHANGED)
    assert (event.actor, event.message) == (f"telegram:{OWNER}", f"{STRANGER}: PENDING to SUBSCRIBER")


async def test_who_is_blocked_asks_nobody_again(rig, chat):
    chat.world.api.say(STRANGER, "/start")
    await chat.until_read()
    await rig.sender.drain()
    await chat.press(chat.heard(OWNER)[-1], "Block")
    chat.world.api.say(STRANGER, "/start")
    before = len(chat.heard(OWNER))
    await rig.sender.drain()

    assert role_of(rig, STRANGER) is Role.BLOCKED
    assert len(chat.heard(OWNER)) == before


async def test_only_so_many_strangers_are_passed_on_in_an_hour(rig, chat):
    for number in range(STRANGERS_AN_HOUR + 5):
        chat.world.api.say(1000 + number, "/start")
    await chat.until_read()

    with rig.book.reading() as view:
        assert len(view.users.with_role(Role.PENDING)) == STRANGERS_AN_HOUR


async def test_a_stranger_in_a_group_is_not_passed_on(rig, chat):
    chat.world.api.say(STRANGER, "/start", GROUP)
    await chat.until_read()

    assert role_of(rig, STRANGER) is None


async def test_the_settings_alone_make_owners(rig):
    with rig.book.transaction() as tx:
        ensure_owners(tx, (MEMBER,), "Europe/Sofia", BEGIN_MS)

    assert (role_of(rig, OWNER), role_of(rig, MEMBER)) == (Role.PENDING, Role.OWNER)
    told = await rig.ask(f"/users {OWNER} OWNER", MEMBER)
    assert "/users 12345 SUBSCRIBER" in told.html
    assert role_of(rig, OWNER) is Role.PENDING


async def test_an_owner_gives_roles_but_not_to_owners(rig):
    let_in(rig, Role.SUBSCRIBER)

    assert "(88) is OPERATOR now" in (await rig.ask("/users 88 operator")).html
    assert role_of(rig, MEMBER) is Role.OPERATOR
    assert "You cannot make" in (await rig.ask(f"/users {OWNER} blocked")).html
    assert "I do not know 4711" in (await rig.ask("/users 4711 blocked")).html


async def test_without_owners_nobody_is_answered(rig):
    with rig.book.transaction() as tx:
        ensure_owners(tx, (), "UTC", BEGIN_MS)
    async with opened(door_of(rig)):
        rig.world.api.say(OWNER, "/start")
        while not any(call.method == "getUpdates" and "offset" in call.fields for call in rig.world.api.calls):
            await asyncio.sleep(0.01)

    assert rig.world.api.messages(OWNER) == []


async def test_what_was_asked_while_the_bot_was_down_is_answered_unless_it_changes_something(rig):
    api, clock = rig.world.api, rig.world.clock
    api.say(OWNER, "/pause")
    api.say(OWNER, "/positions")
    clock.advance(LATE_AFTER_MS + MINUTE_MS)
    api.say(OWNER, "/account")
    async with opened(door_of(rig)):
        async with asyncio.timeout(5):
            while len(api.messages(OWNER)) < 3:
                await asyncio.sleep(0.01)

    refused, positions, _ = [message.text for message in api.messages(OWNER)]
    assert refused.startswith("/pause was given 3 min ago, while I was away")
    assert "No open positions" in positions
    with rig.book.reading() as view:
        assert paused_reason(view) is None


async def test_too_many_questions_are_refused_once_and_a_restart_does_not_forget_them(rig):
    async with opened(door_of(rig)):
        chat = Chat(rig.world)
        for _ in range(QUESTIONS_A_MINUTE):
            await chat.ask("/account")
        assert "30 questions a minute" in await chat.ask("/account")
    heard = len(rig.world.api.messages(OWNER))
    async with opened(door_of(rig)):
        rig.world.api.say(OWNER, "/account")
        await asyncio.sleep(0.3)
        assert len(rig.world.api.messages(OWNER)) == heard
        rig.world.clock.advance(MINUTE_MS + 1)
        assert "balance" in await Chat(rig.world).ask("/account")


async def test_a_question_that_telegram_gives_twice_is_answered_once(rig, chat):
    api = chat.world.api
    api.say(OWNER, "/account")
    twin = replace_id(api)
    await chat.until_read()
    api._updates.append(twin)
    await chat.until_read()

    assert questions(rig, OWNER).count("/account") == 1
    assert sum("balance" in message.text for message in chat.heard(OWNER)) == 1


def replace_id(api):
    """The last update once more, under the number of the next."""
    api._next_update += 1
    return {**api._updates[-1], "update_id": api._next_update - 1 + 10}


async def test_where_the_bot_is_put_is_told_to_the_owner(rig, chat):
    chat.world.api.member(GROUP, STRANGER, "member")
    await chat.until_read()
    await rig.sender.drain()

    assert f"({STRANGER}) put me into “A chat” (GROUP, {GROUP})" in chat.heard(OWNER)[-1].text
    assert chat.heard(GROUP) == []


async def test_a_chat_that_throws_the_bot_out_is_closed_and_opened_when_it_comes_back(rig, chat):
    def is_open() -> bool:
        with rig.book.reading() as view:
            return view.chats.of_telegram(GROUP)[0].enabled

    with rig.book.transaction() as tx:
        tx.chats.ensure(GROUP, ChatKind.GROUP)
    chat.world.api.member(GROUP, STRANGER, "kicked")
    await chat.until_read()
    assert not is_open()

    chat.world.api.member(GROUP, STRANGER, "member")
    await chat.until_read()
    assert is_open()


async def test_commands_for_other_bots_of_a_group_are_not_answered(rig, chat):
    chat.world.api.say(OWNER, "/weather", GROUP)
    chat.world.api.say(OWNER, "/account@another_bot", GROUP)
    await chat.until_read()

    assert chat.heard(GROUP) == []
    assert "balance" in await chat.ask("/account", OWNER, GROUP)


async def test_forwarded_commands_are_somebody_elses_words(rig, chat):
    api = chat.world.api
    api.say(OWNER, "/pause")
    origin = {"type": "hidden_user", "sender_user_name": "Mallory", "date": 1}
    api._updates[-1]["message"]["forward_origin"] = origin
    await chat.until_read()

    with rig.book.reading() as view:
        assert paused_reason(view) is None


@pytest.mark.parametrize("role", [Role.SUBSCRIBER, Role.OWNER])
async def test_help_and_menu_hold_what_the_role_may(rig, role):
    let_in(rig, role)
    answer = await rig.ask("/help", MEMBER)
    told = answer.html
    while forward := [button for row in answer.buttons for button in row if button.label == "Next ▶"]:
        with rig.book.reading() as view:
            user = view.users.by_telegram_id(MEMBER)
        answer = await pressed(rig.desk, ACTIONS, forward[0].data, Pressed("", user, ChatRef(MEMBER), 1))
        told += "\n" + answer.html

    named = {line.split()[0].removeprefix("/") for line in told.splitlines() if line.startswith("/")}
    assert named == {command.name for command in COMMANDS if role.includes(command.role)}


async def test_a_question_is_answered_in_the_askers_language(rig):
    let_in(rig, Role.SUBSCRIBER)
    with rig.book.transaction() as tx:
        tx.users.set_language(MEMBER, "bg")

    assert "всички команди" in (await rig.ask("/help", MEMBER)).html
    assert "every command" in (await rig.ask("/help")).html
