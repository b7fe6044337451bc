"""Follows every armed order and open position through closed candles and books what happens, once and in order.

All of it lives in the book: a settlement reads what is active, walks the candles of all symbols interleaved by time,
and writes each happening in the running unit of work. Stopped anywhere, the next one goes on from the last commit and
books the same.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.candles import Candles
from engine.follow import (
    Cancelled,
    Closed,
    Entered,
    Expired,
    Happening,
    Phase,
    Plan,
    StopMoved,
    TargetReached,
    Track,
    bar_of,
    close_now,
    coast,
    next_touch,
    step,
)
from engine.gates import account_verdicts, first_block
from engine.params import Params
from engine.scores import ClosedTrade
from engine.timeframes import Timeframe
from engine.vocabulary import (
    CloseReason,
    ConditionStatus,
    Direction,
    FillKind,
    LedgerKind,
    Outcome,
    PortfolioKind,
    Position,
    SignalStatus,
)
from services.announce import Announcements, MessageKind, about
from storage.codec import Json
from storage.conditions import Condition, TriggerOp
from storage.events import EventType
from storage.fills import Fill
from storage.portfolios import Portfolio
from storage.positions import Ending, NewPosition, Progress
from storage.signals import StoredSignal
from storage.stores import Stores

FOLLOWED_KINDS = (PortfolioKind.PAPER, PortfolioKind.SHADOW)
EXIT_KINDS = (FillKind.TARGET, FillKind.STOP, FillKind.CLOSE)
STOP_REASONS = (CloseReason.STOP_LOSS, CloseReason.BREAK_EVEN, CloseReason.TRAILING_STOP)
SHADOW_RISK = 1.0


@dataclass(slots=True)
class Followed:
    """One plan in one portfolio while it is being settled."""

    stored: StoredSignal
    portfolio: Portfolio
    track: Track
    condition: Condition | None
    position_id: int | None
    qty: float
    risk_amount: float
    settled_on: Timeframe | None = None
    next_index: int = 0

    @property
    def symbol(self) -> str:
        return self.stored.signal.symbol

    @property
    def direction(self) -> Direction:
        return self.stored.signal.direction

    @property
    def is_public(self) -> bool:
        """The shadow position speaks for a signal: every sent one has it, whether or not the account had room."""
        return self.portfolio.kind is PortfolioKind.SHADOW

    @property
    def was_sent(self) -> bool:
        return self.stored.status in (SignalStatus.ACCEPTED, SignalStatus.SENT, SignalStatus.EXECUTED)


def arm(
    stores: Stores, stored: StoredSignal, portfolio: Portfolio, at_ms: int, *, risk_amount: float = SHADOW_RISK
) -> Condition:
    """Write the entry order of a signal in a portfolio; the shadow book risks 1 by definition, its money is R."""
    signal = stored.signal
    below = signal.direction is Direction.LONG
    condition_id = stores.conditions.arm(
        stored.id,
        portfolio.id,
        signal.entry,
        TriggerOp.BELOW if below else TriggerOp.ABOVE,
        risk_amount / signal.risk,
        risk_amount,
        signal.valid_until_ms,
        at_ms,
    )
    return stores.conditions.get(condition_id)


class Settlement:
    """The active orders and positions of a book inside one unit of work.

    `candles` holds, by symbol, closed candles that reach back to the oldest unsettled instant; a symbol without candles
    stays as it is.
    """

    def __init__(
        self, stores: Stores, candles: Mapping[str, Candles], params: Params, announcements: Announcements
    ) -> None:
        self._stores = stores
        self._candles = candles
        self._params = params
        self._announcements = announcements
        self._followed: dict[tuple[int, int], Followed] = {}
        self._due: list[tuple[int, str, int, int]] = []
        self._portfolios = {portfolio.id: portfolio for portfolio in stores.portfolios.all()}
        for condition in stores.conditions.active():
            self.follow(condition)
        for position in stores.positions.open_positions():
            self._resume(position)

    def follow(self, condition: Condition) -> None:
        """Take an armed order in."""
        portfolio = self._portfolios[condition.portfolio_id]
        if portfolio.kind not in FOLLOWED_KINDS:
            return
        assert condition.qty is not None
        assert condition.risk_amount is not None
        stored = self._stores.signals.get(condition.signal_id)
        track = Track.waiting(Plan.of(stored.signal))
        self._add(Followed(stored, portfolio, track, condition, None, condition.qty, condition.risk_amount))

    def until(self, at_ms: int) -> None:
        """Book everything that candles closed at or before `at_ms` say, in the order of time."""
        while self._due and self._due[0][0] <= at_ms:
            _, symbol, signal_id, portfolio_id = heapq.heappop(self._due)
            followed = self._followed.get((signal_id, portfolio_id))
            if followed is None:  # closed by hand meanwhile
                continue
            candles = self._candles[symbol]
            self._coast(followed, candles, followed.next_index)
            bar = bar_of(candles, followed.next_index)
            followed.track, happenings = step(followed.track, bar, self._params.follow)
            followed.settled_on = candles.timeframe
            for happening in happenings:
                if not self._book(followed, happening):
                    break
            if followed.track.phase is Phase.DONE:
                del self._followed[signal_id, portfolio_id]
            else:
                self._schedule(followed, followed.next_index + 1)

    def rest(self, at_ms: int) -> None:
        """Book up to `at_ms` and store where everything still open stands then."""
        self.until(at_ms)
        for followed in self._followed.values():
            candles = self._candles.get(followed.symbol)
            if candles is None or followed.position_id is None:
                continue
            self._coast(followed, candles, _closed_count(candles, at_ms))
            followed.settled_on = candles.timeframe
            self._store_progress(followed)

    def close_by_hand(self, position_id: int, at_ms: int, price: float, reason: CloseReason) -> Outcome:
        """Close an open position at `price` for a reason outside the candles; LookupError when it is not followed."""
        for key, followed in self._followed.items():
            if followed.position_id == position_id:
                followed.track, closed = close_now(followed.track, at_ms, price, reason, self._params.follow)
                outcome = self._close(followed, closed)
                del self._followed[key]
                return outcome
        raise LookupError(f"Position {position_id} is not open.")

    def _resume(self, position: Position) -> None:
        portfolio = self._portfolios[position.portfolio_id]
        if portfolio.kind not in FOLLOWED_KINDS or position.signal_id is None:
            return
        stored = self._stores.signals.get(position.signal_id)
        fills = self._stores.fills.of_position(position.id)
        assert position.stop_loss is not None
        assert position.risk_amount is not None
        assert position.settled_ms is not None
        assert position.settled_on is not None
        track = Track(
            plan=Plan.of(stored.signal),
            phase=Phase.OPEN,
            stop=position.stop_loss,
            settled_ms=position.settled_ms,
            entry_price=position.entry_price,
            opened_ms=position.opened_ms,
            targets_hit=sum(fill.kind is FillKind.TARGET for fill in fills),
            mfe_r=position.mfe_r,
            mae_r=position.mae_r,
            mark=position.mark_price,
        )
        followed = Followed(stored, portfolio, track, None, position.id, position.qty, position.risk_amount)
        followed.settled_on = Timeframe.parse(position.settled_on)
        self._add(followed)

    def _add(self, followed: Followed) -> None:
        self._followed[followed.stored.id, followed.portfolio.id] = followed
        candles = self._candles.get(followed.symbol)
        if candles is None:
            return
        start = _closed_count(candles, followed.track.settled_ms)
        if followed.track.phase is Phase.WAITING:
            # coarser candles than the signal's own may have opened before there was an order
            start = int(np.searchsorted(candles.open_ms, followed.track.settled_ms, side="left"))
        self._schedule(followed, start)

    def _schedule(self, followed: Followed, start: int) -> None:
        """Put the next candle that can touch it on the list; untouched to the end, it waits for later candles."""
        candles = self._candles[followed.symbol]
        touch = next_touch(followed.track, candles, start, len(candles), self._params.follow)
        if touch < len(candles):
            followed.next_index = touch
            at_ms = int(candles.open_ms[touch]) + candles.timeframe.ms
            heapq.heappush(self._due, (at_ms, followed.symbol, followed.stored.id, followed.portfolio.id))

    def _coast(self, followed: Followed, candles: Candles, stop: int) -> None:
        start = _closed_count(candles, followed.track.settled_ms)
        followed.track = coast(followed.track, candles, start, stop)

    def _book(self, followed: Followed, happening: Happening) -> bool:
        """Write one happening; False when it ends the story (an entry for which there is no room)."""
        match happening:
            case Entered():
                return self._open(followed, happening)
            case TargetReached():
                self._take_target(followed, happening)
            case StopMoved():
                self._move_stop(followed, happening)
            case Closed():
                self._close(followed, happening)
            case Expired():
                self._end_unfilled(
                    followed, happening.at_ms, ConditionStatus.EXPIRED, "the entry was not reached in time"
                )
            case Cancelled():
                self._end_unfilled(followed, happening.at_ms, ConditionStatus.CANCELLED, happening.reason)
        return True

    def _open(self, followed: Followed, entered: Entered) -> bool:
        assert followed.condition is not None
        stores, signal = self._stores, followed.stored.signal
        if not followed.is_public and not self._has_room(followed, entered.at_ms):
            followed.track = Track(followed.track.plan, Phase.DONE, followed.track.stop, entered.at_ms)
            return False
        track = followed.track
        position_id = followed.position_id = stores.positions.open(
            NewPosition(
                portfolio_id=followed.portfolio.id,
                symbol=signal.symbol,
                direction=signal.direction,
                qty=followed.qty,
                entry_price=entered.price,
                opened_ms=entered.at_ms,
                signal_id=followed.stored.id,
                condition_id=followed.condition.id,
                timeframe=signal.timeframe.text,
                initial_stop=signal.stop_loss,
                stop_loss=signal.stop_loss,
                risk_amount=followed.risk_amount,
                exclusive=followed.portfolio.kind is PortfolioKind.PAPER,
                mark_price=track.mark,
                settled_ms=entered.at_ms,
                settled_on=_word(followed.settled_on),
            )
        )
        stores.conditions.set_status(followed.condition.id, ConditionStatus.TRIGGERED, None, entered.at_ms)
        key = f"entry:{position_id}"
        self._fill(
            followed, FillKind.ENTRY, entered.at_ms, followed.qty, entered.price, signal.entry, entered.ambiguous, key
        )
        self._event(followed, EventType.POSITION_OPENED, entered.at_ms, f"filled at {entered.price:.10g}")
        self._set_status(followed, SignalStatus.EXECUTED, entered.at_ms)
        self._tell(followed, MessageKind.ENTRY, entered.at_ms, {"price": entered.price})
        self._store_progress(followed)
        return True

    def _has_room(self, followed: Followed, at_ms: int) -> bool:
        """The account gates once more, at the fill; without room the order is rejected and says why."""
        assert followed.condition is not None
        view = self._stores.positions.account_view(
            followed.portfolio.id, followed.symbol, int(Timeframe.D1.floor(at_ms))
        )
        verdicts = account_verdicts(followed.stored.signal, view, self._params)
        self._stores.signals.add_verdicts(followed.stored.id, verdicts, at_ms)
        blocked = first_block(verdicts)
        if blocked is None:
            return True
        reason = f"{blocked.gate} at the fill: {blocked.value}, limit {blocked.limit}"
        self._stores.conditions.set_status(followed.condition.id, ConditionStatus.REJECTED, reason, at_ms)
        return False

    def _take_target(self, followed: Followed, reached: TargetReached) -> None:
        signal = followed.stored.signal
        planned = signal.targets[reached.no - 1].price
        key = f"target:{followed.position_id}:{reached.no}"
        qty = followed.qty * reached.share_ratio
        self._fill(
            followed, FillKind.TARGET, reached.at_ms, qty, reached.price, planned, reached.ambiguous, key, reached.no
        )
        self._event(
            followed,
            EventType.TARGET_HIT,
            reached.at_ms,
            f"target {reached.no} at {reached.price:.10g}",
            str(reached.no),
        )
        facts: dict[str, Json] = {"no": reached.no, "price": reached.price, "share_ratio": reached.share_ratio}
        self._tell(followed, MessageKind.TARGET, reached.at_ms, facts, str(reached.no))
        self._store_progress(followed)

    def _move_stop(self, followed: Followed, moved: StopMoved) -> None:
        self._event(followed, EventType.STOP_MOVED, moved.at_ms, f"stop to {moved.stop:.10g}", f"{moved.stop!r}")
        facts: dict[str, Json] = {"stop": moved.stop, "entry": followed.track.entry_price}
        self._tell(followed, MessageKind.STOP_MOVED, moved.at_ms, facts, f"{moved.stop!r}")
        self._store_progress(followed)

    def _close(self, followed: Followed, closed: Closed) -> Outcome:
        """The close, for every reason: the last fill, the position, the ledger, the signal, the event, the message."""
        stores, position_id = self._stores, followed.position_id
        assert position_id is not None
        if closed.share_ratio:
            kind = FillKind.STOP if closed.reason in STOP_REASONS else FillKind.CLOSE
            key = f"{'stop' if kind is FillKind.STOP else 'close'}:{position_id}"
            qty = followed.qty * closed.share_ratio
            self._fill(followed, kind, closed.at_ms, qty, closed.price, None, closed.ambiguous, key)
        ending = _ending(followed, stores.fills.of_position(position_id), closed)
        if followed.track.mark is not None:
            self._store_progress(followed)
        outcome = stores.positions.close(position_id, ending)
        if followed.portfolio.kind is PortfolioKind.PAPER:
            stores.scores.record(_trade(followed, ending, outcome))
        result = f"{ending.r_multiple:+.2f}R"
        self._event(followed, EventType.POSITION_CLOSED, closed.at_ms, f"{closed.reason.value} {result}")
        self._set_status(followed, SignalStatus.CLOSED, closed.at_ms)
        self._tell(
            followed,
            MessageKind.CLOSE,
            closed.at_ms,
            {
                "reason": closed.reason.value,
                "outcome": outcome.value,
                "r_multiple": ending.r_multiple,
                "pnl_pct": ending.pnl_pct,
                "mfe_r": followed.track.mfe_r,
                "mae_r": followed.track.mae_r,
                "opened_ms": followed.track.opened_ms,
                "targets_hit": followed.track.targets_hit,
            },
        )
        return outcome

    def _end_unfilled(self, followed: Followed, at_ms: int, status: ConditionStatus, reason: str) -> None:
        assert followed.condition is not None
        self._stores.conditions.set_status(followed.condition.id, status, reason, at_ms)
        expired = status is ConditionStatus.EXPIRED
        if followed.is_public and followed.was_sent:
            event = EventType.SIGNAL_EXPIRED if expired else EventType.SIGNAL_CANCELLED
            self._event(followed, event, at_ms, reason)
            word = SignalStatus.EXPIRED if expired else SignalStatus.CANCELLED
            self._stores.signals.set_status(followed.stored.id, word, reason, at_ms)
            self._tell(followed, MessageKind.EXPIRED if expired else MessageKind.CANCELLED, at_ms, {"reason": reason})

    def _fill(
        self,
        followed: Followed,
        kind: FillKind,
        at_ms: int,
        qty: float,
        price: float,
        planned: float | None,
        ambiguous: bool,
        key: str,
        target_no: int | None = None,
    ) -> None:
        """A fill with its fee; in the paper book also its ledger entries: the fee, and for an exit the P&L."""
        stores, position_id = self._stores, followed.position_id
        assert position_id is not None
        fee = self._params.costs.fee_ratio * qty * price
        slippage = self._slippage_in(price) if planned is None else abs(price - planned)
        fill_id = stores.fills.add(Fill(position_id, at_ms, kind, qty, price, key, fee, slippage, target_no, ambiguous))
        if followed.portfolio.kind is not PortfolioKind.PAPER:
            return
        portfolio_id = followed.portfolio.id
        if kind in EXIT_KINDS:
            assert followed.track.entry_price is not None
            pnl = (price - followed.track.entry_price) * qty * followed.direction.sign
            stores.ledger.post(portfolio_id, LedgerKind.REALIZED_PNL, pnl, at_ms, f"pnl:{key}", fill_id=fill_id)
        stores.ledger.post(portfolio_id, LedgerKind.FEE, -fee, at_ms, f"fee:{key}", fill_id=fill_id)

    def _slippage_in(self, price: float) -> float:
        """The part of an exit's price that slippage took, in price; the rate is small enough to read it off the fill."""
        return self._params.follow.slippage_ratio * price

    def _store_progress(self, followed: Followed) -> None:
        track = followed.track
        assert followed.position_id is not None
        progress = Progress(
            stop_loss=track.stop,
            closed_ratio=1.0 - track.open_ratio,
            mark_price=track.mark,
            settled_ms=track.settled_ms,
            settled_on=_word(followed.settled_on),
            mfe_r=track.mfe_r,
            mae_r=track.mae_r,
        )
        self._stores.positions.update_progress(followed.position_id, progress)

    def _event(self, followed: Followed, type: EventType, at_ms: int, message: str, part: str = "") -> None:
        key = f"{type.value}:{followed.stored.id}:{followed.portfolio.kind.value}:{part}"
        self._stores.events.add(
            type,
            at_ms,
            signal_id=followed.stored.id,
            position_id=followed.position_id,
            portfolio_id=followed.portfolio.id,
            symbol=followed.symbol,
            message=message,
            idem_key=key,
        )

    def _set_status(self, followed: Followed, status: SignalStatus, at_ms: int) -> None:
        if followed.is_public and followed.was_sent:
            self._stores.signals.set_status(followed.stored.id, status, None, at_ms)

    def _tell(self, followed: Followed, kind: MessageKind, at_ms: int, facts: dict[str, Json], part: str = "") -> None:
        if followed.is_public and followed.was_sent:
            told = {**about(followed.symbol, followed.direction), **facts}
            self._announcements.update(self._stores, kind, followed.stored.id, at_ms, told, part)


