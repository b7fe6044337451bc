"""What is queued about a signal beside its post and replies: edits of the post, and blocks for programs."""

import pytest

from engine.vocabulary import CloseReason
from services.announce import CHANGE_STATUS, Announcements, MessageKind
from storage.chats import ChatKind
from storage.preferences import Preferences
from storage.stores import Stores
from tests.storage.samples import LONG, NOW_MS, book, recorded

__all__ = ["book"]

WITH_BLOCK = Preferences(executor_block=True)
NO_FACTS = {"reason": CloseReason.STOP_LOSS.value}


def posted(tx: Stores) -> tuple[Announcements, int]:
    """A signal posted in two chats, of which the second wants executor blocks."""
    plain, ordering = (tx.chats.ensure(-number, ChatKind.CHANNEL).id for number in (1, 2))
    tx.chats.prefer(ordering, WITH_BLOCK)
    announcements = Announcements((plain, ordering))
    signal_id = recorded(tx)
    announcements.signal(tx, signal_id, LONG, NOW_MS)
    return announcements, signal_id


def queued(tx: Stores, kind: MessageKind) -> list[tuple[int, bool, bool]]:
    """Chat, is a reply, is an edit, of every row of a kind."""
    return [
        (item.chat_telegram_id, item.is_reply and not item.edits, item.edits)
        for message in tx.messages.all()
        if message.kind == kind.value
        for item in tx.outbox.of_message(message.id)
    ]


def test_only_a_chat_that_wants_it_is_given_the_block_under_the_post(book):
    with book.transaction() as tx:
        posted(tx)

        assert queued(tx, MessageKind.ORDER) == [(-2, True, False)]


@pytest.mark.parametrize("kind", sorted(CHANGE_STATUS, key=lambda kind: kind.value))
def test_each_event_edits_the_post_in_every_chat_it_went_to(book, kind):
    with book.transaction() as tx:
        announcements, signal_id = posted(tx)
        announcements.update(tx, kind, signal_id, NOW_MS, NO_FACTS)

        assert queued(tx, MessageKind.STATUS) == [(-1, False, True), (-2, False, True)]


def test_an_event_told_twice_edits_once(book):
    with book.transaction() as tx:
        announcements, signal_id = posted(tx)
        for _ in range(2):
            announcements.update(tx, MessageKind.ENTRY, signal_id, NOW_MS, {"price": 100.0})

        assert len(queued(tx, MessageKind.STATUS)) == 2


@pytest.mark.parametrize("kind", [MessageKind.EXPIRED, MessageKind.CANCELLED])
def test_an_order_that_can_fill_no_more_is_taken_back_by_a_reply(book, kind):
    with book.transaction() as tx:
        announcements, signal_id = posted(tx)
        announcements.update(tx, kind, signal_id, NOW_MS, {"reason": "late"})

        assert queued(tx, MessageKind.ORDER_CANCEL) == [(-2, True, False)]


@pytest.mark.parametrize(
    ("reason", "told"), [(CloseReason.TIME_LIMIT, 1), (CloseReason.EOD_CLOSE, 1), (CloseReason.TAKE_PROFIT, 0)]
)
def test_a_program_hears_only_of_a_close_that_it_cannot_see(book, reason, told):
    with book.transaction() as tx:
        announcements, signal_id = posted(tx)
        announcements.update(tx, MessageKind.CLOSE, signal_id, NOW_MS, {"reason": reason.value})

        assert len(queued(tx, MessageKind.ORDER_CLOSE)) == told


def test_without_chats_nothing_is_queued(book):
    with book.transaction() as tx:
        Announcements().update(tx, MessageKind.ENTRY, recorded(tx), NOW_MS, {"price": 100.0})

        assert tx.messages.all() == ()
