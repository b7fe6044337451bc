"""Books for the tests of services: signals that are followed, candles to settle on, and every row to compare."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.candles import Candles
from engine.params import Params
from engine.timeframes import HOUR_MS, Timeframe
from engine.vocabulary import PortfolioKind, Signal, SignalStatus
from services.announce import Announcements
from services.position_manager import Settlement, arm
from storage.account import open_account
from storage.book import Book
from storage.stores import Stores
from tests.drawing import Row, drawn
from tests.storage.samples import NOW_MS, VERDICTS

DEFAULTS = Params()
NOBODY = Announcements()
TELEMETRY = {
    "portfolios": ("opened_ms",),
    "scans": ("ran_ms", "duration_ms"),
    "job_runs": ("started_ms", "finished_ms"),
    "legacy_records": ("import_id",),
}
"""Columns that tell how a run went and not what it did."""
OUTSIDE = ("meta", "_sqlite_migrations")
"""Tables that know when a book was made, and how far a replay went."""

Everything = dict[str, list[tuple[object, ...]]]


def everything(book: Book, *, outside: Sequence[str] = OUTSIDE) -> Everything:
    """Every row of every table, but for telemetry and what is kept `outside`."""
    with book.reading() as view:
        names = [
            name
            for (name,) in view.connection.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
            if name not in outside and not name.startswith("sqlite_")
        ]
        return {name: _rows(view, name) for name in names}


def _rows(view: Stores, table: str) -> list[tuple[object, ...]]:
    columns = [
        column[1]
        for column in view.connection.execute(f"PRAGMA table_xinfo({table})")
        if column[1] not in TELEMETRY.get(table, ())
    ]
    listed = ",".join(columns)
    return view.connection.execute(f"SELECT {listed} FROM {table} ORDER BY {listed}").fetchall()


def candles_of(rows: Sequence[Row], symbol: str = "BTCUSDT", timeframe: Timeframe = Timeframe.H1) -> Candles:
    """Candles that begin where the sample signals were decided."""
    return replace(drawn(rows, timeframe, NOW_MS), symbol=symbol)


def with_deposit(book: Book, params: Params = DEFAULTS) -> Book:
    with book.transaction() as tx:
        open_account(tx, params.account.deposit, NOW_MS - HOUR_MS)
    return book


def armed(
    tx: Stores,
    signal: Signal,
    status: SignalStatus = SignalStatus.SENT,
    kinds: Sequence[PortfolioKind] = (PortfolioKind.PAPER, PortfolioKind.SHADOW),
    params: Params = DEFAULTS,
) -> int:
    """The id of a signal recorded with this status, with an entry order in each of these books."""
    recorded = tx.signals.record(signal, VERDICTS, status, None, signal.candle_close_ms)
    stored = tx.signals.get(recorded.id)
    for kind in kinds:
        portfolio = tx.portfolios.of_kind(kind)
        amount = params.account.risk_ratio * tx.ledger.balance(portfolio.id)
        risked = {"risk_amount": amount} if kind is PortfolioKind.PAPER else {}
        arm(tx, stored, portfolio, signal.candle_close_ms, **risked)
    return recorded.id


def settle(
    book: Book,
    candles: Mapping[str, Candles],
    until_ms: int,
    params: Params = DEFAULTS,
    announcements: Announcements = NOBODY,
) -> None:
    """One settlement in one transaction, as each run of the settling job is one."""
    with book.transaction() as tx:
        Settlement(tx, candles, params, announcements).rest(until_ms)
