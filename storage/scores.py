"""The scores: counted in the transaction of each close, and always equal to a rebuild from the journal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.scores import ClosedTrade, Dim, Score, ScoreStatus, StatusSource, automatic, keys_of
from engine.vocabulary import Direction, Outcome
from storage.database import Connection

SUM_TOLERANCE = 1e-6

_COLUMNS = (
    "dim, key, n, wins, losses, breakevens, gross_win, gross_loss, sum_r, last_closed_ms, status, status_source,"
    " status_reason, status_ms"
)

# closes are counted in the order they were booked, which the events keep: a close by hand may come before an earlier stop;
# CROSS keeps SQLite at the portfolios first, with whose id the index of what is closed begins
_CLOSES = """
SELECT p.symbol, s.timeframe, p.direction, s.setup, s.session, s.regime, s.candle_close_ms, p.closed_ms, p.outcome,
  p.realized_pnl, p.r_multiple
FROM portfolios f CROSS JOIN positions p ON p.portfolio_id=f.id JOIN signals s ON s.id=p.signal_id
WHERE p.status='CLOSED' AND f.kind IN('paper','real') AND p.closed_ms>=?
ORDER BY (SELECT MIN(e.id) FROM events e WHERE e.position_id=p.id AND e.type='POSITION_CLOSED'), p.id"""
EVER_MS = 0


class Scores:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, trade: ClosedTrade) -> None:
        """Count one close of the paper (or a real) account under each of its keys."""
        for dim, key in keys_of(trade):
            self._write(self.get(dim, key).after(trade))

    def get(self, dim: Dim, key: str) -> Score:
        """The score of a key; an empty one before its first close."""
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM scores WHERE dim=? AND key=?", (dim.value, key)
        ).fetchone()
        return Score(dim, key) if row is None else _score(row)

    def all(self, dim: Dim | None = None) -> tuple[Score, ...]:
        """Every score, or those of one dimension, the most traded first."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM scores WHERE ?1 IS NULL OR dim=?1 ORDER BY dim, n DESC, key",
            (None if dim is None else dim.value,),
        )
        return tuple(_score(row) for row in rows)

    def set_status(self, dim: Dim, key: str, status: ScoreStatus, reason: str, at_ms: int) -> None:
        """A person's word on a key: it stands until `clear_status`."""
        manual = replace(
            self.get(dim, key), status=status, source=StatusSource.MANUAL, reason=reason, status_ms=at_ms
        )
        self._write(manual)

    def clear_status(self, dim: Dim, key: str, at_ms: int) -> None:
        """Give a key back to the rules."""
        self._write(automatic(self.get(dim, key), at_ms))

    def rebuilt(self) -> Mapping[tuple[Dim, str], Score]:
        """Every score counted anew from the closed positions; statuses are those of the rules alone."""
        scores: dict[tuple[Dim, str], Score] = {}
        for row in self._connection.execute(_CLOSES, (EVER_MS,)):
            trade = _trade(row)
            for dim, key in keys_of(trade):
                scores[dim, key] = scores.get((dim, key), Score(dim, key)).after(trade)
        return scores

    def differences(self) -> list[str]:
        """The keys whose stored score is not the rebuilt one."""
        stored = {(score.dim, score.key): score for score in self.all()}
        rebuilt = self.rebuilt()
        return [
            f"{dim.value} {key}"
            for dim, key in sorted(stored.keys() | rebuilt.keys(), key=lambda name: (name[0].value, name[1]))
            if not _agree(stored.get((dim, key), Score(dim, key)), rebuilt.get((dim, key), Score(dim, key)))
        ]

    def behind(self, since_ms: int) -> list[str]:
        """The keys that have not heard of a close since that instant (epoch ms)."""
        heard_ms = {(score.dim, score.key): score.last_closed_ms or EVER_MS for score in self.all()}
        closes = (_trade(row) for row in self._connection.execute(_CLOSES, (since_ms,)))
        behind = {name for trade in closes for name in keys_of(trade) if heard_ms.get(name, EVER_MS) < trade.closed_ms}
        return sorted(f"{dim.value} {key}" for dim, key in behind)

    def _write(self, score: Score) -> None:
        self._connection.execute(
            f"INSERT OR REPLACE INTO scores({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                score.dim.value, score.key, score.n, score.wins, score.losses, score.breakevens, score.gross_win,
                score.gross_loss, score.sum_r, score.last_closed_ms, score.status.value, score.source.value,
                score.reason, score.status_ms,
            ),
        )  # fmt: skip


def _agree(stored: Score, rebuilt: Score) -> bool:
    """Counts to the number, sums to the rounding of their last digits; a person's status is not the rules' business."""
    counts = [(s.n, s.wins, s.losses, s.breakevens, s.last_closed_ms) for s in (stored, rebuilt)]
    sums = [(s.gross_win, s.gross_loss, s.sum_r) for s in (stored, rebuilt)]
    if counts[0] != counts[1] or not all(
        math.isclose(a, b, rel_tol=0, abs_tol=SUM_TOLERANCE) for a, b in zip(*sums, strict=True)
    ):
        return False
    # a status cleared by hand forgets that the key was reduced before, which the rules alone would remember
    by_rules = stored.source is StatusSource.AUTO and stored.status_ms == rebuilt.status_ms
    return not by_rules or stored.status is rebuilt.status


def _score(row: Sequence[Any]) -> Score:
    (
        dim, key, n, wins, losses, breakevens, gross_win, gross_loss, sum_r, last_closed_ms, status, source, reason,
        status_ms,
    ) = row  # fmt: skip
    return Score(
        Dim(dim), key, n, wins, losses, breakevens, gross_win, gross_loss, sum_r, last_closed_ms, ScoreStatus(status),
        StatusSource(source), reason, status_ms,
    )  # fmt: skip


def _trade(row: Sequence[Any]) -> ClosedTrade:
    (
        symbol, timeframe, direction, setup, session, regime, decided_ms, closed_ms, outcome, pnl, r_multiple,
    ) = row  # fmt: skip
    return ClosedTrade(
        symbol, timeframe, Direction(direction), setup, session, regime, decided_ms, closed_ms, Outcome(outcome),
        pnl, r_multiple,
    )  # fmt: skip
