"""Writes the records of one legacy file into the book, in bulk, with a receipt for each."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from engine.timeframes import DAY_MS
from engine.vocabulary import FillKind, LedgerKind, PortfolioKind, SignalSource, SignalStatus
from migrations.legacy.normal_form import (
    ORIGINALS,
    US_PER_MS,
    LegacyAccount,
    LegacyBacktest,
    LegacyCacheEntry,
    LegacyReport,
    LegacySettings,
    LegacyTrade,
    LegacyUser,
    Reading,
    RecordVerdict,
    System,
)
from migrations.legacy.trades import r_multiple
from storage.codec import encoded
from storage.database import insert
from storage.events import EventType
from storage.legacy import LegacyRecords, Original
from storage.legacy_bulk import BULK, Bulk, BulkWriting, ManyRows
from storage.portfolios import DEFAULT_CURRENCY
from storage.positions import ExitQuality
from storage.stores import Stores

LEGACY = "legacy"
ACTOR = "import"
NOTIONAL_USDT = 100.0
VALID_BARS = 24
BURST_CLOSES_PER_MINUTE = 5  # so many ends in one minute are a bot that woke up and looked, not the market
MINUTE_MS = 60_000
MONEY_EPSILON = 1e-9
NOT_IN_FORCE = "kept to be read: nothing of it is in force"
UNRESOLVED_REASON = "its end was never recorded"

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


@dataclass(frozen=True, slots=True)
class Placed:
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
        self._signals, self._targets, self._positions, self._receipts = (
            _signals(),
            _targets(),
            _positions(),
            _receipts(),
        )
        self._closes_by_minute: Counter[int] = Counter()
        self.verdicts: Counter[RecordVerdict] = Counter()
        self.reasons: Counter[tuple[RecordVerdict, str]] = Counter()
        self._bulk = BulkWriting(tx.connection, file.size, file.bulk)

    def write(self, readings: Sequence[Reading]) -> None:
        """Write these records and a receipt for each."""
        keys = [reading.natural_key for reading in readings if reading.natural_key and reading.verdict in ORIGINALS]
        originals = dict(self._records.originals(keys))
        late_ends: list[tuple[Original, Reading]] = []
        for reading in readings:
            original = originals.get(reading.natural_key) if reading.natural_key else None
            if reading.verdict not in ORIGINALS:
                placed = Placed(reading.verdict, reading.reasons, None, None)
            elif original is not None:
                reasons = (f"of {original}",)
                if _brings_an_end(reading, original):
                    late_ends.append((original, reading))
                    reasons = (f"of {original}, whose end was not known there: it was taken from here",)
                    originals[reading.natural_key or ""] = replace(original, table="positions")
                placed = Placed(RecordVerdict.DUPLICATE, reasons, original.table, original.row_id)
            else:
                placed = self._place(reading)
                if reading.natural_key:
                    originals[reading.natural_key] = Original(
                        0, self._file.name, reading.place, placed.table, placed.row_id
                    )
            self._receipt(reading, placed)
        self._flush()
        for original, reading in late_ends:
            self._add_end(original, reading)
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

    def _place(self, reading: Reading) -> Placed:
        """Write the record's normal form where it belongs."""
        content = reading.content
        match content:
            case LegacyTrade():
                return self._place_trade(content, reading)
            case LegacyReport():
                return Placed(reading.verdict, reading.reasons, "legacy_records", None)
            case LegacyCacheEntry():
                return self._place_cache_entry(content, reading)
            case LegacyBacktest():
                return Placed(reading.verdict, reading.reasons, "backtests", self._backtest(content))
            case LegacyAccount():
                return self._place_account(content, reading)
            case LegacyUser():
                user = self._tx.users.ensure(content.telegram_id, None, self._file.now_ms)
                return Placed(reading.verdict, reading.reasons, "users", user.id)
            case LegacySettings():
                return self._place_settings(content, reading)
            case None:
                raise ValueError(f"{reading.place} is to be imported, but has no form")
            case _:
                assert_never(content)

    def _place_trade(self, trade: LegacyTrade, reading: Reading) -> Placed:
        signal_id = self._add_signal(trade, reading.natural_key or trade.natural_key)
        if trade.close is None:
            return Placed(reading.verdict, reading.reasons, "signals", signal_id)
        return Placed(reading.verdict, reading.reasons, "positions", self._add_position(trade, signal_id))

    def _add_signal(self, trade: LegacyTrade, natural_key: str) -> int:
        self._signal_id += 1
        opened_ms = trade.opened_ms
        valid_until_ms = _valid_until_ms(trade)
        close = trade.close
        if close is None:
            status, reason = SignalStatus.EXPIRED.value, UNRESOLVED_REASON
            status_ms = min(valid_until_ms, max(self._file.now_ms, opened_ms))
        else:
            status, reason, status_ms = SignalStatus.CLOSED.value, None, close.closed_ms
        rr = trade.reward_risk
        share_ratio = 1 / len(trade.targets)
        plan_r = rr if share_ratio == 1 else _plan_r(trade, share_ratio)
        self._signals.add(
            (
                self._signal_id, _uid(natural_key), trade.symbol, trade.timeframe_text, trade.direction.value,
                natural_key, opened_ms, trade.entry, trade.stop, valid_until_ms, rr, plan_r, trade.confidence,
                status, reason, status_ms,
            )
        )  # fmt: skip
        for no, price in enumerate(trade.targets, start=1):
            self._targets.add((self._signal_id, no, price, share_ratio))
        return self._signal_id

    def _add_position(self, trade: LegacyTrade, signal_id: int) -> int:
        close = trade.close
        assert close is not None
        portfolio_id = self._portfolio(trade.system)
        self._position_id += 1
        position_id = self._position_id
        qty = NOTIONAL_USDT / trade.entry
        pnl = (close.exit_price - trade.entry) * qty * trade.direction.sign
        closed_ms = close.closed_ms
        self._positions.add(
            (
                position_id, portfolio_id, signal_id, qty, close.exit_price, closed_ms, close.reason.value, pnl,
                close.pnl_pct, r_multiple(trade),
            )
        )  # fmt: skip
        self._closes_by_minute[closed_ms // MINUTE_MS] += 1
        return position_id

    def _add_end(self, original: Original, reading: Reading) -> None:
        """Close a signal whose end an earlier file did not know."""
        assert isinstance(reading.content, LegacyTrade)
        assert original.row_id is not None
        position_id = self._add_position(reading.content, original.row_id)
        assert reading.content.close is not None
        self._tx.signals.set_status(
            original.row_id, SignalStatus.CLOSED, f"ended as {self._file.name} says", reading.content.close.closed_ms
        )
        self._tx.connection.execute(
            "UPDATE legacy_records SET table_name='positions', row_id=?, reason=COALESCE(reason||'; ','')||?"
            " WHERE natural_key=? AND verdict IN('IMPORTED','REPAIRED')",
            (position_id, f"its end was taken from {self._file.name}{reading.place}", reading.natural_key),
        )

    def _place_cache_entry(self, entry: LegacyCacheEntry, reading: Reading) -> Placed:
        written = self._tx.signal_cache.take_over(
            entry.symbol, entry.timeframe, entry.direction, entry.entry, entry.confidence,
            entry.sent_us // US_PER_MS, entry.expires_us // US_PER_MS,
        )  # fmt: skip
        if not written:
            return Placed(RecordVerdict.DUPLICATE, ("of a newer entry for the same series and direction",), None, None)
        return Placed(reading.verdict, reading.reasons, "sent_signals", None)

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

    def _place_account(self, account: LegacyAccount, reading: Reading) -> Placed:
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
            return Placed(reading.verdict, reading.reasons, "portfolios", portfolio)
        note = (
            f"{self._file.name} states a balance of {account.balance:.2f}, its deposit and trades make {known:.2f}: "
            f"adjusted by {difference:+.2f}"
        )
        ledger.post(portfolio, LedgerKind.ADJUSTMENT, difference, at_ms, f"{LEGACY}:{reading.natural_key}", note=note)
        self._tx.events.add(EventType.ADJUSTMENT, at_ms, portfolio_id=portfolio, actor=ACTOR, message=note)
        return Placed(RecordVerdict.REPAIRED, (*reading.reasons, note), "portfolios", portfolio)

    def _place_settings(self, settings: LegacySettings, reading: Reading) -> Placed:
        digest = hashlib.sha256(settings.text.encode()).hexdigest()[:8]
        values = json.loads(settings.text, parse_constant=lambda _: None)
        self._tx.settings.set(f"{LEGACY}.{settings.name}.{digest}", values, ACTOR, self._file.now_ms)
        return Placed(reading.verdict, (*reading.reasons, NOT_IN_FORCE), "settings", None)

    def _receipt(self, reading: Reading, placed: Placed) -> None:
        verdict = placed.verdict
        self.verdicts[verdict] += 1
        for reason in placed.reasons:
            self.reasons[verdict, reason] += 1
        file = self._file
        self._receipts.add(
            (
                file.import_id, file.name, file.sha256, reading.place, file.shape, reading.natural_key, verdict.value,
                "; ".join(placed.reasons) or None, placed.table, placed.row_id, reading.raw,
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


def _brings_an_end(reading: Reading, original: Original) -> bool:
    trade = reading.content
    return isinstance(trade, LegacyTrade) and trade.close is not None and original.table == "signals"


def _valid_until_ms(trade: LegacyTrade) -> int:
    """When the offer ran out: as recorded, else after as many bars as this house lets an entry wait."""
    if trade.valid_until_us is not None:
        return trade.valid_until_us // US_PER_MS
    return trade.opened_ms + (DAY_MS if trade.timeframe is None else VALID_BARS * trade.timeframe.ms)


def _plan_r(trade: LegacyTrade, share_ratio: float) -> float:
    risk = abs(trade.entry - trade.stop)
    return sum(abs(price - trade.entry) for price in trade.targets) / risk * share_ratio


def _uid(natural_key: str) -> str:
    return hashlib.sha256(f"{LEGACY}|{natural_key}".encode()).hexdigest()


def _signals() -> ManyRows:
    return ManyRows(
        "signals",
        columns="id, uid, symbol, timeframe, direction, setup, setup_key, candle_close_ms, created_ms, last_seen_ms,"
        " entry, zone_low, zone_high, stop_loss, valid_until_ms, rr, plan_r, cost_r, confidence, base_confidence,"
        " engine_version, params_hash, source, status, status_reason, status_ms",
        values=f"column1, column2, column3, column4, column5, '{LEGACY}', column6, column7, column7, column7, column8,"
        " column8, column8, column9, column10, column11, column12, 0.0, column13, column13,"
        f" '{LEGACY}', '{LEGACY}', '{SignalSource.IMPORT.value}', column14, column15, column16",
        width=16,
    )


def _targets() -> ManyRows:
    return ManyRows(
        "targets",
        columns="signal_id, no, price, share_ratio, reason",
        values=f"column1, column2, column3, column4, '{LEGACY}'",
        width=4,
    )


def _positions() -> ManyRows:
    """What a position and its signal have in common is taken from the signal, which may be an earlier file's."""
    return ManyRows(
        "positions",
        columns="id, portfolio_id, signal_id, symbol, timeframe, direction, qty, entry_price, opened_ms, initial_stop,"
        " stop_loss, risk_amount, closed_ratio, exclusive, status, exit_price, closed_ms, close_reason, exit_quality,"
        " realized_pnl, pnl_pct, r_multiple",
        values="column1, column2, s.id, s.symbol, s.timeframe, s.direction, column4, s.entry, s.created_ms, s.stop_loss,"
        " s.stop_loss, ABS(s.entry-s.stop_loss)*column4, 1.0, 0, 'CLOSED', column5, column6, column7,"
        f" '{ExitQuality.UNKNOWN.value}', column8, column9, column10",
        width=10,
        beside="CROSS JOIN signals s ON s.id=column3",
    )


def _receipts() -> ManyRows:
    return ManyRows(
        "legacy_records",
        columns="import_id, file, file_sha256, place, shape, natural_key, verdict, reason, table_name, row_id, raw",
        values=",".join(f"column{number}" for number in range(1, 12)),
        width=11,
    )
