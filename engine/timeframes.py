"""Timeframes: one word for each bar length, whichever way it is spelled."""

import re
from enum import Enum
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Ms = TypeVar("Ms", int, NDArray[np.int64])

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAYS_A_WEEK = 7
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS  # 1970-01-05 00:00 UTC: weeks start on Mondays, the epoch was a Thursday

_UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}
_SPELLING = re.compile(r"\s*(\d{1,5})\s*([a-z]+)\s*", re.IGNORECASE)
_UNIT_OF_WORD = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
}


class Timeframe(Enum):
    """The length of a bar; the value is its one written form."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H3 = "3h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D3 = "3d"
    W1 = "1w"

    ms: int
    """Duration in milliseconds."""

    def __init__(self, text: str) -> None:
        self.ms = int(text[:-1]) * _UNIT_MS[text[-1]]

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The written form used everywhere, e.g. `15m`."""
        return str(self.value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The timeframe meant by `text`: '1D', '24h' and '1d' are one; a ValueError lists what is known."""
        spelled = _SPELLING.fullmatch(text)
        if spelled is None or text.strip() == "1M":  # "1M" is a month in every exchange's spelling, never a minute
            raise ValueError(f"'{text}' is not a timeframe; known are {_known()}")
        unit = _UNIT_OF_WORD.get(spelled[2].lower())
        if unit is None:
            raise ValueError(f"'{text}' is not a timeframe; known are {_known()}")
        return cls.of_ms(int(spelled[1]) * _UNIT_MS[unit])

    @classmethod
    def of_ms(cls, duration_ms: int) -> Self:
        """The timeframe whose bars last `duration_ms`; a ValueError lists what is known."""
        for timeframe in cls:
            if timeframe.ms == duration_ms:
                return timeframe
        raise ValueError(f"No timeframe lasts {duration_ms / MINUTE_MS:g} minutes; known are {_known()}")

    def floor(self, open_ms: Ms) -> Ms:
        """Start of the bar of this timeframe that holds `open_ms` (an instant or an array, epoch ms UTC)."""
        origin_ms = FIRST_MONDAY_MS if self is Timeframe.W1 else 0
        return (open_ms - origin_ms) // self.ms * self.ms + origin_ms


def context_of(timeframe: Timeframe) -> Timeframe | None:
    """The higher timeframe that gives `timeframe` its context in a stack; None where there is none."""
    return _CONTEXT.get(timeframe)


def duration_text(ms: int) -> str:
    """A span of time in its two largest units."""
    days, rest = divmod(ms, DAY_MS)
    hours, rest = divmod(rest, HOUR_MS)
    if days:
        return f"{days} d {hours} h"
    minutes = rest // MINUTE_MS
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


_CONTEXT = {
    Timeframe.M1: Timeframe.M15,
    Timeframe.M3: Timeframe.M30,
    Timeframe.M5: Timeframe.H1,
    Timeframe.M15: Timeframe.H1,
    Timeframe.M30: Timeframe.H4,
    Timeframe.H1: Timeframe.H4,
    Timeframe.H2: Timeframe.D1,
    Timeframe.H3: Timeframe.D1,
    Timeframe.H4: Timeframe.D1,
    Timeframe.H6: Timeframe.D3,
    Timeframe.H8: Timeframe.D3,
    Timeframe.H12: Timeframe.W1,
    Timeframe.D1: Timeframe.W1,
}


def _known() -> str:
    return ", ".join(timeframe.text for timeframe in Timeframe)


def weekday(ms: int) -> int:
    """The day of the week of an instant, UTC: 0 = Monday."""
    return (ms // DAY_MS + EPOCH_WEEKDAY) % DAYS_A_WEEK
