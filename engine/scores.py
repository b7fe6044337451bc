"""Scores: what closed trades of one coin, setup, session ... came to, the status that follows, and the size it allows.

Everything is arithmetic over closes in the order they were booked, so that a rebuild from the journal gives the same.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from engine.timeframes import DAY_MS, HOUR_MS, weekday
from engine.vocabulary import Direction, Outcome

JUDGED_FROM = 5
BLACKLISTED_BELOW = 0.30
REDUCED_BELOW = 0.45
RESTORED_FROM = 0.50
FAVORED_FROM = 0.60
UNKNOWN_KEY = "unknown"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Dim(Enum):
    """What trades are grouped by."""

    COIN = "coin"
    SETUP = "setup"
    SESSION = "session"
    TIMEFRAME = "timeframe"
    HOUR = "hour"
    WEEKDAY = "weekday"
    REGIME = "regime"
    DIRECTION = "direction"


class ScoreStatus(Enum):
    UNKNOWN = "UNKNOWN"
    NORMAL = "NORMAL"
    REDUCED = "REDUCED"
    FAVORED = "FAVORED"
    BLACKLISTED = "BLACKLISTED"
    INACTIVE = "INACTIVE"


class StatusSource(Enum):
    """Who gave a status: the rules, or a person, whose word stands until it is taken back."""

    AUTO = "auto"
    MANUAL = "manual"
    ADAPTATION = "adaptation"


SIZE_FACTORS = {
    ScoreStatus.BLACKLISTED: 0.0,
    ScoreStatus.INACTIVE: 0.0,
    ScoreStatus.REDUCED: 0.5,
    ScoreStatus.FAVORED: 1.5,
    ScoreStatus.NORMAL: 1.0,
    ScoreStatus.UNKNOWN: 1.0,
}
"""What a coin's status multiplies the risk of a new order by; the account's limit clamps the product."""


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A trade with what it is grouped by; `decided_ms` is its signal's close, `pnl` in the account's currency, net."""

    symbol: str
    timeframe: str
    direction: Direction
    setup: str
    session: str | None
    regime: str | None
    decided_ms: int
    closed_ms: int
    outcome: Outcome
    pnl: float
    r_multiple: float


@dataclass(frozen=True, slots=True)
class Score:
    """The closed trades of one key; gross win and loss are both positive, in the account's currency."""

    dim: Dim
    key: str
    n: int = 0
    wins: int = 0
    losses: int = 0
    breakevens: int = 0
    gross_win: float = 0.0
    gross_loss: float = 0.0
    sum_r: float = 0.0
    last_closed_ms: int | None = None
    status: ScoreStatus = ScoreStatus.UNKNOWN
    source: StatusSource = StatusSource.AUTO
    reason: str | None = None
    status_ms: int | None = None

    @property
    def win_ratio(self) -> float:
        """Wins over all closes, 0..1; NaN before the first."""
        return self.wins / self.n if self.n else math.nan

    @property
    def pnl(self) -> float:
        return self.gross_win - self.gross_loss

    def after(self, trade: ClosedTrade) -> "Score":
        """The score with one more close; a status that a person gave stays."""
        counted = replace(
            self,
            n=self.n + 1,
            wins=self.wins + (trade.outcome is Outcome.WIN),
            losses=self.losses + (trade.outcome is Outcome.LOSS),
            breakevens=self.breakevens + (trade.outcome is Outcome.BREAKEVEN),
            gross_win=self.gross_win + max(trade.pnl, 0.0),
            gross_loss=self.gross_loss + max(-trade.pnl, 0.0),
            sum_r=self.sum_r + trade.r_multiple,
            last_closed_ms=max(trade.closed_ms, self.last_closed_ms or 0),
        )
        if self.source is not StatusSource.AUTO:
            return counted
        status = _status(counted)
        if status is self.status:
            return counted
        reason = f"{counted.wins} of {counted.n} won, P&L {counted.pnl:+.2f}"
        return replace(counted, status=status, reason=reason, status_ms=trade.closed_ms)


def keys_of(trade: ClosedTrade) -> Iterator[tuple[Dim, str]]:
    """Under which keys a trade is counted; hours and weekdays are those of its signal, UTC."""
    yield Dim.COIN, trade.symbol
    yield Dim.SETUP, trade.setup
    yield Dim.SESSION, trade.session or UNKNOWN_KEY
    yield Dim.TIMEFRAME, trade.timeframe
    yield Dim.HOUR, f"{trade.decided_ms % DAY_MS // HOUR_MS:02d}"
    yield Dim.WEEKDAY, WEEKDAYS[weekday(trade.decided_ms)]
    yield Dim.REGIME, trade.regime or UNKNOWN_KEY
    yield Dim.DIRECTION, trade.direction.value


def automatic(score: Score, at_ms: int) -> Score:
    """The score with its status back in the hands of the rules."""
    fresh = replace(score, status=ScoreStatus.UNKNOWN, source=StatusSource.AUTO)
    return replace(fresh, status=_status(fresh), reason="by the rules again", status_ms=at_ms)


def _status(score: Score) -> ScoreStatus:
    """The first rule that holds; what was reduced is restored at a higher rate than it was reduced at."""
    if score.n < JUDGED_FROM:
        return ScoreStatus.UNKNOWN
    if score.win_ratio < BLACKLISTED_BELOW and score.pnl < 0:
        return ScoreStatus.BLACKLISTED
    was_low = score.status in (ScoreStatus.REDUCED, ScoreStatus.BLACKLISTED)
    if score.win_ratio < (RESTORED_FROM if was_low else REDUCED_BELOW):
        return ScoreStatus.REDUCED
    if score.win_ratio >= FAVORED_FROM and score.pnl > 0:
        return ScoreStatus.FAVORED
    return ScoreStatus.NORMAL
