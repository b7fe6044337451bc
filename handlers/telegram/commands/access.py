"""Letting people in: the Approve and Block buttons under a stranger's question, and /users."""

from handlers.telegram.catalogue import joined
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.notices import APPROVE, BLOCK
from handlers.telegram.tables import Column, Table
from services.access import NotAllowed, decide
from storage.users import Role

GIVABLE = tuple(role for role in Role if role is not Role.OWNER)

USERS = Table((Column("table.id", 12), Column("table.role", 10), Column("table.name", 10)))


async def users(desk: Desk, asked: Asked) -> Answer:
    """Everybody the book knows; with an id and a role: give it."""
    if asked.words:
        telegram_id, role = _wanted(asked)
        return await _decided(desk, asked, telegram_id, role)
    with desk.book.reading() as view:
        everybody = view.users.with_any_role(Role)
    rows = [(str(user.telegram_id), user.role.value, user.name or "") for user in everybody]
    return Answer(joined([USERS.html(asked.user.language, rows), asked.say("users.how")]))


async def approve(desk: Desk, press: Pressed) -> Answer:
    """Make the stranger of the question a subscriber."""
    return await _decided(desk, press.asked, int(press.argument), Role.SUBSCRIBER)


async def block(desk: Desk, press: Pressed) -> Answer:
    """Never hear of him again."""
    return await _decided(desk, press.asked, int(press.argument), Role.BLOCKED)


async def _decided(desk: Desk, asked: Asked, telegram_id: int, role: Role) -> Answer:
    now_ms = desk.now_ms()
    try:
        user = await desk.writer.run(lambda tx: decide(tx, telegram_id, role, asked.user, now_ms))
    except LookupError as error:
        raise CommandError("users.unknown", id=telegram_id) from error
    except NotAllowed as error:
        raise CommandError("users.not_allowed", id=telegram_id, role=role.value) from error
    told = asked.say("users.given", name=user.name or "", id=telegram_id, role=user.role.value)
    return Answer(told, menu_of=telegram_id)


def _wanted(asked: Asked) -> tuple[int, Role]:
    roles = {role.value: role for role in GIVABLE}
    match asked.words:
        case (number, word) if number.isdecimal() and word.upper() in roles:
            return int(number), roles[word.upper()]
    raise CommandError("ask.users", roles=", ".join(roles))


COMMANDS = (Command("users", "[ID ROLE]", "about.users", Role.OWNER, users, changes=True),)
ACTIONS = (
    Action(APPROVE, Role.ADMIN, approve, changes=True),
    Action(BLOCK, Role.ADMIN, block, changes=True),
)
