"""Scans, job runs, events, settings, users and chats."""

import pytest

from engine.vocabulary import Rejected, Stage
from storage.book import Book
from storage.chats import ChatKind
from storage.database import IntegrityError
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.scans import Scan
from storage.users import Role
from tests.storage.samples import HOUR_MS, NOW_MS, opened, recorded

REJECTED = Rejected(Stage.CONTEXT, "the higher timeframe stands against it", "-1", "0 or 1")


def test_looks_are_told_newest_first_and_a_second_look_replaces_the_first(book: Book):
    first = Scan("BTCUSDT", "1h", NOW_MS, NOW_MS + 3, 12, 0, REJECTED)
    second = Scan("BTCUSDT", "1h", NOW_MS + HOUR_MS, NOW_MS + HOUR_MS, None, 1)
    again = Scan("BTCUSDT", "1h", NOW_MS, NOW_MS + 9, 10, 1)

    with book.transaction() as tx:
        tx.scans.record_many([first, second, Scan("BTCUSDT", "4h", NOW_MS, NOW_MS)])
        assert tx.scans.at("BTCUSDT", "1h", NOW_MS) == first
        assert tx.scans.latest("BTCUSDT", "1h", 2) == (second, first)
        tx.scans.record(again)

        assert tx.scans.latest("BTCUSDT", "1h", 2) == (second, again)
        assert tx.scans.latest("BTCUSDT", count=9)[0] == second
        assert tx.scans.span("BTCUSDT", "1h") == (NOW_MS, NOW_MS + HOUR_MS)
        assert tx.scans.span("ETHUSDT", "1h") is None
        assert tx.scans.at("BTCUSDT", "1h", NOW_MS - 1) is None


def test_a_slot_is_claimed_by_one(book: Book):
    with book.transaction() as tx:
        claims = [tx.job_runs.claim("scan 1h", NOW_MS, owner, NOW_MS) for owner in ("one", "two")]

        assert claims == [True, False]
        assert tx.job_runs.last("scan 1h").owner == "one"
        assert tx.job_runs.last("nothing") is None


def test_a_finished_run_tells_how_it_ended(book: Book):
    with book.transaction() as tx:
        tx.job_runs.claim("scan 1h", NOW_MS, "one", NOW_MS)
        tx.job_runs.finish("scan 1h", NOW_MS, JobStatus.OK, "6 series", NOW_MS + 900)
        tx.job_runs.claim("scan 1h", NOW_MS + HOUR_MS, "one", NOW_MS + HOUR_MS)

        done = tx.job_runs.last("scan 1h", JobStatus.OK)
        assert (done.slot_ms, done.finished_ms, done.detail) == (NOW_MS, NOW_MS + 900, "6 series")
        assert tx.job_runs.last("scan 1h").status is JobStatus.STARTED
        assert [run.slot_ms for run in tx.job_runs.last_of_each()] == [NOW_MS + HOUR_MS]


def test_runs_of_a_killed_process_are_abandoned_and_may_be_taken_once(book: Book):
    with book.transaction() as tx:
        tx.job_runs.claim("scan 1h", NOW_MS, "dead", NOW_MS)
        tx.job_runs.claim("scan 4h", NOW_MS, "dead", NOW_MS + HOUR_MS)  # its clock was wrong
        tx.job_runs.claim("backup", NOW_MS, "dead", NOW_MS)
        tx.job_runs.finish("backup", NOW_MS, JobStatus.OK, None, NOW_MS)

        abandoned = tx.job_runs.abandon_unended(NOW_MS + 60_001)
        assert [(run.job, run.status) for run in abandoned] == [
            ("scan 1h", JobStatus.ABANDONED),
            ("scan 4h", JobStatus.ABANDONED),
        ]
        assert not tx.job_runs.claim("scan 1h", NOW_MS, "new", NOW_MS + 60_002)
        taken = [tx.job_runs.retake("scan 1h", NOW_MS, owner, NOW_MS + 60_002) for owner in ("new", "newer")]
        assert taken == [True, False]
        assert tx.job_runs.last("scan 1h").owner == "new"


