"""What failed in the bots this one replaces: the page that lists it names tests that exist, and some stand here."""

import ast
import re
from datetime import date
from pathlib import Path

import pytest

from diagnostics import checks
from engine.timeframes import Timeframe
from engine.vocabulary import BookKind, Outcome, PortfolioKind
from services.equity import equity_until
from services.import_legacy import import_directory
from services.periods import CalendarPeriod
from services.reports import report_of
from storage.book import Book
from storage.gauges import gauges_of
from storage.journal import JournalFilter
from storage.snapshots import SnapshotPeriod
from storage.summary import summary_of
from storage.training import left_out
from tests.migrations.legacy.documents import NOW_MS, THIRD_GENERATION, journal, row
from tests.services.rig import ms, started, world_at

ROOT = Path(__file__).resolve().parent.parent
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
WAYS_TO_A_FILE = {"open", "read_text", "read_bytes", "readlines", "glob", "iterdir", "rglob"}


def test_every_test_the_page_of_promises_names_exists():
    named = NAMED_TEST.findall((ROOT / "docs" / "promises.md").read_text())

    assert len(named) > 30
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(ROOT / file)] == []


async def test_chat_report_command_line_web_and_ledger_tell_one_balance_and_one_result(tmp_path: Path):
    async with (
        world_at(ms("2026-01-01T00:50"), tmp_path) as world,
        started(world, ("ADAUSDT", "XRPUSDT"), (Timeframe.M15,)) as rig,
    ):
        await rig.play(ms("2026-01-01T02:45"))  # a fill, a target, a stop at break-even
        day = CalendarPeriod(SnapshotPeriod.DAY, date(2026, 1, 1), "UTC")
        account, journal_page, daily = [await rig.ask(text) for text in ("account", "journal", "daily")]
        with rig.book.reading() as view:
            paper = view.portfolios.of_kind(PortfolioKind.PAPER).id
            (ledger,) = view.connection.execute(
                "SELECT SUM(amount) FROM ledger WHERE portfolio_id=?", (paper,)
            ).fetchone()
            [closed] = view.positions.closed_since(paper, 0)
            report = report_of(view, day, world.clock.ms).facts
            told = {
                "account": view.journal.account(paper).balance,
                "report": report.money.closing,
                "command line": summary_of(view.connection).balance,
                "web": next(one.balance for one in gauges_of(view.connection).accounts if one.kind == "paper"),
                "picture": equity_until(view, day).balances[-1].amount,
            }

    assert told == dict.fromkeys(told, pytest.approx(ledger, abs=1e-9))
    assert closed.r_multiple == pytest.approx(report.trades.total_r)
    assert account is not None
    assert f"{ledger:,.2f}" in account.html
    for answer in (journal_page, daily):
        assert answer is not None
    assert f"{closed.r_multiple:+.2f}R" in journal_page.html


def test_what_an_old_journal_calls_success_is_a_win_to_everybody(tmp_path: Path):
    ended = [
        row(THIRD_GENERATION, id=number, symbol=symbol, outcome=outcome, profit_loss_pct=result)
        for number, (symbol, outcome, result) in enumerate(
            [("ADAUSDT", "SUCCESS", 3.2), ("XRPUSDT", "SUCCESS", 1.1), ("SUIUSDT", "FAILED", -2.0)]
        )
    ]
    (tmp_path / "trading_journal.json").write_text(journal(*ended))
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        import_directory(book, tmp_path, now_ms=NOW_MS)
        with book.reading() as view:
            told = {one.symbol: one.outcome for one in view.journal.rows(JournalFilter())}
            reasons = left_out(view.connection, features_version=1)

    assert told == {"ADAUSDT": Outcome.WIN, "XRPUSDT": Outcome.WIN, "SUIUSDT": Outcome.LOSS}
    assert reasons == {"imported without ICT features": 3}  # and not: of unknown outcome


def test_no_check_opens_a_file_or_knows_a_log():
    for module in sorted(Path(str(checks.__file__)).parent.glob("*.py")):
        tree = ast.parse(module.read_text())
        called = {node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                  for node in ast.walk(tree) if isinstance(node, ast.Call)}  # fmt: skip
        imported = {name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in [node.module]}
        assert not called & WAYS_TO_A_FILE, module.name
        assert not imported & {"diagnostics.logs", "logging"}, module.name


def functions_of(file: Path) -> set[str]:
    """The names of the functions of a module; none where there is no such file."""
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
