"""Follows every armed order and open position through closed candles and books what happens, once and in order.

All of it lives in the book: a settlement reads what is active, walks the candles of all symbols interleaved by time,
and writes each happening in the running unit of work. Stopped anywhere, the next one goes on from the last commit and
books the same.
"""

import heapq
from collections.abc import Collection, Mapping

import numpy as np

from engine.candles import Candles
from engine.checkpoints import LEVELS, Recommendation, level_price, levels_passed
from engine.follow import (
    Bar,
    Cancelled,
    Phase,
    Plan,
    Track,
    bar_of,
    close_now,
    coast,
    move_stop,
    next_reach,
    next_touch,
    step,
    take_part,
)
from engine.params import Params
from engine.timeframes import Timeframe
from engine.vocabulary import CloseReason, Direction, FillKind, Outcome, Position
from services.announce import Announcements
from services.booking import Booking, Followed, kept_ratio
from services.checkpoints import Advice, Checkpoints
from storage.checkpoints import Action
from storage.conditions import Condition, TriggerOp
from storage.portfolios import FOLLOWED_KINDS, Portfolio
from storage.positions import ExitQuality
from storage.signals import StoredSignal
from storage.stores import Stores

SHADOW_RISK = 1.0


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
    stays as it is. With `checkpoints`, positions of the account are looked at again on their way.
    """

    def __init__(
        self,
        stores: Stores,
        candles: Mapping[str, Candles],
        params: Params,
        announcements: Announcements,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._stores = stores
        self._candles = candles
        self._params = params
        self._announcements = announcements
        self._checkpoints = checkpoints
        self._booking = Booking(stores, params, announcements)
        self._followed: dict[tuple[int, int], Followed] = {}
        self._due: list[tuple[int, str, int, int]] = []
        self._portfolios = {portfolio.id: portfolio for portfolio in stores.portfolios.all()}
        for condition in stores.conditions.active():
            self.follow(condition)
        for position in stores.positions.open_positions():
            self._resume(position)

    def follow(self, condition: Condition, stored: StoredSignal | None = None) -> None:
        """Take an armed order in; its signal is read from the book where it is not given."""
        portfolio = self._portfolios[condition.portfolio_id]
        if portfolio.kind not in FOLLOWED_KINDS:
            return
        assert condition.qty is not None
        assert condition.risk_amount is not None
        if stored is None:
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
            was_open = followed.track.phase is Phase.OPEN
            followed.track, happenings = step(followed.track, bar, self._params.follow)
            followed.settled_on = candles.timeframe
            for happening in happenings:
                if not self._booking.write(followed, happening):
                    break
            if was_open and followed.track.phase is Phase.OPEN:  # the entry's own candle hides what came after the fill
                self._check(followed, bar)
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
            self._booking.store_progress(followed)

    def end_unseen(self, symbols: Collection[str], valid_before_ms: int, at_ms: int) -> int:
        """End the orders of symbols that have no candles whose time was over before then; how many there were."""
        gone = [
            followed
            for followed in self._followed.values()
            if followed.condition is not None
            and followed.track.phase is Phase.WAITING
            and followed.symbol in symbols
            and followed.condition.valid_until_ms < valid_before_ms
        ]
        for followed in gone:
            self._booking.write(followed, Cancelled(at_ms, "its time ended without candles"))
            del self._followed[followed.stored.id, followed.portfolio.id]
        return len(gone)

    def end_unseen_positions(self, symbols: Collection[str], settled_before_ms: int, at_ms: int) -> int:
        """Close positions of symbols without candles at the last price, if that is older; how many there were."""
        gone = [
            followed
            for followed in self._followed.values()
            if followed.track.phase is Phase.OPEN
            and followed.symbol in symbols
            and followed.track.settled_ms < settled_before_ms
        ]
        for followed in gone:
            assert followed.track.mark is not None, "a filled position has a price"
            self._close(followed, at_ms, followed.track.mark, CloseReason.TIME_LIMIT, ExitQuality.POLL)
        return len(gone)

    def close_by_hand(self, position_id: int, at_ms: int, price: float, reason: CloseReason) -> Outcome:
        """Close an open position at `price` for a reason outside the candles; LookupError when it is not followed."""
        return self._close(self._open_one(position_id), at_ms, price, reason, ExitQuality.CANDLE)

    def take_part(self, position_id: int, at_ms: int, price: float, part_ratio: float, reason: CloseReason) -> None:
        """Close a part of what is open of a position; LookupError when it is not followed, NotPossible for no part."""
        self._take_part(self._open_one(position_id), at_ms, price, part_ratio, reason)

    def move_stop(self, position_id: int, at_ms: int, stop: float, reason: CloseReason) -> None:
        """Move a stop towards profit; LookupError when the position is not followed, NotPossible for another way."""
        self._move_stop(self._open_one(position_id), at_ms, stop, reason)

    def _close(
        self, followed: Followed, at_ms: int, price: float, reason: CloseReason, quality: ExitQuality
    ) -> Outcome:
        priced_ms = followed.track.settled_ms
        followed.track, closed = close_now(followed.track, at_ms, price, reason, self._params.follow)
        del self._followed[followed.stored.id, followed.portfolio.id]
        return self._booking.close(followed, closed, priced_ms, quality)

    def _open_one(self, position_id: int) -> Followed:
        for followed in self._followed.values():
            if followed.position_id == position_id:
                return followed
        raise LookupError(f"Position {position_id} is not open.")

    def _take_part(self, followed: Followed, at_ms: int, price: float, part_ratio: float, reason: CloseReason) -> None:
        followed.track, taken = take_part(followed.track, at_ms, price, part_ratio, self._params.follow)
        self._booking.take_part(followed, taken, reason)

    def _move_stop(self, followed: Followed, at_ms: int, stop: float, reason: CloseReason) -> None:
        followed.track, moved = move_stop(followed.track, at_ms, stop)
        self._booking.move_stop(followed, moved, reason)

    def _check(self, followed: Followed, bar: Bar) -> None:
        """Look again at a position that passed checkpoints in `bar`, on what was known when that candle opened."""
        if self._checkpoints is None or not followed.is_managed:
            return
        signal, entry_price = followed.stored.signal, followed.track.entry_price
        assert entry_price is not None
        reached = bar.high if signal.direction is Direction.LONG else bar.low
        levels = levels_passed(signal, entry_price, reached, followed.level)
        if not levels:
            return
        followed.level = levels[-1]
        advice = self._checkpoints.look(
            self._stores, followed, levels, bar.open_ms, bar.closed_ms, self._params, self._announcements
        )
        if self._params.checkpoints.act:
            self._act(followed, advice, bar)

    def _act(self, followed: Followed, advice: Advice, bar: Bar) -> None:
        """Do what a checkpoint advises, at the close of the candle that passed it."""
        params, reason = self._params, CloseReason.CHECKPOINT
        match advice.recommendation:
            case Recommendation.CLOSE_NOW:
                followed.track, closed = close_now(followed.track, bar.closed_ms, bar.close, reason, params.follow)
                self._booking.close(followed, closed)
                action = Action.CLOSED
            case Recommendation.PARTIAL_CLOSE:
                self._take_part(followed, bar.closed_ms, bar.close, params.checkpoints.part_ratio, reason)
                action = Action.REDUCED
            case Recommendation.MOVE_SL:
                assert advice.better_stop is not None
                self._move_stop(followed, bar.closed_ms, advice.better_stop, reason)
                action = Action.STOP_MOVED
            case Recommendation.HOLD:
                action = Action.HELD
        assert followed.position_id is not None
        self._stores.checkpoints.set_action(followed.position_id, advice.level, action)

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
            kept_ratio=kept_ratio(Plan.of(stored.signal), position.qty, fills),
        )
        followed = Followed(stored, portfolio, track, None, position.id, position.qty, position.risk_amount)
        followed.settled_on = Timeframe.parse(position.settled_on)
        if self._checkpoints is not None and followed.is_managed:
            followed.level = self._stores.checkpoints.last_level(position.id)
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
        if self._checkpoints is not None and followed.is_managed and followed.track.phase is Phase.OPEN:
            touch = self._next_checkpoint(followed, candles, start, touch)
        if touch < len(candles):
            followed.next_index = touch
            at_ms = int(candles.open_ms[touch]) + candles.timeframe.ms
            heapq.heappush(self._due, (at_ms, followed.symbol, followed.stored.id, followed.portfolio.id))

    def _next_checkpoint(self, followed: Followed, candles: Candles, start: int, stop: int) -> int:
        """Index in [start, stop) of the candle that passes its next checkpoint; `stop` when none does."""
        track = followed.track
        assert track.entry_price is not None
        ahead = next((level for level in LEVELS if level > followed.level), None)
        if ahead is None:
            return stop
        price = level_price(track.entry_price, track.plan.targets[-1].price, ahead)
        return next_reach(track, candles, start, stop, price)

    def _coast(self, followed: Followed, candles: Candles, stop: int) -> None:
        start = _closed_count(candles, followed.track.settled_ms)
        followed.track = coast(followed.track, candles, start, stop)


def _closed_count(candles: Candles, at_ms: int) -> int:
    """How many of the candles have closed at or before `at_ms`."""
    return int(np.searchsorted(candles.open_ms, at_ms - candles.timeframe.ms, side="right"))
