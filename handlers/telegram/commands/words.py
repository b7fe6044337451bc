"""The words behind a command, read: symbols, timeframes, counts, ids; CommandError says how to write them."""

from collections.abc import Sequence

from engine.timeframes import Timeframe
from handlers.settings import WATCHABLE
from handlers.telegram.desk import Asked, CommandError

SIGNAL_PREFIX = "S-"


def alone(asked: Asked, name: str) -> None:
    """Nothing may stand behind this command."""
    if asked.words:
        raise CommandError("ask.alone", name=name)


def series_of(words: Sequence[str], name: str) -> tuple[str, Timeframe]:
    """A symbol and a timeframe that signals are made on."""
    if len(words) != 2:
        raise CommandError("ask.series", name=name)
    symbol, text = words
    return symbol.upper(), timeframe_of(text)


def timeframe_of(text: str) -> Timeframe:
    known = ", ".join(timeframe.text for timeframe in WATCHABLE)
    try:
        timeframe = Timeframe.parse(text)
    except ValueError as error:
        raise CommandError("ask.timeframe", text=text, known=known) from error
    if timeframe not in WATCHABLE:
        raise CommandError("ask.unwatched", text=timeframe.text, known=known)
    return timeframe


def count_of(words: Sequence[str], name: str, default: int, most: int) -> int:
    """How many rows are wanted, 1 to `most`."""
    if not words:
        return default
    [word, *more] = words
    if more or not word.isdecimal() or not 1 <= int(word) <= most:
        raise CommandError("ask.count", name=name, most=most)
    return int(word)


def signal_word(word: str) -> str:
    """What the book finds a signal by, of what people write: S-12, 12, or the beginning of a uid."""
    return word.removeprefix(SIGNAL_PREFIX).removeprefix(SIGNAL_PREFIX.lower())
