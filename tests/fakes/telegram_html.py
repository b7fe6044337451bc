"""Telegram's reading of HTML: what is read, which formats lie on it, and the complaints about what cannot be read.

Offsets in complaints count bytes of UTF-8 as Telegram's do; lengths of formats count UTF-16 units.
"""

import re
from dataclasses import dataclass

KNOWN_TAGS = frozenset(
    ("b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "tg-spoiler", "blockquote", "span")
)
ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_LONGEST_ENTITY = 8


class Unreadable(ValueError):
    """HTML that Telegram refuses, in its own words."""

    def __init__(self, complaint: str) -> None:
        super().__init__(f"can't parse entities: {complaint}")


@dataclass(frozen=True, slots=True)
class Format:
    """One format over a stretch of what is read, in UTF-16 units."""

    tag: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Read:
    text: str
    formats: tuple[Format, ...]


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def read(html: str) -> Read:
    """What people see of an HTML text; Unreadable where Telegram would answer 400."""
    shown, formats, opened = list[str](), list[Format](), list[tuple[str, int, int]]()
    position, length = 0, 0
    while position < len(html):
        character = html[position]
        if character == "&":
            decoded, position = _entity(html, position)
            shown.append(decoded)
            length += units(decoded)
        elif character != "<":
            shown.append(character)
            length += units(character)
            position += 1
        elif html.startswith("</", position):
            name, start = _end_tag(html, position), position
            if not opened:
                raise Unreadable(f"Unexpected end tag at byte offset {_bytes(html, start)}")
            tag, offset, _ = opened.pop()
            if name not in ("", tag):
                raise Unreadable(
                    f'Unmatched end tag at byte offset {_bytes(html, start)}, expected "</{tag}>", found "</{name}>"'
                )
            if length > offset:
                formats.append(Format(tag, offset, length - offset))
            position = html.index(">", start) + 1
        else:
            end = html.find(">", position)
            name = _start_tag(html, position, end)
            opened.append((name, length, position))
            position = end + 1
    if opened:
        tag, _, start = opened[-1]
        raise Unreadable(f'Can\'t find end tag corresponding to start tag "{tag}" at byte offset {_bytes(html, start)}')
    return Read("".join(shown), tuple(formats))


def _start_tag(html: str, start: int, end: int) -> str:
    name = re.match(r"[^\s>]*", html[start + 1 :])
    assert name is not None, "it matches the empty string too"
    word = name.group().lower()
    if start + 1 + len(word) == len(html):
        raise Unreadable(f"Unclosed start tag at byte offset {_bytes(html, start)}")
    if word not in KNOWN_TAGS:
        raise Unreadable(f'Unsupported start tag "{word}" at byte offset {_bytes(html, start)}')
    if end < 0:
        raise Unreadable(f"Unclosed start tag at byte offset {_bytes(html, start)}")
    return word


def _end_tag(html: str, start: int) -> str:
    end = html.find(">", start)
    if end < 0:
        raise Unreadable(f"Unclosed end tag at byte offset {_bytes(html, start)}")
    return html[start + 2 : end].strip().lower()


def _entity(html: str, start: int) -> tuple[str, int]:
    """What an entity stands for, and where it ends; what is none stands for itself."""
    end = html.find(";", start, start + _LONGEST_ENTITY + 2)
    name = html[start + 1 : end] if end > 0 else ""
    if name in ENTITIES:
        return ENTITIES[name], end + 1
    if name.startswith("#"):
        digits, base = (name[2:], 16) if name[1:2] in ("x", "X") else (name[1:], 10)
        try:
            return chr(int(digits, base)), end + 1
        except (ValueError, OverflowError):
            pass
    return "&", start + 1


def _bytes(html: str, position: int) -> int:
    return len(html[:position].encode("utf-8", "surrogatepass"))
