import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import BookKind, Direction
from migrations.legacy import json_stream
from services.import_legacy import FileReceipt, ImportReport, LegacyImportError, import_directory, table_rows
from services.legacy_files import legacy_files_in
from storage.book import Book
from storage.database import Access, connect
from storage.identities import identities
from storage.legacy import LegacyRecords
from storage.legacy_bulk import Bulk
from tests.migrations.legacy.documents import (
    FIRST_GENERATION,
    NOW_MS,
    SECOND_GENERATION,
    THIRD_GENERATION,
    journal,
    row,
)
from tests.migrations.legacy.test_files import ENDING, POSITION, RUN, SNIPER
from tests.shared import SHARED, needs_shared
from tests.storage.crashing import Crash, CrashAt, raise_crash

PENDING = row(status="PENDING", outcome=None, profit_loss_pct=None, closed_at=None)
NO_RIGHTS = 0
TABLES = ("signals", "targets", "positions", "fills", "ledger", "events", "legacy_records", "backtests", "portfolios",
          "sent_signals", "users", "settings")  # fmt: skip


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "old bot"
    folder.mkdir()
    return folder


def import_(book: Book, folder: Path, **options: object) -> ImportReport:
    return import_directory(book, folder, now_ms=NOW_MS, **options)  # type: ignore[arg-type]


def receipt(report: ImportReport, file: str) -> FileReceipt:
    [found] = [receipt for receipt in report.files if receipt.file == file]
    return found


def counts(receipt: FileReceipt) -> tuple[int, int, int, int, int]:
    return receipt.records, receipt.imported, receipt.repaired, receipt.duplicate, receipt.quarantined


def ask(book: Book, sql: str) -> list[tuple[object, ...]]:
    with book.reading() as view:
        return [tuple(found) for found in view.connection.execute(sql)]


def sizes(book: Book) -> Mapping[str, object]:
    return {table: ask(book, f"SELECT COUNT(*) FROM {table}")[0][0] for table in TABLES}


def reconciles(book: Book, report: ImportReport) -> bool:
    """The receipts in the book are the counts of the report, and the book's identities hold."""
    stored = dict(ask(book, "SELECT verdict, COUNT(*) FROM legacy_records GROUP BY verdict"))
    totals = report.totals
    told = {"IMPORTED": totals.imported, "REPAIRED": totals.repaired, "DUPLICATE": totals.duplicate,
            "QUARANTINED": totals.quarantined}  # fmt: skip
    with book.reading() as view:
        holding = all(identity.holds for identity in identities(view))
    return holding and stored == {verdict: count for verdict, count in told.items() if count}


# ---- the real data


@needs_shared
def test_the_signal_bots_files_come_in_to_the_record(book: Book):
    report = import_(book, SHARED / "legacy" / "crypto-signal-bot")

    assert counts(receipt(report, "trading_journal.json")) == (129, 50, 79, 0, 0)
    assert counts(receipt(report, "bot_stats.json")) == (59, 32, 0, 4, 23)
    assert counts(receipt(report, "daily_reports.json")) == (27, 6, 0, 9, 12)
    assert counts(receipt(report, "sent_signals_cache.json")) == (5, 0, 0, 0, 5)
    assert counts(receipt(report, "positions.db")) == (5, 0, 0, 0, 5)
    assert receipt(report, "backtest_results.json").shape == "backtest list"
    assert receipt(report, "backtest_results/ETHUSDT_1h_backtest.json").shape == "backtest result"
    assert [file.name for file in report.not_legacy] == [
        "backtest_archive/2025-12-23/_metadata.json",
        "config/feature_flags.json",
        "config/timeframe_hierarchy.json",
        "news_cache.json",
    ]
    assert report.exit_code == 0
    assert reconciles(book, report)


@needs_shared
def test_the_journal_shows_exactly_the_imported_trades(book: Book):
    import_(book, SHARED / "legacy" / "crypto-signal-bot")

    assert ask(book, "SELECT outcome, COUNT(*) FROM journal WHERE book='legacy' GROUP BY outcome") == [
        ("LOSS", 47),
        ("WIN", 32),
    ]
    assert ask(
        book, "SELECT s.status, COUNT(*) FROM legacy_records r JOIN signals s ON s.id=r.row_id"
        " WHERE r.file='trading_journal.json' AND r.table_name='signals' GROUP BY s.status"
    ) == [("EXPIRED", 50)]  # fmt: skip
    assert ask(book, "SELECT COUNT(*) FROM positions WHERE status='OPEN' OR r_multiple IS NOT NULL") == [(0,)]
    [(total,)] = ask(book, "SELECT SUM(realized_pnl) FROM positions")
    assert total == pytest.approx(-8.70, abs=0.005)