def _ending(followed: Followed, fills: tuple[Fill, ...], closed: Closed) -> Ending:
    """The result, net of all fees, from the fills alone."""
    entry = followed.track.entry_price
    assert entry is not None
    exits = [fill for fill in fills if fill.kind in EXIT_KINDS]
    fees = sum(fill.fee for fill in fills)
    gross = sum((fill.price - entry) * fill.qty for fill in exits) * followed.direction.sign
    net = gross - fees
    return Ending(
        exit_price=sum(fill.price * fill.qty for fill in exits) / sum(fill.qty for fill in exits),
        closed_ms=closed.at_ms,
        reason=closed.reason,
        pnl_pct=100.0 * net / (entry * followed.qty),
        realized_pnl=net,
        r_multiple=net / followed.risk_amount,
        fees=fees,
    )


def _trade(followed: Followed, ending: Ending, outcome: Outcome) -> ClosedTrade:
    """The close as the scores count it."""
    signal = followed.stored.signal
    assert ending.realized_pnl is not None
    assert ending.r_multiple is not None
    return ClosedTrade(
        symbol=signal.symbol,
        timeframe=signal.timeframe.text,
        direction=signal.direction,
        setup=signal.setup,
        session=signal.session,
        regime=signal.regime,
        decided_ms=signal.candle_close_ms,
        closed_ms=ending.closed_ms,
        outcome=outcome,
        pnl=ending.realized_pnl,
        r_multiple=ending.r_multiple,
    )


def _word(settled_on: Timeframe | None) -> str:
    assert settled_on is not None, "what is open was filled on some candle"
    return settled_on.text


def _closed_count(candles: Candles, at_ms: int) -> int:
    """How many of the candles have closed at or before `at_ms`."""
    return int(np.searchsorted(candles.open_ms, at_ms - candles.timeframe.ms, side="right"))
