import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

from engine.vocabulary import ChartFacts, Contribution, SignalSource, SignalStatus
from storage.book import Book
from storage.signals import AmbiguousSignal, UnknownSignal, uid_of
from tests.storage.samples import DAY_MS, HOUR_MS, LONG, NOW_MS, SHORT, VERDICTS, recorded


def test_a_signal_comes_back_as_it_was_recorded(book: Book):
    with book.transaction() as tx:
        signal_id = tx.signals.record(LONG, VERDICTS, SignalStatus.SUPPRESSED, "rr", NOW_MS + 5).id

    with book.reading() as view:
        stored = view.signals.get(signal_id)
    assert stored.signal == LONG
    assert (stored.status, stored.status_reason, stored.status_ms) == (SignalStatus.SUPPRESSED, "rr", NOW_MS + 5)
    assert (stored.created_ms, stored.last_seen_ms) == (LONG.candle_close_ms, NOW_MS + 5)


def test_what_a_recording_returns_is_what_the_book_holds(book: Book):
    decided = replace(LONG, chart=ChartFacts(atr=1.5, last_price=101.0, structure_trend=1))
    with book.transaction() as tx:
        new = tx.signals.record(decided, VERDICTS, SignalStatus.SUPPRESSED, "rr", NOW_MS + 5)
        held = tx.signals.get(new.id)
        again = tx.signals.record(decided, VERDICTS, SignalStatus.SENT, None, NOW_MS + 9)

    assert new.stored == held
    assert again.stored == replace(held, last_seen_ms=again.stored.last_seen_ms)


def test_the_uid_is_the_sha256_of_what_makes_a_decision_itself():
    words = f"BTCUSDT|1h|LONG|{LONG.setup_key}|{NOW_MS}"

    assert uid_of(LONG) == hashlib.sha256(words.encode()).hexdigest()


def test_a_setup_seen_again_on_a_later_close_keeps_its_row_and_is_only_seen_later(book: Book):
    later = replace(LONG, candle_close_ms=NOW_MS + HOUR_MS, entry=100.2, confidence=90.0)

    with book.transaction() as tx:
        first = tx.signals.record(LONG, VERDICTS, SignalStatus.SENT, None, NOW_MS)
        again = tx.signals.record(later, VERDICTS, SignalStatus.SUPPRESSED, "late", NOW_MS + HOUR_MS)
        stored = tx.signals.get(first.id)
        verdicts = tx.signals.verdicts(first.id)

    assert (again.id, again.is_new) == (first.id, False)
    assert stored.signal == LONG
    assert (stored.status, stored.last_seen_ms) == (SignalStatus.SENT, NOW_MS + HOUR_MS)
    assert len(verdicts) == len(VERDICTS)


def test_a_setup_may_be_seen_again_without_being_recorded(book: Book):
    with book.transaction() as tx:
        assert tx.signals.see_again(LONG, NOW_MS) is None
        signal_id = recorded(tx)

        assert tx.signals.see_again(LONG, NOW_MS + HOUR_MS) == signal_id
        assert tx.signals.see_again(LONG, NOW_MS) == signal_id
        assert tx.signals.get(signal_id).last_seen_ms == NOW_MS + HOUR_MS


def test_the_same_decision_recorded_twice_is_one_row(book: Book):
    with book.transaction() as tx:
        first = tx.signals.record(LONG, VERDICTS, SignalStatus.SENT, None, NOW_MS)
        again = tx.signals.record(LONG, VERDICTS, SignalStatus.SENT, None, NOW_MS)

    assert (first.is_new, again.is_new) == (True, False)
    assert again.id == first.id


def test_a_decision_asked_for_by_hand_and_then_found_by_the_scan_is_one_row(book: Book):
    with book.transaction() as tx:
        by_hand = tx.signals.record(
            replace(LONG, source=SignalSource.COMMAND), VERDICTS, SignalStatus.SENT, None, NOW_MS
        )
        by_scan = tx.signals.record(LONG, VERDICTS, SignalStatus.SENT, None, NOW_MS)

    assert (by_scan.id, by_scan.is_new) == (by_hand.id, False)


def test_every_gates_verdict_is_kept(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)

        assert [stored.verdict for stored in tx.signals.verdicts(signal_id)] == list(VERDICTS)