@needs_shared
@pytest.mark.parametrize("folder", ["seed-shapes", "sniper-bot", "ict-monitor", "."])
def test_every_folder_comes_in_and_comes_in_once(book: Book, folder: str):
    first = import_(book, SHARED / "legacy" / folder)
    assert first.exit_code == 0
    assert reconciles(book, first)

    before = sizes(book)
    second = import_(book, SHARED / "legacy" / folder)

    assert sizes(book) == before
    assert (second.totals.imported, second.totals.repaired) == (0, 0)
    assert second.totals.records == first.totals.records


@needs_shared
def test_candles_confirm_and_contradict_without_changing_a_record(book: Book):
    report = import_(book, SHARED / "legacy" / "crypto-signal-bot", candles_dir=SHARED / "candles" / "majors")

    assert report.candles is not None
    assert report.candles.checked > 30
    assert report.candles.checked + report.candles.without_candles == 129 + 32
    assert ask(book, "SELECT COUNT(*) FROM events WHERE type='LEGACY_CHECKED'") == [(report.candles.checked,)]
    assert ask(book, "SELECT SUM(outcome='WIN'), SUM(outcome='LOSS') FROM positions") == [(32, 47)]


# ---- what the book holds afterwards


def test_a_closed_trade_has_its_fills_its_money_its_event_and_its_receipt(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(SECOND_GENERATION))
    report = import_(book, folder)

    [trade] = ask(
        book,
        "SELECT book, source, status, outcome, ROUND(r_multiple,6), ROUND(realized_pnl,6), exit_quality FROM journal",
    )
    assert trade == ("legacy", "import", "CLOSED", "LOSS", -1.0, -1.0, "unknown")
    assert ask(book, "SELECT kind, COUNT(*) FROM fills GROUP BY kind ORDER BY kind") == [("CLOSE", 1), ("ENTRY", 1)]
    assert ask(book, "SELECT verdict, reason, table_name, row_id FROM legacy_records") == [
        ("REPAIRED", "size unknown: booked at 100 USDT", "positions", 1)
    ]
    assert reconciles(book, report)


def test_the_receipt_keeps_the_record_as_it_was_found(book: Book, folder: Path):
    raw = json.dumps(FIRST_GENERATION, indent=2)
    (folder / "journal.json").write_text(f'{{"trades": [{raw}]}}')
    import_(book, folder)

    with book.reading() as view:
        [kept] = LegacyRecords(view.connection).receipts("journal.json")
    assert (kept.raw, kept.place) == (raw, "/trades/0")


def test_what_was_pending_is_expired_and_never_open(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(PENDING))
    import_(book, folder)

    [(status, book_kind, status_ms, created_ms)] = ask(
        book, "SELECT s.status, j.book, s.status_ms, s.created_ms FROM signals s JOIN journal j ON j.id=s.id"
    )
    assert (status, book_kind) == ("EXPIRED", None)
    assert status_ms == created_ms + 24 * Timeframe.H4.ms  # type: ignore[operator]


def test_ends_of_a_waking_bot_are_polled_and_single_ones_are_not(book: Book, folder: Path):
    def trade(no: int, closed_at: str) -> dict[str, object]:
        return row(SECOND_GENERATION, timestamp=f"2026-01-10T10:00:0{no}Z", closed_at=closed_at, duration_hours=...)

    burst = [trade(no, f"2026-01-11T10:00:{10 + no}Z") for no in range(5)]
    alone = trade(9, "2026-01-11T10:01:00Z")
    (folder / "journal.json").write_text(journal(*burst, alone))
    import_(book, folder)

    assert ask(book, "SELECT exit_quality, r_multiple IS NULL, COUNT(*) FROM positions GROUP BY 1, 2") == [
        ("poll", 1, 5),
        ("unknown", 0, 1),
    ]


def test_break_evens_of_every_kind_stay_break_even(book: Book, folder: Path):
    trades = [
        row(THIRD_GENERATION, timestamp=f"2025-11-25T06:59:5{no}", profit_loss_pct=pnl)
        for no, pnl in enumerate((0.0, 0.05, -0.05, 0.19, -0.19, 0.0))
    ]
    (folder / "journal.json").write_text(journal(*trades))
    import_(book, folder)

    assert ask(book, "SELECT outcome, exit_quality, COUNT(*) FROM positions GROUP BY 1, 2") == [
        ("BREAKEVEN", "poll", 6)
    ]


