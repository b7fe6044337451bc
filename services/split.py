"""Long texts in Telegram's HTML cut into messages that lose nothing: what is read in all parts is what was written.

Lengths are counted as Telegram counts them: in UTF-16 units of what is read, after tags and entities are taken in.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
LINE_WORTH_RATIO = 0.25
"""A part may end this early to end with a line; below it ends with a word, and failing that anywhere."""

MARKUP = re.compile(r"<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)[^>]*>|&(?:lt|gt|amp|quot|#\d+|#[xX][0-9a-fA-F]+);")
TOKEN = re.compile(f"{MARKUP.pattern}|.", re.DOTALL)
JOINERS = ("\u200d", "\ufe0e", "\ufe0f", "\u20e3")


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, an entity or a character; `shown` is what is read of it, "" of a tag."""

    raw: str
    shown: str
    opens: str = ""
    closes: str = ""


def units(text: str) -> int:
    """The length of what is read, in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str) -> str:
    """What is read of an HTML text."""
    return MARKUP.sub(lambda found: "" if found["tag"] else html.unescape(found.group()), text)


def split(text: str, limit: int = TEXT_UNITS) -> tuple[str, ...]:
    """HTML in parts of at most `limit` units each; read one after the other they are the text, formats included.

    A part ends with a line where it can, else with a word; no entity, character or tag is cut: tags that are open where
    a part ends are closed and opened again. ValueError for a limit that holds no character.
    """
    if limit < 2:
        raise ValueError(f"a limit of {limit} units does not hold every character")
    if units(plain(text)) <= limit:
        return (text,)
    return tuple(_parts(tuple(_tokens(text)), limit))


def shortened(text: str, limit: int = TEXT_UNITS) -> str:
    """Of a plain text, the whole lines that fit into `limit` units, and a mark where something is missing."""
    mark, kept, used = "\n…", "", 0
    if units(text) <= limit:
        return text
    for line in text.splitlines(keepends=True):
        if used + units(line) > limit - units(mark):
            room = limit - units(mark) - used if not kept else 0
            kept += line.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
            break
        kept, used = kept + line, used + units(line)
    return kept.rstrip("\n") + mark


def _tokens(text: str) -> Iterator[Token]:
    for found in TOKEN.finditer(text):
        raw, tag = found.group(), found["tag"]
        if tag is None:
            yield Token(raw, html.unescape(raw) if len(raw) > 1 else raw)
        elif found["end"]:
            yield Token(raw, "", closes=tag.lower())
        else:
            yield Token(raw, "", opens=tag.lower())


def _parts(tokens: Sequence[Token], limit: int) -> Iterator[str]:
    start, opened = 0, list[Token]()
    while start < len(tokens):
        end = _end(tokens, start, limit)
        still_open = _open_after(opened, tokens[start:end])
        yield "".join(
            (
                *(token.raw for token in opened),
                *(token.raw for token in tokens[start:end]),
                *(f"</{token.opens}>" for token in reversed(still_open)),
            )
        )
        start, opened = end, still_open


def _end(tokens: Sequence[Token], start: int, limit: int) -> int:
    """Where the part that begins at `start` ends, at least one character later."""
    used, line, word, last = 0, start, start, start
    line_used = 0
    for position in range(start, len(tokens)):
        shown = tokens[position].shown
        used += units(shown)
        if used > limit:
            break
        if shown and not _clings(tokens, position + 1):
            last = position + 1
        if shown == "\n":
            line, line_used = position + 1, used
        elif shown.isspace():
            word = position + 1
    else:
        return len(tokens)
    if line > start and line_used >= LINE_WORTH_RATIO * limit:
        end = line
    elif word > start:
        end = word
    else:
        end = last if last > start else position
    while end < len(tokens) and tokens[end].closes:  # what closes here need not be opened again
        end += 1
    return end


def _clings(tokens: Sequence[Token], position: int) -> bool:
    """Whether what stands at a place belongs to the character before it: an accent, a joiner, what is joined."""
    if position >= len(tokens) or not tokens[position].shown:
        return False
    shown, before = tokens[position].shown, tokens[position - 1].shown
    return shown in JOINERS or before == "\u200d" or any(unicodedata.combining(character) for character in shown)


def _open_after(opened: Sequence[Token], tokens: Sequence[Token]) -> list[Token]:
    stack = list(opened)
    for token in tokens:
        if token.opens:
            stack.append(token)
        elif token.closes and stack and stack[-1].opens == token.closes:
            stack.pop()
    return stack
