"""Pausing and resuming, everything or one symbol: while paused, signals are decided and kept but none is sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.events import EventType
from storage.settings import Setting
from storage.stores import Stores

PAUSED = "paused"
NO_REASON = "by hand"


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent in `symbol` (None = in any) until `until_ms` (None = until somebody resumes)."""

    symbol: str | None
    reason: str
    since_ms: int
    until_ms: int | None
    by: str

    def holds(self, at_ms: int) -> bool:
        return self.until_ms is None or at_ms < self.until_ms


def pauses(stores: Stores, at_ms: int) -> tuple[Pause, ...]:
    """The pauses that hold at `at_ms`, that of everything first."""
    settings = (setting for setting in stores.settings.all() if _is_pause(setting.key))
    return tuple(found for setting in settings if (found := _pause(setting)).holds(at_ms))


def paused_reason(stores: Stores, at_ms: int | None = None) -> str | None:
    """Why the whole bot is paused, at `at_ms` if given; None while it runs."""
    setting = stores.settings.get(PAUSED)
    if setting is None:
        return None
    found = _pause(setting)
    return found.reason if at_ms is None or found.holds(at_ms) else None


def pause(
    tx: Stores, reason: str, by: str, at_ms: int, *, symbol: str | None = None, until_ms: int | None = None
) -> None:
    """Stop sending signals, of `symbol` or of all; pausing again gives a new reason and a new end."""
    why = reason or NO_REASON
    tx.settings.set(_key(symbol), {"reason": why, "until_ms": until_ms}, by, at_ms)
    tx.events.add(EventType.PAUSED, at_ms, symbol=symbol, actor=by, message=why)


def resume(tx: Stores, by: str, at_ms: int, symbol: str | None = None) -> bool:
    """Send signals again, of `symbol` or of all but the symbols paused by name; False when that was not paused."""
    if tx.settings.get(_key(symbol)) is None:
        return False
    tx.settings.remove(_key(symbol))
    tx.events.add(EventType.RESUMED, at_ms, symbol=symbol, actor=by)
    return True


def _key(symbol: str | None) -> str:
    return PAUSED if symbol is None else f"{PAUSED}.{symbol}"


def _is_pause(key: str) -> bool:
    return key == PAUSED or key.startswith(f"{PAUSED}.")


def _pause(setting: Setting) -> Pause:
    symbol = setting.key.removeprefix(PAUSED).removeprefix(".") or None
    if not isinstance(setting.value, Mapping):  # as it was written before pauses had an end
        return Pause(symbol, str(setting.value), setting.updated_ms, None, setting.updated_by)
    until_ms = setting.value["until_ms"]
    assert until_ms is None or isinstance(until_ms, int)
    return Pause(symbol, str(setting.value["reason"]), setting.updated_ms, until_ms, setting.updated_by)
