"""Reports: every figure follows from the journal and the ledger, and stays what it was when the period is over."""

import math
from dataclasses import replace
from datetime import date
from itertools import accumulate
from pathlib import Path

import pytest

from engine.evaluation import wilson
from engine.params import Params
from engine.protections import LockKind
from engine.vocabulary import Outcome, PortfolioKind, Signal, SignalStatus, Verdict
from services.blackouts import Blackout
from services.import_legacy import import_directory
from services.periods import CalendarPeriod
from services.position_manager import Settlement
from services.protections import tell
from services.public_record import Ending
from services.reports import Change, Facts, Report, changes, report_in, report_of, shown, snapshot_of
from storage.book import Book
from storage.events import EventType
from storage.job_runs import JobStatus
from storage.journal import JournalRow
from storage.models import MODEL_NAME, NewModel
from storage.predictions import Prediction
from storage.reports import Dimension
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores
from tests.migrations.legacy.documents import journal, row
from tests.services.books import NOBODY, armed, candles_of, with_deposit
from tests.services.test_public_record import LIVES
from tests.storage.samples import DAY_MS, HOUR_MS, LONG, NOW_MS, SHORT, book

__all__ = ["book"]

TODAY = CalendarPeriod.holding(SnapshotPeriod.DAY, date(2025, 10, 9), "UTC")
"""The samples are decided on it at 09:00 UTC."""
NEXT_MORNING = TODAY.span.to_ms + 8 * HOUR_MS
BOTH = (PortfolioKind.PAPER, PortfolioKind.SHADOW)


def lived(
    tx: Stores, ending: Ending, number: int = 0, base: Signal = LONG, status: SignalStatus = SignalStatus.SENT
) -> int:
    """The id of a signal that came to this ending, in the account too when it was sent."""
    signal = replace(base, symbol=f"{ending.name[:6]}{number}USDT")
    signal_id = armed(tx, signal, status, BOTH if status is SignalStatus.SENT else BOTH[1:])
    candles = candles_of(LIVES[ending], signal.symbol)
    Settlement(tx, {signal.symbol: candles}, Params(), NOBODY).rest(candles.closed_at_ms)
    return signal_id


def facts(tx: Stores, calendar: CalendarPeriod = TODAY) -> Facts:
    return report_of(tx, calendar, NEXT_MORNING).facts


def closed(tx: Stores) -> list[JournalRow]:
    """The sent signals of the journal that closed on the day, in the order of their closes."""
    span = TODAY.span
    rows = [
        one for one in tx.journal.rows() if one.closed_ms is not None and span.from_ms <= one.closed_ms < span.to_ms
    ]
    sent = [one for one in rows if one.status not in (SignalStatus.REJECTED, SignalStatus.SUPPRESSED)]
    return sorted(sent, key=lambda one: (one.closed_ms, one.signal_id))


MIXED = (Ending.WIN, Ending.LOSS, Ending.TARGET_1_THEN_BREAK_EVEN, Ending.LOSS, Ending.OPEN, Ending.CANCELLED)
STILL = (100.5, 101.0, 100.0, 100.5)


def mixed(book: Book) -> None:
    """A day on which everything happened."""
    with with_deposit(book).transaction() as tx:
        for number, ending in enumerate(MIXED):
            lived(tx, ending, number)
        lived(tx, Ending.WIN, 10, status=SignalStatus.REJECTED)


def test_the_figures_are_those_of_the_journal_reckoned_by_hand(book: Book):
    mixed(book)
    with book.transaction() as tx:
        found, rows = facts(tx).trades, closed(tx)

    r = [one.r_multiple for one in rows]
    running = [0.0, *accumulate(r)]
    assert found.n == len(rows) == 4
    assert (found.wins, found.losses, found.breakeven) == tuple(
        [one.outcome for one in rows].count(word) for word in (Outcome.WIN, Outcome.LOSS, Outcome.BREAKEVEN)
    )
    assert found.total_r == pytest.approx(sum(r))
    assert found.profit_factor == pytest.approx(sum(x for x in r if x > 0) / -sum(x for x in r if x < 0))
    assert found.win_rate == wilson(found.wins, 4)
    assert found.expectancy_r.low < found.expectancy_r.value < found.expectancy_r.high  # one day, and yet a spread
    assert found.expectancy_r.value == pytest.approx(sum(r) / 4)
    assert found.drawdown_r == pytest.approx(max(max(running[: n + 1]) - running[n] for n in range(len(running))))


