"""The hand levers of the account's positions: close, take a part, move the stop, hold; each once, in one transaction.

An order is booked at the price of the last settled candle, less slippage, through the same functions as every other
close. Where no candles come any more, a position can still be closed at its last price, which is said wherever the
close is told. The signal's own record (the shadow position, 1R) goes on untouched, so that nobody can manage the record; the
chats that were given the signal are told what was done to the account.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from engine.follow import NotPossible, Obstacle
from engine.params import Params
from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import CloseReason, PortfolioKind, Position
from services.announce import Announcements
from services.pace import MS_PER_SECOND
from services.position_manager import Settlement
from services.rules import in_force
from storage.checkpoints import Action
from storage.events import EventType
from storage.stores import Stores

STALE_AFTER_MS = 5 * MINUTE_MS
"""A price older than this is no price to close at: stop or target may have been reached since."""
GONE_AFTER_MS = HOUR_MS
"""Of a pair that is left out for so long, a delisted one above all, candles may never come again."""


@dataclass(frozen=True, slots=True)
class HandOrder:
    """What somebody wants done with a position of the account now.

    `key` names the wish: the same press or command again does nothing more. `level` is the checkpoint whose advice is
    answered; None for an order that answers none.
    """

    position_id: int
    by: str
    key: str
    at_ms: int
    level: int | None = None


@dataclass(frozen=True, slots=True)
class LastPrice:
    """The last a book knows of a pair whose candles do not come, and why they do not."""

    price: float
    at_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Hands:
    """The levers; each answers with the position as it then stands, or None when the same order was done before.

    They work by the parameters in force: `params` are those the bot was started with, under what people changed since.
    LookupError when the account has no such open position, NotPossible (one sentence) for what cannot be done to it.
    """

    params: Params
    announcements: Announcements

    def close(self, tx: Stores, order: HandOrder) -> Position | None:
        """Close what is open."""
        return self._close(tx, order, _begun(tx, order, "close"))

    def close_at_last(self, tx: Stores, order: HandOrder) -> Position | None:
        """Close what is open at the last price, however old, where `last_price` gives one."""
        last = last_price(tx, tx.positions.get(order.position_id), order.at_ms)
        if last is None:
            return self.close(tx, order)
        at = datetime.fromtimestamp(last.at_ms / MS_PER_SECOND, UTC)
        is_first = _is_first(tx, order, f"close at {last.price:.10g} of {at:%Y-%m-%d %H:%M} UTC, the last price")
        return self._close(tx, order, last.price if is_first else None)

    def take_part(self, tx: Stores, order: HandOrder, part_ratio: float | None = None) -> Position | None:
        """Close a part of what is open; without a ratio, the one of the parameters."""
        part = in_force(tx, self.params).checkpoints.part_ratio if part_ratio is None else part_ratio
        if (price := _begun(tx, order, f"take {part:.0%}")) is None:
            return None
        self._settlement(tx).take_part(order.position_id, order.at_ms, price, part, CloseReason.MANUAL)
        return _done(tx, order, Action.REDUCED)

    def move_stop(self, tx: Stores, order: HandOrder, stop: float) -> Position | None:
        """Move the stop towards profit."""
        if _begun(tx, order, f"stop to {stop:.10g}") is None:
            return None
        self._settlement(tx).move_stop(order.position_id, order.at_ms, stop, CloseReason.MANUAL)
        return _done(tx, order, Action.STOP_MOVED)

    def hold(self, tx: Stores, order: HandOrder) -> Position | None:
        """Keep the position as it is: an answer to an advice."""
        return None if _begun(tx, order, "hold") is None else _done(tx, order, Action.HELD)

    def _close(self, tx: Stores, order: HandOrder, price: float | None) -> Position | None:
        if price is None:
            return None
        self._settlement(tx).close_by_hand(order.position_id, order.at_ms, price, CloseReason.MANUAL)
        return _done(tx, order, Action.CLOSED)

    def _settlement(self, tx: Stores) -> Settlement:
        return Settlement(tx, {}, in_force(tx, self.params), self.announcements)


def last_price(view: Stores, position: Position, now_ms: int) -> LastPrice | None:
    """What is left to close an open position at whose pair has been left out for an hour; None while candles may come."""
    why = view.candles.error_of(position.symbol, Timeframe.M1)
    if why is None or position.settled_ms is None or position.mark_price is None:
        return None
    if now_ms - position.settled_ms < GONE_AFTER_MS:
        return None
    return LastPrice(position.mark_price, position.settled_ms, why)


def _begun(tx: Stores, order: HandOrder, wish: str) -> float | None:
    """The price to book an order at, which is written with its author; None when it was given before."""
    if not _is_first(tx, order, wish):
        return None
    return _price_of(tx.positions.get(order.position_id), order.at_ms)


def _is_first(tx: Stores, order: HandOrder, wish: str) -> bool:
    """Write an order with its author; False when it was given before."""
    key = f"hand:{order.key}"
    if tx.events.by_key(key) is not None:
        return False
    position = tx.positions.get(order.position_id)
    if not position.is_open or position.portfolio_id != tx.portfolios.of_kind(PortfolioKind.PAPER).id:
        raise LookupError(f"The account has no open position {position.id}.")
    tx.events.add(
        EventType.HAND_ORDER,
        order.at_ms,
        signal_id=position.signal_id,
        position_id=position.id,
        portfolio_id=position.portfolio_id,
        symbol=position.symbol,
        actor=order.by,
        message=wish,
        idem_key=key,
    )
    return True


def _price_of(position: Position, at_ms: int) -> float:
    """The price of the last settled candle; NotPossible when that is too long ago."""
    assert position.settled_ms is not None
    assert position.mark_price is not None, "a filled position has a price"
    age_ms = at_ms - position.settled_ms
    if age_ms > STALE_AFTER_MS:
        minutes = age_ms // MINUTE_MS
        sentence = f"The last price of {position.symbol} is {minutes} minutes old; try again when candles come."
        raise NotPossible(Obstacle.NO_PRICE, sentence, minutes)
    return position.mark_price


def _done(tx: Stores, order: HandOrder, action: Action) -> Position:
    if order.level is not None:
        tx.checkpoints.set_action(order.position_id, order.level, action)
    return tx.positions.get(order.position_id)
