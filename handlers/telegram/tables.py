"""Monospace tables that a phone shows without wrapping: wider than 34 columns they cannot be made."""

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from handlers.telegram.catalogue import Markup, escaped, text

WIDEST = 34
CUT = "…"
MOST_DIGITS = 7
FEWEST_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """`key` of the catalogue heads it ("" for none); `width` in columns of a fixed-width font."""

    key: str
    width: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with one space between them; ValueError when they do not fit a phone."""

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        width = sum(column.width for column in self.columns) + len(self.columns) - 1
        if width > WIDEST:
            raise ValueError(f"a table is at most {WIDEST} columns wide, not {width}")

    def html(self, language: str, rows: Iterable[Sequence[str]]) -> Markup:
        """The head and the rows, each cell cut to its column."""
        head = [text(language, column.key) if column.key else "" for column in self.columns]
        lines = (self._line(cells) for cells in (head, *rows))
        return Markup("<pre>" + "\n".join(html.escape(line, quote=False) for line in lines) + "</pre>")

    def _line(self, cells: Sequence[str]) -> str:
        fitted = (fit(html.unescape(escaped(cell)), column) for cell, column in zip(cells, self.columns, strict=True))
        return " ".join(fitted).rstrip()


def fit(cell: str, column: Column) -> str:
    """`cell` cut or filled to exactly the column's width."""
    shown, used = "", 0
    for character in cell:
        wide = width_of(character)
        if used + wide > column.width:
            shown, used = _cut(shown, column.width)
            break
        shown, used = shown + character, used + wide
    gap = " " * (column.width - used)
    return gap + shown if column.right else shown + gap


def width_of(character: str) -> int:
    """How many columns a character takes: none, one or two."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def short_price(value: float, width: int) -> str:
    """A price in plain decimals with as many digits as fit into `width`; never an exponent."""
    shown = ""
    for digits in range(MOST_DIGITS, FEWEST_DIGITS - 1, -1):
        shown = format(Decimal(f"{value:.{digits}g}"), "f")
        if len(shown) <= width:
            break
    return shown


def _cut(shown: str, width: int) -> tuple[str, int]:
    used = sum(map(width_of, shown))
    while shown and used + 1 > width:
        used -= width_of(shown[-1])
        shown = shown[:-1]
    return shown + CUT, used + 1