def test_signals_are_counted_by_direction_and_setup_and_by_what_became_of_them(book: Book):
    with book.transaction() as tx:
        lived(tx, Ending.OPEN)
        lived(tx, Ending.LOSS, status=SignalStatus.REJECTED)
        armed(tx, replace(SHORT, setup="judas_swing"), SignalStatus.MISSED, ())
        found = facts(tx)

    counted = [
        (one.direction.value, one.setup, one.decided, one.sent, one.held_back, one.missed) for one in found.signals
    ]
    assert counted == [("LONG", "sweep_displacement", 2, 1, 1, 0), ("SHORT", "judas_swing", 1, 0, 0, 1)]
    assert (found.decided, found.sent, found.not_sent, found.missed) == (3, 1, 1, 1)


def test_what_was_filled_what_was_not_and_what_stands_open(book: Book):
    mixed(book)
    with book.transaction() as tx:
        lived(tx, Ending.EXPIRED)
        today, tomorrow = facts(tx), facts(tx, TODAY.next)

    assert (today.filled, today.cancelled, today.expired, today.open) == (5, 1, 0, 1)
    assert (tomorrow.filled, tomorrow.cancelled, tomorrow.expired, tomorrow.open) == (0, 0, 1, 1)


def test_signals_that_were_held_back_are_told_apart_from_those_that_were_sent(book: Book):
    with book.transaction() as tx:
        lived(tx, Ending.LOSS)
        lived(tx, Ending.WIN, status=SignalStatus.REJECTED)
        found = facts(tx)

    assert (found.trades.n, found.trades.wins) == (1, 0)
    assert (found.held_back.n, found.held_back.wins) == (1, 1)


def test_every_grouping_holds_the_same_trades(book: Book):
    mixed(book)
    with book.transaction() as tx:
        found = facts(tx)

    assert [grouped.dimension for grouped in found.groups] == list(Dimension)
    assert [results.key for results in found.groups[list(Dimension).index(Dimension.SCORE)].rows] == ["70-79"]
    for grouped in found.groups:
        assert sum(results.n for results in grouped.rows) == found.trades.n
        assert sum(results.total_r for results in grouped.rows) == pytest.approx(found.trades.total_r)


def test_the_best_and_the_worst_trade_are_named(book: Book):
    mixed(book)
    with book.transaction() as tx:
        found, rows = facts(tx), closed(tx)

    by_result = sorted(rows, key=lambda one: one.r_multiple)
    assert (found.worst.signal_id, found.best.signal_id) == (by_result[0].signal_id, by_result[-1].signal_id)


def test_the_money_is_the_ledger(book: Book):
    mixed(book)
    with book.transaction() as tx:
        money, account = facts(tx).money, tx.journal.account(tx.portfolios.of_kind(PortfolioKind.PAPER).id)
        fees = sum(fill.fee for one in closed(tx) for fill in tx.fills.of_position(one.position_id))
        [still_open] = tx.positions.open_positions(account.portfolio_id)
        fees += sum(fill.fee for fill in tx.fills.of_position(still_open.id))

    assert (money.opening, money.moved) == (0.0, Params().account.deposit)
    assert money.closing == pytest.approx(account.balance)
    assert money.fees == pytest.approx(fees)
    assert money.result_pct == pytest.approx(100.0 * money.result / money.moved)  # at its first midnight it had nothing


