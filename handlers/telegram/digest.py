"""The morning's digest in words: yesterday, and the whole head of the record."""

from typing import Any

from handlers.telegram.catalogue import Markup, joined, text
from services.public_record import Ending
from storage.outbox import OutboxItem


def digest_text(item: OutboxItem, language: str) -> Markup:
    """A message of kind digest."""
    facts: dict[str, Any] = dict(item.payload)

    def count(*endings: Ending) -> int:
        return sum(facts[ending.name.lower()] for ending in endings)

    won, half = count(Ending.WIN), count(Ending.TARGET_1_THEN_BREAK_EVEN)
    even, lost = count(Ending.BREAK_EVEN), count(Ending.LOSS)
    total = f"{facts['total_r']:+.2f}"
    lines = [
        text(language, "digest.head", day=facts["day"]),
        text(language, "digest.day", sent=facts["sent"], filled=facts["filled"], missed=facts["missed"]),
        text(
            language,
            "digest.ended",
            won=won,
            half=half,
            even=even,
            lost=lost,
            unfilled=count(Ending.EXPIRED, Ending.CANCELLED),
        ),
        text(language, "digest.total", total=total) if won + half + even + lost else text(language, "digest.quiet"),
        "",
        text(language, "digest.chain", count=facts["publications"], head=facts["head"]),
    ]
    return joined(lines)
