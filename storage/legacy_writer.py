"""Writes the records of one legacy file into the book, in bulk, with a receipt for each."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from engine.vocabulary import FillKind, LedgerKind, PortfolioKind, SignalStatus
from migrations.legacy.normal_form import (
    ORIGINALS,
    US_PER_MS,
    LegacyAccount,
    LegacyBacktest,
    LegacyCacheEntry,
    LegacyReport,
    LegacySettings,
    LegacyUser,
    RecordVerdict,
    System,
)
from storage.codec import encoded
from storage.database import insert
from storage.events import EventType
from storage.legacy import LegacyRecords, Original
from storage.legacy_bulk import BULK, Bulk, BulkWriting, ManyRows
from storage.legacy_rows import LEGACY, Entry, TradeRows, position_rows, signal_rows, target_rows
from storage.portfolios import DEFAULT_CURRENCY
from storage.positions import ExitQuality
from storage.stores import Stores

ACTOR = "import"
BURST_CLOSES_PER_MINUTE = 5  # so many ends in one minute are a bot that woke up and looked, not the market
MINUTE_MS = 60_000
MONEY_EPSILON = 1e-9
NOT_IN_FORCE = "kept to be read: nothing of it is in force"

# what follows from a position is written from it, for all positions above an id
_FILLS_OF_POSITIONS = (
    "INSERT INTO fills(position_id, at_ms, kind, qty, price, idem_key)"
    f" SELECT id, opened_ms, '{FillKind.ENTRY.value}', qty, entry_price, 'entry:'||id FROM positions WHERE id>?1"
    f" UNION ALL SELECT id, closed_ms, '{FillKind.CLOSE.value}', qty, exit_price, 'close:'||id||':1'"
    " FROM positions WHERE id>?1"
)
_MONEY_OF_POSITIONS = (
    "INSERT INTO ledger(portfolio_id, at_ms, kind, amount, fill_id, note, idem_key)"
    f" SELECT p.portfolio_id, f.at_ms, '{LedgerKind.REALIZED_PNL.value}', p.realized_pnl, f.id, '{LEGACY}',"
    " 'pnl:'||f.idem_key"
    f" FROM fills f CROSS JOIN positions p ON p.id=f.position_id WHERE f.id>? AND f.kind='{FillKind.CLOSE.value}'"
)
_EVENTS_OF_POSITIONS = (
    "INSERT INTO events(at_ms, type, signal_id, position_id, portfolio_id, symbol, actor)"
    f" SELECT closed_ms, '{EventType.POSITION_IMPORTED.value}', signal_id, id, portfolio_id, symbol, '{ACTOR}'"
    " FROM positions WHERE id>?"
)


@dataclass(frozen=True, slots=True)
class FileBeingRead:
    """The file whose records are written: its name as the report shows it, its content's hash, its shape, its bytes."""

    import_id: int
    name: str
    sha256: str
    shape: str
    size: int
    now_ms: int
    bulk: Bulk = BULK


class Placed(NamedTuple):
    """Where a record ended: the table and row it became, and what the writing added to its verdict."""

    verdict: RecordVerdict
    reasons: tuple[str, ...]
    table: str | None
    row_id: int | None


