"""Protections: which locks hold at an instant, from the book as it stood then; lifting them, and telling of them once.

A lock is worked out anew at every decided instant and kept nowhere: its causes are in the book. What is kept is which
locks the chats were told of, so that each is announced when it begins and when it ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.params import Params
from engine.protections import Lifted, Lock, LockKey, LockKind, locks_at, lookback_ms
from engine.timeframes import DAY_MS
from engine.vocabulary import PortfolioKind
from services.announce import Announcements
from services.blackouts import Blackout, added
from services.pause import pauses, resume
from storage.codec import Json, decoded, encoded
from storage.events import EventType
from storage.outbox import OutboxItem
from storage.stores import Stores

LIFTED = "lifted"
TOLD_KEY = "locks.told"
LOCKING_GATES = frozenset({LockKind.BLACKOUT, LockKind.DAILY_CAP})
"""Locks that have a gate of their own; all others are the gate `protections`."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The locks of one instant, and since when sent signals count towards the daily cap (epoch ms, exclusive)."""

    locks: tuple[Lock, ...]
    cap_counts_after_ms: int

    def protections_in(self, symbol: str) -> tuple[Lock, ...]:
        """What the gate `protections` meets in a symbol."""
        return tuple(lock for lock in self.locks if lock.kind not in LOCKING_GATES and lock.covers(symbol))

    def blackout_in(self, symbol: str) -> str | None:
        """What the gate `blackout` meets in a symbol."""
        held = (lock.value for lock in self.locks if lock.kind is LockKind.BLACKOUT and lock.covers(symbol))
        return next(held, None)


def guard_at(stores: Stores, at_ms: int, params: Params, blackouts: Iterable[Blackout] = ()) -> Guard:
    """The locks that hold at `at_ms`, given the blackouts that stand in no book."""
    lifted = _lifted(stores, at_ms)
    shadow = stores.portfolios.of_kind(PortfolioKind.SHADOW)
    protections = params.protections
    ends = stores.positions.ends_of_sent(shadow.id, at_ms - lookback_ms(protections))
    by_people = (
        Lock(LockKind.PAUSE, pause.symbol, pause.since_ms, pause.until_ms, pause.reason, "running")
        for pause in pauses(stores, at_ms)
    )
    dated = (
        lock
        for blackout in (*blackouts, *added(stores))
        if blackout.holds(at_ms)
        for lock in _blackout_locks(blackout)
        if lock.since_ms > lifted.get(lock.key, 0)
    )
    found = (*by_people, *locks_at(ends, protections, at_ms, lifted), *_last_of_each(dated))
    return Guard(found, lifted.get((LockKind.DAILY_CAP, None), 0))


def locks(stores: Stores, at_ms: int, params: Params, blackouts: Iterable[Blackout] = ()) -> tuple[Lock, ...]:
    """Everything that keeps signals from being sent at `at_ms`: pauses first, then protections, blackouts, the cap."""
    guard = guard_at(stores, at_ms, params, blackouts)
    cap, since_ms = params.gates.daily_cap, max(at_ms - DAY_MS, guard.cap_counts_after_ms)
    sent = [known.created_ms for known in stores.signals.recent_sent(since_ms) if known.created_ms > since_ms]
    if len(sent) < max(cap, 1):
        return guard.locks
    full = Lock(LockKind.DAILY_CAP, None, max(sent), sent[-cap] + DAY_MS, f"{len(sent)} in 24 h", str(cap))
    return (*guard.locks, full)


def unlock(tx: Stores, kind: LockKind, symbol: str | None, by: str, at_ms: int) -> None:
    """Lift a lock until its next cause; a pause is resumed."""
    if kind is LockKind.PAUSE:
        resume(tx, by, at_ms, symbol)
        return
    tx.settings.set(_lifted_key(kind, symbol), at_ms, by, at_ms)
    tx.events.add(EventType.UNLOCKED, at_ms, symbol=symbol, actor=by, message=kind.value)


