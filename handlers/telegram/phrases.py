"""The engine's English sentences and names in the language of a chat; what it does not know stays English."""

import re
from collections.abc import Callable

from handlers.telegram.catalogue import Markup, escaped, keys
from handlers.telegram.figures import Voice, price

NUMBER = r"\d[\d.]*(?:e[+-]\d+)?"
SERIES = r"\S+ \d+[mhdw]"
SENTENCES = (
    (re.compile(rf"(?P<what>.+) taken at (?P<level>{NUMBER})"), "phrase.taken"),
    (re.compile(rf"(?P<what>.+) through (?P<level>{NUMBER})"), "phrase.through"),
    (re.compile(r"displacement on this candle"), "phrase.displaced_now"),
    (re.compile(r"displacement (?P<bars>\d+) bars ago"), "phrase.displaced"),
    (re.compile(r"(?P<timeframe>\d+[mhdw]) (?P<swing>swing high|swing low)"), "phrase.swing"),
    (re.compile(r"the entry was not reached in time"), "phrase.not_reached"),
    (re.compile(r"the first target came before the entry"), "phrase.target_first"),
    (re.compile(r"no liquidity was taken lately"), "phrase.no_liquidity"),
    (
        re.compile(r"liquidity was taken, but neither displacement nor a structure break answered it"),
        "phrase.no_answer",
    ),
    (re.compile(r"no zone completed on this candle"), "phrase.no_zone"),
    (re.compile(r"(?P<setup>\w+) is too weak to keep"), "phrase.too_weak"),
    (re.compile(rf"(?P<series>{SERIES}) needs (?P<needed>\d+) bars, has (?P<held>\d+)"), "phrase.too_short"),
    (re.compile(r"the market does not move: mean true range 0"), "phrase.no_range"),
    (re.compile(r"the stop does not stand beyond the entry"), "phrase.stop_misplaced"),
    (re.compile(rf"no opposing liquidity at (?P<reward>{NUMBER})R or more"), "phrase.no_target"),
    (re.compile(rf"no (?P<series>{SERIES}) candle has closed yet"), "phrase.no_context"),
    (re.compile(rf"(?P<series>{SERIES}) has no candles"), "phrase.no_candles"),
    (re.compile(rf"(?P<series>{SERIES}) has no closed candles"), "phrase.none_closed"),
    (re.compile(rf"(?P<series>{SERIES}) is stale"), "phrase.stale"),
    (re.compile(rf"(?P<series>{SERIES}) ends with a forming candle"), "phrase.forming"),
    (re.compile(rf"(?P<series>{SERIES}) has holes in time"), "phrase.holes"),
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
    "setup": setup_words,
    **dict.fromkeys(("bars", "timeframe", "series", "needed", "held", "reward"), _as_it_is),
}
