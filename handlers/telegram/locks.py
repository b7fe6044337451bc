"""Locks in words: what keeps signals from being sent, for /locks and for the messages that tell of it."""

from collections.abc import Callable

from engine.protections import Lock
from handlers.telegram.catalogue import Markup, text
from services.protections import lock_told
from storage.outbox import OutboxItem

ClockText = Callable[[int], str]
"""Writes an instant, epoch ms, for people."""


def lock_line(lock: Lock, language: str, clock: ClockText) -> Markup:
    """One lock: where, why, until when."""
    scope, why = _scope(lock, language), _why(lock, language)
    if lock.until_ms is None:
        return text(language, "lock.line_open", scope=scope, why=why)
    return text(language, "lock.line", scope=scope, why=why, until=clock(lock.until_ms))


def incident_text(item: OutboxItem, language: str, clock: ClockText) -> Markup:
    """A message of kind incident: a lock has begun, or is over."""
    lock, began = lock_told(item)
    if began:
        return text(language, "lock.began", line=lock_line(lock, language, clock))
    return text(language, "lock.ended", scope=_scope(lock, language), why=_why(lock, language))


def _scope(lock: Lock, language: str) -> str:
    return text(language, "lock.everything") if lock.symbol is None else f"#{lock.symbol}"


def _why(lock: Lock, language: str) -> Markup:
    return text(language, f"lock.{lock.kind.value}", value=lock.value, limit=lock.limit)
