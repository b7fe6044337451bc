"""The users: who may ask what; nobody is more than PENDING until somebody decided so."""

from collections.abc import Sequence
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

    def ensure(self, telegram_id: int, name: str | None, at_ms: int) -> User:
        """The user with this Telegram id, written as PENDING when new; a new name is kept."""
        self._connection.execute(
            "INSERT INTO users(telegram_id, name, created_ms) VALUES(?,?,?)"
            " ON CONFLICT(telegram_id) DO UPDATE SET name=COALESCE(excluded.name,name)",
            (telegram_id, name, at_ms),
        )
        [found] = self._select("telegram_id=?", (telegram_id,))
        return found

    def by_telegram_id(self, telegram_id: int) -> User | None:
        found = self._select("telegram_id=?", (telegram_id,))
        return found[0] if found else None

    def with_role(self, role: Role) -> tuple[User, ...]:
        return self._select("role=? ORDER BY id", (role.value,))

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
