from engine.timeframes import Timeframe
from engine.vocabulary import Direction
from storage.book import Book
from storage.stores import Stores
from tests.storage.samples import HOUR_MS, NOW_MS

ONE_HOUR = Timeframe.parse("1h")
COOLDOWN_MS = 4 * HOUR_MS


def claim(tx: Stores, entry: float, at_ms: int = NOW_MS, direction: Direction = Direction.LONG) -> bool:
    return tx.signal_cache.claim("BTCUSDT", ONE_HOUR, direction, entry, 70.0, None, at_ms, COOLDOWN_MS, tolerance=0.5)


def test_a_free_place_is_taken_and_held_through_the_cooldown(book: Book):
    with book.transaction() as tx:
        assert claim(tx, 100.0)
        assert not claim(tx, 100.0)
        assert not claim(tx, 100.5, NOW_MS + COOLDOWN_MS - 1)
        assert claim(tx, 100.0, NOW_MS + COOLDOWN_MS)


def test_an_entry_beyond_the_tolerance_is_another_signal(book: Book):
    with book.transaction() as tx:
        claim(tx, 100.0)

        assert claim(tx, 100.51)
        assert not claim(tx, 100.2)


def test_the_other_direction_has_its_own_place(book: Book):
    with book.transaction() as tx:
        claim(tx, 100.0)

        assert claim(tx, 100.0, direction=Direction.SHORT)


def test_a_refused_claim_changes_nothing(book: Book):
    with book.transaction() as tx:
        claim(tx, 100.0)
        claim(tx, 100.4, NOW_MS + 1)

        assert claim(tx, 100.6, NOW_MS + 2), "the distance counts from the one that was let through"
