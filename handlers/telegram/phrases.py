"""The engine's English sentences and names in the language of a chat; what it does not know stays English."""

import re
from collections.abc import Callable

from handlers.telegram.catalogue import Markup, escaped, keys
from handlers.telegram.figures import Voice, price

NUMBER = r"\d[\d.]*(?:e[+-]\d+)?"
SENTENCES = (
    (re.compile(rf"(?P<what>.+) taken at (?P<level>{NUMBER})"), "phrase.taken"),
    (re.compile(rf"(?P<what>.+) through (?P<level>{NUMBER})"), "phrase.through"),
    (re.compile(r"displacement on this candle"), "phrase.displaced_now"),
    (re.compile(r"displacement (?P<bars>\d+) bars ago"), "phrase.displaced"),
    (re.compile(r"(?P<timeframe>\d+[mhdw]) (?P<swing>swing high|swing low)"), "phrase.swing"),
    (re.compile(r"the entry was not reached in time"), "phrase.not_reached"),
    (re.compile(r"the first target came before the entry"), "phrase.target_first"),
)
"""Whole sentences, and the key of each; what stands in a named group is put into the place of that name."""


def phrase(voice: Voice, english: str) -> Markup:
    """A sentence or a name of the engine, escaped; numbers in it without exponents."""
    for sentence, key in SENTENCES:
        if (found := sentence.fullmatch(english)) is not None:
            return voice.say(key, **{place: _PLACES[place](voice, word) for place, word in found.groupdict().items()})
    key = f"name.{re.sub('[ -]', '_', english).lower()}"
    return voice.say(key) if key in keys() else escaped(english)


def setup_words(voice: Voice, setup: str) -> Markup:
    """A setup as traders call it; one of another version by its own name."""
    key = f"setup.{setup}"
    return voice.say(key) if key in keys() else escaped(setup.replace("_", " "))


def _as_it_is(voice: Voice, word: str) -> str:
    return word


def _plain_price(voice: Voice, word: str) -> str:
    return price(float(word))


_PLACES: dict[str, Callable[[Voice, str], str]] = {
    "what": phrase,
    "swing": phrase,
    "level": _plain_price,
    "bars": _as_it_is,
    "timeframe": _as_it_is,
}