def test_a_balance_that_disagrees_becomes_one_adjustment_that_says_so(book: Book, folder: Path):
    (folder / "state.json").write_text(json.dumps(SNIPER))
    report = import_(book, folder)

    [(balance,)] = ask(book, "SELECT balance FROM v_account WHERE kind='legacy'")
    assert balance == pytest.approx(9930.27)
    [(amount, note)] = ask(book, "SELECT amount, note FROM ledger WHERE kind='ADJUSTMENT'")
    assert amount == pytest.approx(-69.73)
    assert "states a balance of 9930.27" in str(note)
    assert receipt(report, "state.json").repaired == 1
    assert reconciles(book, report)


def test_a_valid_cache_entry_blocks_its_duplicate_and_an_old_one_does_not(book: Book, folder: Path):
    entry = {"timestamp": "2026-11-17T16:00:00", "entry_price": 143.2, "confidence": 85}
    old = {**entry, "timestamp": "2026-01-14T16:00:00"}
    (folder / "cache.json").write_text(
        json.dumps({"SOLUSDT_BUY_4h": entry, "XRPUSDT_SELL_4h": {**old, "entry_price": 2}})
    )
    import_(book, folder)

    with book.transaction() as tx:

        def claim(symbol: str, direction: Direction, entry: float) -> bool:
            return tx.signal_cache.claim(symbol, Timeframe.H4, direction, entry, 70, None, NOW_MS, DAY_MS, tolerance=1)

        assert not claim("SOLUSDT", Direction.LONG, 143.5)
        assert claim("SOLUSDT", Direction.SHORT, 143.5)
        assert claim("XRPUSDT", Direction.SHORT, 2.0)


def test_backtests_users_and_settings_find_their_places(book: Book, folder: Path):
    (folder / "backtest_results.json").write_text(json.dumps({"backtests": [RUN]}))
    (folder / "allowed_users.json").write_text("[100000001]")
    (folder / "risk_config.json").write_text('{"max_daily_loss_pct": 6.0, "min_risk_reward_ratio": 3.0}')
    import_(book, folder)

    assert ask(book, "SELECT b.name, t.outcome FROM backtests b JOIN backtest_trades t ON t.backtest_id=b.id") == [
        ("legacy SOLUSDT 4h", "WIN")
    ]
    assert ask(book, "SELECT telegram_id, role FROM users") == [(100000001, "PENDING")]
    assert ask(book, "SELECT value FROM settings") == [('{"max_daily_loss_pct":6.0,"min_risk_reward_ratio":3.0}',)]


def test_a_legacy_database_is_read_and_its_row_is_a_duplicate_of_the_journals(book: Book, folder: Path):
    synced = row(timestamp="2026-01-10T09:58:00", symbol="SOLUSDT", timeframe="1h", signal="BUY", entry_price=140.0,
                 sl_price=138.0, tp_price=143.0, closed_at="2026-01-11T08:00:00", profit_loss_pct=2.14)  # fmt: skip
    (folder / "journal.json").write_text(journal(synced))
    make_database(folder / "positions.db", {**POSITION, "source": "JOURNAL_SYNC"})
    report = import_(book, folder)

    assert counts(receipt(report, "positions.db")) == (2, 0, 0, 2, 0)
    assert ask(book, "SELECT COUNT(*) FROM positions") == [(1,)]


def make_database(path: Path, position: Mapping[str, object]) -> None:
    path.touch()
    connection = connect(path, Access.WRITE)
    connection.execute(f"CREATE TABLE open_positions({', '.join(position)})")
    connection.execute(f"INSERT INTO open_positions VALUES({','.join('?' * len(position))})", tuple(position.values()))
    connection.execute(f"CREATE TABLE position_history({', '.join(ENDING)})")
    connection.execute(f"INSERT INTO position_history VALUES({','.join('?' * len(ENDING))})", tuple(ENDING.values()))
    connection.close()


# ---- versions of one file


