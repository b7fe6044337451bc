import pytest

from engine.vocabulary import BookKind
from storage.book import Book
from storage.chats import ChatKind
from storage.outbox import KILLED_WHILE_SENDING, Backlog, NotInOutbox, OutboxState
from storage.stores import Stores
from tests.storage.samples import NOW_MS, recorded

CHANNEL, OTHER = -1001, -1002


def channel(tx: Stores, telegram_id: int = CHANNEL) -> int:
    return tx.chats.ensure(telegram_id, ChatKind.CHANNEL).id


def queued(tx: Stores, key: str, *chats: int, reply_to: str | None = None) -> list[int]:
    """The outbox ids of a message `key` to these chats."""
    message_id = tx.outbox.queue("text", {"text": key}, key, chats, NOW_MS, reply_to_dedupe_key=reply_to)
    return [item.id for item in tx.outbox.of_message(message_id)]


def due(tx: Stores, now_ms: int = NOW_MS) -> list[str]:
    return [item.dedupe_key for item in tx.outbox.due(now_ms, limit=10)]


def sent(tx: Stores, outbox_id: int, telegram_message_id: int = 7) -> None:
    tx.outbox.mark_sending(outbox_id)
    tx.outbox.mark_sent(outbox_id, telegram_message_id, NOW_MS)


