"""`verify`: whether the record's chain and the book's identities hold, and the record as lines that anybody can check."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.identities import Identity, identities, integrity
from storage.stores import Stores


class ExportError(ValueError):
    """The record cannot be written where it was asked for; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The record's length and head, and every truth about the book."""

    publications: int
    head: str
    truths: tuple[Identity, ...]

    @property
    def difference(self) -> str | None:
        """The first truth that does not hold, in words; None when all do."""
        broken = next((truth for truth in self.truths if not truth.holds), None)
        return None if broken is None else f"{broken.name}: {broken.detail or broken.value}"


def verify(view: Stores) -> Verified:
    """Follow the chain to its head and ask every identity."""
    chain = view.publications.check()
    return Verified(chain.count, chain.head, (*integrity(view), *identities(view)))


def document(verified: Verified) -> dict[str, Any]:
    """The JSON of the command."""
    return {
        "holds": verified.difference is None,
        "publications": verified.publications,
        "head": verified.head,
        "difference": verified.difference,
        "checks": [
            {
                "name": truth.name,
                "holds": truth.holds,
                "value": truth.value,
                "limit": truth.limit,
                "detail": truth.detail,
            }
            for truth in verified.truths
        ],
    }


def lines(verified: Verified) -> Iterator[str]:
    """The same for people: every truth, then the head."""
    for truth in verified.truths:
        mark = "holds" if truth.holds else "FAILS"
        detail = "" if truth.holds or truth.detail is None else f"  {truth.detail}"
        yield f"  {mark}  {truth.name:58} {truth.value:>12}{detail}"
    yield f"record: {verified.publications} publications, head {verified.head}"
    yield "all of it holds" if verified.difference is None else f"first difference: {verified.difference}"


def export(view: Stores, file: Path) -> int:
    """Write the record as JSON lines, one publication each, and say how many; ExportError where the file refuses."""
    count = 0
    try:
        with file.open("w", encoding="utf-8", newline="\n") as out:
            for row in view.publications.rows():
                out.write(row.line + "\n")
                count += 1
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror}.") from error
    return count
