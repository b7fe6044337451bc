"""What people read apart from a signal's post and its life: notices, incidents, the digest, collected signals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from engine.protections import LockKind
from engine.timeframes import HOUR_MS
from engine.vocabulary import BookKind, CloseReason, PortfolioKind, SignalStatus
from handlers.telegram.catalogue import LANGUAGES
from handlers.telegram.notices import APPROVE, BLOCK, NOTICES
from handlers.telegram.texts import renderer
from services.access import ACCESS_DECISION, ACCESS_QUESTION
from services.announce import MessageKind
from services.backtest_desk import BACKTEST_DONE
from services.digest import facts_of
from services.import_desk import IMPORT_DONE
from services.incidents import CHAT_CLOSED, OTHER_BOT
from services.membership import MEMBERSHIP
from services.post import Post
from services.public_record import day_between
from services.watch_health import HEALTH_OPENED, HEALTH_RESOLVED
from storage.book import Book
from storage.chats import ChatKind
from storage.codec import Json
from storage.positions import Ending
from storage.preferences import Preferences
from storage.stores import Stores
from tests.handlers.telegram.goldens import compare, kept
from tests.storage.samples import LONG, NOW_MS, SHORT, opened, recorded

FOLDER = "notices"
READER = 77
ZONES = {"en": "UTC", "bg": "Europe/Sofia"}
LOCKED = {"began": True, "symbol": None, "since_ms": NOW_MS, "until_ms": NOW_MS + HOUR_MS}
MET = {
    LockKind.PAUSE: ("holidays", "none"),
    LockKind.DRAWDOWN: ("6.40R", "6R"),
    LockKind.DAILY_LOSS: ("3.10R", "3R"),
    LockKind.LOW_PROFIT: ("-1.20R", "-1R"),
    LockKind.BLACKOUT: ("FOMC", "none"),
    LockKind.DAILY_CAP: ("8 in 24 h", "8"),
}
QUIET_DAY = {
    **{"sent": 0, "missed": 0, "filled": 0, "win": 0, "target_1_then_break_even": 0, "break_even": 0, "loss": 0},
    **{"expired": 0, "cancelled": 0, "total_r": 0.0, "day": "2026-01-27", "publications": 412, "head": "49a7f5b4" * 8},
}
BUSY_DAY = {**QUIET_DAY, "sent": 5, "missed": 1, "filled": 4, "win": 2, "loss": 1, "expired": 1, "total_r": 3.42}
MEMBER = {"chat_id": -100, "kind": "GROUP", "title": "Traders <&> friends", "by": 88, "by_name": "Ben"}
IMPORTED = {
    "rows": [["trades_history_2025.json", 120, 118, 2], ["allowed_users.json", 3, 3, 0]],
    **{"files": 2, "records": 123, "imported": 121, "duplicate": 0, "quarantined": 2},
}
ILL = {
    "check": "candles",
    "status": "FAIL",
    "value": "BTCUSDT 1h is 3 bars behind",
    "detail": "limit 2 bars",
    "remedy": "look at the connection",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A message by its kind and what its writer told."""

    kind: str
    facts: Mapping[str, Json] = field(default_factory=dict)


def lock(kind: LockKind, **changed: Json) -> Case:
    value, limit = MET.get(kind, ("4", "3"))
    return Case(MessageKind.INCIDENT.value, {**LOCKED, "lock": kind.value, "value": value, "limit": limit, **changed})


