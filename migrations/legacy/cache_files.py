"""The caches of signals sent: kept by key or as a list, with the time each of them blocked a repetition."""

from collections.abc import Iterable, Iterator

from engine.timeframes import Timeframe
from engine.vocabulary import Direction
from migrations.legacy import words
from migrations.legacy.fakes import CACHE_TEST_PRICES, made_up
from migrations.legacy.json_stream import Piece
from migrations.legacy.normal_form import LegacyCacheEntry, Reading, System, Unusable
from migrations.legacy.outline import Fields, Outline, Source
from migrations.legacy.reading import Found, Judge, Judged, found_records, judged
from migrations.legacy.rows import Row
from migrations.legacy.signal_files import COUNTERS
from migrations.legacy.times import US_PER_HOUR, Clock
from migrations.legacy.trades import confidence_of, parsed_timeframe
from migrations.legacy.words import shown

KEYED_LIFE_HOURS = 168
LISTED_LIFE_HOURS = 24
STRENGTH = "STRONG"
_KEY_MARKS = frozenset({"last_checked", "entry_price", "confidence"})


def is_cache(outline: Outline, _: str) -> bool:
    if outline.names.isdisjoint(COUNTERS) and "signals" in outline.names:
        rows = outline.rows("signals")
        return any("hash" in row and "symbol" in row for row in rows) or (
            "last_updated" in outline.names and not (set(outline.names) - {"signals", "last_updated"})
        )
    return any(
        isinstance(value, dict) and _looks_like_an_entry(value) and _is_key(name)
        for name, value in outline.members.items()
    )


def read_cache(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    if "signals" in source.outline.names:
        return judged(found_records(pieces, "signals"), _listed(source.clock))
    return judged(found_records(pieces, None), _keyed(source.clock))


def split_key(key: str) -> tuple[str, Direction, Timeframe]:
    """Symbol, direction and timeframe of a cache key, read from the right, because symbols may hold underscores.

    Known are `SYMBOL_TYPE_TF` (type may be STRONG_BUY, STRONG_SELL) and `SYMBOL_TF_DIRECTION_DATE`.
    """
    parts = key.split("_")
    if len(parts) > 3 and parts[-2] in words.DIRECTIONS:
        if parts[-1].count("-") == 2:
            return "_".join(parts[:-3]), words.DIRECTIONS[parts[-2]], parsed_timeframe(parts[-3])
        if parts[-3] == STRENGTH:
            return "_".join(parts[:-3]), words.DIRECTIONS[parts[-2]], parsed_timeframe(parts[-1])
    if len(parts) > 2 and parts[-2] in words.DIRECTIONS:
        return "_".join(parts[:-2]), words.DIRECTIONS[parts[-2]], parsed_timeframe(parts[-1])
    raise Unusable(f"the key {shown(key)} names no symbol, direction and timeframe")


def _keyed(clock: Clock) -> Judge:
    def judge(row: Row, found: Found) -> Judged:
        symbol, direction, timeframe = split_key(found.key or "")
        return _entry(row, symbol, direction, timeframe, clock, KEYED_LIFE_HOURS)

    return judge


def _listed(clock: Clock) -> Judge:
    def judge(row: Row, _: Found) -> Judged:
        symbol = row.required_word(("symbol",))
        direction = words.direction_of(row.required_word(words.DIRECTION_FIELDS))
        timeframe = parsed_timeframe(row.required_word(words.TIMEFRAME_FIELDS))
        return _entry(row, symbol, direction, timeframe, clock, LISTED_LIFE_HOURS)

    return judge


def _entry(
    row: Row, symbol_word: str, direction: Direction, timeframe: Timeframe, clock: Clock, life_hours: int
) -> Judged:
    symbol = words.symbol_of(symbol_word, System.SIGNAL_BOT)
    price = row.price(words.ENTRY_FIELDS, "entry")
    if (reason := made_up(row.fields, symbol, price)) is not None:
        raise Unusable(reason)
    if price in CACHE_TEST_PRICES.get(symbol, ()):
        raise Unusable(f"test row: {symbol} at the round test price {price:g}")
    sent_us = row.instant(("timestamp",), clock)
    entry = LegacyCacheEntry(
        symbol, timeframe, direction, price, confidence_of(row), sent_us, sent_us + life_hours * US_PER_HOUR
    )
    return Judged(entry, f"sent|{symbol}|{timeframe.text}|{direction.value}|{sent_us}|{price!r}")


def _looks_like_an_entry(row: Fields) -> bool:
    return "timestamp" in row and not _KEY_MARKS.isdisjoint(row)


def _is_key(name: str) -> bool:
    try:
        split_key(name)
    except Unusable:
        return False
    return True
