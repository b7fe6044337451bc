"""The users: who may ask what; nobody is more than PENDING until somebody decided so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.database import Connection


class Role(Enum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    SUBSCRIBER = "SUBSCRIBER"
    PENDING = "PENDING"
    BLOCKED = "BLOCKED"

    def includes(self, needed: "Role") -> bool:
        """Whether somebody of this role may do what is for `needed`."""
        return _LADDER.index(self) >= _LADDER.index(needed)


_LADDER = (Role.BLOCKED, Role.PENDING, Role.SUBSCRIBER, Role.OPERATOR, Role.ADMIN, Role.OWNER)
KNOWN_ROLES = _LADDER[2:]
"""Those who are answered at all, from the least to the most."""


@dataclass(frozen=True, slots=True)
class User:
    """A person; `decided_by` is the Telegram id of who gave the role."""

    id: int
    telegram_id: int
    name: str | None
    role: Role
    language: str
    timezone: str
    created_ms: int
    decided_by: int | None
    decided_ms: int | None


_COLUMNS = "id, telegram_id, name, role, language, timezone, created_ms, decided_by, decided_ms"


class Users:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(
        self, telegram_id: int, name: str | None, at_ms: int, language: str = "en", timezone: str = "UTC"
    ) -> User:
        """The user with this Telegram id, written as PENDING in this language and zone when new; a new name is kept."""
        self._connection.execute(
            "INSERT INTO users(telegram_id, name, created_ms, language, timezone) VALUES(?,?,?,?,?)"
            " ON CONFLICT(telegram_id) DO UPDATE SET name=COALESCE(excluded.name,name)",
            (telegram_id, name, at_ms, language, timezone),
        )
        [found] = self._select("telegram_id=?", (telegram_id,))
        return found

    def by_telegram_id(self, telegram_id: int) -> User | None:
        found = self._select("telegram_id=?", (telegram_id,))
        return found[0] if found else None

    def with_role(self, role: Role) -> tuple[User, ...]:
        return self._select("role=? ORDER BY id", (role.value,))

    def with_any_role(self, roles: Iterable[Role]) -> tuple[User, ...]:
        """Everybody who has one of these roles, by id."""
        words = [role.value for role in roles]
        return self._select(f"role IN({','.join('?' * len(words))}) ORDER BY id", words)

    def set_language(self, telegram_id: int, language: str) -> None:
        self._connection.execute("UPDATE users SET language=? WHERE telegram_id=?", (language, telegram_id))

    def set_timezone(self, telegram_id: int, timezone: str) -> None:
        """Show this person times in a zone of the IANA database."""
        self._connection.execute("UPDATE users SET timezone=? WHERE telegram_id=?", (timezone, telegram_id))

    def set_role(self, telegram_id: int, role: Role, decided_by: int | None, at_ms: int) -> None:
        self._connection.execute(
            "UPDATE users SET role=?, decided_by=?, decided_ms=? WHERE telegram_id=?",
            (role.value, decided_by, at_ms, telegram_id),
        )

    def _select(self, where: str, values: Sequence[object]) -> tuple[User, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM users WHERE {where}", values)
        return tuple(_user(row) for row in rows)


def _user(row: Sequence[Any]) -> User:
    user_id, telegram_id, name, role, language, timezone, created_ms, decided_by, decided_ms = row
    return User(user_id, telegram_id, name, Role(role), language, timezone, created_ms, decided_by, decided_ms)
