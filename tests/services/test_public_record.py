"""The record in numbers: every sent signal once, at a fixed 1R, whatever became of it and whoever had room for it."""

from dataclasses import replace

import pytest

from engine.params import Params
from engine.timeframes import DAY_MS
from engine.vocabulary import SignalStatus
from services.position_manager import Settlement
from services.public_record import ENOUGH_TO_JUDGE, Ending, Period, day_between, record_since
from storage.book import Book
from storage.publications import Delivery
from storage.stores import Stores
from tests.drawing import Row
from tests.services.books import candles_of
from tests.services.published import BACK_TO_ENTRY, FILL, FIRST_TARGET, Desk, followed
from tests.storage.samples import HOUR_MS, LONG, NOW_MS, book

__all__ = ["book"]

SECOND_TARGET = (103.0, 106.5, 102.0, 106.0)
LAST_TARGET = (106.0, 110.5, 105.0, 110.0)
STOP = (100.5, 100.6, 97.5, 98.0)
AWAY = (101.0, 104.0, 100.5, 103.5)
CALM = (101.0, 101.5, 100.8, 101.0)
LIVES: dict[Ending, list[Row]] = {
    Ending.WIN: [FILL, FIRST_TARGET, SECOND_TARGET, LAST_TARGET],
    Ending.TARGET_1_THEN_BREAK_EVEN: [FILL, FIRST_TARGET, BACK_TO_ENTRY],
    Ending.LOSS: [FILL, STOP],
    Ending.OPEN: [FILL],
    Ending.WAITING: [CALM],
    Ending.CANCELLED: [AWAY],
    Ending.EXPIRED: [CALM] * 26,
}


def live(tx: Stores, desk: Desk, ending: Ending, number: int = 0) -> int:
    """The id of a signal that was posted and came to this ending."""
    signal = replace(LONG, symbol=f"{ending.name[:6]}{number}USDT")
    return followed(tx, desk, candles_of(LIVES[ending], signal.symbol), signal)


def test_every_signal_is_counted_once_under_what_became_of_it(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        for ending in LIVES:
            live(tx, desk, ending)

        found = record_since(tx, 0)
        assert dict(found.counts) == dict.fromkeys(LIVES, 1)
        assert (found.sent, found.filled, found.closed) == (7, 4, 3)
        assert found.results.n == 3


def test_target_1_then_break_even_is_no_plain_win_and_keeps_the_r_it_earned(book: Book):
    with book.transaction() as tx:
        live(tx, Desk(tx), Ending.TARGET_1_THEN_BREAK_EVEN)

        found = record_since(tx, 0)
        assert found.count(Ending.WIN) == 0
        assert found.results.total_r == pytest.approx(0.6, abs=0.1)  # 40 % at 1.5R, less costs


def test_a_stop_just_beyond_target_2_is_a_win(book: Book):
    with book.transaction() as tx:
        signal = replace(LONG, symbol="TWOUSDT")
        rows = candles_of([FILL, FIRST_TARGET, SECOND_TARGET, BACK_TO_ENTRY], signal.symbol)
        followed(tx, Desk(tx), rows, signal)

        assert dict(record_since(tx, 0).counts) == {Ending.WIN: 1}


def test_a_missed_signal_is_told_beside_the_sent_ones_and_moves_no_number(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        signal_id = desk.announce()
        tx.signals.set_status(signal_id, SignalStatus.MISSED, "too late", NOW_MS)
        desk.deliver()

        found = record_since(tx, 0)
        assert (found.sent, found.count(Ending.MISSED), found.results.n) == (0, 1, 0)


def test_a_signal_of_unknown_end_is_a_sent_one_even_if_it_was_told_as_missed_later(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        signal_id = desk.announce()
        lost = desk.lose()
        tx.outbox.postpone(lost.id, NOW_MS, "once more")
        tx.signals.set_status(signal_id, SignalStatus.MISSED, "too late", NOW_MS)
        desk.deliver()

        assert [row.delivery for row in desk.record()] == [Delivery.UNKNOWN, Delivery.SENT]
        assert (record_since(tx, 0).sent, record_since(tx, 0).count(Ending.MISSED)) == (1, 0)


def test_signals_that_were_never_sent_are_not_in_it(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)
        tx.meta.set("public_channel", "")
        live(tx, desk, Ending.WIN)

        assert dict(record_since(tx, 0).counts) == {Ending.LOSS: 1}


def test_a_period_holds_what_was_told_in_it(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.LOSS)

        assert record_since(tx, NOW_MS).sent == 1
        assert record_since(tx, NOW_MS + 1).sent == 0
    assert Period.WEEK.since_ms(10 * DAY_MS) == 3 * DAY_MS
    assert Period.ALL.since_ms(10 * DAY_MS) == 0


def test_below_thirty_closed_signals_there_is_nothing_to_judge(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        for number in range(ENOUGH_TO_JUDGE):
            assert not record_since(tx, 0).is_judgeable
            live(tx, desk, Ending.LOSS if number % 2 else Ending.WIN, number)

        found = record_since(tx, 0)
        assert found.is_judgeable
        assert found.results.expectancy_r.low <= found.results.expectancy_r.value <= found.results.expectancy_r.high


def test_a_day_tells_what_happened_in_it_whenever_the_signals_were_sent(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        for ending in (Ending.LOSS, Ending.OPEN, Ending.EXPIRED):
            live(tx, desk, ending)

        first, second = (day_between(tx, NOW_MS + n * DAY_MS, NOW_MS + (n + 1) * DAY_MS) for n in (0, 1))
        assert (first.sent, first.filled, dict(first.ended.counts)) == (3, 2, {Ending.LOSS: 1})
        assert (second.sent, second.filled, dict(second.ended.counts)) == (0, 0, {Ending.EXPIRED: 1})


def test_room_in_the_paper_account_changes_nothing(book: Book):
    """The shadow book speaks for the record: no paper order was ever armed here."""
    with book.transaction() as tx:
        live(tx, Desk(tx), Ending.LOSS)

        assert tx.positions.open_positions(1) == ()
        assert record_since(tx, 0).results.losses == 1


def test_a_signal_still_open_is_settled_into_the_record_later(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        live(tx, desk, Ending.OPEN)
        assert dict(record_since(tx, 0).counts) == {Ending.OPEN: 1}

        candles = candles_of([FILL, STOP], "OPEN0USDT")
        Settlement(tx, {"OPEN0USDT": candles}, Params(), desk.announcements).rest(NOW_MS + 2 * HOUR_MS)
        assert dict(record_since(tx, 0).counts) == {Ending.LOSS: 1}