def test_the_percentage_is_of_the_balance_at_the_beginning_and_the_fall_of_its_peak(book: Book):
    with with_deposit(book).transaction() as tx:
        lived(tx, Ending.LOSS)
        today, tomorrow = facts(tx).money, facts(tx, TODAY.next).money

    assert tomorrow.result_pct == 0.0
    assert today.drawdown_pct == pytest.approx(-100.0 * today.result / Params().account.deposit)
    assert 0.9 < today.drawdown_pct < 1.2  # 1 % at risk, and costs


def test_a_trade_belongs_to_the_day_of_its_close(book: Book):
    with book.transaction() as tx:
        lived(tx, Ending.LOSS)

        assert facts(tx, TODAY.previous).is_empty
        assert facts(tx).trades.n == 1
        assert facts(tx, TODAY.next).is_empty


def test_an_empty_period_is_empty(book: Book):
    with book.transaction() as tx:
        found = facts(tx)

    assert found.is_empty
    assert (found.trades.win_rate, found.trades.profit_factor, found.best, found.model) == (None, None, None, None)


def test_nothing_lost_has_no_profit_factor(book: Book):
    with book.transaction() as tx:
        lived(tx, Ending.WIN)

        assert facts(tx).trades.profit_factor is None


def with_word(tx: Stores, signal_id: int, adjustment: float) -> None:
    """A model's word on a signal; the first one brings the model."""
    if tx.models.active(MODEL_NAME) is None:
        model = NewModel(MODEL_NAME, NOW_MS, 100, 1, ("atr",), {}, "promoted", {}, b"", "")
        tx.models.activate(tx.models.add(model))
    acting = tx.models.active(MODEL_NAME)
    assert acting is not None
    tx.predictions.add(Prediction(signal_id, acting.id, 0.4, 0.5, adjustment, NOW_MS))


def test_the_model_is_shown_beside_the_rules_that_would_have_sent_what_it_withheld(book: Book):
    low = (Verdict("confidence", False, "55.0", "60"),)
    with book.transaction() as tx:
        with_word(tx, lived(tx, Ending.WIN), +4.0)
        with_word(tx, lived(tx, Ending.LOSS, 1), -3.0)
        with_word(tx, lived(tx, Ending.LOSS, 2), -2.0)
        withheld = replace(LONG, symbol="LOSS3USDT", confidence=55.0, base_confidence=65.0)
        recorded = tx.signals.record(withheld, low, SignalStatus.REJECTED, "confidence: 55.0, limit 60", NOW_MS)
        with_word(tx, recorded.id, -10.0)
        # by the rules too it was not enough
        unfit = replace(LONG, symbol="LOSS4USDT", confidence=40.0, base_confidence=50.0)
        recorded = tx.signals.record(unfit, low, SignalStatus.REJECTED, "confidence: 40.0, limit 60", NOW_MS)
        with_word(tx, recorded.id, -10.0)
        found = facts(tx).model

    assert found is not None
    assert (found.asked, found.withheld, found.withheld_results) == (5, 1, None)
    assert {word.key: (word.n, word.wins) for word in found.by_word} == {"raised": (1, 1), "lowered": (2, 0)}
    assert (found.judged, found.won, found.promised) == (3, 1, pytest.approx(1.2))


def test_locks_and_the_gates_that_stopped_signals_are_told(book: Book):
    with book.transaction() as tx:
        tell(tx, NOW_MS, Params(), NOBODY, [Blackout(NOW_MS + HOUR_MS, "FOMC", HOUR_MS, HOUR_MS)])
        tx.signals.record(LONG, (), SignalStatus.REJECTED, "protections: cooldown, limit none", NOW_MS)
        found = facts(tx)

    assert [(lock.kind, lock.value, lock.since_ms) for lock in found.locks] == [(LockKind.BLACKOUT, "FOMC", NOW_MS)]
    assert [(stopped.gate, stopped.n) for stopped in found.stopped] == [("protections", 1)]


