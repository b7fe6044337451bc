"""The checkpoints: what a position's re-analysis found at each level of its way, what it advised and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.checkpoints import Recommendation
from storage.codec import decoded, encoded
from storage.database import Connection


class Action(Enum):
    """What was done about an advice; SKIPPED = its level was passed in the same candle as a later one."""

    SKIPPED = "SKIPPED"
    HELD = "HELD"
    REDUCED = "REDUCED"
    STOP_MOVED = "STOP_MOVED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One level of one position. The findings are None where the chart could not be read.

    `confidence_delta` is against the stored signal, `rr_now` from the price of then to the stop of then; `reasons`
    begins with the name of the rule that answered.
    """

    position_id: int
    level: int
    at_ms: int
    price: float
    confidence_now: float | None
    confidence_delta: float | None
    htf_flipped: bool | None
    structure_broken: bool | None
    rr_now: float
    recommendation: Recommendation
    reasons: tuple[str, ...]
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """One advice of a signal that has ended: R if all had been closed at the advice, and R of the signal at its end."""

    recommendation: Recommendation
    r_then: float
    r_end: float


_COLUMNS = (
    "position_id, level, at_ms, price, confidence_now, confidence_delta, htf_flipped, structure_broken, rr_now,"
    " recommendation, reasons, action"
)

# the end is the shadow position's: nobody touches it, so that an advice that was followed is judged like one that was not
_WORTH = """
SELECT c.recommendation, json_extract(e.decision_context,'$.r_now'), shadow.r_multiple
FROM checkpoints c JOIN positions p ON p.id=c.position_id
JOIN events e ON e.idem_key='checkpoint:'||c.position_id||':'||c.level
JOIN positions shadow ON shadow.signal_id=p.signal_id AND shadow.status='CLOSED'
JOIN portfolios f ON f.id=shadow.portfolio_id AND f.kind='shadow'
WHERE c.action IS NOT 'SKIPPED' ORDER BY c.at_ms, c.position_id, c.level"""


class Checkpoints:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, checkpoint: Checkpoint) -> None:
        """Write a level's row; a second one for the same position and level raises IntegrityError."""
        self._connection.execute(
            f"INSERT INTO checkpoints({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                checkpoint.position_id, checkpoint.level, checkpoint.at_ms, checkpoint.price, checkpoint.confidence_now,
                checkpoint.confidence_delta, checkpoint.htf_flipped, checkpoint.structure_broken, checkpoint.rr_now,
                checkpoint.recommendation.value, encoded(checkpoint.reasons),
                None if checkpoint.action is None else checkpoint.action.value,
            ),
        )  # fmt: skip

    def set_action(self, position_id: int, level: int, action: Action) -> None:
        """Keep what was done about the advice of a level."""
        self._connection.execute(
            "UPDATE checkpoints SET action=? WHERE position_id=? AND level=?", (action.value, position_id, level)
        )

    def last_level(self, position_id: int) -> int:
        """The highest level a position has passed; 0 before the first."""
        row = self._connection.execute(
            "SELECT COALESCE(MAX(level),0) FROM checkpoints WHERE position_id=?", (position_id,)
        ).fetchone()
        level: int = row[0]
        return level

    def of_position(self, position_id: int) -> tuple[Checkpoint, ...]:
        """A position's checkpoints on its way."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM checkpoints WHERE position_id=? ORDER BY level", (position_id,)
        )
        return tuple(_checkpoint(row) for row in rows)

    def worth(self) -> tuple[Worth, ...]:
        """What every advice about a signal that has ended was worth, in the order they were given."""
        rows = self._connection.execute(_WORTH)
        return tuple(Worth(Recommendation(word), r_then, r_end) for word, r_then, r_end in rows)


def _checkpoint(row: Sequence[Any]) -> Checkpoint:
    position_id, level, at_ms, price, confidence, delta, flipped, broken, rr_now, recommendation, reasons, action = row
    return Checkpoint(
        position_id=position_id,
        level=level,
        at_ms=at_ms,
        price=price,
        confidence_now=confidence,
        confidence_delta=delta,
        htf_flipped=None if flipped is None else bool(flipped),
        structure_broken=None if broken is None else bool(broken),
        rr_now=rr_now,
        recommendation=Recommendation(recommendation),
        reasons=tuple(decoded(reasons)),
        action=None if action is None else Action(action),
    )
