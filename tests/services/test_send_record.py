"""The sender and the record: a post is on it exactly when it was sent, with what is known of its end."""

from contextlib import suppress
from pathlib import Path

import pytest

from engine.vocabulary import BookKind, SignalStatus
from services.announce import MessageKind
from services.publish import publish, set_public_channel
from storage.book import Book
from storage.database import Moment
from storage.outbox import OutboxState
from storage.publications import Delivery, PublicationKind
from storage.stores import Stores
from tests.fakes.http import Drop, Refuse, json_response
from tests.services.published import Desk
from tests.services.test_send import HOUR_MS, bench
from tests.storage.crashing import Crash, CrashAt, raise_crash
from tests.storage.samples import LONG, NOW_MS

__all__ = ["bench"]


@pytest.fixture
def public(bench):
    """The bench, whose channel is the public one."""
    with bench.book.transaction() as tx:
        set_public_channel(tx, bench.channel)
    return bench


def record(bench) -> list[tuple[PublicationKind, Delivery]]:
    with bench.book.reading() as view:
        assert view.publications.check().difference is None
        return [(row.kind, row.delivery) for row in view.publications.rows()]


SENT, UNSURE = (PublicationKind.SIGNAL, Delivery.SENT), (PublicationKind.SIGNAL, Delivery.UNKNOWN)


async def test_a_post_is_on_record_when_it_was_sent_and_not_before(public):
    signal_id = public.announce()
    assert record(public) == []
    await public.drain()
    assert record(public) == [SENT]

    public.update(signal_id, MessageKind.ENTRY, price=100.0)
    await public.drain(after_ms=5_000)
    assert record(public) == [SENT, (PublicationKind.ENTRY, Delivery.SENT)]
    with public.book.reading() as view:
        told = [row.facts["message_id"] for row in view.publications.rows()]
    assert told == [message.message_id for message in public.sent()]


async def test_an_answer_that_never_came_is_on_record_and_so_is_the_resend(public):
    public.api.script("sendMessage", Drop(after_acceptance=True))
    public.announce()
    await public.drain()
    assert record(public) == [UNSURE]

    await public.drain(after_ms=10_000)
    assert record(public) == [UNSURE, SENT]
    with public.book.reading() as view:
        assert [row.facts.get("resend_of") for row in view.publications.rows()] == [None, 1]


async def test_what_was_being_sent_when_the_bot_ended_is_on_record_as_unknown(public):
    public.announce()
    with public.book.transaction() as tx:
        tx.outbox.mark_sending(1)
    sender = public.new_sender()
    await sender.recover()

    assert record(public) == [UNSURE]


async def test_what_telegram_refused_is_not_on_record(public):
    refusal = json_response({"ok": False, "error_code": 400, "description": "Bad Request: nonsense"}, 400)
    public.api.script("sendMessage", Refuse(refusal))
    public.announce()
    await public.drain()

    assert public.row().state is OutboxState.FAILED
    assert record(public) == []


async def test_a_signal_that_is_late_goes_on_record_as_missed(public):
    public.announce()
    await public.drain(after_ms=LONG.valid_until_ms - NOW_MS + HOUR_MS)

    assert record(public) == [(PublicationKind.MISSED, Delivery.SENT)]


def sent_at_once(tx: Stores) -> None:
    """The transaction in which a post comes to its end."""
    tx.outbox.mark_sent(1, 500, NOW_MS)
    publish(tx, tx.outbox.get(1), Delivery.SENT, NOW_MS)
    tx.signals.set_status(1, SignalStatus.SENT, None, NOW_MS)


@pytest.mark.parametrize("statement", range(14))
def test_the_mark_and_the_row_come_together_or_not_at_all(tmp_path: Path, statement: int):
    path, crash, done = tmp_path / "live.db", CrashAt(statement, raise_crash), []

    def fault(moment: Moment, sql: str) -> None:
        if ready and moment is Moment.AFTER:
            done.append(sql)
            crash(moment, sql)

    ready = False
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=fault) as book:
        with book.transaction() as tx:
            Desk(tx).announce()
            tx.outbox.mark_sending(1)
        ready = True
        with suppress(Crash), book.transaction() as tx:
            sent_at_once(tx)

    with Book.open_read_only(path) as book, book.reading() as view:
        is_sent = view.outbox.get(1).state is OutboxState.SENT
        assert [row.delivery for row in view.publications.rows()] == [Delivery.SENT] * is_sent
        assert is_sent == ("COMMIT" in done)