def test_the_machine_tells_its_jobs_its_incidents_and_how_often_it_was_started(book: Book):
    with book.transaction() as tx:
        tx.job_runs.claim("backup", NOW_MS, "me", NOW_MS)
        tx.job_runs.finish("backup", NOW_MS, JobStatus.OK, None, NOW_MS)
        tx.job_runs.miss("settle", NOW_MS, "the bot was down", NOW_MS)
        tx.events.add(EventType.BOT_STARTED, NOW_MS)
        tx.events.add(EventType.DEFECT, NOW_MS + DAY_MS)
        machine, next_day = (report_of(tx, day, NEXT_MORNING).machine for day in (TODAY, TODAY.next))

    assert [(job.job, job.status, job.n) for job in machine.jobs] == [
        ("backup", JobStatus.OK, 1),
        ("settle", JobStatus.MISSED, 1),
    ]
    assert (machine.incidents, machine.starts) == ((), 1)
    assert [(incident.type, incident.n) for incident in next_day.incidents] == [(EventType.DEFECT, 1)]


def test_a_report_is_the_same_when_it_comes_back_from_the_book(book: Book):
    mixed(book)
    with book.transaction() as tx:
        report = report_of(tx, TODAY, NEXT_MORNING)
        tx.snapshots.keep(snapshot_of(report))
        kept = tx.snapshots.at("report", "UTC", SnapshotPeriod.DAY, TODAY.span.from_ms)

    assert kept is not None
    assert report_in(kept) == report


def test_a_day_that_is_over_stays_what_it_was_however_much_happens_later(book: Book):
    mixed(book)
    with book.transaction() as tx:
        told = report_of(tx, TODAY, NEXT_MORNING)
        tx.snapshots.keep(snapshot_of(told))
    later = replace(LONG, symbol="LATERUSDT", candle_close_ms=NOW_MS + 2 * DAY_MS, valid_until_ms=NOW_MS + 3 * DAY_MS)
    with book.transaction() as tx:
        candles = candles_of([*LIVES[Ending.OPEN], *[STILL] * 20, *LIVES[Ending.LOSS][1:]], "OPEN4USDT")
        Settlement(tx, {"OPEN4USDT": candles}, Params(), NOBODY).rest(candles.closed_at_ms)
        armed(tx, later)
        tx.job_runs.claim("settle", NOW_MS, "me", NOW_MS)
    with book.reading() as view:
        now = shown(view, TODAY, NEXT_MORNING + 30 * DAY_MS)

        next_day = report_of(view, TODAY.next, NEXT_MORNING + DAY_MS).facts

    assert (now.told_ms, now.changes) == (NEXT_MORNING, ())
    assert (next_day.trades.n, next_day.trades.losses) == (1, 1)


def test_what_an_import_brings_in_later_shows_as_a_change(book: Book, tmp_path: Path):
    day = CalendarPeriod.holding(SnapshotPeriod.DAY, date(2025, 11, 25), "UTC")
    (tmp_path / "trading_journal.json").write_text(journal(row()))
    with book.transaction() as tx:
        tx.snapshots.keep(snapshot_of(report_of(tx, day, day.span.to_ms)))
    import_directory(book, tmp_path, now_ms=day.span.to_ms + DAY_MS)
    with book.reading() as view:
        now = shown(view, day, day.span.to_ms + 2 * DAY_MS)

    assert now.report.facts.imported.n == 1
    assert {change.name: (change.was, change.now) for change in now.changes} == {
        "imported.n": (0, 1),
        "imported.wins": (0, 1),
        "imported.total_pct": (0.0, pytest.approx(3.2)),
    }


def test_the_last_bit_of_a_sum_is_no_change(book: Book):
    mixed(book)
    with book.transaction() as tx:
        told = report_of(tx, TODAY, NEXT_MORNING)
    trades = replace(told.facts.trades, total_r=math.nextafter(told.facts.trades.total_r, math.inf))

    assert changes(told, with_facts(told, trades=trades)) == ()
    assert changes(told, with_facts(told, open=7)) == (Change("open", 1, 7),)


def with_facts(report: Report, **changed: object) -> Report:
    return replace(report, facts=replace(report.facts, **changed))
