"""Health: each check can be well, idle and ill, and the worst one is the answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from diagnostics.checks import CHECKS, CheckResult, Health, Status, no_book, run_checks
from diagnostics.checks.finding import Asked
from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, PortfolioKind, SignalStatus
from storage.book import Book
from storage.chats import ChatKind
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.scans import Scan
from storage.stores import Stores
from tests.services.books import armed, candles_of, settle, with_deposit
from tests.storage.samples import LONG, NOW_MS, opened, recorded

FILL = (101.0, 101.0, 99.5, 100.5)


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield with_deposit(book)


def check(book: Book, name: str, now_ms: int = NOW_MS) -> CheckResult:
    with book.reading() as view:
        return next(one for one in run_checks(view, now_ms).checks if one.name == name)


def write(book: Book, change: Callable[[Stores], object]) -> None:
    with book.transaction() as tx:
        change(tx)


def test_a_new_live_book_is_well_and_idle(book: Book):
    with book.reading() as view:
        health = run_checks(view, NOW_MS)

    assert (health.status, health.exit_code) == (Status.OK, 0)
    assert {one.name: one.status for one in health.checks if one.status is Status.IDLE}.keys() == {
        "candles", "jobs", "scans", "labels", "model", "drift",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "worst", "code"),
    [
        ((), Status.OK, 0),
        ((Status.IDLE,), Status.OK, 0),
        ((Status.OK, Status.WARN, Status.IDLE), Status.WARN, 1),
        ((Status.WARN, Status.FAIL, Status.OK), Status.FAIL, 2),
    ],
)
def test_the_worst_check_is_the_status_and_the_exit_code(statuses, worst: Status, code: int):
    health = Health(tuple(CheckResult("one", status, "", "", "") for status in statuses))

    assert (health.status, health.exit_code) == (worst, code)


def test_candles_are_stale_after_two_bars(book: Book):
    write(book, lambda tx: tx.candles.store(candles_of([FILL]), "binance", NOW_MS))
    closed_ms = NOW_MS + HOUR_MS

    assert check(book, "candles", closed_ms + 2 * HOUR_MS).status is Status.OK
    stale = check(book, "candles", closed_ms + 2 * HOUR_MS + 1)
    assert (stale.status, stale.value, stale.detail) == (Status.FAIL, "1 stale", "BTCUSDT 1h")


def test_minute_candles_are_only_fetched_while_something_is_followed(book: Book):
    write(book, lambda tx: tx.candles.store(candles_of([FILL], timeframe=Timeframe.M1), "binance", NOW_MS))

    assert check(book, "candles", NOW_MS + DAY_MS).status is Status.OK


def test_a_job_that_failed_last_fails_the_check_with_its_reason(book: Book):
    def run(status: JobStatus, slot_ms: int) -> None:
        def claim_and_finish(tx: Stores) -> None:
            tx.job_runs.claim("scan 1h", slot_ms, "me", slot_ms)
            tx.job_runs.finish("scan 1h", slot_ms, status, "no answer", slot_ms)

        write(book, claim_and_finish)

    run(JobStatus.FAILED, NOW_MS)
    failed = check(book, "jobs")
    run(JobStatus.OK, NOW_MS + HOUR_MS)

    assert (failed.status, failed.detail) == (Status.FAIL, "scan 1h: no answer")
    assert check(book, "jobs").status is Status.OK


def test_a_job_that_does_not_end_is_found_after_ten_minutes(book: Book):
    write(book, lambda tx: tx.job_runs.claim("settle", NOW_MS, "me", NOW_MS))

    assert check(book, "jobs", NOW_MS + 10 * MINUTE_MS).status is Status.OK
    assert check(book, "jobs", NOW_MS + 10 * MINUTE_MS + 1).status is Status.FAIL


def queued(tx: Stores) -> int:
    chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
    tx.outbox.queue("close", {}, "close:1", (chat_id,), NOW_MS)
    return tx.outbox.due(NOW_MS, 1)[0].id


def test_a_message_that_waits_five_minutes_is_told(book: Book):
    write(book, queued)

    assert check(book, "outbox", NOW_MS + 5 * MINUTE_MS).status is Status.OK
    late = check(book, "outbox", NOW_MS + 6 * MINUTE_MS)
    assert (late.status, late.value) == (Status.FAIL, "1 waiting, oldest 6 min")


def test_a_send_of_unknown_end_is_a_warning(book: Book):
    def lose(tx: Stores) -> None:
        item = queued(tx)
        tx.outbox.mark_sending(item)
        tx.outbox.mark_unknown(item, "no answer", NOW_MS)

    write(book, lose)
    assert check(book, "outbox").status is Status.WARN


def test_a_position_that_is_not_settled_is_told(book: Book):
    write(book, lambda tx: armed(tx, LONG))
    settle(book, {"BTCUSDT": candles_of([FILL])}, NOW_MS + HOUR_MS)

    assert check(book, "positions", NOW_MS + HOUR_MS + 10 * MINUTE_MS).status is Status.OK
    late = check(book, "positions", NOW_MS + HOUR_MS + 11 * MINUTE_MS)
    assert (late.status, late.value) == (Status.FAIL, "2 unsettled, 0 overdue")


def test_an_order_that_outlives_its_validity_is_told(book: Book):
    write(book, lambda tx: armed(tx, LONG, kinds=(PortfolioKind.PAPER,)))

    assert check(book, "positions", LONG.valid_until_ms + HOUR_MS).status is Status.OK
    assert check(book, "positions", LONG.valid_until_ms + HOUR_MS + 1).value == "0 unsettled, 1 overdue"


def test_an_open_legacy_position_is_nobody_s_to_settle(book: Book):
    def import_one(tx: Stores) -> None:
        portfolio = tx.portfolios.ensure(PortfolioKind.LEGACY, "legacy", "USDT", NOW_MS)
        opened(tx, portfolio_id=portfolio.id, exclusive=False)

    write(book, import_one)
    assert check(book, "positions", NOW_MS + DAY_MS).status is Status.OK


def test_a_live_book_that_nobody_looks_into_is_told(book: Book):
    write(book, lambda tx: tx.scans.record(Scan("BTCUSDT", "1h", NOW_MS, NOW_MS)))

    assert check(book, "scans", NOW_MS + 25 * HOUR_MS).status is Status.OK
    assert check(book, "scans", NOW_MS + 25 * HOUR_MS + 1).status is Status.FAIL


def test_a_replay_book_is_not_expected_to_be_fed():
    with Book.temporary(BookKind.REPLAY, now_ms=NOW_MS) as book:
        write(book, lambda tx: tx.scans.record(Scan("BTCUSDT", "1h", NOW_MS, NOW_MS)))
        with book.reading() as view:
            assert run_checks(view, NOW_MS + 900 * DAY_MS).status is Status.OK


def test_a_ledger_that_does_not_add_up_fails(book: Book):
    write(book, lambda tx: armed(tx, LONG))
    settle(book, {"BTCUSDT": candles_of([FILL])}, NOW_MS + HOUR_MS)
    write(book, lambda tx: tx.connection.execute("UPDATE ledger SET amount=amount-1 WHERE kind='FEE'"))

    with book.reading() as view:
        health = run_checks(view, NOW_MS + HOUR_MS)
    assert health.status is Status.FAIL
    assert [one.name for one in health.checks if one.status is Status.FAIL] == [
        "paper balance = deposits + fills' P&L - fees + adjustments"
    ]


def test_a_path_without_a_book_is_idle_in_every_check_of_the_table(book: Book):
    health = no_book("data/positions.db")

    with book.reading() as view:
        asked = [one(Asked(view, NOW_MS, Params())).name for one in CHECKS]
    assert [one.name for one in health.checks] == asked
    assert {one.status for one in health.checks} == {Status.IDLE}
    assert health.exit_code == 0


def test_signals_alone_do_not_worry_anybody(book: Book):
    write(book, lambda tx: recorded(tx, replace(LONG, setup_key="another"), SignalStatus.SUPPRESSED))

    with book.reading() as view:
        assert run_checks(view, NOW_MS).status is Status.OK


def test_a_message_telegram_did_not_take_as_it_was_is_warned_of_for_a_day(book: Book):
    write(book, lambda tx: tx.events.add(EventType.DEFECT, NOW_MS, message="row 3: unclosed tag"))

    warned = check(book, "telegram", NOW_MS + 24 * HOUR_MS)
    assert (warned.status, warned.detail) == (Status.WARN, "row 3: unclosed tag")
    assert check(book, "telegram", NOW_MS + 24 * HOUR_MS + 1).status is Status.OK


def test_somebody_else_with_the_token_fails_the_check_for_an_hour(book: Book):
    write(book, lambda tx: tx.events.add(EventType.OTHER_BOT, NOW_MS))

    assert check(book, "telegram", NOW_MS + HOUR_MS).status is Status.FAIL
    assert check(book, "telegram", NOW_MS + HOUR_MS + 1).status is Status.OK