def test_a_missing_feature_is_nan_again_and_infinity_is_refused(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx, replace(LONG, features={"atr": math.nan}))
        assert math.isnan(tx.signals.get(signal_id).signal.features["atr"])

        with pytest.raises(ValueError, match="not JSON compliant"):
            recorded(tx, replace(LONG, setup_key="other", features={"atr": math.inf}))


def test_numpy_numbers_are_stored_as_numbers(book: Book):
    signal = replace(
        LONG,
        entry=np.float64(100.0),
        rr=np.float32(5.0),
        candle_close_ms=np.int64(NOW_MS),
        htf_bias=np.int8(1),
        contributions=(Contribution("sweep", np.float32(1.5), np.int64(5), "numpy"),),
        features={"bars": np.int64(7)},
    )

    with book.transaction() as tx:
        signal_id = recorded(tx, signal)
        [types] = tx.connection.execute(
            "SELECT typeof(entry), typeof(rr), typeof(candle_close_ms), typeof(htf_bias) FROM signals"
        ).fetchall()
        stored = tx.signals.get(signal_id).signal
    assert types == ("real", "real", "integer", "integer")
    assert (stored.contributions[0].points, stored.features) == (1.5, {"bars": 7})


def test_a_signal_is_found_by_id_and_by_the_beginning_of_its_uid(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)

        assert tx.signals.find(str(signal_id)).id == signal_id
        assert tx.signals.find(f"#{signal_id}").id == signal_id
        assert tx.signals.find(uid_of(LONG)[:12].upper()).id == signal_id


@pytest.mark.parametrize("text", ["", "99", "zzz", "%", "_"])
def test_a_text_that_means_no_signal_is_refused(book: Book, text: str):
    with book.transaction() as tx:
        recorded(tx)

        with pytest.raises(UnknownSignal, match="There is no signal"):
            tx.signals.find(text)


def test_a_beginning_that_fits_two_signals_is_refused(book: Book):
    with book.transaction() as tx:
        letters = [uid_of(replace(LONG, setup_key=f"k{n}"))[0] for n in range(17)]
        twin = next(letter for letter in letters if letters.count(letter) > 1 and not letter.isdecimal())
        for n in range(17):
            recorded(tx, replace(LONG, setup_key=f"k{n}"))

        with pytest.raises(AmbiguousSignal):
            tx.signals.find(twin)


def test_gates_see_what_the_channel_was_given_since_then_and_what_still_stands(book: Book):
    old = NOW_MS - 3 * DAY_MS
    with book.transaction() as tx:
        recorded(tx, replace(LONG, setup_key="old, still standing", candle_close_ms=old), SignalStatus.EXECUTED)
        recorded(tx, replace(LONG, setup_key="old, closed", candle_close_ms=old), SignalStatus.CLOSED)
        recorded(tx, replace(LONG, setup_key="never sent"), SignalStatus.SUPPRESSED)
        recorded(tx, SHORT, SignalStatus.CLOSED)

        recent = tx.signals.recent_sent(NOW_MS - DAY_MS)
        count = tx.signals.count_sent(NOW_MS - DAY_MS)

    assert [(sent.created_ms, sent.direction, sent.is_live) for sent in recent] == [
        (old, LONG.direction, True),
        (NOW_MS, SHORT.direction, False),
    ]
    assert count == 1


def test_live_signals_of_a_symbol_are_those_that_stand(book: Book):
    with book.transaction() as tx:
        standing = recorded(tx, LONG, SignalStatus.ACCEPTED)
        recorded(tx, SHORT, SignalStatus.EXPIRED)
        recorded(tx, replace(LONG, symbol="ETHUSDT"), SignalStatus.SENT)

        assert [found.id for found in tx.signals.live("BTCUSDT")] == [standing]
        assert len(tx.signals.live()) == 2


def test_a_status_changes_with_its_reason_and_instant(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        tx.signals.set_status(signal_id, SignalStatus.EXPIRED, "not reached in time", NOW_MS + DAY_MS)

        stored = tx.signals.get(signal_id)
    assert (stored.status, stored.status_reason) == (SignalStatus.EXPIRED, "not reached in time")
    assert not stored.is_live
