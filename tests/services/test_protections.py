"""Locks from the book: what holds, what lifting does, and that chats are told once when one begins and when it ends."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.params import Params
from engine.protections import LockKind
from engine.timeframes import DAY_MS, HOUR_MS
from engine.vocabulary import BookKind, PortfolioKind, SignalStatus
from services.announce import Announcements
from services.blackouts import Blackout
from services.pause import pause, pauses
from services.protections import lock_told, locks, tell, unlock
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.stores import Stores
from tests.storage.samples import LONG, NOW_MS

PARAMS = Params()
NEWS = Blackout(NOW_MS + HOUR_MS, "FOMC", HOUR_MS, HOUR_MS)


@pytest.fixture
def tx() -> Iterator[Stores]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        yield tx


def lost(tx: Stores, symbol: str = "BTCUSDT", at_ms: int = NOW_MS, status: SignalStatus = SignalStatus.CLOSED) -> None:
    """A signal whose shadow position was stopped out for half an R."""
    signal = replace(LONG, symbol=symbol, setup_key=f"{symbol}{at_ms}")
    stored = tx.signals.record(signal, (), status, None, at_ms - HOUR_MS)
    shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
    tx.connection.execute(
        "INSERT INTO positions(portfolio_id, signal_id, symbol, direction, qty, entry_price, opened_ms, status,"
        " closed_ms, close_reason, exit_price, pnl_pct, r_multiple, exclusive)"
        " VALUES(?,?,?,'LONG',1,100,?,'CLOSED',?,'STOP_LOSS',98,-1,-0.5,0)",
        (shadow, stored.id, symbol, at_ms - HOUR_MS, at_ms),
    )


def kinds(tx: Stores, at_ms: int = NOW_MS, *blackouts: Blackout) -> list[tuple[LockKind, str | None]]:
    return [lock.key for lock in locks(tx, at_ms, PARAMS, blackouts)]


def test_an_empty_book_is_not_locked(tx: Stores):
    assert kinds(tx) == []


def test_losses_of_what_was_sent_lock_and_others_do_not(tx: Stores):
    lost(tx, "BTCUSDT")
    lost(tx, "ETHUSDT", status=SignalStatus.REJECTED)

    assert kinds(tx) == [(LockKind.COOLDOWN, "BTCUSDT")]


def test_everything_that_keeps_signals_back_is_told_in_one_order(tx: Stores):
    for number in range(5):
        tx.signals.record(replace(LONG, symbol=f"C{number}", setup_key="x"), (), SignalStatus.EXPIRED, None, NOW_MS)
    lost(tx)
    pause(tx, "holiday", "77", NOW_MS - 1)
    pause(tx, "delisting", "77", NOW_MS - 1, symbol="XRPUSDT", until_ms=NOW_MS + 1)

    assert kinds(tx, NOW_MS, NEWS) == [
        (LockKind.PAUSE, None),
        (LockKind.PAUSE, "XRPUSDT"),
        (LockKind.COOLDOWN, "BTCUSDT"),
        (LockKind.BLACKOUT, None),
        (LockKind.DAILY_CAP, None),
    ]


def test_of_blackouts_at_once_the_longest_is_told(tx: Stores):
    longer = replace(NEWS, event="FOMC and press", after_ms=2 * HOUR_MS)

    [lock] = locks(tx, NOW_MS, PARAMS, (NEWS, longer))
    assert (lock.value, lock.until_ms) == ("FOMC and press", longer.until_ms)


def test_a_blackout_of_some_symbols_is_a_lock_on_each(tx: Stores):
    assert kinds(tx, NOW_MS, replace(NEWS, symbols=("ADAUSDT", "SOLUSDT"))) == [
        (LockKind.BLACKOUT, "ADAUSDT"),
        (LockKind.BLACKOUT, "SOLUSDT"),
    ]


def test_a_lifted_lock_comes_back_with_its_next_cause(tx: Stores):
    lost(tx)
    unlock(tx, LockKind.COOLDOWN, "BTCUSDT", "77", NOW_MS)
    assert kinds(tx) == []

    lost(tx, at_ms=NOW_MS + HOUR_MS)
    assert kinds(tx, NOW_MS + HOUR_MS) == [(LockKind.COOLDOWN, "BTCUSDT")]


def test_lifting_does_not_reach_back_to_instants_before_it(tx: Stores):
    lost(tx)
    unlock(tx, LockKind.COOLDOWN, "BTCUSDT", "77", NOW_MS + HOUR_MS)

    assert kinds(tx, NOW_MS) == [(LockKind.COOLDOWN, "BTCUSDT")]
    assert kinds(tx, NOW_MS + HOUR_MS) == []


def test_a_lifted_cap_lets_as_many_again(tx: Stores):
    for number in range(5):
        tx.signals.record(replace(LONG, symbol=f"C{number}", setup_key="x"), (), SignalStatus.EXPIRED, None, NOW_MS)
    unlock(tx, LockKind.DAILY_CAP, None, "77", NOW_MS)

    assert kinds(tx) == []


def test_a_pause_is_lifted_by_resuming(tx: Stores):
    pause(tx, "", "77", NOW_MS, symbol="BTCUSDT")
    unlock(tx, LockKind.PAUSE, "BTCUSDT", "77", NOW_MS)

    assert pauses(tx, NOW_MS) == ()


def test_a_blackout_is_lifted_until_the_next(tx: Stores):
    unlock(tx, LockKind.BLACKOUT, None, "77", NOW_MS)
    later = replace(NEWS, at_ms=NEWS.at_ms + DAY_MS)

    assert kinds(tx, NOW_MS, NEWS) == []
    assert kinds(tx, NOW_MS + DAY_MS, later) == [(LockKind.BLACKOUT, None)]


def told(tx: Stores) -> list[tuple[str, bool]]:
    """The incidents in the outbox, in order: which lock, and whether it has begun."""
    incidents = [item for message in tx.messages.all() for item in tx.outbox.of_message(message.id)]
    return [(lock.kind.value, began) for lock, began in map(lock_told, incidents)]


def test_a_lock_is_told_once_when_it_begins_and_once_when_it_ends(tx: Stores):
    channel = Announcements((tx.chats.ensure(-100, ChatKind.CHANNEL).id,))
    lost(tx)
    for hours in range(8):
        tell(tx, NOW_MS + hours * HOUR_MS, PARAMS, channel)

    assert told(tx) == [("cooldown", True), ("cooldown", False)]
    events = [event for event in tx.events.latest(10) if event.type in (EventType.LOCK_BEGAN, EventType.LOCK_ENDED)]
    assert [(event.type, event.at_ms - NOW_MS) for event in reversed(events)] == [
        (EventType.LOCK_BEGAN, 0),
        (EventType.LOCK_ENDED, 4 * HOUR_MS),
    ]


def test_a_lock_that_a_new_cause_makes_longer_is_not_told_again(tx: Stores):
    channel = Announcements((tx.chats.ensure(-100, ChatKind.CHANNEL).id,))
    lost(tx)
    tell(tx, NOW_MS, PARAMS, channel)
    lost(tx, at_ms=NOW_MS + HOUR_MS)
    pause(tx, "", "77", NOW_MS + HOUR_MS)
    for hours in range(1, 8):
        tell(tx, NOW_MS + hours * HOUR_MS, PARAMS, channel)

    assert told(tx) == [("cooldown", True), ("pause", True), ("cooldown", False)]
    began, _, ended = (message.dedupe_key for message in tx.messages.all())
    assert began.removesuffix(":began") == ended.removesuffix(":ended")


def test_without_chats_locks_are_events_alone(tx: Stores):
    lost(tx)
    tell(tx, NOW_MS, PARAMS, Announcements())

    assert tx.messages.all() == ()
    assert [event.type for event in tx.events.latest(1)] == [EventType.LOCK_BEGAN]
