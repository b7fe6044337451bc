"""Follows one signal through closed candles: waiting, open, targets, break-even, stop, expiry; pure and resumable.

One candle cannot say in which order its prices were traded. Wherever the order matters the worse one is taken and the
fill is marked ambiguous: stop before target, no target in the candle of the entry, and after target 1 the moved stop is
held against the same candle (DEFINITIONS 2.4, the pessimistic policy).
Limit orders need a trade THROUGH their price; a stop needs a touch. A candle that opens beyond a level is booked at its
open, the real price of a gap.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from engine.candles import Candles
from engine.vocabulary import CloseReason, Direction, Signal, Target

CHUNK_BARS = 256
SHARE_EPSILON = 1e-9


class Phase(Enum):
    WAITING = "WAITING"
    OPEN = "OPEN"
    DONE = "DONE"


class EntryOrder(Enum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How positions are followed; ratios are fractions of the price.

    `slippage_ratio` worsens every fill that crosses the book: stops, closes and market entries.
    `end_of_day` closes positions at that wall-clock time of `end_of_day_zone`; None = never, for a market that never closes.
    `max_hold_ms` closes a position that has been open this long; None = no limit.
    """

    slippage_ratio: float = 0.0002
    break_even_after_target: int = 1
    entry_order: EntryOrder = EntryOrder.LIMIT
    end_of_day: time | None = None
    end_of_day_zone: str = "UTC"
    max_hold_ms: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.slippage_ratio < 1:
            raise ValueError(f"slippage_ratio is a fraction of the price, not {self.slippage_ratio:g}")
        try:
            ZoneInfo(self.end_of_day_zone)
        except (ValueError, OSError, ZoneInfoNotFoundError) as error:
            raise ValueError(f"end_of_day_zone {self.end_of_day_zone!r} is no time zone") from error


@dataclass(frozen=True, slots=True)
class Plan:
    """What was promised: the levels of a signal and how long its entry order stands."""

    direction: Direction
    entry: float
    stop_loss: float
    targets: tuple[Target, ...]
    armed_ms: int
    valid_until_ms: int

    @staticmethod
    def of(signal: Signal) -> "Plan":
        return Plan(
            signal.direction,
            signal.entry,
            signal.stop_loss,
            signal.targets,
            signal.candle_close_ms,
            signal.valid_until_ms,
        )

    @property
    def risk(self) -> float:
        return abs(self.entry - self.stop_loss)


@dataclass(frozen=True, slots=True)
class Track:
    """Where a followed plan stands after the candle that closed at `settled_ms`.

    `kept_ratio` is what partial closes outside the plan have left of each share that was still open then.
    """

    plan: Plan
    phase: Phase
    stop: float
    settled_ms: int
    entry_price: float | None = None
    opened_ms: int | None = None
    targets_hit: int = 0
    mfe_r: float = 0.0
    mae_r: float = 0.0
    mark: float | None = None
    kept_ratio: float = 1.0

    @staticmethod
    def waiting(plan: Plan) -> "Track":
        return Track(plan=plan, phase=Phase.WAITING, stop=plan.stop_loss, settled_ms=plan.armed_ms)

    @property
    def next_target(self) -> Target:
        return self.plan.targets[self.targets_hit]

    @property
    def open_ratio(self) -> float:
        """Share of the position still open: what the targets hit and partial closes have left."""
        return self.kept_ratio * (1.0 - sum(target.share_ratio for target in self.plan.targets[: self.targets_hit]))

    @property
    def stop_reason(self) -> CloseReason:
        """What a stop at this place means: a loss, break-even, or profit that was trailed."""
        locked = (self.stop - _entry_of(self)) * self.plan.direction.sign
        if locked == 0:
            return CloseReason.BREAK_EVEN
        return CloseReason.TRAILING_STOP if locked > 0 else CloseReason.STOP_LOSS


@dataclass(frozen=True, slots=True)
class Entered:
    at_ms: int
    price: float
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class TargetReached:
    at_ms: int
    no: int
    price: float
    share_ratio: float
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class StopMoved:
    at_ms: int
    stop: float


@dataclass(frozen=True, slots=True)
class PartTaken:
    """A share of the position, closed outside the plan."""

    at_ms: int
    price: float
    share_ratio: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The end: `share_ratio` of the position was still open; 0 when the last target had already taken it off."""

    at_ms: int
    price: float
    share_ratio: float
    reason: CloseReason
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Expired:
    at_ms: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    at_ms: int
    reason: str


Happening = Entered | TargetReached | StopMoved | Closed | Expired | Cancelled
"""What candles make happen; a partial close is somebody's doing."""


class Obstacle(Enum):
    """Why something cannot be done to a position."""

    NOT_OPEN = "not open"
    NO_PART = "no part"
    NOT_TOWARDS_PROFIT = "not towards profit"
    HIT_AT_ONCE = "hit at once"
    NO_PRICE = "no price"


