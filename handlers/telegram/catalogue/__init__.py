"""Every text that people read in a chat, one key one template, in English and Bulgarian side by side.

A subject has a module of its own with `TEXTS = {key: {language: template}}`. A template is HTML of ours with named
places; what is put there is escaped, unless it is `Markup` and so is HTML of ours already.
"""

import html
import unicodedata
from collections.abc import Iterable, Mapping
from types import ModuleType

from handlers.telegram.catalogue import (
    access,
    account,
    backtests,
    backups,
    checkpoints,
    closing,
    collected,
    commands,
    control,
    health,
    hearing,
    importing,
    incidents,
    learning,
    locks,
    machine,
    market,
    myself,
    phrases,
    posts,
    record,
    reports,
    risk,
    scores,
    signals,
    statistics,
    turned_down,
    words,
)

ENGLISH = "en"
LANGUAGES = (ENGLISH, "bg")
"""The languages people may choose, as the book stores them; what is asked for in another one is told in English."""
SUBJECTS: tuple[ModuleType, ...] = (
    access,
    account,
    backtests,
    backups,
    checkpoints,
    closing,
    collected,
    commands,
    control,
    health,
    hearing,
    learning,
    importing,
    incidents,
    locks,
    machine,
    market,
    myself,
    phrases,
    posts,
    record,
    reports,
    risk,
    scores,
    signals,
    statistics,
    turned_down,
    words,
)

_UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}  # controls, half characters, and whatever else would break a line
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # could show a short as a long


class Markup(str):
    """Text that is HTML of ours: escaped where it came from outside."""

    __slots__ = ()


def text(language: str, key: str, /, **values: str | int) -> Markup:
    """The template of `key` in `language`, its places filled with `values`; KeyError for an unknown key or place."""
    templates = _TEXTS[key]
    filled = {name: escaped(value) for name, value in values.items()}
    return Markup(templates.get(language, templates[ENGLISH]).format(**filled))


def escaped(value: str | int) -> Markup:
    """`value` as one line of text that Telegram reads as it is, whatever is in it; `Markup` stays as it is."""
    if isinstance(value, Markup):
        return value
    shown = "".join(map(_readable, str(value)))
    return Markup(html.escape(shown, quote=False))


def joined(parts: Iterable[str], between: str = "\n") -> Markup:
    """Parts one below the other, each escaped unless it is `Markup`."""
    return Markup(between.join(map(escaped, parts)))


def keys() -> frozenset[str]:
    """Every key there is."""
    return frozenset(_TEXTS)


def templates(key: str) -> Mapping[str, str]:
    """The templates of `key` by language; KeyError when there is no such key."""
    return _TEXTS[key]


def merged(subjects: Iterable[ModuleType]) -> dict[str, Mapping[str, str]]:
    """The texts of all subjects; ValueError when two have a key of one name."""
    found: dict[str, Mapping[str, str]] = {}
    for subject in subjects:
        texts: Mapping[str, Mapping[str, str]] = subject.TEXTS
        for key in found.keys() & texts.keys():
            raise ValueError(f"{subject.__name__}: the catalogue has {key} already")
        found.update(texts)
    return found


def _readable(character: str) -> str:
    if unicodedata.category(character) in _UNREADABLE:
        return " "
    return "" if character in _REORDERING else character


_TEXTS = merged(SUBJECTS)
