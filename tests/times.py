"""Instants as tests write them."""

from datetime import UTC, datetime


def ms(text: str) -> int:
    """Epoch milliseconds of an ISO time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