def test_many_overlapping_versions_of_a_journal_are_one_journal(book: Book, folder: Path):
    trades = [row(id=no, timestamp=f"2025-11-25T06:{no:02}:00", closed_at="2025-11-26T00:00:00") for no in range(10)]
    for version in range(1, 11):
        (folder / f"journal.{version}.json").write_text(journal(*trades[:version]))
    report = import_(book, folder)

    assert report.totals.records == 55
    assert (report.totals.repaired, report.totals.duplicate) == (10, 45)
    assert ask(book, "SELECT COUNT(*) FROM journal WHERE book='legacy'") == [(10,)]
    assert reconciles(book, report)


def test_an_end_that_an_older_version_did_not_know_is_taken_from_the_newer_one(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(PENDING))
    import_(book, folder)
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    report = import_(book, folder)

    assert counts(receipt(report, "journal.json")) == (1, 0, 0, 1, 0)
    assert ask(book, "SELECT status, outcome, book FROM journal") == [("CLOSED", "WIN", "legacy")]
    with book.reading() as view:
        assert all(identity.holds for identity in identities(view))


def test_the_same_content_under_two_names_is_read_once(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    shutil.copy(folder / "journal.json", folder / "journal.json.backup")
    report = import_(book, folder)

    assert counts(receipt(report, "journal.json.backup")) == (1, 0, 0, 1, 0)


# ---- what may go wrong


def test_a_dry_run_says_the_same_and_leaves_nothing(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION, PENDING))
    (folder / "copy.json").write_text(journal(FIRST_GENERATION))
    before = sizes(book)
    rehearsed = import_(book, folder, dry_run=True)

    assert sizes(book) == before
    assert ask(book, "SELECT COUNT(*) FROM imports") == [(0,)]
    assert rehearsed.dry_run
    assert rehearsed.as_json() == import_(book, folder).as_json()


def test_every_broken_file_is_named_with_its_reason_and_the_rest_goes_on(book: Book, folder: Path):
    whole = journal(FIRST_GENERATION, PENDING)
    (folder / "good.json").write_text(journal(SECOND_GENERATION))
    (folder / "bom.json").write_bytes(b"\xef\xbb\xbf" + journal(row(symbol="ADAUSDT")).encode())
    (folder / "truncated.json").write_text(whole[: whole.rindex('"symbol"')])
    (folder / "empty.json").write_text("")
    (folder / "other encoding.json").write_bytes('{"цена": 1}'.encode("cp1251"))
    (folder / "two bytes.json").write_bytes(whole.encode("utf-16"))
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "half.db").write_bytes(b"SQLite format 3\x00" + b"\x00" * 100)
    (folder / "directory.json").mkdir()
    (folder / "package.json").write_text('{"name": "x", "version": "1"}')
    (folder / "notes.txt").write_text("[not json")
    report = import_(book, folder)

    assert report.exit_code == 1
    assert {problem.partition(":")[0] for problem in report.problems} == {
        "truncated.json", "empty.json", "other encoding.json", "two bytes.json", "deep.json", "half.db", "directory.json",
    }  # fmt: skip
    assert all(problem.partition(": ")[2] for problem in report.problems)
    assert counts(receipt(report, "truncated.json")) == (2, 0, 1, 0, 1)
    assert counts(receipt(report, "bom.json")) == (1, 0, 1, 0, 0)
    assert [file.name for file in report.not_legacy] == ["notes.txt", "package.json"]
    assert reconciles(book, report)

    before = sizes(book)
    again = import_(book, folder)
    assert sizes(book) == before
    assert again.problems == report.problems


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    (folder / "journal.json").chmod(NO_RIGHTS)
    report = import_(book, folder)

    assert report.problems == ("journal.json: cannot be read: Permission denied",)


def test_a_locked_database_is_named(book: Book, folder: Path):
    make_database(folder / "positions.db", POSITION)
    other = connect(folder / "positions.db", Access.WRITE)
    other.execute("BEGIN EXCLUSIVE")
    report = import_(book, folder)
    other.close()

    [problem] = report.problems
    assert problem.startswith("positions.db: ")
    assert "busy" in problem


def test_a_value_of_any_length_is_no_burden(book: Book, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_stream, "MAX_VALUE_CHARS", 1 << 20)
    (folder / "dump.json").write_text('{"blob": "' + "x" * (6 << 20) + '"}')
    [problem] = import_(book, folder).problems

    assert "longer than" in problem


