"""The positions: opened by a fill, followed, closed once; and what they weigh on an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.gates import AccountView
from engine.protections import TradeEnd
from engine.scores import ScoreStatus
from engine.vocabulary import CloseReason, Direction, Outcome, Position
from storage.codec import Json, encoded
from storage.database import Connection, insert


class ExitQuality(Enum):
    """How well the price of an exit is known."""

    CANDLE = "candle"
    TICK = "tick"
    FILL = "fill"
    POLL = "poll"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NewPosition:
    """What is known when an entry order fills; only the shadow and legacy books are not `exclusive` by symbol."""

    portfolio_id: int
    symbol: str
    direction: Direction
    qty: float
    entry_price: float
    opened_ms: int
    signal_id: int | None = None
    condition_id: int | None = None
    timeframe: str | None = None
    initial_stop: float | None = None
    stop_loss: float | None = None
    risk_amount: float | None = None
    exclusive: bool = True
    mark_price: float | None = None
    settled_ms: int | None = None
    settled_on: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an open position stands after it was settled up to `settled_ms` on candles of `settled_on`."""

    stop_loss: float | None
    closed_ratio: float
    mark_price: float | None
    settled_ms: int
    settled_on: str
    mfe_r: float
    mae_r: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How a position ended, net of costs; `r_multiple` is None where the risk is not known."""

    exit_price: float
    closed_ms: int
    reason: CloseReason
    pnl_pct: float
    realized_pnl: float | None
    r_multiple: float | None
    fees: float = 0.0
    quality: ExitQuality = ExitQuality.CANDLE


_SELECT = """
SELECT id, portfolio_id, signal_id, symbol, timeframe, direction, qty, entry_price, opened_ms, initial_stop, stop_loss,
  risk_amount, closed_ratio, mark_price, settled_ms, settled_on, mfe_r, mae_r, status='OPEN', exit_price, closed_ms,
  close_reason, realized_pnl, pnl_pct, r_multiple, fees, outcome