CASES = {
    "access_question": Case(ACCESS_QUESTION, {"telegram_id": 88, "name": "Ben <script>"}),
    "access_let_in": Case(ACCESS_DECISION, {"telegram_id": READER}),
    "membership_joined": Case(MEMBERSHIP, {**MEMBER, "is_open": True}),
    "membership_left": Case(MEMBERSHIP, {**MEMBER, "is_open": False}),
    "chat_closed": Case(CHAT_CLOSED, {"chat_id": -100, "reason": "Forbidden: bot was kicked from the channel chat"}),
    "other_bot": Case(OTHER_BOT, {"username": "onebook_bot", "words": "Conflict", "own_name": "home, process 12"}),
    "backtest_done": Case(BACKTEST_DONE, {"id": 3}),
    "backtest_failed": Case(BACKTEST_DONE, {"reason": "there are no candles of that"}),
    "import_done": Case(IMPORT_DONE, IMPORTED),
    "import_failed": Case(IMPORT_DONE, {"reason": "the disk is full"}),
    "health_opened": Case(HEALTH_OPENED, ILL),
    "health_resolved": Case(HEALTH_RESOLVED, {"check": "candles", "lasted": "2h 10m"}),
    **{f"lock_{kind.value}": lock(kind) for kind in LockKind},
    "lock_without_an_end": lock(LockKind.PAUSE, until_ms=None),
    "lock_of_a_symbol": lock(LockKind.COOLDOWN, symbol="BTCUSDT"),
    "lock_over": lock(LockKind.COOLDOWN, symbol="BTCUSDT", began=False),
    "digest": Case(MessageKind.DIGEST.value, BUSY_DAY),
    "digest_of_a_quiet_day": Case(MessageKind.DIGEST.value, QUIET_DAY),
    "collected": Case(MessageKind.COLLECTED.value, {"signals": [1, 2], "ended": [3, 4]}),
}


@pytest.fixture
def tx() -> Iterator[Stores]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        yield tx


def post_of(tx: Stores, case: Case, language: str) -> Post:
    """The message, in the private chat of somebody who is spoken to in `language`."""
    tx.users.ensure(READER, "Ann", NOW_MS, language, ZONES[language])
    chat = tx.chats.ensure(READER, ChatKind.PRIVATE)
    tx.chats.prefer(chat.id, Preferences(language=language, zone=ZONES[language]))
    message_id = tx.outbox.queue(case.kind, case.facts, "key", (chat.id,), NOW_MS)
    assert message_id is not None
    [item] = tx.outbox.of_message(message_id)
    return renderer()(tx, item)


def four_signals(tx: Stores) -> None:
    """One that waits, one that is filled, one that was stopped out, one that was never filled."""
    statuses = (SignalStatus.SENT, SignalStatus.EXECUTED, SignalStatus.CLOSED, SignalStatus.EXPIRED)
    ids = [
        recorded(tx, replace(signal, setup_key=status.value), status)
        for signal, status in zip((LONG, SHORT, LONG, SHORT), statuses, strict=True)
    ]
    shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
    position_id = opened(tx, portfolio_id=shadow, signal_id=ids[2], exclusive=False)
    tx.positions.close(position_id, Ending(97.9, NOW_MS + HOUR_MS, CloseReason.STOP_LOSS, -2.1, -4.2, -1.05, fees=0.2))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_each_notice_reads_as_its_golden_file(tx: Stores, name: str, language: str):
    if name == "collected":
        four_signals(tx)

    compare(name, language, post_of(tx, CASES[name], language).html, FOLDER)


def test_every_golden_file_is_of_a_notice_and_every_notice_has_one():
    assert kept(FOLDER) == {f"{name}.{language}.html" for name in CASES for language in LANGUAGES}
    assert {case.kind for case in CASES.values()} >= NOTICES.keys()


def test_the_digest_of_the_golden_file_tells_all_that_is_told_of_a_day(tx: Stores):
    told = facts_of(day_between(tx, NOW_MS, NOW_MS + HOUR_MS))

    assert told.keys() == QUIET_DAY.keys() - {"day", "publications", "head"}


def test_a_stranger_s_question_carries_the_two_answers(tx: Stores):
    [row] = post_of(tx, CASES["access_question"], "en").buttons

    assert [button.data.split(":")[1] for button in row] == [APPROVE, BLOCK]
