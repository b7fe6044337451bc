"""The pulse is read as it was written; one of another version of the program is none."""

from storage.book import Book
from storage.codec import decoded, encoded
from storage.pulse import KEY, Cadence, ExchangeState, Pulse, Vitals, beat, pulse_of
from tests.storage.samples import HOUR_MS, NOW_MS
from tests.storage.samples import book as book

PULSE = Pulse(
    NOW_MS, NOW_MS - HOUR_MS, None, Vitals(1, 2, None), ExchangeState(-3, 4, 5, 6), ("BTCUSDT",), ("1h",),
    (Cadence("settle", 60_000, 2_000, 55_000),), 60.0,
)  # fmt: skip


def test_a_pulse_is_read_as_it_was_written(book: Book):
    with book.transaction() as tx:
        assert pulse_of(tx.meta) is None
        beat(tx.meta, PULSE)

        assert pulse_of(tx.meta) == PULSE


def test_a_pulse_of_another_version_is_none(book: Book):
    with book.transaction() as tx:
        beat(tx.meta, PULSE)
        tx.meta.set(KEY, encoded({**decoded(tx.meta.get(KEY) or ""), "mood": "good"}))

        assert pulse_of(tx.meta) is None


def test_the_newest_slot_is_the_one_that_has_begun():
    job = Cadence("backup", HOUR_MS, 420_000, 1)
    begin_ms = NOW_MS // HOUR_MS * HOUR_MS

    assert job.slot_ms(begin_ms + 419_999) == begin_ms - HOUR_MS
    assert job.slot_ms(begin_ms + 420_000) == begin_ms