FROM positions WHERE """


class Positions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, new: NewPosition, context: Mapping[str, Json] | None = None) -> int:
        """Write an open position and return its id; a second exclusive one in a symbol raises IntegrityError."""
        return insert(
            self._connection,
            "INSERT INTO positions(portfolio_id, signal_id, condition_id, symbol, timeframe, direction, qty,"
            " entry_price, opened_ms, initial_stop, stop_loss, risk_amount, exclusive, mark_price, settled_ms,"
            " settled_on, context) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                new.portfolio_id, new.signal_id, new.condition_id, new.symbol, new.timeframe, new.direction.value,
                new.qty, new.entry_price, new.opened_ms, new.initial_stop, new.stop_loss, new.risk_amount,
                int(new.exclusive), new.mark_price, new.settled_ms, new.settled_on, encoded(context or {}),
            ),
        )  # fmt: skip

    def update_progress(self, position_id: int, progress: Progress) -> None:
        self._connection.execute(
            "UPDATE positions SET stop_loss=?, closed_ratio=?, mark_price=?, settled_ms=?, settled_on=?,"
            " mfe_r=?, mae_r=? WHERE id=? AND status='OPEN'",
            (
                progress.stop_loss, progress.closed_ratio, progress.mark_price, progress.settled_ms,
                progress.settled_on, progress.mfe_r, progress.mae_r, position_id,
            ),
        )  # fmt: skip

    def close(self, position_id: int, ending: Ending) -> Outcome:
        """Close an open position and return the outcome the book generated; LookupError when it is not open."""
        row = self._connection.execute(
            "UPDATE positions SET status='CLOSED', closed_ratio=1, exit_price=?, closed_ms=?, close_reason=?,"
            " exit_quality=?, realized_pnl=?, pnl_pct=?, r_multiple=?, fees=?, mark_price=?"
            " WHERE id=? AND status='OPEN' RETURNING outcome",
            (
                ending.exit_price, ending.closed_ms, ending.reason.value, ending.quality.value, ending.realized_pnl,
                ending.pnl_pct, ending.r_multiple, ending.fees, ending.exit_price, position_id,
            ),
        ).fetchone()  # fmt: skip
        if row is None:
            raise LookupError(f"Position {position_id} is not open.")
        return Outcome(row[0])

    def get(self, position_id: int) -> Position:
        """The position with this id; LookupError when there is none."""
        found = self._select("id=?", (position_id,))
        if not found:
            raise LookupError(f"There is no position {position_id}.")
        return found[0]

    def open_positions(self, portfolio_id: int | None = None, symbol: str | None = None) -> tuple[Position, ...]:
        """Open positions, in the order they were opened."""
        return self._select(
            # by portfolio, because the index of what is open begins with it
            "status='OPEN' AND portfolio_id IN(SELECT id FROM portfolios WHERE ?1 IS NULL OR id=?1)"
            " AND (?2 IS NULL OR symbol=?2) ORDER BY opened_ms, id",
            (portfolio_id, symbol),
        )

    def closed_since(self, portfolio_id: int, since_ms: int) -> tuple[Position, ...]:
        """Trades of a portfolio closed at or after that instant, in the order they were closed."""
        return self._select(
            "portfolio_id=? AND status='CLOSED' AND closed_ms>=? ORDER BY closed_ms, id", (portfolio_id, since_ms)
        )

    def of_signal(self, signal_id: int) -> tuple[Position, ...]:
        """What every portfolio made of a signal."""
        return self._select("signal_id=? ORDER BY id", (signal_id,))

    def account_view(self, portfolio_id: int, symbol: str, day_start_ms: int) -> AccountView:
        """What the account gates ask of a portfolio at this instant: balance, load, risk, today's result."""
        row = self._connection.execute(
            "SELECT (SELECT COALESCE(SUM(amount),0.0) FROM ledger WHERE portfolio_id=?1),"
            " COALESCE(SUM(symbol=?2),0), COUNT(*), COALESCE(SUM(qty*(1-closed_ratio)*entry_price),0.0),"
            " COALESCE(SUM(MAX((CASE direction WHEN 'LONG' THEN 1 ELSE -1 END)*(entry_price-stop_loss),0.0)"
            "   *qty*(1-closed_ratio)),0.0),"
            " (SELECT COALESCE(SUM(realized_pnl),0.0) FROM positions"
            "   WHERE portfolio_id=?1 AND status='CLOSED' AND closed_ms>=?3),"
            " (SELECT status FROM scores WHERE dim='coin' AND key=?2)"
            " FROM positions WHERE portfolio_id=?1 AND status='OPEN'",
            (portfolio_id, symbol, day_start_ms),
        ).fetchone()
        balance, open_in_symbol, open_in_all, exposure, open_risk, realized_today, coin_status = row
        return AccountView(
            balance=balance,
            open_in_symbol=open_in_symbol,
            open_in_all=open_in_all,
            exposure=exposure,
            open_risk=open_risk,
            realized_today=realized_today,
            coin_status=ScoreStatus.UNKNOWN if coin_status is None else ScoreStatus(coin_status),
        )

    def ends_of_sent(self, portfolio_id: int, since_ms: int) -> tuple[TradeEnd, ...]:
        """The ends, since then, of trades whose signals the channel was given, in the order of time."""
        rows = self._connection.execute(
            "SELECT p.symbol, p.closed_ms, p.r_multiple, p.close_reason=? FROM positions p"
            " JOIN signals s ON s.id=p.signal_id WHERE p.portfolio_id=? AND p.status='CLOSED' AND p.closed_ms>=?"
            " AND p.r_multiple IS NOT NULL AND s.status='CLOSED' ORDER BY p.closed_ms, p.id",
            (CloseReason.STOP_LOSS.value, portfolio_id, since_ms),
        )
        return tuple(TradeEnd(symbol, closed_ms, r, bool(stopped)) for symbol, closed_ms, r, stopped in rows)

    def _select(self, where: str, values: Sequence[object]) -> tuple[Position, ...]:
        return tuple(_position(row) for row in self._connection.execute(_SELECT + where, values))


def _position(row: Sequence[Any]) -> Position:
    (
        position_id, portfolio_id, signal_id, symbol, timeframe, direction, qty, entry_price, opened_ms, initial_stop,
        stop_loss, risk_amount, closed_ratio, mark_price, settled_ms, settled_on, mfe_r, mae_r, is_open, exit_price,
        closed_ms, close_reason, realized_pnl, pnl_pct, r_multiple, fees, outcome,
    ) = row  # fmt: skip
    return Position(
        id=position_id,
        portfolio_id=portfolio_id,
        signal_id=signal_id,
        symbol=symbol,
        timeframe=timeframe,
        direction=Direction(direction),
        qty=qty,
        entry_price=entry_price,
        opened_ms=opened_ms,
        initial_stop=initial_stop,
        stop_loss=stop_loss,
        risk_amount=risk_amount,
        closed_ratio=closed_ratio,
        mark_price=mark_price,
        settled_ms=settled_ms,
        settled_on=settled_on,
        mfe_r=mfe_r,
        mae_r=mae_r,
        is_open=bool(is_open),
        exit_price=exit_price,
        closed_ms=closed_ms,
        close_reason=None if close_reason is None else CloseReason(close_reason),
        realized_pnl=realized_pnl,
        pnl_pct=pnl_pct,
        r_multiple=r_multiple,
        fees=fees,
        outcome=None if outcome is None else Outcome(outcome),
    )
