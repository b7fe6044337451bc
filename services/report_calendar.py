"""Which reports there are, by whose days, when each is due, and what a kept one counts."""

from dataclasses import dataclass
from datetime import time
from typing import Any

from engine.timeframes import HOUR_MS
from storage.snapshots import Snapshot, SnapshotPeriod
from storage.stores import Stores
from storage.users import Role

REPORTS = {"daily": SnapshotPeriod.DAY, "weekly": SnapshotPeriod.WEEK, "monthly": SnapshotPeriod.MONTH}
"""The reports there are, by name."""
SCOPE = "report"
"""What snapshots of reports are about."""
DUE_AT = time(8)
"""When a report is due, by the clock on the wall of the zone, on the day behind its period."""
PATIENCE_MS = HOUR_MS
"""How long a report waits for positions that were not yet followed to the end of its period."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a report says of itself and of its trades: enough to see whether it can be true."""

    made_ms: int
    to_ms: int
    decided: int
    sent: int
    trades: int
    ended: int
    """Trades that were won, lost or even."""


def report_zone(view: Stores) -> str:
    """The zone whose days reports count by: that of the owner who was let in first, UTC in a book that has none."""
    owners = view.users.with_role(Role.OWNER)
    return min(owners, key=lambda owner: owner.id).timezone if owners else "UTC"


def counts_in(snapshot: Snapshot) -> Counts:
    """The counts of a kept report, without reading the rest of it."""
    report: Any = snapshot.metrics
    signals, trades = report["facts"]["signals"], report["facts"]["trades"]
    return Counts(
        made_ms=report["made_ms"],
        to_ms=report["to_ms"],
        decided=sum(group["decided"] for group in signals),
        sent=sum(group["sent"] for group in signals),
        trades=trades["n"],
        ended=trades["wins"] + trades["losses"] + trades["breakeven"],
    )
