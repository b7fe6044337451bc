"""Writes what happens to a followed signal: fills, position, ledger, signal, scores, event and message, once and together.

Every happening is written in the running unit of work under keys of its own, so that none is written twice. The close
is one function for every reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.follow import (
    Cancelled,
    Closed,
    Entered,
    Expired,
    Happening,
    PartTaken,
    Phase,
    Plan,
    StopMoved,
    TargetReached,
    Track,
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
    SignalStatus,
)
from services.announce import Announcements, MessageKind, about
from storage.codec import Json
from storage.conditions import Condition
from storage.events import EventType
from storage.fills import Fill
from storage.portfolios import Portfolio
from storage.positions import Ending, ExitQuality, NewPosition, Progress
from storage.signals import StoredSignal
from storage.stores import Stores

EXIT_KINDS = (FillKind.TARGET, FillKind.STOP, FillKind.CLOSE)
STOP_REASONS = (CloseReason.STOP_LOSS, CloseReason.BREAK_EVEN, CloseReason.TRAILING_STOP)
MANAGED_REASONS = (CloseReason.MANUAL, CloseReason.CHECKPOINT)
"""Closes that somebody decided, or a setting let the re-analysis decide: the signal itself goes on for the record."""


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
    level: int = 0
    """The last checkpoint it passed, percent of the way; 0 = none yet."""

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
    def is_managed(self) -> bool:
        """People and checkpoints handle the account's position alone."""
        return self.portfolio.kind is PortfolioKind.PAPER

    @property
    def was_sent(self) -> bool:
        return self.stored.status in (SignalStatus.ACCEPTED, SignalStatus.SENT, SignalStatus.EXECUTED)


class Booking:
    """The writing of one settlement."""

    def __init__(self, stores: Stores, params: Params, announcements: Announcements) -> None:
        self._stores = stores
        self._params = params
        self._announcements = announcements

    def write(self, followed: Followed, happening: Happening) -> bool:
        """Write one happening; False when it ends the story (an entry for which there is no room)."""
        match happening:
            case Entered():
                return self._open(followed, happening)
            case TargetReached():
                self._take_target(followed, happening)
            case StopMoved():
                self._move_stop(followed, happening)
            case Closed():
                self.close(followed, happening)
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
        self.store_progress(followed)
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
        self.store_progress(followed)

    def _move_stop(self, followed: Followed, moved: StopMoved) -> None:
        self._event(followed, EventType.STOP_MOVED, moved.at_ms, f"stop to {moved.stop:.10g}", f"{moved.stop!r}")
        facts: dict[str, Json] = {"stop": moved.stop, "entry": followed.track.entry_price}
        self._tell(followed, MessageKind.STOP_MOVED, moved.at_ms, facts, f"{moved.stop!r}")
        self.store_progress(followed)

    def close(
        self,
        followed: Followed,
        closed: Closed,
        priced_ms: int | None = None,
        quality: ExitQuality = ExitQuality.CANDLE,
    ) -> Outcome:
        """The close, for every reason: the last fill, the position, the ledger, the signal, the event, the message.

        `priced_ms` is when the price was, where that is not the instant of the close.
        """
        stores, position_id = self._stores, followed.position_id
        assert position_id is not None
        if closed.share_ratio:
            kind = FillKind.STOP if closed.reason in STOP_REASONS else FillKind.CLOSE
            key = f"{'stop' if kind is FillKind.STOP else 'close'}:{position_id}"
            qty = followed.qty * closed.share_ratio
            self._fill(followed, kind, closed.at_ms, qty, closed.price, None, closed.ambiguous, key)
        ending = _ending(followed, stores.fills.of_position(position_id), closed, quality)
        if followed.track.mark is not None:
            self.store_progress(followed)
        outcome = stores.positions.close(position_id, ending)
        if followed.portfolio.kind is PortfolioKind.PAPER:
            stores.scores.record(_trade(followed, ending, outcome))
        if closed.reason in MANAGED_REASONS:
            self._tell_managed(
                followed,
                MessageKind.HAND_CLOSE,
                closed.at_ms,
                {
                    "price": closed.price,
                    "reason": closed.reason.value,
                    "r_multiple": ending.r_multiple,
                    "priced_ms": closed.at_ms if priced_ms is None else priced_ms,
                },
            )
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
                **({} if priced_ms is None else {"priced_ms": priced_ms}),
            },
        )
        return outcome

    def take_part(self, followed: Followed, taken: PartTaken, reason: CloseReason) -> None:
        """A part closed outside the plan, by hand or by a checkpoint."""
        stores, position_id = self._stores, followed.position_id
        assert position_id is not None
        number = str(len(parts_of(stores.fills.of_position(position_id))) + 1)
        key, qty = f"part:{position_id}:{number}", followed.qty * taken.share_ratio
        self._fill(followed, FillKind.CLOSE, taken.at_ms, qty, taken.price, None, False, key)
        # as a later settlement will read it from the fills, to the last bit
        kept = kept_ratio(followed.track.plan, followed.qty, stores.fills.of_position(position_id))
        followed.track = replace(followed.track, kept_ratio=kept)
        message = f"{reason.value} {taken.share_ratio:.1%} at {taken.price:.10g}"
        self._event(followed, EventType.PART_TAKEN, taken.at_ms, message, number)
        facts: dict[str, Json] = {"price": taken.price, "share_ratio": taken.share_ratio, "reason": reason.value}
        self._tell_managed(followed, MessageKind.HAND_PART, taken.at_ms, facts, number)
        self.store_progress(followed)

    def move_stop(self, followed: Followed, moved: StopMoved, reason: CloseReason) -> None:
        """A stop moved outside the plan."""
        part = f"{moved.stop!r}"
        message = f"{reason.value} stop to {moved.stop:.10g}"
        self._event(followed, EventType.STOP_MOVED, moved.at_ms, message, part)
        facts: dict[str, Json] = {"stop": moved.stop, "entry": followed.track.entry_price, "reason": reason.value}
        self._tell_managed(followed, MessageKind.HAND_STOP, moved.at_ms, facts, part)
        self.store_progress(followed)

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

    def store_progress(self, followed: Followed) -> None:
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

    def _tell_managed(
        self, followed: Followed, kind: MessageKind, at_ms: int, facts: dict[str, Json], part: str = ""
    ) -> None:
        """What was done to the account's position; the record of the signal goes on without it."""
        if followed.is_managed and followed.was_sent:
            told = {**about(followed.symbol, followed.direction), **facts}
            self._announcements.update(self._stores, kind, followed.stored.id, at_ms, told, part)


def parts_of(fills: Sequence[Fill]) -> list[Fill]:
    """The partial closes outside the plan among a position's fills."""
    return [fill for fill in fills if fill.idem_key.startswith("part:")]


def kept_ratio(plan: Plan, qty: float, fills: Sequence[Fill]) -> float:
    """What the partial closes among a position's fills have left of each share still open then; 1 without any."""
    kept, hit = 1.0, 0
    for fill in fills:
        if fill.kind is FillKind.TARGET:
            hit += 1
        elif fill.idem_key.startswith("part:"):
            planned = 1.0 - sum(target.share_ratio for target in plan.targets[:hit])
            kept -= fill.qty / qty / planned
    return kept


def _ending(followed: Followed, fills: tuple[Fill, ...], closed: Closed, quality: ExitQuality) -> Ending:
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
        quality=quality,
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