class NotPossible(ValueError):
    """Something that cannot be done to a position as it stands; the message is one sentence for a person.

    `standing` is the value that is in the way: a price, a share 0..1, or minutes without a price.
    """

    def __init__(self, obstacle: Obstacle, sentence: str, standing: float = 0.0) -> None:
        super().__init__(sentence)
        self.obstacle = obstacle
        self.standing = standing


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed candle, as the machine reads it."""

    open_ms: int
    closed_ms: int
    open: float
    high: float
    low: float
    close: float


def bar_of(candles: Candles, index: int) -> Bar:
    """The candle at `index` as plain numbers."""
    opened = int(candles.open_ms[index])
    return Bar(
        opened,
        opened + candles.timeframe.ms,
        float(candles.open[index]),
        float(candles.high[index]),
        float(candles.low[index]),
        float(candles.close[index]),
    )


def step(track: Track, bar: Bar, rules: FollowRules) -> tuple[Track, tuple[Happening, ...]]:
    """The track after `bar`, and what happened in it, in order. A finished track stays as it is."""
    match track.phase:
        case Phase.DONE:
            return track, ()
        case Phase.WAITING:
            return _step_waiting(track, bar, rules)
        case Phase.OPEN:
            return _step_open(track, bar, rules)


def next_touch(track: Track, candles: Candles, start: int, stop: int, rules: FollowRules) -> int:
    """Index in [start, stop) of the first candle in which anything can happen to `track`; `stop` when none can."""
    if track.phase is Phase.DONE or start >= stop:
        return stop
    deadline = _deadline_index(track, candles, start, stop, rules)
    end = min(deadline, stop)
    if track.phase is Phase.WAITING and rules.entry_order is EntryOrder.MARKET:
        return start
    adverse, favourable = _levels_watched(track)
    for begin in range(start, end, CHUNK_BARS):
        part = slice(begin, min(begin + CHUNK_BARS, end))
        if track.plan.direction is Direction.LONG:
            touched = (candles.low[part] <= adverse) | (candles.high[part] > favourable)
        else:
            touched = (candles.high[part] >= adverse) | (candles.low[part] < favourable)
        first = int(np.argmax(touched))
        if touched[first]:
            return begin + first
    return end


def coast(track: Track, candles: Candles, start: int, stop: int) -> Track:
    """The track after the candles [start, stop), in which nothing touched it: only marks and excursions move."""
    if start >= stop or track.phase is Phase.DONE:
        return track
    settled = int(candles.open_ms[stop - 1]) + candles.timeframe.ms
    if track.phase is Phase.WAITING:
        return replace(track, settled_ms=settled)
    high, low = float(candles.high[start:stop].max()), float(candles.low[start:stop].min())
    return replace(_with_excursion(track, high, low), settled_ms=settled, mark=float(candles.close[stop - 1]))


def next_reach(track: Track, candles: Candles, start: int, stop: int, price: float) -> int:
    """Index in [start, stop) of the first candle that trades at `price` or beyond, seen in profit; `stop` when none."""
    is_long = track.plan.direction is Direction.LONG
    for begin in range(start, stop, CHUNK_BARS):
        part = slice(begin, min(begin + CHUNK_BARS, stop))
        reached = candles.high[part] >= price if is_long else candles.low[part] <= price
        first = int(np.argmax(reached))
        if reached[first]:
            return begin + first
    return stop


def close_now(track: Track, at_ms: int, price: float, reason: CloseReason, rules: FollowRules) -> tuple[Track, Closed]:
    """Closes what is open at `price` less slippage, for a reason outside the candles (manual, checkpoint, time)."""
    _refuse_unless_open(track)
    return _close(track, at_ms, _slipped(price, track.plan.direction, rules, leaving=True), reason, ambiguous=False)


def take_part(track: Track, at_ms: int, price: float, part_ratio: float, rules: FollowRules) -> tuple[Track, PartTaken]:
    """Closes `part_ratio` of what is open at `price` less slippage; every later target takes that much less."""
    _refuse_unless_open(track)
    if not 0 < part_ratio < 1:
        sentence = f"A part is more than nothing and less than all, not {part_ratio:.0%}."
        raise NotPossible(Obstacle.NO_PART, sentence, part_ratio)
    taken = PartTaken(at_ms, _slipped(price, track.plan.direction, rules, leaving=True), track.open_ratio * part_ratio)
    return replace(track, kept_ratio=track.kept_ratio * (1.0 - part_ratio)), taken


def move_stop(track: Track, at_ms: int, stop: float) -> tuple[Track, StopMoved]:
    """Moves the stop towards profit, and never to where price stands already; NotPossible otherwise."""
    _refuse_unless_open(track)
    sign = track.plan.direction.sign
    if (stop - track.stop) * sign <= 0:
        sentence = f"A stop is only moved towards profit; it stands at {track.stop:.10g}."
        raise NotPossible(Obstacle.NOT_TOWARDS_PROFIT, sentence, track.stop)
    if track.mark is not None and (track.mark - stop) * sign <= 0:
        sentence = f"Price stands at {track.mark:.10g}; a stop at {stop:.10g} would be hit at once."
        raise NotPossible(Obstacle.HIT_AT_ONCE, sentence, track.mark)
    return replace(track, stop=stop), StopMoved(at_ms, stop)


def _refuse_unless_open(track: Track) -> None:
    if track.phase is not Phase.OPEN:
        sentence = f"Only an open position can be changed, this one is {track.phase.value}."
        raise NotPossible(Obstacle.NOT_OPEN, sentence)


def _step_waiting(track: Track, bar: Bar, rules: FollowRules) -> tuple[Track, tuple[Happening, ...]]:
    plan = track.plan
    if bar.open_ms >= plan.valid_until_ms:
        return _done(track, bar.closed_ms), (Expired(plan.valid_until_ms),)
    if rules.entry_order is EntryOrder.MARKET:
        return _enter(track, bar, _slipped(bar.open, plan.direction, rules, leaving=False), rules, ambiguous=False)
    sign = plan.direction.sign
    adverse = bar.low if sign > 0 else bar.high
    favourable = bar.high if sign > 0 else bar.low
    target_first = (favourable - plan.targets[0].price) * sign > 0
    if (plan.entry - adverse) * sign > 0:
        price = bar.open if (plan.entry - bar.open) * sign > 0 else plan.entry
        return _enter(track, bar, price, rules, ambiguous=target_first)
    if target_first:
        return _done(track, bar.closed_ms), (Cancelled(bar.closed_ms, "the first target came before the entry"),)
    return replace(track, settled_ms=bar.closed_ms), ()


def _enter(
    track: Track, bar: Bar, price: float, rules: FollowRules, *, ambiguous: bool
) -> tuple[Track, tuple[Happening, ...]]:
    plan = track.plan
    sign = plan.direction.sign
    adverse = bar.low if sign > 0 else bar.high
    opened = replace(track, phase=Phase.OPEN, entry_price=price, opened_ms=bar.closed_ms, mark=bar.close)
    opened = _with_excursion(
        opened, max(price, bar.close) if sign > 0 else bar.high, bar.low if sign > 0 else min(price, bar.close)
    )
    entered = Entered(bar.closed_ms, price, ambiguous)
    if (opened.stop - adverse) * sign >= 0:
        stopped_at = min(opened.stop, price) if sign > 0 else max(opened.stop, price)
        closed, close = _close(
            opened,
            bar.closed_ms,
            _slipped(stopped_at, plan.direction, rules, leaving=True),
            CloseReason.STOP_LOSS,
            ambiguous=False,
        )
        return closed, (entered, close)
    return _timed_close(replace(opened, settled_ms=bar.closed_ms), bar, rules, (entered,))


def _step_open(track: Track, bar: Bar, rules: FollowRules) -> tuple[Track, tuple[Happening, ...]]:
    sign = track.plan.direction.sign
    adverse = bar.low if sign > 0 else bar.high
    favourable = bar.high if sign > 0 else bar.low
    if (track.stop - adverse) * sign >= 0:
        target_too = (favourable - track.next_target.price) * sign > 0
        gapped = (track.stop - bar.open) * sign > 0
        return _stop_out(track, bar, bar.open if gapped else track.stop, rules, (), ambiguous=target_too and not gapped)
    happenings: list[Happening] = []
    while track.phase is Phase.OPEN and (favourable - track.next_target.price) * sign > 0:
        track, reached = _reach_target(track, bar, rules)
        happenings += reached
        if track.phase is Phase.OPEN and (track.stop - adverse) * sign >= 0:
            return _stop_out(track, bar, track.stop, rules, tuple(happenings), ambiguous=True)
    if track.phase is Phase.DONE:
        return track, tuple(happenings)
    track = replace(_with_excursion(track, bar.high, bar.low), settled_ms=bar.closed_ms, mark=bar.close)
    return _timed_close(track, bar, rules, tuple(happenings))


def _reach_target(track: Track, bar: Bar, rules: FollowRules) -> tuple[Track, list[Happening]]:
    target = track.next_target
    sign = track.plan.direction.sign
    gapped = (bar.open - target.price) * sign > 0
    price = bar.open if gapped else target.price
    track = replace(track, targets_hit=target.no, mark=price)
    reached: list[Happening] = [TargetReached(bar.closed_ms, target.no, price, target.share_ratio * track.kept_ratio)]
    if target.no == len(track.plan.targets):
        track = _with_excursion(track, max(price, bar.low), min(price, bar.high))
        finished, close = _close(track, bar.closed_ms, price, CloseReason.TAKE_PROFIT, ambiguous=False)
        return finished, [*reached, close]
    if target.no == rules.break_even_after_target and (_entry_of(track) - track.stop) * sign > 0:
        track = replace(track, stop=_entry_of(track))
        reached.append(StopMoved(bar.closed_ms, track.stop))
    return track, reached


def _stop_out(
    track: Track, bar: Bar, price: float, rules: FollowRules, before: tuple[Happening, ...], *, ambiguous: bool
) -> tuple[Track, tuple[Happening, ...]]:
    reached = [h.price for h in before if isinstance(h, TargetReached)]
    track = _with_excursion(track, max([price, *reached]), min([price, *reached]))
    closed, close = _close(
        track,
        bar.closed_ms,
        _slipped(price, track.plan.direction, rules, leaving=True),
        track.stop_reason,
        ambiguous=ambiguous,
    )
    return closed, (*before, close)


def _timed_close(
    track: Track, bar: Bar, rules: FollowRules, before: tuple[Happening, ...]
) -> tuple[Track, tuple[Happening, ...]]:
    due = _close_due(track, rules)
    if due is None or bar.closed_ms < due[0]:
        return track, before
    price = _slipped(bar.close, track.plan.direction, rules, leaving=True)
    closed, close = _close(track, bar.closed_ms, price, due[1], ambiguous=False)
    return closed, (*before, close)


def _close(track: Track, at_ms: int, price: float, reason: CloseReason, *, ambiguous: bool) -> tuple[Track, Closed]:
    share = track.open_ratio if track.open_ratio > SHARE_EPSILON else 0.0
    done = replace(track, phase=Phase.DONE, settled_ms=at_ms, mark=price)
    return done, Closed(at_ms, price, share, reason, ambiguous)


def _done(track: Track, at_ms: int) -> Track:
    return replace(track, phase=Phase.DONE, settled_ms=at_ms)


def _slipped(price: float, direction: Direction, rules: FollowRules, *, leaving: bool) -> float:
    against = -direction.sign if leaving else direction.sign
    return price * (1.0 + against * rules.slippage_ratio)


def _with_excursion(track: Track, high: float, low: float) -> Track:
    """The track with its best and worst excursion (in R, both >= 0) widened by a range of prices."""
    entry = _entry_of(track)
    up, down = (high - entry) / track.plan.risk, (entry - low) / track.plan.risk
    best, worst = (up, down) if track.plan.direction is Direction.LONG else (down, up)
    return replace(track, mfe_r=max(track.mfe_r, best), mae_r=max(track.mae_r, worst))


def _entry_of(track: Track) -> float:
    assert track.entry_price is not None, "an open position has an entry price"
    return track.entry_price


def _levels_watched(track: Track) -> tuple[float, float]:
    """The adverse and the favourable price whose touch may make something happen."""
    if track.phase is Phase.WAITING:
        return track.plan.entry, track.plan.targets[0].price
    return track.stop, track.next_target.price


def _deadline_index(track: Track, candles: Candles, start: int, stop: int, rules: FollowRules) -> int:
    """Index of the first candle that meets the expiry of a waiting plan or the timed close of an open position."""
    if track.phase is Phase.WAITING:
        return max(start, int(np.searchsorted(candles.open_ms[:stop], track.plan.valid_until_ms, side="left")))
    due = _close_due(track, rules)
    if due is None:
        return stop
    return max(start, int(np.searchsorted(candles.open_ms[:stop], due[0] - candles.timeframe.ms, side="left")))


def _close_due(track: Track, rules: FollowRules) -> tuple[int, CloseReason] | None:
    """When and why the clock closes this position: the earlier of end of day and time limit; None = never."""
    assert track.opened_ms is not None
    dues: list[tuple[int, CloseReason]] = []
    if rules.end_of_day is not None:
        dues.append((_end_of_day_ms(track.opened_ms, rules.end_of_day, rules.end_of_day_zone), CloseReason.EOD_CLOSE))
    if rules.max_hold_ms is not None:
        dues.append((track.opened_ms + rules.max_hold_ms, CloseReason.TIME_LIMIT))
    return min(dues, key=lambda due: due[0], default=None)


def _end_of_day_ms(opened_ms: int, at: time, zone: str) -> int:
    """The first end of day strictly after `opened_ms`, by the wall clock of `zone` (DST is the zone's business)."""
    here = datetime.fromtimestamp(opened_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    due = datetime.combine(here.date(), at, ZoneInfo(zone))
    if due.timestamp() * 1000 <= opened_ms:
        due = datetime.combine(here.date() + timedelta(days=1), at, ZoneInfo(zone))
    return int(due.timestamp() * 1000)
