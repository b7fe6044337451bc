"""What a file looks like before it is read: top-level names, kinds and first elements, enough to tell its shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migrations.legacy.json_stream import Element, Member, Piece
from migrations.legacy.times import Clock

ELEMENTS_LOOKED_AT = 50

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Outline:
    """`members`: the top object's members but for filled arrays; `arrays`: first elements by name, None = the top.

    A document that `is_value` is neither object nor array.
    """

    is_object: bool
    is_value: bool = False
    members: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str | None, tuple[object, ...]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.members) | frozenset(name for name in self.arrays if name is not None)

    def rows(self, name: str | None) -> tuple[Fields, ...]:
        """The first records of the array `name`; empty when it has none."""
        return tuple(element for element in self.arrays.get(name, ()) if isinstance(element, dict))

    def records(self) -> tuple[Fields, ...]:
        """The members of the top object that are records themselves, as in a file keyed by id or date."""
        return tuple(value for value in self.members.values() if isinstance(value, dict))

    def keyed(self, name: str) -> tuple[Fields, ...]:
        """The records of the object `name`, as in `{"trades": {id: {...}}}`."""
        holder = self.members.get(name)
        return tuple(value for value in holder.values() if isinstance(value, dict)) if isinstance(holder, dict) else ()


def outline(pieces: Iterable[Piece]) -> Outline:
    """The outline of a document's (first) pieces."""
    members: dict[str, object] = {}
    arrays: dict[str | None, list[object]] = {}
    is_object, is_value = True, False
    for piece in pieces:
        if isinstance(piece, Member):
            is_object = is_object and piece.key is not None
            if piece.key is not None:
                members[piece.key] = piece.value
            elif piece.value != []:
                is_value = True
        elif isinstance(piece, Element):
            looked_at = arrays.setdefault(piece.key, [])
            if len(looked_at) < ELEMENTS_LOOKED_AT:
                looked_at.append(piece.value)
            is_object = is_object and piece.key is not None
    return Outline(is_object, is_value, members, {name: tuple(elements) for name, elements in arrays.items()})


@dataclass(frozen=True, slots=True)
class Source:
    """A file about to be read: its name (never enough by itself), its outline, and the clock its times go by."""

    file: str
    outline: Outline
    clock: Clock

    def holder(self, name: str) -> str | None:
        """Where the records are kept: under `name`, or in the document itself (None)."""
        return name if name in self.outline.names else None
