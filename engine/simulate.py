"""One plan followed alone from its first candle to its end, with the result in R after costs; no book, no account."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.candles import Candles
from engine.follow import (
    Closed,
    Entered,
    FollowRules,
    Happening,
    Phase,
    Plan,
    TargetReached,
    Track,
    bar_of,
    next_touch,
    step,
)
from engine.vocabulary import CloseReason


@dataclass(frozen=True, slots=True)
class Result:
    """A plan that was filled and closed; `r_multiple` is net of fees and slippage."""

    opened_ms: int
    closed_ms: int
    reason: CloseReason
    r_multiple: float
    cost_r: float
    ambiguous: bool


def simulate(plan: Plan, candles: Candles, start: int, rules: FollowRules, fee_ratio: float) -> Result | None:
    """The result of `plan` on the candles from index `start` on; None when it never filled or did not end in them."""
    track, told, at = Track.waiting(plan), list[Happening](), start
    while track.phase is not Phase.DONE and at < len(candles):
        at = next_touch(track, candles, at, len(candles), rules)
        if at == len(candles):
            return None
        track, happenings = step(track, bar_of(candles, at), rules)
        told += happenings
        at += 1
    if track.phase is not Phase.DONE or track.entry_price is None:
        return None
    return _result(plan, told, fee_ratio)


def net_r(plan: Plan, entry_price: float, exits: Sequence[tuple[float, float]], fee_ratio: float) -> float:
    """R net of fees of a whole plan that was filled at `entry_price` and left in `exits`, each (share, price)."""
    gross = sum(share * (price - entry_price) for share, price in exits) * plan.direction.sign
    return (gross - _fees(entry_price, exits, fee_ratio)) / plan.risk


def _fees(entry_price: float, exits: Sequence[tuple[float, float]], fee_ratio: float) -> float:
    return fee_ratio * (entry_price + sum(share * price for share, price in exits))


def _result(plan: Plan, told: list[Happening], fee_ratio: float) -> Result:
    [entered] = [h for h in told if isinstance(h, Entered)]
    exits = [(h.share_ratio, h.price) for h in told if isinstance(h, TargetReached | Closed)]
    [closed] = [h for h in told if isinstance(h, Closed)]
    return Result(
        opened_ms=entered.at_ms,
        closed_ms=closed.at_ms,
        reason=closed.reason,
        r_multiple=net_r(plan, entered.price, exits, fee_ratio),
        cost_r=_fees(entered.price, exits, fee_ratio) / plan.risk,
        ambiguous=any(h.ambiguous for h in told if isinstance(h, Entered | Closed)),
    )
