"""A position that passed checkpoints is looked at again: rows, an event, and advice to those who handle positions.

Nothing is acted on here. The advice goes to the private chats of owners, admins and operators, with the numbers it
rests on; the channel hears of it only where that is switched on. Without users (replay) nobody is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.checkpoints import Held, Reanalysis, Recommendation, advice, reanalyse
from engine.decide import Readings
from engine.follow import Track
from engine.params import Params
from engine.simulate import net_r
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected
from services.announce import Announcements, MessageKind, about
from services.booking import Followed
from storage.chats import ChatKind
from storage.checkpoints import Action, Checkpoint
from storage.codec import Json
from storage.events import EventType
from storage.stores import Stores
from storage.users import Role

NOT_JUDGED = "not_judged"
"""The rule behind an advice to hold where the chart could not be read."""

ReadingsAt = Callable[[Stores, str, Timeframe, int], Readings | Rejected]
"""What a look at a symbol and timeframe sees at the closes known at an instant; why nothing, where it may not decide."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a re-analysis answers at a level; `found` is None where the chart could not be read, `reason` says why."""

    level: int
    recommendation: Recommendation
    rule: str
    found: Reanalysis | None
    reason: str | None = None

    @property
    def better_stop(self) -> float | None:
        return None if self.found is None else self.found.better_stop


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """How a run looks again, and whether its channel hears of it."""

    readings_at: ReadingsAt
    to_channel: bool = False

    def look(
        self,
        stores: Stores,
        followed: Followed,
        levels: Sequence[int],
        known_ms: int,
        at_ms: int,
        params: Params,
        announcements: Announcements,
    ) -> Advice:
        """Advise on a position that passed `levels` in the candle closed at `at_ms`, on closes known at `known_ms`.

        The last level is judged; those passed in the same candle get its row and are told with it.
        """
        held = _held(followed, levels[-1])
        given = self._advice(stores, held, known_ms, params)
        assert followed.position_id is not None
        for level in levels:
            skipped = Action.SKIPPED if level != given.level else None
            stores.checkpoints.add(_row(followed.position_id, level, at_ms, held, given, skipped))
        facts = _facts(followed, levels, held, given, params)
        stores.events.add(
            EventType.CHECKPOINT,
            at_ms,
            signal_id=followed.stored.id,
            position_id=followed.position_id,
            portfolio_id=followed.portfolio.id,
            symbol=followed.symbol,
            message=f"{given.level} %: {given.recommendation.value} ({given.rule})",
            decision_context=facts,
            idem_key=_key(followed.position_id, given.level),
        )
        self._tell(stores, followed, given, at_ms, facts, announcements)
        return given

    def _advice(self, stores: Stores, held: Held, known_ms: int, params: Params) -> Advice:
        signal = held.signal
        readings = self.readings_at(stores, signal.symbol, signal.timeframe, known_ms)
        if isinstance(readings, Rejected):
            return Advice(held.level, Recommendation.HOLD, NOT_JUDGED, None, readings.reason)
        found = reanalyse(held, readings, params)
        rule = advice(found, params.checkpoints)
        return Advice(held.level, rule.recommendation, rule.name, found)

    def _tell(
        self,
        stores: Stores,
        followed: Followed,
        given: Advice,
        at_ms: int,
        facts: Mapping[str, Json],
        announcements: Announcements,
    ) -> None:
        told = {**about(followed.symbol, followed.direction), **facts}
        announcements.advise(
            stores, _handlers(stores), followed.stored.id, f"{followed.position_id}:{given.level}", at_ms, told
        )
        if self.to_channel and followed.was_sent:
            announcements.update(stores, MessageKind.CHECKPOINT, followed.stored.id, at_ms, told, str(given.level))


def advised_stop(view: Stores, position_id: int, level: int) -> float:
    """Where a checkpoint said that the stop may go; LookupError where it named no place."""
    event = view.events.by_key(_key(position_id, level))
    facts = None if event is None else event.decision_context
    stop = facts.get("better_stop") if isinstance(facts, Mapping) else None
    if not isinstance(stop, int | float):
        raise LookupError(f"The checkpoint {level} % of position {position_id} named no stop.")
    return float(stop)


def r_if_closed(track: Track, price: float, params: Params) -> float:
    """R of the whole plan, net of fees, if what is open were closed now: targets hit at their prices, nothing by hand."""
    assert track.entry_price is not None
    hit = track.plan.targets[: track.targets_hit]
    exits = [(target.share_ratio, target.price) for target in hit]
    rest = 1.0 - sum(share for share, _ in exits)
    slipped = price * (1.0 - track.plan.direction.sign * params.follow.slippage_ratio)
    return net_r(track.plan, track.entry_price, [*exits, (rest, slipped)], params.costs.fee_ratio)


def _key(position_id: int, level: int) -> str:
    """The key of the event of a checkpoint."""
    return f"checkpoint:{position_id}:{level}"


def _held(followed: Followed, level: int) -> Held:
    track = followed.track
    assert track.entry_price is not None
    assert track.opened_ms is not None
    assert track.mark is not None
    return Held(followed.stored.signal, track.entry_price, track.opened_ms, track.stop, track.mark, level)


def _row(position_id: int, level: int, at_ms: int, held: Held, given: Advice, action: Action | None) -> Checkpoint:
    found = given.found
    return Checkpoint(
        position_id=position_id,
        level=level,
        at_ms=at_ms,
        price=held.price,
        confidence_now=None if found is None else found.confidence,
        confidence_delta=None if found is None else found.delta,
        htf_flipped=None if found is None else found.bias_flipped,
        structure_broken=None if found is None else found.structure_broken,
        rr_now=held.rr_left,
        recommendation=given.recommendation,
        reasons=(given.rule,) if given.reason is None else (given.rule, given.reason),
        action=action,
    )


def _facts(followed: Followed, levels: Sequence[int], held: Held, given: Advice, params: Params) -> dict[str, Json]:
    found = given.found
    return {
        "position_id": followed.position_id,
        "levels": list(levels),
        "recommendation": given.recommendation.value,
        "rule": given.rule,
        "reason": given.reason,
        "price": held.price,
        "stop": held.stop,
        "better_stop": given.better_stop,
        "confidence": None if found is None else found.confidence,
        "delta": None if found is None else found.delta,
        "rr_left": held.rr_left,
        "r_now": r_if_closed(followed.track, held.price, params),
    }


def _handlers(stores: Stores) -> tuple[int, ...]:
    """The private chats (ids of the book) of those who may handle positions."""
    users = stores.users.with_any_role((Role.OWNER, Role.ADMIN, Role.OPERATOR))
    chats = (stores.chats.ensure(user.telegram_id, ChatKind.PRIVATE) for user in users)
    return tuple(chat.id for chat in chats if chat.enabled)