def test_a_message_reaches_the_sender_with_all_it_needs(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        tx.outbox.queue(
            "signal", {"text": "LONG"}, "signal:1", [channel(tx)], NOW_MS, signal_id=signal_id, expires_ms=NOW_MS + 5
        )
        [item] = tx.outbox.due(NOW_MS, limit=10)

    assert (item.kind, item.payload, item.signal_id, item.expires_ms) == (
        "signal",
        {"text": "LONG"},
        signal_id,
        NOW_MS + 5,
    )
    assert (item.chat_telegram_id, item.topic_id, item.state, item.tries) == (CHANNEL, 0, OutboxState.PENDING, 0)
    assert not item.is_reply


def test_the_same_thing_is_said_once(book: Book):
    with book.transaction() as tx:
        chat = channel(tx)
        queued(tx, "hello", chat)

        assert tx.outbox.queue("text", {"text": "again"}, "hello", [chat], NOW_MS) is None
        assert due(tx) == ["hello"]
        assert len(tx.messages.all()) == 1


def test_a_chat_is_served_in_order_one_at_a_time(book: Book):
    with book.transaction() as tx:
        chat = channel(tx)
        [first], [second] = queued(tx, "first", chat), queued(tx, "second", chat)

        assert due(tx) == ["first"]
        tx.outbox.mark_sending(first)
        assert due(tx) == []
        tx.outbox.mark_sent(first, 7, NOW_MS)
        assert due(tx) == ["second"]
        sent(tx, second)
        assert due(tx) == []


def test_one_chats_trouble_does_not_hold_up_another(book: Book):
    with book.transaction() as tx:
        queued(tx, "first", channel(tx))
        tx.outbox.postpone(tx.outbox.due(NOW_MS, 1)[0].id, NOW_MS + 60_000, "flood")
        queued(tx, "second", channel(tx), channel(tx, OTHER))

        assert [(item.dedupe_key, item.chat_telegram_id) for item in tx.outbox.due(NOW_MS, 10)] == [("second", OTHER)]
        assert due(tx, NOW_MS + 60_000) == ["first", "second"]
        assert tx.outbox.next_due_ms() == 0


def test_a_reply_knows_the_message_it_answers_in_its_own_chat(book: Book):
    with book.transaction() as tx:
        here, there = channel(tx), channel(tx, OTHER)
        for outbox_id, telegram_id in zip(queued(tx, "signal", here, there), (11, 22), strict=True):
            sent(tx, outbox_id, telegram_id)
        queued(tx, "update", here, there, reply_to="signal")

        replies = tx.outbox.due(NOW_MS, 10)
    assert [(item.chat_telegram_id, item.reply_to_telegram_id) for item in replies] == [(CHANNEL, 11), (OTHER, 22)]


def test_a_reply_waits_for_its_original_and_stands_alone_when_that_failed(book: Book):
    with book.transaction() as tx:
        chat = channel(tx)
        [original] = queued(tx, "signal", chat)
        queued(tx, "update", chat, reply_to="signal")

        assert due(tx) == ["signal"]
        tx.outbox.mark_failed(original, "chat not found")
        [reply] = tx.outbox.due(NOW_MS, 10)
    assert (reply.is_reply, reply.reply_to_telegram_id) == (True, None)


def test_a_send_found_at_start_is_of_unknown_end_and_may_be_sent_once_more(book: Book):
    with book.transaction() as tx:
        [outbox_id] = queued(tx, "signal", channel(tx))
        tx.outbox.mark_sending(outbox_id)

        [found] = tx.outbox.sending_to_unknown(NOW_MS + 9)
        assert (found.state, found.error, found.sent_ms) == (OutboxState.UNKNOWN, KILLED_WHILE_SENDING, NOW_MS + 9)
        assert tx.outbox.sending_to_unknown(NOW_MS + 10) == ()

        tx.outbox.postpone(outbox_id, NOW_MS, "resend")
        tx.outbox.mark_sending(outbox_id)
        assert tx.outbox.get(outbox_id).tries == 2


def test_a_step_that_the_state_does_not_allow_is_refused(book: Book):
    with book.transaction() as tx:
        [outbox_id] = queued(tx, "signal", channel(tx))
        with pytest.raises(NotInOutbox, match="is not SENDING or UNKNOWN"):
            tx.outbox.mark_sent(outbox_id, 7, NOW_MS)
        sent(tx, outbox_id)

        with pytest.raises(NotInOutbox, match="is not PENDING"):
            tx.outbox.mark_sending(outbox_id)
        with pytest.raises(NotInOutbox, match="no outbox row 99"):
            tx.outbox.get(99)


def test_a_disabled_chat_is_not_served_and_may_lose_what_waits(book: Book):
    with book.transaction() as tx:
        chat = channel(tx)
        queued(tx, "signal", chat)
        tx.chats.disable(chat, "the bot was blocked")

        assert due(tx) == []
        assert tx.outbox.drop_chat(chat, "the bot was blocked") == 1
        tx.chats.enable(chat)
        assert due(tx) == []


def test_what_is_not_worth_sending_is_dropped_with_its_reason(book: Book):
    with book.transaction() as tx:
        [outbox_id] = queued(tx, "signal", channel(tx))
        tx.outbox.drop(outbox_id, "too late")

        assert (tx.outbox.get(outbox_id).state, tx.outbox.get(outbox_id).error) == (OutboxState.DROPPED, "too late")


def test_the_backlog_tells_what_waits_since_when(book: Book):
    with book.transaction() as tx:
        assert tx.outbox.backlog() == Backlog(0, None, 0)
        [first] = queued(tx, "first", channel(tx))
        queued(tx, "second", channel(tx))
        tx.outbox.mark_sending(first)
        tx.outbox.mark_unknown(first, "timeout", NOW_MS)

        assert tx.outbox.backlog() == Backlog(1, NOW_MS, 1)


def test_what_was_said_about_a_signal_is_told_in_order(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        for key in ("signal", "entry"):
            tx.messages.add(key, {}, key, NOW_MS, signal_id=signal_id)

        assert [message.kind for message in tx.messages.of_signal(signal_id)] == ["signal", "entry"]
        assert tx.messages.by_dedupe_key("entry").signal_id == signal_id
        assert tx.messages.by_dedupe_key("nothing") is None


def test_nothing_is_due_in_a_new_book():
    with Book.temporary(BookKind.DEMO, now_ms=NOW_MS) as book, book.reading() as view:
        assert view.outbox.due(NOW_MS, 10) == ()
        assert view.outbox.next_due_ms() is None