def test_an_import_cut_off_leaves_whole_files_only(tmp_path: Path, folder: Path):
    for name, symbol in (("first.json", "SOLUSDT"), ("second.json", "ADAUSDT")):
        trades = [row(SECOND_GENERATION, symbol=symbol, entry=1, sl=0.99, tp=1.1, exit_price=0.99, id=no,
                      timestamp=f"2026-01-10T10:00:0{no}Z") for no in range(3)]  # fmt: skip
        (folder / name).write_text(journal(*trades))
    statement, struck = 0, True
    while struck:
        path = tmp_path / f"book {statement}.db"
        Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
        fault = CrashAt(statement, raise_crash)
        with (
            contextlib.suppress(Crash),
            Book.open(path, BookKind.LIVE, now_ms=NOW_MS, fault=fault) as crashing,
        ):
            import_(crashing, folder)
        with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
            assert {count for _, count in ask(book, "SELECT file, COUNT(*) FROM legacy_records GROUP BY file")} <= {3}
            import_(book, folder)
            assert ask(book, "SELECT COUNT(*) FROM journal WHERE outcome='LOSS'") == [(6,)]
            with book.reading() as view:
                assert all(identity.holds for identity in identities(view))
        struck = fault.struck
        statement += 3
    assert statement > 30


def test_the_original_files_are_never_written(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    make_database(folder / "positions.db", POSITION)
    wal = connect(folder / "positions.db", Access.WRITE)
    wal.execute("PRAGMA journal_mode=WAL")
    wal.close()
    for path in folder.iterdir():
        path.chmod(stat.S_IRUSR)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    import_(book, folder)

    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_file_read_by_a_process_of_its_own_gives_the_same(book: Book, folder: Path):
    trades = [row(id=no, timestamp=f"2025-11-25T06:{no:02}:00", closed_at="2025-11-26T00:00:00") for no in range(50)]
    (folder / "journal.json").write_text(journal(*trades))
    expected = import_(book, folder, dry_run=True)
    seen: list[tuple[str, int, int]] = []
    report = import_(book, folder, progress=lambda *step: seen.append(step), bulk=Bulk(from_bytes=0))

    assert report.as_json() == expected.as_json()
    assert seen[-1][1] == seen[-1][2] == (folder / "journal.json").stat().st_size


@pytest.mark.parametrize("timezone", ["Europe/Nowhere", "../etc/passwd", ""])
def test_an_unknown_zone_is_refused_in_one_sentence(book: Book, folder: Path, timezone: str):
    with pytest.raises(LegacyImportError, match="There is no timezone"):
        import_(book, folder, timezone=timezone)


def test_a_missing_directory_is_refused_in_one_sentence(book: Book, folder: Path):
    with pytest.raises(LegacyImportError, match="There is no directory"):
        import_(book, folder / "nowhere")


def test_a_folder_without_candles_is_refused_before_anything_is_written(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    for candles in (folder, folder / "nowhere"):
        with pytest.raises(LegacyImportError, match=r"candles|\.csv"):
            import_(book, folder, candles_dir=candles)

    assert ask(book, "SELECT COUNT(*) FROM imports") == [(0,)]


def test_the_book_itself_is_passed_by(folder: Path):
    with Book.open(folder / "positions.db", BookKind.LIVE, now_ms=NOW_MS) as book:
        report = import_(book, folder)

    assert ("positions.db", "the book itself") in [(file.name, file.why) for file in report.not_legacy]


def test_naive_times_take_the_zone_given(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    import_(book, folder, timezone="Europe/Sofia")

    assert ask(book, "SELECT created_at FROM journal") == [("2025-11-25 04:59:56",)]


def test_the_printed_receipt_tells_every_file(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION, row(sl_price=1.0)))
    (folder / "package.json").write_text('{"name": "x"}')
    trades, foreign, total = table_rows(import_(book, folder))

    assert trades[:7] == ("journal.json", "journal", "2", "0", "1", "0", "1")
    assert "wrong side" in trades[7]
    assert foreign[1] == "NOT LEGACY DATA"
    assert total[2] == "2"


def test_the_report_is_kept_with_its_import(book: Book, folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    report = import_(book, folder)

    with book.reading() as view:
        [stored] = LegacyRecords(view.connection).imports()
    assert stored.finished_ms == NOW_MS
    assert isinstance(stored.report, dict)
    assert stored.report["totals"] == report.as_json()["totals"]


def test_a_first_start_can_offer_what_lies_in_its_folder(folder: Path):
    (folder / "journal.json").write_text(journal(FIRST_GENERATION))
    (folder / "package.json").write_text('{"name": "x"}')
    make_database(folder / "positions.db", POSITION)

    assert legacy_files_in(folder) == ("journal.json", "positions.db")
