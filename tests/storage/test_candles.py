import math

import numpy as np

from engine.candles import Candles
from engine.timeframes import Timeframe
from storage.book import Book
from tests.storage.samples import HOUR_MS, NOW_MS

ONE_HOUR = Timeframe.parse("1h")
FIRST_MS = NOW_MS // HOUR_MS * HOUR_MS
FEED = "binance"


def hours(count: int, first_ms: int = FIRST_MS, close: float = 101.0, symbol: str = "BTCUSDT") -> Candles:
    """`count` hourly candles, the last without a volume."""
    times = first_ms + HOUR_MS * np.arange(count)
    column = np.full(count, 100.0)
    volume = np.append(np.full(count - 1, 5.0), math.nan)
    return Candles.checked(symbol, ONE_HOUR, times, column, column + 2, column - 1, np.full(count, close), volume)


def test_candles_come_back_as_they_were_stored(book: Book):
    stored = hours(5)
    with book.transaction() as tx:
        tx.candles.store(stored, FEED, NOW_MS)
        loaded = tx.candles.load("BTCUSDT", ONE_HOUR, FEED, 10)

    for name in ("open_ms", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(stored, name))


def test_the_last_candles_by_an_instant_are_loaded_oldest_first(book: Book):
    with book.transaction() as tx:
        tx.candles.store(hours(5), FEED, NOW_MS)

        loaded = tx.candles.load("BTCUSDT", ONE_HOUR, FEED, 2, until_ms=FIRST_MS + 4 * HOUR_MS)
    assert loaded.open_ms.tolist() == [FIRST_MS + 2 * HOUR_MS, FIRST_MS + 3 * HOUR_MS]


def test_a_newer_reading_replaces_a_bar(book: Book):
    with book.transaction() as tx:
        tx.candles.store(hours(3), FEED, NOW_MS)
        tx.candles.store(hours(2, FIRST_MS + HOUR_MS, close=99.5), FEED, NOW_MS + 1)

        assert tx.candles.load("BTCUSDT", ONE_HOUR, FEED, 9).close.tolist() == [101.0, 99.5, 99.5]


def test_series_of_other_sources_are_strangers(book: Book):
    with book.transaction() as tx:
        tx.candles.store(hours(3), FEED, NOW_MS)

        assert len(tx.candles.load("BTCUSDT", ONE_HOUR, "simulated", 9)) == 0


def test_a_failed_fetch_is_noted_until_the_next_one_succeeds(book: Book):
    with book.transaction() as tx:
        tx.candles.store(hours(3), FEED, NOW_MS)
        tx.candles.note_error("BTCUSDT", ONE_HOUR, FEED, "no answer within 10 s", NOW_MS + 5)
        [failed] = tx.candles.series()
        tx.candles.store(hours(4), FEED, NOW_MS + 9)
        [fetched] = tx.candles.series()

    assert (failed.error, failed.fetched_ms, failed.candles) == ("no answer within 10 s", NOW_MS + 5, 3)
    assert (fetched.error, fetched.last_open_ms, fetched.candles) == (None, FIRST_MS + 3 * HOUR_MS, 4)