class LegacyWriter:
    """Writes one file inside the caller's transaction; `verdicts` and `reasons` count what it wrote."""

    def __init__(self, tx: Stores, file: FileBeingRead) -> None:
        self._tx = tx
        self._file = file
        self._records = LegacyRecords(tx.connection)
        self._portfolio_ids: dict[System, int] = {}
        self._signal_id = self._highest("signals")
        self._position_id = self._first_position_id = self._highest("positions")
        self._flushed_position_id = self._position_id
        self._signals, self._targets, self._positions = signal_rows(), target_rows(), position_rows()
        self._receipts = _receipts()
        self._closes_by_minute: Counter[int] = Counter()
        self.verdicts: Counter[RecordVerdict] = Counter()
        self.reasons: Counter[tuple[RecordVerdict, str]] = Counter()
        self._bulk = BulkWriting(tx.connection, file.size, file.bulk)

    def write(self, entries: Sequence[Entry]) -> None:
        """Write these records and a receipt for each."""
        keys = [entry.natural_key for entry in entries if entry.natural_key and entry.verdict in ORIGINALS]
        originals = dict(self._records.originals(keys))
        late_ends: list[tuple[Original, Entry]] = []
        for entry in entries:
            key = entry.natural_key
            original = originals.get(key) if key else None
            if entry.verdict not in ORIGINALS:
                placed = Placed(entry.verdict, entry.reasons, None, None)
            elif original is not None:
                reasons = (f"of {original}",)
                if _brings_an_end(entry, original):
                    late_ends.append((original, entry))
                    reasons = (f"of {original}, whose end was not known there: it was taken from here",)
                    originals[key or ""] = original._replace(table="positions")
                placed = Placed(RecordVerdict.DUPLICATE, reasons, original.table, original.row_id)
            else:
                placed = self._place(entry)
                if key:
                    originals[key] = Original(0, self._file.name, entry.place, placed.table, placed.row_id)
            self._receipt(entry, placed)
        self._flush()
        for original, entry in late_ends:
            self._add_end(original, entry)
        if late_ends:
            self._flush()

    def finish(self) -> int:
        """Mark the exits that a waking bot saw all at once as polled; returns how many there are."""
        self._bulk.end()
        bursts = [minute for minute, closes in self._closes_by_minute.items() if closes >= BURST_CLOSES_PER_MINUTE]
        if not bursts:
            return 0
        return self._tx.connection.execute(
            f"UPDATE positions SET exit_quality='{ExitQuality.POLL.value}',"
            # a break-even whose P/L is not nought is known as one by its R alone
            " r_multiple=CASE WHEN outcome='BREAKEVEN' AND pnl_pct<>0 THEN r_multiple END"
            f" WHERE id>? AND closed_ms/{MINUTE_MS} IN(SELECT value FROM json_each(?))",
            (self._first_position_id, encoded(bursts)),
        ).rowcount

    def _place(self, entry: Entry) -> Placed:
        """Write the record's normal form where it belongs."""
        content = entry.content
        match content:
            case TradeRows():
                return self._place_trade(content, entry)
            case LegacyReport():
                return Placed(entry.verdict, entry.reasons, "legacy_records", None)
            case LegacyCacheEntry():
                return self._place_cache_entry(content, entry)
            case LegacyBacktest():
                return Placed(entry.verdict, entry.reasons, "backtests", self._backtest(content))
            case LegacyAccount():
                return self._place_account(content, entry)
            case LegacyUser():
                user = self._tx.users.ensure(content.telegram_id, None, self._file.now_ms)
                return Placed(entry.verdict, entry.reasons, "users", user.id)
            case LegacySettings():
                return self._place_settings(content, entry)
            case None:
                raise ValueError(f"{entry.place} is to be imported, but has no form")
            case _:
                assert_never(content)

    def _place_trade(self, trade: TradeRows, entry: Entry) -> Placed:
        self._signal_id += 1
        signal_id = self._signal_id
        self._signals.add((signal_id, *trade.signal))
        for target in trade.targets:
            self._targets.add((signal_id, *target))
        if trade.position is None:
            return Placed(entry.verdict, entry.reasons, "signals", signal_id)
        return Placed(entry.verdict, entry.reasons, "positions", self._add_position(trade, signal_id))

    def _add_position(self, trade: TradeRows, signal_id: int) -> int:
        assert trade.position is not None
        assert trade.closed_ms is not None
        self._position_id += 1
        self._positions.add((self._position_id, self._portfolio(trade.system), signal_id, *trade.position))
        self._closes_by_minute[trade.closed_ms // MINUTE_MS] += 1
        return self._position_id

    def _add_end(self, original: Original, entry: Entry) -> None:
        """Close a signal whose end an earlier file did not know."""
        trade = entry.content
        assert isinstance(trade, TradeRows)
        assert trade.closed_ms is not None
        assert original.row_id is not None
        position_id = self._add_position(trade, original.row_id)
        self._tx.signals.set_status(
            original.row_id, SignalStatus.CLOSED, f"ended as {self._file.name} says", trade.closed_ms
        )
        self._tx.connection.execute(
            "UPDATE legacy_records SET table_name='positions', row_id=?, reason=COALESCE(reason||'; ','')||?"
            " WHERE natural_key=? AND verdict IN('IMPORTED','REPAIRED')",
            (position_id, f"its end was taken from {self._file.name}{entry.place}", entry.natural_key),
        )

    def _place_cache_entry(self, cached: LegacyCacheEntry, entry: Entry) -> Placed:
        written = self._tx.signal_cache.take_over(
            cached.symbol, cached.timeframe, cached.direction, cached.entry, cached.confidence,
            cached.sent_us // US_PER_MS, cached.expires_us // US_PER_MS,
        )  # fmt: skip
        if not written:
            return Placed(RecordVerdict.DUPLICATE, ("of a newer entry for the same series and direction",), None, None)
        return Placed(entry.verdict, entry.reasons, "sent_signals", None)

    def _backtest(self, run: LegacyBacktest) -> int:
        connection = self._tx.connection
        backtest_id = insert(
            connection,
            "INSERT INTO backtests(name, params_hash, engine_version, files, from_ms, to_ms, metrics, created_ms)"
            f" VALUES(?,'{LEGACY}','{LEGACY}',?,?,?,?,?)",
            (
                f"{LEGACY} {run.symbol} {run.timeframe.text}", self._file.name, run.from_us // US_PER_MS,
                run.to_us // US_PER_MS, encoded(run.metrics), run.ran_us // US_PER_MS,
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO backtest_trades(backtest_id, no, symbol, timeframe, direction, setup, decided_ms, r_multiple,"
            f" outcome) VALUES(?,?,?,?,?,'{LEGACY}',?,?,?)",
            (
                (
                    backtest_id, no, run.symbol, run.timeframe.text, trade.direction.value,
                    trade.decided_us // US_PER_MS, trade.r_multiple, trade.outcome.value if trade.outcome else None,
                )
                for no, trade in enumerate(run.trades, start=1)
            ),
        )  # fmt: skip
        return backtest_id

    def _place_account(self, account: LegacyAccount, entry: Entry) -> Placed:
        """Book what the account began with, and one adjustment that says by how much its file disagrees."""
        self._flush()
        at_ms = account.stated_us // US_PER_MS
        portfolio = self._ensure_portfolio(account.name)
        ledger = self._tx.ledger
        if account.deposit is not None and ledger.post(
            portfolio, LedgerKind.DEPOSIT, account.deposit, at_ms, f"{LEGACY}:{account.name}:deposit",
            note=f"{self._file.name} names it as what the account began with",
        ):  # fmt: skip
            self._tx.events.add(EventType.DEPOSIT, at_ms, portfolio_id=portfolio, actor=ACTOR)
        known = ledger.balance(portfolio)
        difference = account.balance - known
        if abs(difference) <= MONEY_EPSILON:
            return Placed(entry.verdict, entry.reasons, "portfolios", portfolio)
        note = (
            f"{self._file.name} states a balance of {account.balance:.2f}, its deposit and trades make {known:.2f}: "
            f"adjusted by {difference:+.2f}"
        )
        ledger.post(portfolio, LedgerKind.ADJUSTMENT, difference, at_ms, f"{LEGACY}:{entry.natural_key}", note=note)
        self._tx.events.add(EventType.ADJUSTMENT, at_ms, portfolio_id=portfolio, actor=ACTOR, message=note)
        return Placed(RecordVerdict.REPAIRED, (*entry.reasons, note), "portfolios", portfolio)

    def _place_settings(self, settings: LegacySettings, entry: Entry) -> Placed:
        digest = hashlib.sha256(settings.text.encode()).hexdigest()[:8]
        values = json.loads(settings.text, parse_constant=lambda _: None)
        self._tx.settings.set(f"{LEGACY}.{settings.name}.{digest}", values, ACTOR, self._file.now_ms)
        return Placed(entry.verdict, (*entry.reasons, NOT_IN_FORCE), "settings", None)

    def _receipt(self, entry: Entry, placed: Placed) -> None:
        verdict = placed.verdict
        self.verdicts[verdict] += 1
        for reason in placed.reasons:
            self.reasons[verdict, reason] += 1
        file = self._file
        self._receipts.add(
            (
                file.import_id, file.name, file.sha256, entry.place, file.shape, entry.natural_key, verdict.value,
                "; ".join(placed.reasons) or None, placed.table, placed.row_id, entry.raw,
            )
        )  # fmt: skip

    def _flush(self) -> None:
        for rows in (self._signals, self._targets, self._positions, self._receipts):
            rows.write(self._tx.connection)
        if self._position_id > self._flushed_position_id:
            last_fill_id = self._highest("fills")
            self._tx.connection.execute(_FILLS_OF_POSITIONS, (self._flushed_position_id,))
            self._tx.connection.execute(_MONEY_OF_POSITIONS, (last_fill_id,))
            self._tx.connection.execute(_EVENTS_OF_POSITIONS, (self._flushed_position_id,))
            self._flushed_position_id = self._position_id

    def _portfolio(self, system: System) -> int:
        if system not in self._portfolio_ids:
            self._portfolio_ids[system] = self._ensure_portfolio(system.value)
        return self._portfolio_ids[system]

    def _ensure_portfolio(self, account: str) -> int:
        return self._tx.portfolios.ensure(
            PortfolioKind.LEGACY, f"{LEGACY} {account}", DEFAULT_CURRENCY, self._file.now_ms, account_id=account
        ).id

    def _highest(self, table: str) -> int:
        row = self._tx.connection.execute(f"SELECT COALESCE(MAX(id),0) FROM {table}").fetchone()
        highest: int = row[0]
        return highest


def _brings_an_end(entry: Entry, original: Original) -> bool:
    trade = entry.content
    return isinstance(trade, TradeRows) and trade.position is not None and original.table == "signals"


def _receipts() -> ManyRows:
    return ManyRows(
        "legacy_records",
        columns="import_id, file, file_sha256, place, shape, natural_key, verdict, reason, table_name, row_id, raw",
        values=",".join(f"column{number}" for number in range(1, 12)),
        width=11,
    )
