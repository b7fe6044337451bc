"""Each check is broken on purpose and must be the one, and the only one, that reports it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from diagnostics.checks import CHECKS, CheckResult, Health, Place, Status, no_book, quick_health, run_checks
from engine.params import Params
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind, CloseReason, PortfolioKind
from services.verify import ON_THE_SPOT_ROWS, verify
from storage.backup import Depth
from storage.book import Book
from storage.events import EventType
from storage.health import hole_key
from storage.job_runs import DRILL_JOB, JobStatus
from storage.legacy import LegacyRecords
from storage.positions import Ending
from storage.pulse import beat
from storage.stores import Stores
from storage.verified import Soundness, keep_soundness, keep_verified
from tests.diagnostics.checks.well import AT_MS, PLACE, PULSE, STARTED_MS, done, make_well, queued
from tests.storage.samples import NOW_MS, opened

LEARNING = {"labels", "model", "drift"}
"""Broken in a test file of their own, which trains a model."""


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=STARTED_MS) as book:
        yield make_well(book)


def health_of(book: Book, place: Place | None = PLACE, now_ms: int = AT_MS) -> Health:
    with book.reading() as view:
        return run_checks(view, now_ms, place=place)


def ill(health: Health) -> list[CheckResult]:
    return [one for one in health.checks if one.status.is_ill]


def sql(text: str) -> Callable[[Stores], object]:
    return lambda tx: tx.connection.execute(text)


@dataclass(frozen=True)
class Breakage:
    """What is done to a book that was well, and the check that must tell, with its value."""

    check: str
    status: Status
    value: str
    happens: Callable[[Stores], object] = lambda tx: None
    place: Place = PLACE


def pulse(**changes: object) -> Callable[[Stores], object]:
    return lambda tx: beat(tx.meta, replace(PULSE, **changes))


def exchange(**changes: int) -> Callable[[Stores], object]:
    return pulse(exchange=replace(PULSE.exchange, **changes))


def vitals(**changes: int) -> Callable[[Stores], object]:
    return pulse(vitals=replace(PULSE.vitals, **changes))


def stopped(tx: Stores) -> None:
    beat(tx.meta, replace(PULSE, at_ms=AT_MS - 4 * MINUTE_MS, heard_ms=AT_MS - 4 * MINUTE_MS))
    tx.events.add(EventType.BOT_STOPPED, AT_MS - 4 * MINUTE_MS)


def stuck(tx: Stores) -> None:
    tx.job_runs.claim("backtest", AT_MS - 11 * MINUTE_MS, "bot", AT_MS - 11 * MINUTE_MS)


def unknown(tx: Stores) -> None:
    row = queued(tx)
    tx.outbox.mark_sending(row)
    tx.outbox.mark_unknown(row, "no answer", AT_MS)


def refused(tx: Stores) -> None:
    tx.outbox.mark_failed(queued(tx), "chat not found")


def imported(quarantined: int) -> Callable[[Stores], object]:
    def happens(tx: Stores) -> None:
        imports = LegacyRecords(tx.connection)
        report = {"totals": {"records": 100, "quarantined": quarantined}}
        imports.finish(imports.begin("old", NOW_MS), NOW_MS, report)

    return happens


def soundness(depth: Depth, age_ms: int, problem: str | None) -> Callable[[Stores], object]:
    return lambda tx: keep_soundness(tx.meta, depth, Soundness(AT_MS - age_ms, "b.db.gz", problem))


def old_drill(tx: Stores) -> None:
    tx.connection.execute(f"DELETE FROM job_runs WHERE job='{DRILL_JOB}'")
    done(tx, DRILL_JOB, AT_MS - 9 * DAY_MS)
    done(tx, DRILL_JOB, AT_MS - HOUR_MS, JobStatus.SKIPPED)


def closed_without_event(tx: Stores) -> None:
    """The open position is closed, with a fill, and nobody writes down that it was."""
    [position] = tx.positions.open_positions(tx.portfolios.of_kind(PortfolioKind.PAPER).id)
    tx.connection.execute(
        "INSERT INTO fills(position_id, at_ms, kind, qty, price, idem_key) VALUES(?,?,'CLOSE',?,?,'close')",
        (position.id, AT_MS, position.qty, position.entry_price),
    )
    tx.positions.close(position.id, Ending(position.entry_price, AT_MS, CloseReason.MANUAL, 0.0, 0.0, 0.0, fees=0.0))
    tx.connection.execute("UPDATE positions SET signal_id=NULL WHERE id=?", (position.id,))


BROKEN = (
    Breakage("schema", Status.FAIL, "1 missing", sql("DELETE FROM _sqlite_migrations WHERE name LIKE '%5%'")),
    Breakage("import", Status.WARN, "6 of 100 quarantined", imported(6)),
    Breakage("import", Status.WARN, "cut off", lambda tx: LegacyRecords(tx.connection).begin("old", NOW_MS)),
    Breakage("quick check", Status.FAIL, "damaged", soundness(Depth.QUICK, 0, "page 7 is torn")),
    Breakage("quick check", Status.WARN, "1 d 13 h ago", soundness(Depth.QUICK, 37 * HOUR_MS, None)),
    Breakage("integrity check", Status.FAIL, "damaged", soundness(Depth.WHOLE, 0, "row 3 missing from index")),
    Breakage("integrity check", Status.WARN, "9 d 0 h ago", soundness(Depth.WHOLE, 9 * DAY_MS, None)),
    Breakage("backup", Status.FAIL, "3 h 0 min ago", place=replace(PLACE, newest_backup_ms=AT_MS - 3 * HOUR_MS)),
    Breakage("backup", Status.FAIL, "none", place=replace(PLACE, newest_backup_ms=None)),
    Breakage("restore drill", Status.WARN, "9 d 0 h ago", old_drill),
    Breakage("candles", Status.FAIL, "1 stale", sql("DELETE FROM candles WHERE series_id=1 AND open_ms>"
        f" (SELECT MAX(open_ms) FROM candles WHERE series_id=1)-{3 * HOUR_MS}")),
    Breakage("candles", Status.WARN, "1 left out", sql("UPDATE series SET error='it is silent' WHERE id=1")),
    Breakage("gaps", Status.WARN, "2 bars", sql(
        "DELETE FROM candles WHERE series_id=1 AND open_ms IN"
        " (SELECT open_ms FROM candles WHERE series_id=1 ORDER BY open_ms LIMIT 2 OFFSET 30)")),
    Breakage("scans", Status.FAIL, "1 of 1 behind", sql("DELETE FROM scans")),
    Breakage("scans", Status.FAIL, "nothing is watched", pulse(symbols=())),
    Breakage("exchange clock", Status.WARN, "1001 ms", exchange(ahead_ms=-1_001)),
    Breakage("exchange limits", Status.FAIL, "shut out", exchange(blocked_until_ms=AT_MS + 1)),
    Breakage("exchange limits", Status.WARN, "1920 of 1920", exchange(used_weight=1_920)),
    Breakage("process", Status.FAIL, "silent for 4 min", pulse(at_ms=AT_MS - 4 * MINUTE_MS, heard_ms=AT_MS)),
    Breakage("process", Status.WARN, "stopped", stopped),
    Breakage("jobs on time", Status.FAIL, "1 late", sql(
        f"UPDATE job_runs SET slot_ms=slot_ms-{11 * MINUTE_MS} WHERE job='settle'")),
    Breakage("jobs done well", Status.FAIL, "1 failed", sql(
        "UPDATE job_runs SET status='FAILED', detail='no answer' WHERE job='settle'")),
    Breakage("jobs done well", Status.FAIL, "1 failed", sql(
        "UPDATE job_runs SET status='ABANDONED' WHERE job='scan 1h'")),
    Breakage("jobs not stuck", Status.FAIL, "1 stuck", stuck),
    Breakage("outbox", Status.FAIL, "1 waiting, oldest 6 min", lambda tx: queued(tx, "x", AT_MS - 6 * MINUTE_MS)),
    Breakage("sends", Status.WARN, "0 failed, 1 unknown", unknown),
    Breakage("sends", Status.WARN, "1 failed, 0 unknown", refused),
    Breakage("defects", Status.WARN, "1 in a day", lambda tx: tx.events.add(EventType.DEFECT, AT_MS, message="tag")),
    Breakage("telegram", Status.FAIL, "not alone", lambda tx: tx.events.add(EventType.OTHER_BOT, AT_MS)),
    Breakage("listening", Status.FAIL, "deaf for 6 min", pulse(heard_ms=PULSE.at_ms - 6 * MINUTE_MS)),
    Breakage("positions", Status.FAIL, "1 unsettled", sql(f"UPDATE positions SET settled_ms={AT_MS - HOUR_MS}")),
    Breakage("orders", Status.FAIL, "1 overdue", sql(
        f"UPDATE conditions SET valid_until_ms={AT_MS - HOUR_MS - 1} WHERE status='ACTIVE'")),
    Breakage("stops", Status.FAIL, "1 without a stop", sql("UPDATE positions SET stop_loss=NULL")),
    Breakage("dedupe", Status.WARN, "1 too long", sql(f"UPDATE sent_signals SET expires_ms=expires_ms+{2 * HOUR_MS}")),
    Breakage("dedupe", Status.WARN, "1 too long", sql(f"UPDATE sent_signals SET sent_ms={AT_MS + 2 * HOUR_MS}")),
    Breakage("daily report", Status.FAIL, "none of 2025-10-08", sql("DELETE FROM snapshots")),
    Breakage("daily report", Status.WARN, "2025-10-08 cannot be true", sql(
        "UPDATE snapshots SET metrics=json_set(metrics,'$.facts.trades.wins',3)")),
    Breakage("free disk", Status.WARN, "0.9 GB", place=replace(PLACE, free_bytes=900_000_000)),
    Breakage("free disk", Status.FAIL, "0.1 GB", place=replace(PLACE, free_bytes=99_000_000)),
    Breakage("wal", Status.WARN, "101.0 MB", place=replace(PLACE, wal_bytes=101_000_000)),
    Breakage("file modes", Status.WARN, "1 open to others", place=replace(PLACE, open_to_others=(Path(".env"),))),
    Breakage("memory", Status.WARN, "801 MB", vitals(memory_bytes=801_000_000)),
    Breakage("open files", Status.WARN, "900 of 1024", vitals(open_files=900)),
    Breakage("every closed position has its event", Status.FAIL, "1", closed_without_event),
)  # fmt: skip


def test_a_book_that_is_well_has_nothing_to_report(book: Book):
    health = health_of(book)

    assert (ill(health), health.status, health.exit_code) == ([], Status.OK, 0)
    assert {one.name for one in health.checks if one.status is Status.IDLE} == LEARNING


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.check}: {broken.value}")
def test_what_breaks_is_told_by_its_check_alone(book: Book, broken: Breakage):
    with book.transaction() as tx:
        broken.happens(tx)

    found = ill(health_of(book, broken.place))
    assert [(one.name, one.status, one.value) for one in found] == [(broken.check, broken.status, broken.value)]
    assert found[0].remedy


def test_every_check_is_broken_on_purpose_somewhere():
    never_ill = {"book"}
    large_books_alone = {"verify"}

    assert {check.name for check in CHECKS} - {one.check for one in BROKEN} == LEARNING | never_ill | large_books_alone


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


def test_a_new_live_book_is_well_and_mostly_idle():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        health = health_of(book, place=None, now_ms=NOW_MS)

    assert (health.status, health.exit_code) == (Status.OK, 0)
    assert {"candles", "scans", "process", "backup"} <= {one.name for one in health.checks if one.status is Status.IDLE}


def test_a_path_without_a_book_is_idle_in_every_check_of_the_table():
    health = no_book("data/positions.db")

    assert [one.name for one in health.checks] == [check.name for check in CHECKS]
    assert {one.status for one in health.checks} == {Status.IDLE}
    assert health.exit_code == 0


def test_a_replay_book_is_not_expected_to_be_fed():
    with Book.temporary(BookKind.REPLAY, now_ms=NOW_MS) as book:
        health = health_of(book, now_ms=NOW_MS + 900 * DAY_MS)

    assert health.status is Status.OK
    assert [one.name for one in health.checks[: len(CHECKS)] if one.status is Status.OK] == ["book", "schema"]


@pytest.mark.parametrize(
    ("age_ms", "status", "value"),
    [(20 * MINUTE_MS, Status.OK, "20 min ago"), (3 * HOUR_MS + MINUTE_MS, Status.WARN, "3 h 1 min ago")],
)
def test_a_large_book_says_when_it_was_looked_through(book: Book, age_ms: int, status: Status, value: str):
    with book.transaction() as tx:
        tx.connection.execute(f"INSERT INTO events(id, at_ms, type) VALUES({ON_THE_SPOT_ROWS},{NOW_MS},'COMMAND')")
        keep_verified(tx.meta, verify(tx, Params(), AT_MS - age_ms))

    [found] = [one for one in health_of(book).checks if one.name == "verify"]
    assert (found.status, found.value) == (status, value)


def test_a_bot_that_just_came_back_is_given_time_to_catch_up(book: Book):
    with book.transaction() as tx:
        beat(tx.meta, replace(PULSE, at_ms=AT_MS + 9 * HOUR_MS, started_ms=AT_MS + 9 * HOUR_MS))

    names = {one.name for one in ill(health_of(book, now_ms=AT_MS + 9 * HOUR_MS))}
    assert {"candles", "positions"} <= names
    assert not {"jobs on time", "scans", "process"} & names


def test_minute_candles_are_only_fetched_while_something_is_followed(book: Book):
    with book.transaction() as tx:
        tx.connection.execute(
            "UPDATE candles SET open_ms=open_ms-? WHERE series_id=(SELECT id FROM series WHERE timeframe=?)",
            (30 * DAY_MS, Timeframe.M1.text),
        )

    assert ill(health_of(book)) == []


def test_a_series_that_is_watched_no_more_may_grow_old(book: Book):
    with book.transaction() as tx:
        beat(tx.meta, replace(PULSE, symbols=("ETHUSDT",), timeframes=()))
        tx.connection.execute("UPDATE candles SET open_ms=open_ms-?", (30 * DAY_MS,))

    assert "candles" not in [one.name for one in ill(health_of(book))]


def test_a_message_held_for_a_quiet_hour_is_not_late(book: Book):
    with book.transaction() as tx:
        row = queued(tx, "x", AT_MS - HOUR_MS)
        tx.connection.execute("UPDATE outbox SET not_before_ms=? WHERE id=?", (AT_MS + HOUR_MS, row))

    outbox = next(one for one in health_of(book).checks if one.name == "outbox")
    assert (outbox.status, outbox.value) == (Status.OK, "0 waiting")
    assert "1 held" in outbox.detail


def test_a_message_that_is_tried_again_and_again_is_late(book: Book):
    with book.transaction() as tx:
        row = queued(tx, "x", AT_MS - HOUR_MS)
        tx.outbox.postpone(row, AT_MS + MINUTE_MS, "no answer")

    assert [one.value for one in ill(health_of(book))] == ["1 waiting, oldest 1 h 0 min"]


def test_an_open_legacy_position_is_nobody_s_to_settle(book: Book):
    with book.transaction() as tx:
        portfolio = tx.portfolios.ensure(PortfolioKind.LEGACY, "legacy", "USDT", NOW_MS)
        opened(tx, portfolio_id=portfolio.id, exclusive=False, opened_ms=NOW_MS - 90 * DAY_MS)

    assert ill(health_of(book)) == []


def test_the_quick_answer_leaves_out_what_may_take_long(book: Book):
    with book.reading() as view:
        names = [one.name for one in quick_health(view, AT_MS, place=PLACE).checks]

    assert names == [check.name for check in CHECKS if not check.slow]
    assert {"model", "drift", "labels", "verify"}.isdisjoint(names)


def test_in_a_rehearsal_the_network_is_given_as_much_of_the_walls_time(book: Book):
    with book.transaction() as tx:
        quiet = replace(PULSE, speed=60.0, heard_ms=PULSE.at_ms - 5 * HOUR_MS)
        beat(tx.meta, replace(quiet, exchange=replace(PULSE.exchange, ahead_ms=-59_000)))
    assert ill(health_of(book)) == []

    with book.transaction() as tx:
        beat(tx.meta, replace(quiet, heard_ms=PULSE.at_ms - 6 * HOUR_MS))
    assert [one.name for one in ill(health_of(book))] == ["listening"]


def test_a_hole_that_the_exchange_has_itself_is_no_gap(book: Book):
    with book.transaction() as tx:
        [(first_ms,)] = tx.connection.execute(
            "DELETE FROM candles WHERE series_id=1 AND open_ms=(SELECT open_ms FROM candles WHERE series_id=1"
            " ORDER BY open_ms LIMIT 1 OFFSET 30) RETURNING open_ms"
        ).fetchall()
        symbol, text = tx.connection.execute("SELECT symbol, timeframe FROM series WHERE id=1").fetchone()
        tx.events.add(EventType.CANDLES_MISSING, AT_MS, idem_key=hole_key(symbol, Timeframe.parse(text), first_ms))

    assert ill(health_of(book)) == []


def test_a_stale_series_tells_why_it_could_not_be_fetched(book: Book):
    with book.transaction() as tx:
        tx.candles.note_error("BTCUSDT", Timeframe.H1, "binance", "no answer within 10 s", AT_MS)
        tx.connection.execute("DELETE FROM candles WHERE open_ms>?", (AT_MS - 5 * HOUR_MS,))

    candles = next(one for one in health_of(book).checks if one.name == "candles")
    assert candles.detail == "BTCUSDT 1h: no answer within 10 s"
