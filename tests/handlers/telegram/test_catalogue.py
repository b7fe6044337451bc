"""The catalogue: complete in every language, nothing twice, nothing unused, and nothing that a value could break."""

import ast
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from handlers.telegram import catalogue
from handlers.telegram.catalogue import ENGLISH, LANGUAGES, SUBJECTS, Markup, escaped, joined, keys, templates, text

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = ROOT / "handlers" / "telegram" / "catalogue"
CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъьюя")
NO_WORDS = frozenset({"direction.LONG", "direction.SHORT", "name.bos", "name.choch", "name.mss", "table.rr"})
"""Keys that read alike in every language, because traders everywhere say so."""


def has_words(template: str) -> bool:
    """Whether anything is left to translate where places, tags and what is to be typed are taken away."""
    return any(character.isalpha() for character in re.sub(r"<code>.*?</code>|{\w*}|<[^>]*>", "", template))


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("key", sorted(keys()))
def test_a_text_is_complete_in_every_language(key: str):
    told = templates(key)

    assert tuple(told) == LANGUAGES
    assert all(told.values())
    assert len({frozenset(places(template)) for template in told.values()}) == 1
    assert key in NO_WORDS or not has_words(told[ENGLISH]) or CYRILLIC & set(told["bg"].lower())


def test_every_module_of_the_catalogue_is_in_it():
    named = {f"{catalogue.__name__}.{module.name}" for module in pkgutil.iter_modules([str(CATALOGUE)])}

    assert {subject.__name__ for subject in SUBJECTS} == named


def test_two_subjects_cannot_tell_one_key():
    one = ModuleType("one")
    setattr(one, "TEXTS", {"key": {"en": "a", "bg": "b"}})  # noqa: B010

    with pytest.raises(ValueError, match="has key already"):
        catalogue.merged((one, one))


def test_every_key_is_used_and_every_key_used_exists():
    said, families = spoken()
    unused = {key for key in keys() - said if not key.startswith(tuple(families))}

    assert unused == set()
    assert {family for family in families if not any(key.startswith(family) for key in keys())} == set()


def spoken() -> tuple[set[str], set[str]]:
    """Every string in the sources that is a key, and the beginnings of those that are put together: f"setup.{name}"."""
    said: set[str] = set()
    families: set[str] = set()
    for node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.add(node.value)
        if isinstance(node, ast.JoinedStr) and len(node.values) > 1:
            first = node.values[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and is_family(first.value):
                families.add(first.value)
    return said, families


def is_family(beginning: str) -> bool:
    return beginning.endswith(".") and any(key.startswith(beginning) for key in keys())


def nodes() -> Iterator[ast.AST]:
    for path in (ROOT / "handlers").rglob("*.py"):
        if CATALOGUE not in path.parents:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_a_value_is_escaped_and_markup_stays_as_it_is():
    assert escaped("<b>&") == "&lt;b&gt;&amp;"
    assert escaped(Markup("<b>bold</b>")) == "<b>bold</b>"
    assert joined(["a<", Markup("<i>b</i>")]) == "a&lt;\n<i>b</i>"


def test_a_value_stays_on_its_line_and_cannot_turn_the_text_around():
    assert escaped("a\nb\x00c\u2028d\ud800e") == "a b c d e"
    assert escaped("LONG\u202eTROHS") == "LONGTROHS"


def test_an_unknown_language_is_told_in_english_and_an_unknown_key_is_an_error():
    assert text("xx", "close_reason.MANUAL") == "closed by hand"
    with pytest.raises(KeyError):
        text(ENGLISH, "no.such.key")
