"""A stretch of time, as questions about it are asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time [from_ms, to_ms), epoch milliseconds UTC."""

    from_ms: int
    to_ms: int
