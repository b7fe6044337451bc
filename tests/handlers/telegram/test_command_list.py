"""Every command that was promised is there, for whom it was promised; nobody may give one that is not."""

import pytest

from handlers.telegram.commands import COMMANDS, find, open_to
from storage.users import Role

PROMISED = {
    Role.SUBSCRIBER: "signals signal why whynot chart open record verify follow alerts mute lang tz whereami",
    Role.OPERATOR: "positions close pause resume locks unlock daily weekly monthly stats journal risk backtest"
    " backtest_results health quick_health ml ml_train jobs checkpoints blackout",
    Role.OWNER: "users settings import backup logs restart",
}
ALSO = {Role.SUBSCRIBER: "start help", Role.OPERATOR: "account scores"}
CHANGING = (
    "follow alerts mute lang tz close pause resume unlock blackout risk scores backtest ml_train users restart backup"
)
"""What is not done long after it was asked for; /import only shows, its button changes."""


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in PROMISED.items() for name in names.split()])
def test_each_command_is_there_for_the_role_it_was_promised_to(role: Role, name: str):
    command = find(name)

    assert command is not None
    assert command.role is role


def test_there_is_no_command_that_nobody_promised():
    known = {name for names in (*PROMISED.values(), *ALSO.values()) for name in names.split()}

    assert {command.name for command in COMMANDS} == known


def test_commands_that_change_something_are_told_apart_from_those_that_read():
    assert {command.name for command in COMMANDS if command.changes} == set(CHANGING.split())


def test_each_role_may_what_the_roles_below_it_may_and_more():
    menus = [{command.name for command in open_to(role)} for role in (Role.SUBSCRIBER, Role.OPERATOR, Role.OWNER)]

    assert menus[0] < menus[1] < menus[2]
    assert open_to(Role.PENDING) == open_to(Role.BLOCKED) == ()
