"""Numbers, prices and instants as every text writes them, in every language: point for decimals, ISO dates, 24 hours."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from handlers.telegram.catalogue import ENGLISH, Markup, escaped, text
from services.split import plain, units

MS_PER_SECOND = 1000
PRICE_DIGITS = 10
"""More than any exchange's tick needs, fewer than binary noise shows."""
ELLIPSIS = "…"

ClockText = Callable[[int], str]
"""Writes an instant, epoch ms, for people."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a chat is spoken to: its language, and the zone whose clock hangs on its wall."""

    language: str = ENGLISH
    zone: str = "UTC"

    def say(self, key: str, /, **values: str | int) -> Markup:
        """A text of the catalogue in the chat's language."""
        return text(self.language, key, **values)

    def clock(self, ms: int) -> str:
        """An instant as `clock_of` the chat's zone writes it."""
        return clock_of(self.zone)(ms)


def clock_of(zone: str) -> ClockText:
    """Writes an instant as people of `zone` read it, with UTC beside it where that differs."""
    here = ZoneInfo(zone)

    def clock(ms: int) -> str:
        at = datetime.fromtimestamp(ms / MS_PER_SECOND, UTC)
        local = at.astimezone(here)
        if zone == "UTC":
            return f"{at:%Y-%m-%d %H:%M} UTC"
        utc = f"{at:%H:%M}" if at.date() == local.date() else f"{at:%Y-%m-%d %H:%M}"
        return f"{local:%Y-%m-%d %H:%M} {local.tzname()} ({utc} UTC)"

    return clock


def signal_name(signal_id: int) -> str:
    """How people call a signal."""
    return f"S-{signal_id}"


def price(value: float, decimals: int = 0) -> str:
    """A price in plain decimals: no exponent, no thousands separator, at least `decimals` digits behind the point."""
    shown = _plain_decimal(f"{value:.{PRICE_DIGITS}g}")
    missing = decimals - decimals_of(shown)
    return shown if missing <= 0 else f"{shown}{'' if '.' in shown else '.'}{'0' * missing}"


def decimals_of(shown: str) -> int:
    """How many digits a written price has behind its point."""
    return len(shown.partition(".")[2])


def exact(value: float) -> str:
    """A price in the shortest plain decimals that are read back as exactly this float."""
    return _plain_decimal(repr(value))


def in_r(value: float) -> str:
    """Multiples of the initial risk, signed."""
    return f"{value:+.2f}R"


def percent(value: float) -> str:
    """Percent (2.0 = 2 %), signed."""
    return f"{value:+.2f} %"


def share(ratio: float) -> str:
    """A part of a position, 0..1, in percent."""
    return f"{ratio:.0%}"


def cut(value: str, most: int) -> str:
    """`value` in at most `most` UTF-16 units, with a mark where something is missing; no character is cut in two."""
    if units(value) <= most:
        return value
    kept, room = "", most - units(ELLIPSIS)
    for character in value:
        room -= units(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def cut_markup(words: Markup, most: int) -> Markup:
    """The same for HTML without tags, cut as it is read: `&lt;` is one character."""
    return escaped(cut(plain(words), most))


def _plain_decimal(number: str) -> str:
    shown = format(Decimal(number), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
