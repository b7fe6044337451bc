"""What goes on record: what the public channel was told, when it was told, and never twice without saying so."""

from dataclasses import replace

import pytest

from engine.params import Params
from engine.vocabulary import CloseReason, SignalStatus
from services.announce import MessageKind
from services.position_manager import Settlement
from services.public_record import Ending, record_since
from services.publish import TOLD, append_correction, head8, publish, set_public_channel
from storage.book import Book
from storage.chats import ChatKind
from storage.identities import identities
from storage.publications import GENESIS, Delivery, PublicationKind
from tests.services.books import armed, candles_of, with_deposit
from tests.services.published import BACK_TO_ENTRY, CHANNEL, FILL, FIRST_TARGET, Desk, followed
from tests.storage.samples import HOUR_MS, LONG, NOW_MS, SHORT, book, recorded

__all__ = ["book"]

GROUP = -1_002


def test_a_post_of_the_channel_goes_on_record_with_its_levels_and_its_place(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        signal_id = desk.announce()
        desk.deliver(NOW_MS + 7)

        [row] = desk.record()
        assert (row.kind, row.delivery, row.signal_id) == (PublicationKind.SIGNAL, Delivery.SENT, signal_id)
        assert (row.at_ms, row.facts["candle_close_ms"]) == (NOW_MS + 7, NOW_MS)
        assert (row.facts["entry"], row.facts["stop_loss"], row.facts["zone"]) == (100.0, 98.0, [99.5, 100.5])
        assert [target["price"] for target in row.facts["targets"]] == [103.0, 106.0, 110.0]
        assert row.facts["message_id"] == 501


def test_what_readers_and_other_channels_get_is_no_publication(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        other = tx.chats.ensure(GROUP, ChatKind.CHANNEL).id
        tx.outbox.queue("signal", {}, "signal:x", (other, desk.reader), NOW_MS, signal_id=recorded(tx))
        desk.deliver()

        assert desk.record() == []


def test_a_topic_of_the_public_group_is_public(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        topic = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL, 9).id
        tx.outbox.queue("signal", {}, "signal:x", (topic,), NOW_MS, signal_id=recorded(tx))
        desk.deliver()

        assert len(desk.record()) == 1


def test_without_a_public_channel_nothing_goes_on_record(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        set_public_channel(tx, None)
        desk.announce()
        desk.deliver()

        assert desk.record() == []


@pytest.mark.parametrize("kind", ["notice", "status", "incident", "digest"])
def test_what_is_no_news_of_a_signal_is_no_publication(book: Book, kind: str):
    with book.transaction() as tx:
        desk = Desk(tx)
        tx.outbox.queue(kind, {"text": "hello"}, "x", (desk.channel,), NOW_MS, signal_id=recorded(tx))
        desk.deliver()

        assert desk.record() == []


def test_an_edit_of_a_post_is_no_publication(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        payload = {"edits": "signal:1"}
        tx.outbox.queue("signal", payload, "x", (desk.channel,), NOW_MS, signal_id=recorded(tx))
        desk.deliver()

        assert desk.record() == []


def test_a_signal_that_came_too_late_is_on_record_as_missed_without_levels(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        signal_id = desk.announce()
        tx.signals.set_status(signal_id, SignalStatus.MISSED, "it could not be sent within its validity", NOW_MS)
        desk.deliver()

        [row] = desk.record()
        assert row.kind is PublicationKind.MISSED
        assert row.facts["reason"] == "it could not be sent within its validity"
        assert not {"entry", "stop_loss", "targets"} & row.facts.keys()


def test_a_post_of_unknown_end_that_is_sent_again_says_which_row_it_repeats(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        desk.announce()
        lost = desk.lose()
        tx.outbox.postpone(lost.id, NOW_MS, "once more")
        desk.deliver()

        first, second = desk.record()
        assert (first.delivery, second.delivery) == (Delivery.UNKNOWN, Delivery.SENT)
        assert "resend_of" not in first.facts
        assert second.facts["resend_of"] == first.seq
        assert [row.signal_id for row in tx.publications.outcomes()] == [first.signal_id]


def test_a_post_that_is_on_record_as_sent_is_not_written_again(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        desk.announce()
        desk.deliver()
        item = tx.outbox.get(1)

        assert publish(tx, item, Delivery.SENT, NOW_MS + 1) is None
        assert len(desk.record()) == 1


def test_the_whole_life_of_a_signal_goes_on_record_with_every_fact_it_was_told_with(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        followed(tx, desk, candles_of([FILL, FIRST_TARGET, BACK_TO_ENTRY]))

        life = [row for row in desk.record() if row.kind is not PublicationKind.SIGNAL]
        assert [row.kind.value for row in life] == ["ENTRY", "TARGET", "STOP_MOVED", "CLOSE"]
        for row in life:
            assert set(TOLD[row.kind.value.lower()].facts) <= row.facts.keys(), row.kind
        assert life[0].facts["happened_ms"] == NOW_MS + HOUR_MS
        assert life[-1].facts["reason"] == "BREAK_EVEN"
        assert tx.publications.check().difference is None


def test_a_signal_that_was_never_filled_is_on_record_as_expired(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        signal = replace(LONG, valid_until_ms=NOW_MS + 2 * HOUR_MS)
        signal_id = armed(tx, signal)
        desk.announcements.signal(tx, signal_id, signal, NOW_MS)
        candles = candles_of([(101.0, 102.0, 100.8, 101.5)] * 4)
        Settlement(tx, {"BTCUSDT": candles}, Params(), desk.announcements).rest(NOW_MS + 4 * HOUR_MS)
        desk.deliver(NOW_MS + HOUR_MS)

        *_, row = desk.record()
        assert row.kind is PublicationKind.EXPIRED
        assert row.facts["reason"]


def test_what_was_done_by_hand_is_on_record_as_the_accounts_own_and_not_as_the_signals_end(book: Book):
    with with_deposit(book).transaction() as tx:
        desk = Desk(tx)
        signal_id = armed(tx, LONG)
        desk.announcements.signal(tx, signal_id, LONG, NOW_MS)
        candles = candles_of([FILL])
        settlement = Settlement(tx, {"BTCUSDT": candles}, Params(), desk.announcements)
        settlement.rest(candles.closed_at_ms)
        desk.deliver(candles.closed_at_ms)
        [position, _] = tx.positions.of_signal(signal_id)
        settlement.close_by_hand(position.id, NOW_MS + 2 * HOUR_MS, 101.0, CloseReason.MANUAL)
        desk.deliver(NOW_MS + 2 * HOUR_MS)

        *_, row = desk.record()
        assert (row.kind, row.facts["account"], row.facts["reason"]) == (PublicationKind.CLOSE, "paper", "MANUAL")
        assert record_since(tx, 0).count(Ending.OPEN) == 1
        assert [truth.name for truth in identities(tx) if not truth.holds] == []


def test_the_head_in_a_post_is_the_beginning_of_the_hash_before_it(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        assert head8(tx) == GENESIS[:8]
        desk.announce()
        desk.deliver()

        [row] = desk.record()
        assert head8(tx) == row.hash[:8]


def test_a_correction_stands_behind_the_newest_row_and_names_its_signal(book: Book):
    with book.transaction() as tx:
        desk = Desk(tx)
        assert append_correction(tx, "restored", NOW_MS) is None
        signal_id = desk.announce()
        desk.deliver()
        recorded(tx, SHORT)

        row = append_correction(tx, "restored from yesterday's backup", NOW_MS + 5)
        assert row is not None
        assert (row.signal_id, row.kind, row.delivery) == (signal_id, PublicationKind.CORRECTION, Delivery.UNKNOWN)
        assert row.facts == {"text": "restored from yesterday's backup", "after_seq": 1}
        assert tx.publications.check().difference is None


def test_of_every_kind_of_message_it_is_decided_whether_it_goes_on_record():
    about_no_fact = {MessageKind.INCIDENT, MessageKind.CHECKPOINT, MessageKind.ADVICE, MessageKind.DIGEST}
    about_no_fact |= {MessageKind.STATUS, MessageKind.ORDER, MessageKind.ORDER_CANCEL, MessageKind.ORDER_CLOSE}
    about_no_fact |= {MessageKind.COLLECTED, MessageKind.REPORT}  # the public channel never gets these

    assert {kind.value for kind in set(MessageKind) - about_no_fact} == TOLD.keys()
