"""Pausing and resuming: while paused, signals are decided and kept but none is sent."""

from storage.events import EventType
from storage.stores import Stores

PAUSED = "paused"
NO_REASON = "by hand"


def paused_reason(stores: Stores) -> str | None:
    """Why the bot is paused; None while it runs."""
    setting = stores.settings.get(PAUSED)
    return None if setting is None else str(setting.value)


def pause(tx: Stores, reason: str, by: str, at_ms: int) -> None:
    """Stop sending signals; pausing again gives a new reason."""
    tx.settings.set(PAUSED, reason or NO_REASON, by, at_ms)
    tx.events.add(EventType.PAUSED, at_ms, actor=by, message=reason or NO_REASON)


def resume(tx: Stores, by: str, at_ms: int) -> bool:
    """Send signals again; False when nothing was paused."""
    if paused_reason(tx) is None:
        return False
    tx.settings.remove(PAUSED)
    tx.events.add(EventType.RESUMED, at_ms, actor=by)
    return True
