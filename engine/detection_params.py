"""The parameters of detection: names and defaults of the published conformance cases, checked where they are born."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.timeframes import MINUTE_MS

NEW_YORK = "America/New_York"
UTC = "UTC"

_CHOICES = {
    "break_on": ("close", "wick"),
    "ob_school": ("last_opposite", "luxalgo", "smc"),
    "ob_zone": ("range", "body"),
    "swing_model": ("fractal", "luxalgo_leg"),
    "dup_policy": ("keep_last",),
}
_AT_LEAST_ONE = ("swing_left", "swing_right", "internal_left", "internal_right", "disp_n", "swing_size", "timeframe_s")
_NOT_NEGATIVE = ("disp_k", "disp_body_frac", "fvg_min_gap", "eq_tol", "eq_tol_atr", "sweep_reclaim")


@dataclass(frozen=True, slots=True)
class DetectionParams:
    """What the schools of the method disagree about; every detection reads these and nothing else."""

    swing_left: int = 2
    """Bars before a swing that must lie strictly inside it."""
    swing_right: int = 2
    """Bars after a swing that must not exceed it: the delay with which it becomes known."""
    internal_left: int = 1
    internal_right: int = 1
    break_on: str = "close"
    """close | wick: the price that has to pass a swing to break structure."""
    disp_n: int = 5
    """Bars before a displacement whose mean true range is its yardstick."""
    disp_k: float = 2.0
    """Multiples of that mean true range its body must reach."""
    disp_body_frac: float = 0.6
    """Share of its range its body must fill."""
    fvg_min_gap: float = 0.0
    """Smallest gap in price units."""
    fvg_color_filter: bool = False
    """Only gaps whose middle candle closes in their direction."""
    ob_school: str = "last_opposite"
    """last_opposite | luxalgo | smc."""
    ob_zone: str = "range"
    """range | body of the block's candle."""
    eq_tol: float = 0.1
    """Largest distance of equal highs or lows, in price units."""
    eq_tol_atr: float = 0.0
    """Added to `eq_tol`: multiples of the mean true range known at the bar that confirms the second swing."""
    sweep_reclaim: int = 0
    """Bars after a run within which a close back makes a turtle soup; 0 = off."""
    swing_model: str = "fractal"
    """fractal | luxalgo_leg."""
    swing_size: int = 2
    """Leg size of swing_model luxalgo_leg."""
    tz: str = NEW_YORK
    """Zone in which the trading day rolls; UTC for a market that never closes. Session windows are New York's always."""
    day_roll: str = "17:00"
    """Local time at which a trading day begins; crypto uses tz UTC and 00:00."""
    timeframe_s: int = 900
    """Seconds a bar lasts, for input that does not say."""
    dup_policy: str = "keep_last"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {getattr(self, name)!r}")
        for field in fields(self):
            _refuse_wrong_type(field.name, getattr(self, field.name), field.default)
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, not {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is finite and not negative, has {getattr(self, name)}")
        object.__setattr__(self, "day_roll", _clock_time(self.day_roll))
        _refuse_unknown_zone(self.tz)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Self:
        """The parameters with those of `mapping` in place of defaults; ValueError suggests the nearest known name."""
        known = {field.name for field in fields(cls)}
        for name in mapping:
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"{name} is not a detection parameter{hint}")
        return cls(**mapping)  # type: ignore[arg-type]  # __post_init__ checks every value's type

    @property
    def roll_minutes(self) -> int:
        """Minutes after local midnight at which a trading day begins."""
        hours, minutes = self.day_roll.split(":")
        return int(hours) * 60 + int(minutes)

    @property
    def never_closes(self) -> bool:
        """A market without a daily pause (its day rolls in UTC) has no opening gaps."""
        return self.tz == UTC

    @property
    def timeframe_ms(self) -> int:
        """Milliseconds a bar lasts, for input that does not say."""
        return self.timeframe_s * (MINUTE_MS // 60)


def _refuse_wrong_type(name: str, value: object, default: object) -> None:
    wanted = type(default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"{name} is of type {wanted.__name__}, not {value!r}")


def _refuse_unknown_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"tz is a zone such as {NEW_YORK} or {UTC}, not {name!r}") from error


def _clock_time(text: str) -> str:
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60:
        return f"{int(hours):02}:{int(minutes):02}"
    raise ValueError(f"day_roll is a clock time such as 17:00, not {text!r}")