def test_a_failed_slot_may_be_taken_again_and_a_done_one_not(book: Book):
    with book.transaction() as tx:
        runs = tx.job_runs
        assert runs.last_done_ms("scan 1h") is None
        for slot_ms, status in ((NOW_MS, JobStatus.OK), (NOW_MS + HOUR_MS, JobStatus.FAILED)):
            runs.claim("scan 1h", slot_ms, "bot", slot_ms)
            runs.finish("scan 1h", slot_ms, status, None, slot_ms)

        assert runs.last_done_ms("scan 1h") == NOW_MS
        assert not runs.retake("scan 1h", NOW_MS, "bot", NOW_MS)
        assert runs.retake("scan 1h", NOW_MS + HOUR_MS, "bot", NOW_MS)


def test_a_slot_nobody_ran_is_noted_as_missed(book: Book):
    with book.transaction() as tx:
        assert tx.job_runs.miss("report", NOW_MS, "the bot was off", NOW_MS + HOUR_MS)
        assert not tx.job_runs.miss("report", NOW_MS, "the bot was off", NOW_MS + HOUR_MS)
        assert tx.job_runs.last("report").status is JobStatus.MISSED


def test_events_of_a_signal_include_those_of_its_positions(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        position_id = opened(tx, signal_id=signal_id)
        tx.events.add(EventType.POSITION_OPENED, NOW_MS + 1, position_id=position_id, market_context={"close": 100.0})
        tx.events.add(EventType.SIGNAL_SENT, NOW_MS, signal_id=signal_id, actor="sender", message="sent")
        tx.events.add(EventType.BOT_STARTED, NOW_MS + 2)

        sent, filled = tx.events.of_signal(signal_id)
        assert (sent.type, sent.actor, sent.message) == (EventType.SIGNAL_SENT, "sender", "sent")
        assert (filled.type, filled.market_context) == (EventType.POSITION_OPENED, {"close": 100.0})
        assert tx.events.of_position(position_id) == (filled,)
        assert tx.events.latest(1)[0].type is EventType.BOT_STARTED
        assert tx.events.latest(5, EventType.SIGNAL_SENT) == (sent,)


def test_an_event_with_a_key_happens_once_and_is_never_altered(book: Book):
    with book.transaction() as tx:
        written = [tx.events.add(EventType.DEPOSIT, NOW_MS, idem_key="deposit:1") for _ in range(2)]

        assert written == [True, False]
        with pytest.raises(IntegrityError, match="append-only"):
            tx.connection.execute("UPDATE events SET message='other'")


def test_a_setting_keeps_its_value_and_its_author(book: Book):
    with book.transaction() as tx:
        tx.settings.set("min_rr", 3.0, "owner", NOW_MS)
        tx.settings.set("min_rr", {"BTCUSDT": 2.5}, "admin", NOW_MS + 1)
        setting = tx.settings.get("min_rr")

        assert (setting.value, setting.updated_by, setting.updated_ms) == ({"BTCUSDT": 2.5}, "admin", NOW_MS + 1)
        assert tx.settings.all() == (setting,)
        tx.settings.remove("min_rr")
        assert tx.settings.get("min_rr") is None


def test_a_new_user_is_pending_until_somebody_decides(book: Book):
    with book.transaction() as tx:
        assert tx.users.by_telegram_id(42) is None
        assert tx.users.ensure(42, "Ana", NOW_MS).role is Role.PENDING
        tx.users.set_role(42, Role.OPERATOR, 1, NOW_MS + 5)
        user = tx.users.ensure(42, "Ana B.", NOW_MS + 9)

        assert (user.role, user.decided_by, user.decided_ms, user.name) == (Role.OPERATOR, 1, NOW_MS + 5, "Ana B.")
        assert tx.users.with_role(Role.OPERATOR) == (user,)
        assert tx.users.ensure(42, None, NOW_MS).name == "Ana B."


def test_a_chat_is_known_by_its_topic_and_follows_its_new_id(book: Book):
    with book.transaction() as tx:
        whole, topic = tx.chats.ensure(-5, ChatKind.GROUP), tx.chats.ensure(-5, ChatKind.GROUP, topic_id=3)
        tx.chats.disable(topic.id, "the topic was deleted")
        tx.chats.migrate(whole.id, -1005)

        assert tx.chats.ensure(-1005, ChatKind.GROUP).id == whole.id
        assert [chat.id for chat in tx.chats.enabled(ChatKind.GROUP)] == [whole.id]
        assert tx.chats.get(topic.id).disabled_reason == "the topic was deleted"
        with pytest.raises(LookupError, match="no chat 99"):
            tx.chats.get(99)
