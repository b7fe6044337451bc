from dataclasses import replace

import numpy as np

from engine.candles import Candles
from engine.timeframes import Timeframe
from engine.vocabulary import Rejected, SignalStatus, Stage
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.outbox import OutboxState
from storage.retention import CANDLES_PER_SERIES, Forgotten, forget
from storage.scans import Scan
from storage.stores import Stores
from tests.storage.samples import DAY_MS, HOUR_MS, LONG, NOW_MS, SHORT, recorded

TODAY_MS = NOW_MS // DAY_MS * DAY_MS
OLD_MS = TODAY_MS - 40 * DAY_MS
NOTHING = Forgotten(0, 0, 0, 0, 0, 0)


def rolled_up(tx: Stores) -> dict[str, object]:
    return {event.message: event.decision_context for event in tx.events.latest(99, EventType.ROLLED_UP)}


def test_an_empty_book_has_nothing_to_forget(book: Book):
    with book.transaction() as tx:
        assert forget(tx, NOW_MS) == NOTHING


def test_old_looks_become_one_event_a_day(book: Book):
    no_setup = Rejected(Stage.SETUP, "no setup")
    with book.transaction() as tx:
        tx.scans.record_many(
            [
                Scan("BTCUSDT", "1h", OLD_MS, OLD_MS, 5, 0, no_setup),
                Scan("BTCUSDT", "1h", OLD_MS + HOUR_MS, OLD_MS, 5, 0, no_setup),
                Scan("ETHUSDT", "1h", OLD_MS, OLD_MS, 5, 2),
                Scan("BTCUSDT", "1h", NOW_MS, NOW_MS, 5, 1),
            ]
        )

        assert forget(tx, NOW_MS).scans == 3
        assert tx.scans.span("BTCUSDT", "1h") == (NOW_MS, NOW_MS)
        assert rolled_up(tx) == {
            "scans of 2025-08-30": {"looks": 3, "signals": 2, "ended: setup": 2, "ended: levels reached": 1}
        }
        assert forget(tx, NOW_MS) == NOTHING


def test_the_thirtieth_day_is_kept_whole(book: Book):
    kept, gone = TODAY_MS - 30 * DAY_MS, TODAY_MS - 30 * DAY_MS - 1
    with book.transaction() as tx:
        tx.scans.record_many([Scan("BTCUSDT", "1h", kept, kept), Scan("BTCUSDT", "1h", gone, gone)])

        assert forget(tx, NOW_MS).scans == 1
        assert tx.scans.span("BTCUSDT", "1h") == (kept, kept)


def test_the_last_run_of_each_job_is_kept_however_old(book: Book):
    with book.transaction() as tx:
        for slot_ms in (OLD_MS, OLD_MS + DAY_MS):
            tx.job_runs.claim("monthly report", slot_ms, "bot", slot_ms)
            tx.job_runs.finish("monthly report", slot_ms, JobStatus.OK, None, slot_ms)

        assert forget(tx, NOW_MS).job_runs == 1
        assert tx.job_runs.last("monthly report").slot_ms == OLD_MS + DAY_MS
        assert rolled_up(tx) == {"job_runs of 2025-08-30": {"monthly report: OK": 1}}


def said(tx: Stores, key: str, signal_id: int | None = None, reply_to: str | None = None) -> int:
    """The outbox id of an old message that was sent."""
    chat = tx.chats.ensure(-1001, ChatKind.CHANNEL).id
    message_id = tx.outbox.queue("text", {}, key, [chat], OLD_MS, signal_id=signal_id, reply_to_dedupe_key=reply_to)
    [item] = tx.outbox.of_message(message_id)
    tx.outbox.mark_sending(item.id)
    tx.outbox.mark_sent(item.id, 7, OLD_MS)
    return item.id


def test_old_messages_go_unless_their_signal_still_stands(book: Book):
    with book.transaction() as tx:
        standing = said(tx, "standing", recorded(tx, LONG, SignalStatus.EXECUTED))
        said(tx, "ended", recorded(tx, SHORT, SignalStatus.CLOSED))
        said(tx, "answer", reply_to="ended")

        forgotten = forget(tx, NOW_MS)
        assert (forgotten.outbox, forgotten.messages) == (2, 2)
        assert tx.outbox.get(standing).state is OutboxState.SENT
        assert [message.dedupe_key for message in tx.messages.all()] == ["standing"]
        assert rolled_up(tx) == {"outbox of 2025-08-30": {"SENT": 2}}


def test_a_reply_that_is_kept_outlives_its_original(book: Book):
    with book.transaction() as tx:
        said(tx, "ended")
        reply = said(tx, "update", recorded(tx, LONG, SignalStatus.EXECUTED), reply_to="ended")

        assert forget(tx, NOW_MS).outbox == 1
        assert not tx.outbox.get(reply).is_reply


def test_what_waits_is_never_forgotten(book: Book):
    with book.transaction() as tx:
        chat = tx.chats.ensure(-1001, ChatKind.CHANNEL).id
        tx.outbox.queue("text", {}, "waiting", [chat], OLD_MS)

        assert forget(tx, NOW_MS) == NOTHING


def bars(timeframe: str, count: int) -> Candles:
    """`count` equal bars, the last of them open now."""
    frame = Timeframe.parse(timeframe)
    times = TODAY_MS + frame.ms * (np.arange(count) - count + 1)
    column = np.full(count, 100.0)
    return Candles.checked("BTCUSDT", frame, times, column, column, column, column, column)


def test_minutes_are_kept_two_weeks_and_other_series_by_number(book: Book):
    minutes_a_day = 24 * 60
    with book.transaction() as tx:
        tx.candles.store(bars("1m", 15 * minutes_a_day), "binance", NOW_MS)
        tx.candles.store(bars("1h", CANDLES_PER_SERIES + 7), "binance", NOW_MS)
        tx.candles.store(bars("4h", CANDLES_PER_SERIES), "binance", NOW_MS)

        assert forget(tx, NOW_MS).candles == minutes_a_day - 1 + 7
        assert {series.timeframe: series.candles for series in tx.candles.series()} == {
            "1m": 14 * minutes_a_day + 1,
            "1h": CANDLES_PER_SERIES,
            "4h": CANDLES_PER_SERIES,
        }


def test_features_of_what_nobody_was_sent_go_after_two_years(book: Book):
    long_ago = NOW_MS - 3 * 365 * DAY_MS
    unsent = replace(LONG, setup_key="unsent", candle_close_ms=long_ago)
    with book.transaction() as tx:
        gone = recorded(tx, unsent, SignalStatus.SUPPRESSED)
        sent = recorded(tx, replace(unsent, setup_key="sent"), SignalStatus.CLOSED)
        recent = recorded(tx, LONG, SignalStatus.SUPPRESSED)

        assert forget(tx, NOW_MS).features == 1
        assert [bool(tx.signals.get(n).signal.features) for n in (gone, sent, recent)] == [False, True, True]
