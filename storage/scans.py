"""The scans: one row per look at one series at one close, with the reason when nothing came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.vocabulary import Rejected, Stage
from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Scan:
    """One look: how many signals it made, or where and why it ended."""

    symbol: str
    timeframe: str
    candle_close_ms: int
    ran_ms: int
    duration_ms: int | None = None
    signals: int = 0
    rejected: Rejected | None = None


@dataclass(frozen=True, slots=True)
class RejectionGroup:
    """Looks that ended at one stage for one reason: how many, and the newest of them with its value and limit."""

    count: int
    symbol: str
    timeframe: str
    candle_close_ms: int
    rejected: Rejected


_SELECT = """
SELECT symbol, timeframe, candle_close_ms, ran_ms, duration_ms, signals, stage, reason, value, threshold FROM scans
WHERE """


class Scans:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, scan: Scan) -> None:
        """Write one look; a later look at the same close replaces the earlier one."""
        self.record_many((scan,))

    def record_many(self, scans: Iterable[Scan]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO scans(symbol, timeframe, candle_close_ms, ran_ms, duration_ms, signals, stage,"
            " reason, value, threshold) VALUES(?,?,?,?,?,?,?,?,?,?)",
            [_row(scan) for scan in scans],
        )

    def latest(self, symbol: str, timeframe: str | None = None, count: int = 1) -> tuple[Scan, ...]:
        """The newest looks at a symbol, newest first."""
        rows = self._connection.execute(
            _SELECT + "symbol=?1 AND (?2 IS NULL OR timeframe=?2) ORDER BY candle_close_ms DESC, timeframe LIMIT ?3",
            (symbol, timeframe, count),
        )
        return tuple(_scan(row) for row in rows)

    def at(self, symbol: str, timeframe: str, candle_close_ms: int) -> Scan | None:
        """The look at this very close, if there was one."""
        row = self._connection.execute(
            _SELECT + "symbol=? AND timeframe=? AND candle_close_ms=?", (symbol, timeframe, candle_close_ms)
        ).fetchone()
        return None if row is None else _scan(row)

    def count(self, since_ms: int, symbol: str | None = None) -> int:
        """How many looks there were at candles that closed since then."""
        row = self._connection.execute(
            "SELECT COUNT(*) FROM scans WHERE candle_close_ms>=?1 AND (?2 IS NULL OR symbol=?2)", (since_ms, symbol)
        ).fetchone()
        count: int = row[0]
        return count

    def rejections(self, since_ms: int, symbol: str | None = None) -> tuple[RejectionGroup, ...]:
        """Why looks at candles that closed since then made no signal, the most frequent reason first."""
        rows = self._connection.execute(
            # with MAX, SQLite takes the bare columns from the row that holds the greatest
            "SELECT COUNT(*), symbol, timeframe, MAX(candle_close_ms), stage, reason, value, threshold FROM scans"
            " WHERE stage IS NOT NULL AND candle_close_ms>=?1 AND (?2 IS NULL OR symbol=?2)"
            " GROUP BY stage, reason ORDER BY 1 DESC, stage, reason",
            (since_ms, symbol),
        )
        return tuple(
            RejectionGroup(count, symbol, timeframe, close_ms, Rejected(Stage(stage), reason, value, limit))
            for count, symbol, timeframe, close_ms, stage, reason, value, limit in rows
        )

    def span(self, symbol: str, timeframe: str) -> tuple[int, int] | None:
        """The first and the last close (epoch ms) that was looked at; None when the series never was."""
        first, last = self._connection.execute(
            "SELECT (SELECT MIN(candle_close_ms) FROM scans WHERE symbol=?1 AND timeframe=?2),"
            " (SELECT MAX(candle_close_ms) FROM scans WHERE symbol=?1 AND timeframe=?2)",
            (symbol, timeframe),
        ).fetchone()
        return None if first is None else (first, last)


def _row(scan: Scan) -> tuple[object, ...]:
    rejected = scan.rejected
    why = (None,) * 4 if rejected is None else (rejected.stage.value, rejected.reason, rejected.value, rejected.limit)
    return (
        scan.symbol, scan.timeframe, scan.candle_close_ms, scan.ran_ms, scan.duration_ms, scan.signals, *why,
    )  # fmt: skip


def _scan(row: Sequence[Any]) -> Scan:
    symbol, timeframe, candle_close_ms, ran_ms, duration_ms, signals, stage, reason, value, limit = row
    rejected = None if stage is None else Rejected(Stage(stage), reason, value, limit)
    return Scan(symbol, timeframe, candle_close_ms, ran_ms, duration_ms, signals, rejected)
