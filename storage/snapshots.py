"""The snapshots: a report as it was told, one row a period, never written over."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storage.codec import Json, decoded, encoded
from storage.database import Connection


class SnapshotPeriod(Enum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Figures of one period as they stood at `taken_ms`.

    `scope` names what they are about (`report`), `scope_id` which one of its kind (for a report: the zone whose days it
    counts by); `period_start_ms` is inclusive.
    """

    scope: str
    scope_id: str
    period: SnapshotPeriod
    period_start_ms: int
    taken_ms: int
    metrics: Json


_COLUMNS = "scope, scope_id, period, period_start_ms, taken_ms, metrics"


class Snapshots:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, snapshot: Snapshot) -> bool:
        """Write a snapshot: True when written, False when the period has one, which stands."""
        row = self._connection.execute(
            f"INSERT INTO snapshots({_COLUMNS}) VALUES(?,?,?,?,?,?)"
            " ON CONFLICT(scope,scope_id,period,period_start_ms) DO NOTHING RETURNING taken_ms",
            (
                snapshot.scope, snapshot.scope_id, snapshot.period.value, snapshot.period_start_ms, snapshot.taken_ms,
                encoded(snapshot.metrics),
            ),
        ).fetchone()  # fmt: skip
        return row is not None

    def at(self, scope: str, scope_id: str, period: SnapshotPeriod, period_start_ms: int) -> Snapshot | None:
        """The snapshot of this very period, if it was kept."""
        found = self._select(
            "scope=? AND scope_id=? AND period=? AND period_start_ms=?",
            (scope, scope_id, period.value, period_start_ms),
        )
        return found[0] if found else None

    def last(self, scope: str, period: SnapshotPeriod) -> Snapshot | None:
        """The snapshot of the latest period, whatever its `scope_id`; None when there is none."""
        found = self._select(
            "scope=? AND period=? ORDER BY period_start_ms DESC, taken_ms DESC LIMIT 1", (scope, period.value)
        )
        return found[0] if found else None

    def _select(self, where: str, values: Sequence[object]) -> tuple[Snapshot, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM snapshots WHERE {where}", values)
        return tuple(_snapshot(row) for row in rows)


def _snapshot(row: Sequence[Any]) -> Snapshot:
    scope, scope_id, period, period_start_ms, taken_ms, metrics = row
    return Snapshot(scope, scope_id, SnapshotPeriod(period), period_start_ms, taken_ms, decoded(metrics))
