"""The events: every change of money, signals, settings and rights, written once and never altered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.codec import Json, decoded, encoded
from storage.database import Connection

SYSTEM = "system"


class EventType(Enum):
    SIGNAL_SENT = "SIGNAL_SENT"
    SIGNAL_MISSED = "SIGNAL_MISSED"
    SEND_UNKNOWN = "SEND_UNKNOWN"
    PART_SENT = "PART_SENT"
    TOPIC_LOST = "TOPIC_LOST"
    DEFECT = "DEFECT"
    POLLING_RESTARTED = "POLLING_RESTARTED"
    OTHER_BOT = "OTHER_BOT"
    SIGNAL_EXPIRED = "SIGNAL_EXPIRED"
    SIGNAL_CANCELLED = "SIGNAL_CANCELLED"
    CONDITION_ARMED = "CONDITION_ARMED"
    POSITION_OPENED = "POSITION_OPENED"
    TARGET_HIT = "TARGET_HIT"
    STOP_MOVED = "STOP_MOVED"
    PART_TAKEN = "PART_TAKEN"
    CHECKPOINT = "CHECKPOINT"
    HAND_ORDER = "HAND_ORDER"
    POSITION_CLOSED = "POSITION_CLOSED"
    POSITION_IMPORTED = "POSITION_IMPORTED"
    LEGACY_CHECKED = "LEGACY_CHECKED"
    DEPOSIT = "DEPOSIT"
    ADJUSTMENT = "ADJUSTMENT"
    SETTING_CHANGED = "SETTING_CHANGED"
    RIGHTS_CHANGED = "RIGHTS_CHANGED"
    ACCESS_ASKED = "ACCESS_ASKED"
    CHAT_DISABLED = "CHAT_DISABLED"
    CHAT_JOINED = "CHAT_JOINED"
    CHAT_LEFT = "CHAT_LEFT"
    BOT_STARTED = "BOT_STARTED"
    BOT_STOPPED = "BOT_STOPPED"
    COMMAND = "COMMAND"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    LOCK_BEGAN = "LOCK_BEGAN"
    LOCK_ENDED = "LOCK_ENDED"
    UNLOCKED = "UNLOCKED"
    ROLLED_UP = "ROLLED_UP"
    HEALED = "HEALED"
    FEED_SILENT = "FEED_SILENT"
    CANDLES_MISSING = "CANDLES_MISSING"
    MODEL_TRAINED = "MODEL_TRAINED"
    MODEL_ACTIVATED = "MODEL_ACTIVATED"
    MODEL_REFUSED = "MODEL_REFUSED"
    INCIDENT_OPENED = "INCIDENT_OPENED"
    INCIDENT_RESOLVED = "INCIDENT_RESOLVED"
    DEADMAN_UNHEARD = "DEADMAN_UNHEARD"


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    at_ms: int
    type: EventType
    signal_id: int | None
    position_id: int | None
    portfolio_id: int | None
    symbol: str | None
    actor: str
    message: str | None
    market_context: Json
    decision_context: Json
    idem_key: str | None


_SELECT = """
SELECT id, at_ms, type, signal_id, position_id, portfolio_id, symbol, actor, message, market_context, decision_context,
  idem_key
FROM events WHERE """


class Events:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        type: EventType,
        at_ms: int,
        *,
        signal_id: int | None = None,
        position_id: int | None = None,
        portfolio_id: int | None = None,
        symbol: str | None = None,
        actor: str = SYSTEM,
        message: str | None = None,
        market_context: Mapping[str, Json] | None = None,
        decision_context: Mapping[str, Json] | None = None,
        idem_key: str | None = None,
    ) -> bool:
        """Write an event: True when written, False when its `idem_key` stands already."""
        row = self._connection.execute(
            "INSERT INTO events(at_ms, type, signal_id, position_id, portfolio_id, symbol, actor, message,"
            " market_context, decision_context, idem_key) VALUES(?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT(idem_key) DO NOTHING RETURNING id",
            (
                at_ms, type.value, signal_id, position_id, portfolio_id, symbol, actor, message,
                _context_text(market_context), _context_text(decision_context), idem_key,
            ),
        ).fetchone()  # fmt: skip
        return row is not None

    def latest(self, count: int, type: EventType | None = None) -> tuple[Event, ...]:
        """The newest events, newest first."""
        if type is None:
            return self._select("TRUE ORDER BY at_ms DESC, id DESC LIMIT ?", (count,))
        return self._select("type=? ORDER BY at_ms DESC, id DESC LIMIT ?", (type.value, count))

    def by_key(self, idem_key: str) -> Event | None:
        """The event that was written under this key, if it was."""
        found = self._select("idem_key=?", (idem_key,))
        return found[0] if found else None

    def count(self, type: EventType, since_ms: int, actor: str | None = None) -> int:
        """How many events of a type there are since that instant, by anybody or by one author."""
        row = self._connection.execute(
            "SELECT COUNT(*) FROM events WHERE type=?1 AND at_ms>=?2 AND (?3 IS NULL OR actor=?3)",
            (type.value, since_ms, actor),
        ).fetchone()
        count: int = row[0]
        return count

    def of_signal(self, signal_id: int) -> tuple[Event, ...]:
        """Everything that happened to a signal and its positions, oldest first."""
        return self._select(
            "signal_id=?1 OR position_id IN(SELECT id FROM positions WHERE signal_id=?1) ORDER BY at_ms, id",
            (signal_id,),
        )

    def of_position(self, position_id: int) -> tuple[Event, ...]:
        """Everything that happened to a position, oldest first."""
        return self._select("position_id=? ORDER BY at_ms, id", (position_id,))

    def _select(self, where: str, values: Sequence[object]) -> tuple[Event, ...]:
        return tuple(_event(row) for row in self._connection.execute(_SELECT + where, values))


def _context_text(context: Mapping[str, Json] | None) -> str | None:
    return None if context is None else encoded(context)


def _event(row: Sequence[Any]) -> Event:
    event_id, at_ms, type, signal_id, position_id, portfolio_id, symbol, actor, message, market, decision, key = row
    return Event(
        id=event_id,
        at_ms=at_ms,
        type=EventType(type),
        signal_id=signal_id,
        position_id=position_id,
        portfolio_id=portfolio_id,
        symbol=symbol,
        actor=actor,
        message=message,
        market_context=None if market is None else decoded(market),
        decision_context=None if decision is None else decoded(decision),
        idem_key=key,
    )