def tell(
    tx: Stores, at_ms: int, params: Params, announcements: Announcements, blackouts: Iterable[Blackout] = ()
) -> None:
    """Announce what has begun and what has ended since the last decided instant, each once."""
    held = {lock.key: lock for lock in locks(tx, at_ms, params, blackouts)}
    told = {lock.key: lock for lock in _told(tx)}
    if held.keys() == told.keys():
        return
    for key, lock in told.items():
        if key not in held:
            _tell(tx, lock, EventType.LOCK_ENDED, at_ms, announcements)
    for key, lock in held.items():
        if key not in told:
            _tell(tx, lock, EventType.LOCK_BEGAN, at_ms, announcements)
    rows: list[Json] = [_to_json(told.get(key, lock)) for key, lock in held.items()]
    tx.meta.set(TOLD_KEY, encoded(rows))


def lock_told(item: OutboxItem) -> tuple[Lock, bool]:
    """The lock that a message of kind incident is about, and whether it says that it has begun."""
    return lock_in(item.payload), bool(item.payload["began"])


def lock_in(row: Mapping[str, Any]) -> Lock:
    """The lock in what a message or an event of it carries."""
    return Lock(
        LockKind(row["lock"]), row["symbol"], row["since_ms"], row["until_ms"], str(row["value"]), str(row["limit"])
    )


def _tell(tx: Stores, lock: Lock, type: EventType, at_ms: int, announcements: Announcements) -> None:
    began = type is EventType.LOCK_BEGAN
    key = f"{lock.kind.value}:{lock.symbol or 'all'}:{lock.since_ms}:{'began' if began else 'ended'}"
    message = f"{lock.kind.value} {lock.value}, limit {lock.limit}"
    facts = _to_json(lock)
    tx.events.add(type, at_ms, symbol=lock.symbol, message=message, decision_context=facts, idem_key=f"lock:{key}")
    announcements.incident(tx, key, at_ms, {**facts, "began": began}, lock.symbol)


def _told(stores: Stores) -> tuple[Lock, ...]:
    return tuple(lock_in(row) for row in decoded(stores.meta.get(TOLD_KEY) or "[]"))


def _to_json(lock: Lock) -> dict[str, Json]:
    return {
        "lock": lock.kind.value,
        "symbol": lock.symbol,
        "since_ms": lock.since_ms,
        "until_ms": lock.until_ms,
        "value": lock.value,
        "limit": lock.limit,
    }


def _blackout_locks(blackout: Blackout) -> tuple[Lock, ...]:
    """One lock for each symbol it names, or one for all."""
    symbols: tuple[str | None, ...] = blackout.symbols or (None,)
    return tuple(
        Lock(LockKind.BLACKOUT, symbol, blackout.since_ms, blackout.until_ms, blackout.event, "none")
        for symbol in symbols
    )


def _last_of_each(found: Iterable[Lock]) -> tuple[Lock, ...]:
    """Of locks of one kind and symbol the one that holds longest."""
    held: dict[LockKey, Lock] = {}
    for lock in found:
        known = held.get(lock.key)
        if known is None or (known.until_ms or 0) < (lock.until_ms or 0):
            held[lock.key] = lock
    return tuple(held.values())


def _lifted(stores: Stores, at_ms: int) -> Lifted:
    """When locks were lifted, as far as that lies before the instant: a decision made late is the one made in time."""
    return {
        _key_of(setting.key): setting.updated_ms
        for setting in stores.settings.all()
        if setting.key.startswith(f"{LIFTED}.") and setting.updated_ms <= at_ms
    }


def _lifted_key(kind: LockKind, symbol: str | None) -> str:
    return f"{LIFTED}.{kind.value}.{symbol or ''}"


def _key_of(setting: str) -> LockKey:
    _, kind, symbol = setting.split(".", 2)
    return LockKind(kind), symbol or None
