"""The rows of a legacy positions.db, in each of its table forms; whoever opens the file hands them in here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrations.legacy import words
from migrations.legacy.normal_form import LegacyTrade, Reading, RecordVerdict, System, Unusable
from migrations.legacy.raw_text import packed
from migrations.legacy.reading import Found, Judged, judged_one, quarantined, raw_of
from migrations.legacy.rows import Row
from migrations.legacy.times import Clock
from migrations.legacy.trades import TradeRules, end_of, read_trade

OPEN_POSITIONS = "open_positions"
POSITIONS = "positions"
ALERTS = "checkpoint_alerts"
HISTORY = "position_history"
TABLES = (OPEN_POSITIONS, POSITIONS, ALERTS, HISTORY)
SYNCED_SOURCE = "JOURNAL_SYNC"
ADVICE = "advice of the old bot on a position: part of no figure, kept to be read"
ORPHAN = "its position is not in the file, so its stop is unknown"

Value = str | int | float | bytes | None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a legacy table; `no` is its rowid."""

    table: str
    no: int
    values: Mapping[str, Value]

    @property
    def found(self) -> Found:
        plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.values.items()}
        return Found(f"/{self.table}/{self.no}", plain, raw_of(plain))


def is_legacy_schema(columns: Mapping[str, frozenset[str]]) -> bool:
    """Whether these tables with their columns are those of a legacy positions.db, whatever its file is called."""
    if "portfolio_id" in columns.get(POSITIONS, frozenset()):
        return False  # that is a book
    for table in (OPEN_POSITIONS, POSITIONS):
        names = columns.get(table, frozenset())
        if "symbol" in names and not names.isdisjoint(words.ENTRY_FIELDS) and not names.isdisjoint(words.STOP_FIELDS):
            return True
    return HISTORY in columns and "exit_price" in columns[HISTORY]


def read_tables(rows: Iterable[TableRow], clock: Clock) -> Iterator[Reading]:
    """One reading per row: positions with the end their history row gives them, which then is their duplicate."""
    held = tuple(rows)
    endings: dict[object, TableRow] = {row.values.get("position_id"): row for row in held if row.table == HISTORY}
    positions = {row.values.get("id"): row for row in held if row.table == OPEN_POSITIONS}
    for row in held:
        match row.table:
            case table if table in (OPEN_POSITIONS, POSITIONS):
                yield _position(row, endings.get(row.values.get("id")), clock)
            case table if table == HISTORY:
                yield _ending(row, positions.get(row.values.get("position_id")))
            case _:
                yield quarantined(row.found, ADVICE)


def _position(row: TableRow, ending: TableRow | None, clock: Clock) -> Reading:
    rules = TradeRules(System.SIGNAL_BOT, clock.in_utc())

    def judge(fields: Row, _: Found) -> Judged:
        signal = _original_signal(fields)
        described = dict(fields.fields)
        if described.get("confidence") is None and "confidence" in signal:
            described["confidence"] = signal["confidence"]
        described.pop("status", None)
        trade = read_trade(Row(described, fields.repairs), rules)
        if fields.fields.get("source") == SYNCED_SOURCE and "timestamp" in signal:
            # such a row was written when the journal was read, not when the signal was made
            opened_us = clock.read(signal["timestamp"], "timestamp of the original signal", fields.repairs)
            trade = trade._replace(opened_us=opened_us)
        if ending is not None:
            trade = _ended(trade, ending, fields, rules)
        return Judged(trade, trade.natural_key)

    return judged_one(row.found, judge)


def _ended(trade: LegacyTrade, ending: TableRow, row: Row, rules: TradeRules) -> LegacyTrade:
    return end_of(trade, Row(dict(ending.values), row.repairs), rules.clock)


def _ending(row: TableRow, position: TableRow | None) -> Reading:
    found = row.found
    if position is None:
        return quarantined(found, ORPHAN)
    reason = f"of {position.found.place}, which was booked with this end"
    return Reading(found.place, packed(found.raw), RecordVerdict.DUPLICATE, (reason,))


def _original_signal(row: Row) -> Mapping[str, object]:
    text = row.fields.get("original_signal_json")
    if not isinstance(text, str) or not text:
        return {}
    try:
        signal = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("its original signal is no JSON") from None
    return signal if isinstance(signal, dict) else {}
