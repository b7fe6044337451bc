"""One foreign record, read field by field under its many names; what had to be mended is noted, the rest is refused."""

import math
import re
from collections.abc import Mapping, Sequence

from migrations.legacy.normal_form import Unusable
from migrations.legacy.times import Clock
from migrations.legacy.words import shown

LOWEST_PRICE = 1e-12
HIGHEST_PRICE = 1e9  # no pair ever traded outside these; what does is no price

_NUMBER_AS_TEXT = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?")


class Row:
    """A record's fields by alias; `repairs` collects what was mended while reading."""

    __slots__ = ("fields", "repairs")

    def __init__(self, fields: Mapping[str, object], repairs: list[str] | None = None) -> None:
        self.fields = fields
        self.repairs: list[str] = [] if repairs is None else repairs

    def has(self, names: Sequence[str]) -> bool:
        return self.first(names) is not None

    def first(self, names: Sequence[str]) -> object:
        """The first field of these that is there and not null; None when there is none."""
        fields = self.fields
        for name in names:
            value = fields.get(name)
            if value is not None:
                return value
        return None

    def word(self, names: Sequence[str]) -> str | None:
        """A text field; Unusable when it is there and no text."""
        fields = self.fields
        for name in names:
            value = fields.get(name)
            if value is not None:
                break
        else:
            return None
        if isinstance(value, str):
            return value
        raise Unusable(f"{names[0]} {shown(value)} is no text")

    def required_word(self, names: Sequence[str]) -> str:
        word = self.word(names)
        if word is None:
            raise Unusable(f"{names[0]} is missing")
        return word

    def number(self, names: Sequence[str]) -> float | None:
        """A finite number; None when there is none; text that is plainly a number is mended, all else is Unusable."""
        value = self.first(names)
        return None if value is None else self._number(value, names[0])

    def price(self, names: Sequence[str], label: str) -> float:
        """A positive price; Unusable when it is missing, zero or negative."""
        value = self.first(names)
        if value is None:
            raise Unusable(f"no {label} price")
        return self._price(value, label)

    def prices(self, names: Sequence[str], label: str) -> tuple[float, ...]:
        """A price or a list of prices, nulls left out; empty when there is none."""
        value = self.first(names)
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(self._price(item, label) for item in value if item is not None)
        return (self._price(value, label),)

    def instant(self, names: Sequence[str], clock: Clock) -> int:
        """Epoch microseconds; Unusable when missing or no time by the clock's rule."""
        value = self.first(names)
        if value is None:
            raise Unusable(f"{names[0]} is missing")
        return clock.read(value, names[0], self.repairs)

    def instant_if_any(self, names: Sequence[str], clock: Clock) -> int | None:
        value = self.first(names)
        return None if value is None else clock.read(value, names[0], self.repairs)

    def instant_until(self, names: Sequence[str], clock: Clock) -> int | None:
        """The end of a validity, which may lie in the future; None when there is none."""
        value = self.first(names)
        return None if value is None else clock.read_until(value, names[0], self.repairs)

    def inner(self, name: str) -> "Row | None":
        """A nested record, its repairs noted here."""
        value = self.fields.get(name)
        return Row(value, self.repairs) if isinstance(value, dict) else None

    def null_nonfinite(self, name: str) -> None:
        """Note NaN and Infinity inside a nested record of measurements; they count as not measured."""
        measured = self.fields.get(name)
        if not isinstance(measured, dict):
            return
        broken = [shown(key) for key, value in measured.items() if type(value) is float and not math.isfinite(value)]
        if broken:
            self.repairs.append(f"{name}: {', '.join(broken)} not finite, taken as not measured")

    def _price(self, value: object, label: str) -> float:
        if type(value) is float and LOWEST_PRICE <= value <= HIGHEST_PRICE:
            return value  # nearly all of them
        price = self._number(value, f"{label} price")
        if not LOWEST_PRICE <= price <= HIGHEST_PRICE:
            raise Unusable(f"impossible {label} price {price:g}")
        return price

    def _number(self, value: object, name: str) -> float:
        if type(value) is float and math.isfinite(value):
            return value
        if isinstance(value, str) and _NUMBER_AS_TEXT.fullmatch(value.strip()):
            self.repairs.append(f"{name} was written as text")
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unusable(f"{name} {shown(value)} is no number")
        try:
            number = float(value)
        except OverflowError:
            raise Unusable(f"{name} is too large a number") from None
        if not math.isfinite(number):
            raise Unusable(f"{name} is {number}: not a finite number")
        return number
