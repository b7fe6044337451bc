"""Why a signal is what it is: everything the book holds about it, in lines a person reads."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from diagnostics.explain import explain, lines, utc
from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind, SignalStatus, Witness
from storage.book import Book
from storage.signals import AmbiguousSignal, UnknownSignal
from tests.services.books import armed, candles_of, settle, with_deposit
from tests.storage.samples import LONG, NOW_MS

WITNESSES = (
    Witness("sell-side liquidity taken", NOW_MS - 3 * HOUR_MS, NOW_MS - 2 * HOUR_MS, 97.5, 97.5),
    Witness("zone", NOW_MS - 2 * HOUR_MS, NOW_MS, 99.5, 100.5),
)


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        with with_deposit(book).transaction() as tx:
            armed(tx, replace(LONG, witnesses=WITNESSES))
        yield book


def told(book: Book, wanted: str = "1") -> str:
    with book.reading() as view:
        return "\n".join(lines(explain(view, wanted)))


def test_it_begins_with_what_the_signal_is(book: Book):
    first, status, candle, *_ = told(book).splitlines()

    assert first == "#1  LONG BTCUSDT 1h  sweep_displacement"
    assert status.startswith("status SENT, uid ")
    assert candle.startswith(f"candle {utc(NOW_MS - HOUR_MS)} to {utc(NOW_MS)}")


def test_levels_have_their_reward_and_their_share(book: Book):
    text = told(book)

    assert "entry  100   stop 98" in text
    assert "target 1: 103  1.50R  40%  equal highs" in text


def test_findings_say_when_they_formed_and_when_they_were_known(book: Book):
    text = told(book)

    assert f"{utc(NOW_MS - 3 * HOUR_MS)}  {utc(NOW_MS - 2 * HOUR_MS)}  97.5" in text
    assert "99.5 - 100.5" in text


def test_points_are_shown_the_missing_ones_too(book: Book):
    text = told(book)

    assert "12.0 of  15.0  the low of yesterday was taken" in text
    assert "missing of   5.0  no session data" in text


def test_every_gate_is_shown_with_value_limit_and_instant(book: Book):
    text = told(book)

    assert f"{utc(NOW_MS)}  freshness              passed   0.02 bars (limit 1 bars)" in text
    assert "STOPPED  2.10 (limit 3)  too near" in text


def test_what_became_of_it_comes_last(book: Book):
    settle(book, {"BTCUSDT": candles_of([(101, 101, 99.5, 100.5), (100.5, 100.6, 97, 98)])}, NOW_MS + 2 * HOUR_MS)
    text = told(book)

    assert f"status {SignalStatus.CLOSED.value}" in text
    assert "STOP_LOSS -1.0" in text.splitlines()[-1]
    assert f"{utc(NOW_MS + HOUR_MS)}  account.open_in_symbol passed   0 (limit 1)" in text  # asked again at the fill


def test_a_signal_is_found_by_the_beginning_of_its_uid(book: Book):
    with book.reading() as view:
        uid = view.signals.get(1).uid

    assert told(book, uid[:10].upper()) == told(book, "#1")


def test_an_unknown_and_an_ambiguous_name_are_refused(book: Book):
    with book.transaction() as tx:
        for number in range(40):
            armed(tx, replace(LONG, setup_key=f"zone {number}"), kinds=())

    with book.reading() as view:
        uids = [stored.uid for stored in view.signals.latest(100)]
        shared = next(
            uid[0] for uid in uids if sum(other[0] == uid[0] for other in uids) > 1 and not uid[0].isdecimal()
        )
        with pytest.raises(AmbiguousSignal):
            explain(view, shared)
        with pytest.raises(UnknownSignal):
            explain(view, "zebra")
