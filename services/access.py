"""Who may what: owners come from the settings, strangers knock and somebody decides; every change is an event.

Nobody is more than PENDING until somebody decided so, and nobody but the settings makes an owner.
"""

from collections.abc import Sequence

from engine.timeframes import HOUR_MS
from storage.chats import ChatKind
from storage.events import SYSTEM, EventType
from storage.stores import Stores
from storage.users import Role, User

ACCESS_QUESTION = "access_question"
ACCESS_DECISION = "access_decision"
STRANGERS_AN_HOUR = 20
"""How many strangers may knock in an hour; who comes later has to come again."""
DECIDERS = (Role.ADMIN, Role.OWNER)


class NotAllowed(ValueError):
    """A change of roles that its author may not make."""


def ensure_owners(tx: Stores, telegram_ids: Sequence[int], zone: str, now_ms: int) -> None:
    """Make the people of the settings owners, and nobody else: whoever they no longer name has to knock again."""
    for telegram_id in telegram_ids:
        user = tx.users.ensure(telegram_id, None, now_ms, timezone=zone)
        if user.role is not Role.OWNER:
            _give(tx, user, Role.OWNER, None, now_ms)
    for user in tx.users.with_role(Role.OWNER):
        if user.telegram_id not in telegram_ids:
            _give(tx, user, Role.PENDING, None, now_ms)


def knock(tx: Stores, telegram_id: int, name: str, language: str, now_ms: int) -> bool:
    """A stranger asks to be let in: he is PENDING, and those who decide are asked, once for ever; whether they were."""
    user = tx.users.by_telegram_id(telegram_id)
    if user is not None and user.role is not Role.PENDING:
        return False
    if tx.events.count(EventType.ACCESS_ASKED, now_ms - HOUR_MS) >= STRANGERS_AN_HOUR:
        return False
    key = f"{ACCESS_QUESTION}:{telegram_id}"
    if not tx.events.add(EventType.ACCESS_ASKED, now_ms, actor=author(telegram_id), message=name, idem_key=key):
        return False
    tx.users.ensure(telegram_id, name, now_ms, language)
    deciders = tx.users.with_any_role(DECIDERS)
    chat_ids = [tx.chats.ensure(user.telegram_id, ChatKind.PRIVATE).id for user in deciders]
    tx.outbox.queue(ACCESS_QUESTION, {"telegram_id": telegram_id, "name": name}, key, chat_ids, now_ms)
    return True


def decide(tx: Stores, telegram_id: int, role: Role, by: User, now_ms: int) -> User:
    """Give somebody a role and tell him; NotAllowed beyond what `by` may give, LookupError for whom nobody knows."""
    user = tx.users.by_telegram_id(telegram_id)
    if user is None:
        raise LookupError(f"There is no user {telegram_id}.")
    if not by.role.includes(Role.ADMIN) or role.includes(by.role):
        raise NotAllowed(f"{by.role.value} cannot give {role.value}")
    if user.role.includes(by.role):
        raise NotAllowed(f"{by.role.value} cannot change a {user.role.value}")
    if user.role is role:
        return user
    was_let_in = user.role.includes(Role.SUBSCRIBER)
    _give(tx, user, role, by, now_ms)
    if role.includes(Role.SUBSCRIBER) and not was_let_in:
        chat = tx.chats.ensure(telegram_id, ChatKind.PRIVATE)
        key = f"{ACCESS_DECISION}:{telegram_id}:{now_ms}"
        tx.outbox.queue(ACCESS_DECISION, {"telegram_id": telegram_id}, key, (chat.id,), now_ms)
    found = tx.users.by_telegram_id(telegram_id)
    assert found is not None
    return found


def author(telegram_id: int) -> str:
    """How the book names a person who did something."""
    return f"telegram:{telegram_id}"


def _give(tx: Stores, user: User, role: Role, by: User | None, now_ms: int) -> None:
    tx.users.set_role(user.telegram_id, role, None if by is None else by.telegram_id, now_ms)
    tx.events.add(
        EventType.RIGHTS_CHANGED,
        now_ms,
        actor=SYSTEM if by is None else author(by.telegram_id),
        message=f"{user.telegram_id}: {user.role.value} to {role.value}",
    )
