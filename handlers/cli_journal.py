"""`journal export`: the rows of the journal as CSV or JSON lines, in the words of the book."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import IO

from engine.vocabulary import PortfolioKind
from storage.journal import JournalFilter, JournalRow
from storage.stores import Stores

COLUMNS = tuple(field.name for field in fields(JournalRow))


class JournalError(ValueError):
    """An export that cannot be made; the message is one sentence."""


def book_named(name: str | None) -> PortfolioKind | None:
    """The portfolio kind of this name; None for all, JournalError for a name nobody knows."""
    if name is None:
        return None
    try:
        return PortfolioKind(name.lower())
    except ValueError as error:
        known = ", ".join(kind.value for kind in PortfolioKind)
        raise JournalError(f"--book {name}: known are {known}.") from error


@contextmanager
def opened(out: Path | None) -> Iterator[IO[str]]:
    """The file to write to, stdout for None; JournalError where it refuses."""
    if out is None:
        yield sys.stdout
        return
    try:
        file = out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise JournalError(f"{out} cannot be written: {error.strerror}.") from error
    with file:
        yield file


def export(view: Stores, out: IO[str], book: PortfolioKind | None, *, json_lines: bool) -> int:
    """Write every row of the journal (of one book, if given) in the order of creation; how many there were."""
    rows = view.journal.rows(JournalFilter(book=book))
    if json_lines:
        out.writelines(json.dumps(dict(zip(COLUMNS, _values(row), strict=True))) + "\n" for row in rows)
        return len(rows)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_values(row) for row in rows)
    return len(rows)


def _values(row: JournalRow) -> Iterator[object]:
    for column in COLUMNS:
        value = getattr(row, column)
        yield value.value if isinstance(value, Enum) else value
