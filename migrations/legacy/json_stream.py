"""Reads JSON of any size piece by piece: members of the top object one by one, its arrays element by element.

A break in the file ends the reading with a `Broken` piece instead of an exception: what stood before it is whole.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import IO, NamedTuple

from migrations.legacy.words import shown

CHUNK_CHARS = 1 << 20
MAX_VALUE_CHARS = 32 << 20
TRUNCATION_SLACK_CHARS = 16  # a cut word or number is noticed a few characters before the cut
BREAK_PLACE = "after "  # then the last place that was whole; places of records begin with a slash
KEPT_OF_BREAK_CHARS = 1 << 16

_SPACE = re.compile(r"[ \t\n\r]*")
_WORDS = ("true", "false", "null", "NaN", "-Infinity", "Infinity")
_OPEN_STRING = "Unterminated string"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the top object that is no filled array; key None = a whole document that holds no record."""

    key: str | None
    value: object
    raw: str
    repeat: int = 0

    @property
    def place(self) -> str:
        return "/" if self.key is None else _place_of(self.key, self.repeat)


class Element(NamedTuple):
    """One element of an array: of the top one (`key` None) or of the top object's member `key`."""

    key: str | None
    place: str
    value: object
    raw: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a file stops being JSON, and why; `raw` begins at the record that could not be read."""

    reason: str
    raw: str
    place: str


Piece = Member | Element | Broken


class _Break(Exception):
    """The text cannot be read on; the message says why."""


class _Text:
    """A window over a file's text, decoding one value at a time with the C decoder."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False
        self._passed = 0

    def peek(self) -> str:
        """The next character that is no space; '' at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        found = self.peek()
        if found != expected:
            what = "the file ends too early" if not found else f"{shown(found)} stands where '{expected}' should"
            raise _Break(f"{what}, at character {self._passed + self._at}")
        self._at += 1

    def goes_on(self, end: str) -> bool:
        """Whether another part follows: takes the comma before it or the end of them all; what else stands there breaks."""
        found = self.peek()
        if found not in (",", end):
            self.take(",")
        self._at += 1
        return found == ","

    def value(self) -> tuple[object, str]:
        """The next value and its text."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except RecursionError:
                raise _Break("nested too deeply to be anybody's trading data") from None
            except ValueError as error:
                if self._may_be_cut(error) and self._more():
                    continue
                raise _Break(self._said(error)) from None
            if end == len(self._text) and self._more():
                continue  # a number may go on in the next chunk
            raw = self._text[self._at : end]
            self._at = end
            return value, raw

    def remains(self) -> str:
        return self._text[self._at : self._at + KEPT_OF_BREAK_CHARS]

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        held = len(self._text) - self._at
        if held > MAX_VALUE_CHARS:
            raise _Break(f"one value is longer than {MAX_VALUE_CHARS >> 20} million characters")
        try:
            chunk = self._file.read(max(CHUNK_CHARS, held))
        except UnicodeDecodeError:
            raise _Break("not UTF-8 text") from None
        self._ended = not chunk
        if chunk:
            self._passed += self._at
            self._text = self._text[self._at :] + chunk
            self._at = 0
        return bool(chunk)

    def _may_be_cut(self, error: ValueError) -> bool:
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.pos >= len(self._text) - TRUNCATION_SLACK_CHARS or error.msg.startswith(_OPEN_STRING)

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the file ends where the error is, or in a word that only began there."""
        rest = self._text[error.pos :].strip()
        return error.msg.startswith(_OPEN_STRING) or any(word.startswith(rest) for word in _WORDS)

    def _said(self, error: ValueError) -> str:
        if not isinstance(error, json.JSONDecodeError):
            return f"unreadable value: {error}"
        if self._is_cut(error):
            return "the file ends in the middle of a value: it is truncated"
        return f"not JSON ({error.msg.lower()}, at character {self._passed + error.pos})"


def pieces(file: IO[str]) -> Iterator[Piece]:
    """Every piece of a JSON document in order; the last one is `Broken` when the document is."""
    text = _Text(file)
    place = "/"
    try:
        for piece in _document(text):
            place = piece.place
            yield piece
    except _Break as error:
        yield Broken(str(error), text.remains(), f"{BREAK_PLACE}{place}")


def _document(text: _Text) -> Iterator[Member | Element]:
    match text.peek():
        case "":
            raise _Break("the file is empty")
        case "{":
            text.take("{")
            yield from _members(text)
        case "[":
            yield from _array(text, None)
        case _:
            value, raw = text.value()
            yield Member(None, value, raw)
    if text.peek():
        raise _Break("something follows the end of the document")


def _members(text: _Text) -> Iterator[Member | Element]:
    if text.peek() == "}":
        text.take("}")
        return
    repeats: Counter[str] = Counter()
    while True:
        if text.peek() not in ('"', ""):
            text.take('"')
        key, _ = text.value()
        text.take(":")
        assert isinstance(key, str)
        repeat = repeats[key]
        repeats[key] += 1
        if text.peek() == "[":
            yield from _array(text, key, repeat)
        else:
            value, raw = text.value()
            yield Member(key, value, raw, repeat)
        if not text.goes_on("}"):
            return


def _array(text: _Text, key: str | None, repeat: int = 0) -> Iterator[Member | Element]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        yield Member(key, [], "[]", repeat)
        return
    holder = "" if key is None else _place_of(key, repeat)
    for index in count():
        value, raw = text.value()
        yield Element(key, f"{holder}/{index}", value, raw)
        if not text.goes_on("]"):
            return


def cleaned(key: str) -> str:
    """A key as one step of a place: escaped as in a JSON pointer, without half characters, which SQLite cannot keep."""
    escaped = key.replace("~", "~0").replace("/", "~1").replace("\\", "~2")
    return escaped.encode("utf-8", "backslashreplace").decode()


def _place_of(key: str, repeat: int) -> str:
    """The place of a member; a name that stands twice in an object is told apart by its turn."""
    return f"/{cleaned(key)}" if not repeat else f"/{cleaned(key)}~3{repeat + 1}"
