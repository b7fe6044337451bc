"""The conditions: armed entry orders, each waiting for its price or its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.vocabulary import ConditionStatus, PortfolioKind
from storage.database import Connection, insert


class TriggerOp(Enum):
    """On which side of the trigger price the order waits for a trade."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"
    NOW = "NOW"


@dataclass(frozen=True, slots=True)
class Condition:
    """An entry order as the book holds it; `qty` and `risk_amount` are None where only R counts (shadow)."""

    id: int
    signal_id: int
    portfolio_id: int
    portfolio_kind: PortfolioKind
    symbol: str
    trigger_price: float
    trigger_op: TriggerOp
    qty: float | None
    risk_amount: float | None
    valid_until_ms: int
    created_ms: int
    status: ConditionStatus
    status_reason: str | None
    status_ms: int


_SELECT = """
SELECT c.id, c.signal_id, c.portfolio_id, f.kind, s.symbol, c.trigger_price, c.trigger_op, c.qty, c.risk_amount,
  c.valid_until_ms, c.created_ms, c.status, c.status_reason, c.status_ms
FROM conditions c JOIN portfolios f ON f.id=c.portfolio_id JOIN signals s ON s.id=c.signal_id
WHERE """


class Conditions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def arm(
        self,
        signal_id: int,
        portfolio_id: int,
        trigger_price: float,
        trigger_op: TriggerOp,
        qty: float | None,
        risk_amount: float | None,
        valid_until_ms: int,
        at_ms: int,
    ) -> int:
        """Write an active entry order and return its id; a second one for the same signal raises IntegrityError."""
        return insert(
            self._connection,
            "INSERT INTO conditions(signal_id, portfolio_id, trigger_price, trigger_op, qty, risk_amount,"
            " valid_until_ms, created_ms, status_ms) VALUES(?,?,?,?,?,?,?,?,?)",
            (
                signal_id, portfolio_id, trigger_price, trigger_op.value, qty, risk_amount, valid_until_ms, at_ms,
                at_ms,
            ),
        )  # fmt: skip

    def active(self, kind: PortfolioKind | None = None, symbol: str | None = None) -> tuple[Condition, ...]:
        """Orders that wait for their price, in the order they were armed; of one portfolio kind or symbol if given."""
        return self._select(
            "c.status='ACTIVE' AND (?1 IS NULL OR f.kind=?1) AND (?2 IS NULL OR s.symbol=?2)"
            " ORDER BY c.created_ms, c.id",
            (None if kind is None else kind.value, symbol),
        )

    def get(self, condition_id: int) -> Condition:
        """The order with this id; LookupError when there is none."""
        found = self._select("c.id=?", (condition_id,))
        if not found:
            raise LookupError(f"There is no condition {condition_id}.")
        return found[0]

    def of_signal(self, signal_id: int) -> tuple[Condition, ...]:
        return self._select("c.signal_id=? ORDER BY c.id", (signal_id,))

    def set_status(self, condition_id: int, status: ConditionStatus, reason: str | None, at_ms: int) -> None:
        self._connection.execute(
            "UPDATE conditions SET status=?, status_reason=?, status_ms=? WHERE id=?",
            (status.value, reason, at_ms, condition_id),
        )

    def _select(self, where: str, values: Sequence[object]) -> tuple[Condition, ...]:
        return tuple(_condition(row) for row in self._connection.execute(_SELECT + where, values))


def _condition(row: Sequence[Any]) -> Condition:
    (
        condition_id, signal_id, portfolio_id, kind, symbol, trigger_price, trigger_op, qty, risk_amount,
        valid_until_ms, created_ms, status, status_reason, status_ms,
    ) = row  # fmt: skip
    return Condition(
        id=condition_id,
        signal_id=signal_id,
        portfolio_id=portfolio_id,
        portfolio_kind=PortfolioKind(kind),
        symbol=symbol,
        trigger_price=trigger_price,
        trigger_op=TriggerOp(trigger_op),
        qty=qty,
        risk_amount=risk_amount,
        valid_until_ms=valid_until_ms,
        created_ms=created_ms,
        status=ConditionStatus(status),
        status_reason=status_reason,
        status_ms=status_ms,
    )
