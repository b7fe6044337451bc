"""Reports, caches, backtests, position tables and the files of other bots."""

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import Direction, Outcome
from migrations.legacy.cache_files import split_key
from migrations.legacy.normal_form import (
    LegacyAccount,
    LegacyBacktest,
    LegacyCacheEntry,
    LegacyReport,
    LegacyUser,
    Reading,
    RecordVerdict,
    Unusable,
)
from migrations.legacy.position_tables import TableRow, is_legacy_schema, read_tables
from migrations.legacy.times import US_PER_HOUR, Clock
from tests.migrations.legacy.documents import FIRST_GENERATION, NOW_MS, read, row, shape_name, trade_of, us

DUPLICATE, IMPORTED = RecordVerdict.DUPLICATE, RecordVerdict.IMPORTED
QUARANTINED, REPAIRED = RecordVerdict.QUARANTINED, RecordVerdict.REPAIRED


def report(date: str, timestamp: object, **more: object) -> dict[str, object]:
    return {"date": date, "timestamp": timestamp, "total_signals": 3, "wins": 1, "win_rate": 50.0, **more}


def verdicts(readings: list[Reading]) -> list[RecordVerdict]:
    return [reading.verdict for reading in readings]


# ---- reports


def test_of_several_reports_of_a_date_the_latest_counts():
    rows = [
        report("2026-01-02", "2026-01-02T10:00:00"),
        report("2026-01-02", "2026-01-02T20:00:00"),
        report("2026-01-01", "2026-01-02T09:00:00"),
    ]
    readings = read(json.dumps({"reports": rows}))

    assert verdicts(readings) == [DUPLICATE, IMPORTED, IMPORTED]
    assert readings[0].reasons == ("of /reports/1, the latest report of 2026-01-02",)


def test_a_report_of_a_trade_that_nobody_made_is_the_output_of_a_test():
    made_up = {
        "id": 1,
        "symbol": "BTCUSDT",
        "type": "BUY",
        "entry_price": 50_000,
        "sl_price": 49_000,
        "tp_price": 51_500,
    }
    wrong_sided = {"symbol": "BNBUSDT", "type": "SELL", "entry_price": 900.0, "sl_price": 880.0}
    rows = [
        report("2026-01-02", "2026-01-02T10:00:00"),
        report("2026-01-02", "2026-01-02T20:00:00", best_trade=made_up),
        report("2026-01-02", "2026-01-02T21:00:00", worst_trade=wrong_sided),
    ]
    assert verdicts(read(json.dumps({"reports": rows}))) == [IMPORTED, QUARANTINED, QUARANTINED]


@pytest.mark.parametrize(
    "document",
    [
        {"daily_reports": [{"date": "2026-01-02", "signals_generated": 4, "signals_sent": 2}]},
        {"2026-01-02": {"active_trades": 1, "closed_trades": 2, "total_pnl": 3.5}},
        {"reports": {"2026-01-02": {"total_signals": 0, "message": "no signals"}}},
        [{"date": "2026-01-02", "signals_sent": 12, "win_rate": 67.5, "timestamp": 1767312000}],
    ],
)
def test_reports_may_be_listed_or_keyed_by_date(document: object):
    [reading] = read(json.dumps(document))

    assert reading.verdict is IMPORTED
    assert isinstance(reading.content, LegacyReport)
    assert (reading.content.date, reading.natural_key) == ("2026-01-02", "report|2026-01-02")


@pytest.mark.parametrize("changes", [{"date": "2026-02-30"}, {"win_rate": 101}, {"date": None}])
def test_a_report_that_cannot_be_true_is_kept_aside(changes: dict[str, object]):
    [reading] = read(json.dumps({"reports": [{**report("2026-01-02", "2026-01-02T10:00:00"), **changes}]}))
    assert reading.verdict is QUARANTINED


# ---- caches


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("BTCUSDT_BUY_4h", ("BTCUSDT", Direction.LONG, Timeframe.H4)),
        ("BTCUSDT_STRONG_SELL_1h", ("BTCUSDT", Direction.SHORT, Timeframe.H1)),
        ("FINAL_TEST_BUY_4h", ("FINAL_TEST", Direction.LONG, Timeframe.H4)),
        ("BTCUSDT_1h_LONG_2026-01-23", ("BTCUSDT", Direction.LONG, Timeframe.H1)),
    ],
)
def test_a_cache_key_is_read_from_the_right(key: str, parts: object):
    assert split_key(key) == parts


@pytest.mark.parametrize("key", ["", "BTCUSDT", "BUY_4h", "BTCUSDT_HOLD_4h", "BTCUSDT_BUY_soon"])
def test_what_is_no_cache_key_is_refused(key: str):
    with pytest.raises(Unusable):
        split_key(key)


def test_an_entry_by_key_blocks_for_a_week_and_one_by_list_for_a_day():
    by_key = {"SOLUSDT_BUY_4h": {"timestamp": "2026-01-14T16:37:43", "entry_price": 143.2, "confidence": 85}}
    listed = {
        "signals": [
            {"symbol": "SOLUSDT", "timeframe": "4h", "signal_type": "BUY", "entry_price": 143.2, "confidence": 85,
             "timestamp": 1768408663, "hash": "abc"}
        ],
        "last_updated": 1768408663,
    }  # fmt: skip
    for document, hours in ((by_key, 168), (listed, 24)):
        [reading] = read(json.dumps(document))
        entry = reading.content
        assert isinstance(entry, LegacyCacheEntry)
        assert entry.sent_us == us("2026-01-14T16:37:43+00:00")
        assert entry.expires_us - entry.sent_us == hours * US_PER_HOUR


def test_test_rows_of_a_cache_are_known_by_symbol_or_round_price():
    entry = {"timestamp": "2026-01-14T16:37:43", "entry_price": 3500.0, "confidence": 85}
    keys = ("TEST_BUY_4h", "FINAL_TEST_BUY_4h", "OLD_FORMAT_BUY_4h", "ETHUSDT_SELL_1h")

    assert verdicts(read(json.dumps(dict.fromkeys(keys, entry)))) == [QUARANTINED] * 4


# ---- backtests

RUN = {
    "symbol": "SOLUSDT", "timeframe": "4h", "period_days": 30, "total_trades": 1, "wins": 1, "losses": 0,
    "win_rate": 100.0, "timestamp": "2025-12-17T10:33:25",
    "trades": [{"timestamp": 1763812800000, "signal": "BUY", "entry_price": 100.0, "tp_price": 102.5,
                "sl_price": 98.8, "result": "WIN", "profit_pct": 2.5}],
}  # fmt: skip


def test_a_run_of_the_list_keeps_its_trades_at_their_candles():
    [reading] = read(json.dumps({"backtests": [RUN]}))
    run = reading.content

    assert isinstance(run, LegacyBacktest)
    assert (run.symbol, run.metrics["trades"], run.metrics["win_rate_pct"]) == ("SOLUSDT", 1, 100.0)
    assert run.to_us - run.from_us == 30 * 24 * US_PER_HOUR
    [trade] = run.trades
    assert trade.decided_us == us("2025-11-22T12:00:00+00:00")
    assert trade.outcome is Outcome.WIN
    assert trade.r_multiple == pytest.approx(2.5 / 1.2)


def test_a_result_file_without_a_time_is_placed_at_its_import_and_says_so():
    result = {
        "symbol": "SOLUSDT",
        "timeframe": "1h",
        "total_trades": 3,
        "total_win": 2,
        "total_loss": 1,
        "alerts_80": [],
    }
    [reading] = read(json.dumps(result))

    assert reading.verdict is REPAIRED
    assert isinstance(reading.content, LegacyBacktest)
    assert reading.content.ran_us == NOW_MS * 1_000


def test_a_result_with_a_made_up_trade_is_a_test():
    trade = {"symbol": "BTCUSDT", "direction": "BUY", "entry_price": 50_000, "result": "WIN", "profit_percent": 2.0}
    result = {"symbol": "BTCUSDT", "timeframe": "1h", "total_trades": 1, "timestamp": "2026-01-01T00:00:00"}
    assert verdicts(read(json.dumps({**result, "trades": [trade]}))) == [QUARANTINED]


def test_a_table_of_results_is_one_run_per_series():
    table = {"timestamp": "2025-12-16T14:04:29", "results": {"SOLUSDT_5m": {"total_trades": 0, "win_rate": 0}}}
    [reading] = read(json.dumps(table))

    assert isinstance(reading.content, LegacyBacktest)
    assert (reading.content.symbol, reading.content.timeframe) == ("SOLUSDT", Timeframe.M5)


# ---- position tables

POSITION = {
    "id": 4, "symbol": "SOLUSDT", "timeframe": "1h", "signal_type": "BUY", "entry_price": 140.0, "tp1_price": 143.0,
    "tp2_price": 146.0, "tp3_price": None, "sl_price": 138.0, "opened_at": "2026-01-10 08:00:00", "status": "OPEN",
    "source": "AUTO",
    "original_signal_json": '{"timestamp": "2026-01-10T09:58:00", "confidence": 75.5, "risk_reward_ratio": 9.0}',
}  # fmt: skip
ENDING = {
    "id": 1, "position_id": 4, "exit_price": 143.0, "profit_loss_percent": 2.142857, "outcome": "TP1",
    "closed_at": "2026-01-11 08:00:00",
}  # fmt: skip
SOFIA = Clock(ZoneInfo("Europe/Sofia"), NOW_MS)


def test_a_position_takes_its_end_from_the_history_which_then_is_its_duplicate():
    rows = [TableRow("open_positions", 4, POSITION), TableRow("position_history", 1, ENDING)]
    position, ending = read_tables(rows, SOFIA)
    trade = trade_of(position)

    assert trade.opened_us == us("2026-01-10T08:00:00+00:00")  # SQLite's own times are UTC whatever the zone
    assert trade.targets == (143.0, 146.0)
    assert trade.confidence == 75.5
    assert trade.reward_risk == pytest.approx(3.0)
    assert trade.close is not None
    assert (trade.close.outcome, ending.verdict) == (Outcome.WIN, DUPLICATE)


def test_an_open_position_is_never_resurrected():
    [position] = read_tables([TableRow("open_positions", 4, POSITION)], SOFIA)
    assert trade_of(position).close is None


def test_a_synced_position_was_opened_when_its_signal_was_made():
    synced = {**POSITION, "source": "JOURNAL_SYNC"}
    [position] = read_tables([TableRow("open_positions", 4, synced)], SOFIA)
    assert trade_of(position).opened_us == us("2026-01-10T07:58:00+00:00")


def test_an_end_without_its_position_and_old_advice_are_kept_aside():
    rows = [TableRow("position_history", 1, ENDING), TableRow("checkpoint_alerts", 1, {"position_id": 4})]
    assert verdicts(list(read_tables(rows, SOFIA))) == [QUARANTINED, QUARANTINED]


def test_the_later_table_form_has_one_table_of_positions():
    later = {
        "signal_id": "BTCUSDT_1h_20260123_150000", "symbol": "SOLUSDT", "timeframe": "1h", "direction": "LONG",
        "entry_price": 140.0, "sl_price": 138.0, "tp1": 143.0, "tp2": 146.0, "tp3": 149.0, "entry_timestamp": 1768032000,
    }  # fmt: skip
    [position] = read_tables([TableRow("positions", 1, later)], Clock(UTC, NOW_MS))
    assert trade_of(position).opened_us == us("2026-01-10T08:00:00+00:00")


def test_a_legacy_database_is_known_by_its_columns():
    legacy = {"open_positions": frozenset({"symbol", "entry_price", "sl_price"})}
    book = {"positions": frozenset({"portfolio_id", "symbol", "entry_price", "stop_loss"})}

    assert is_legacy_schema(legacy)
    assert not is_legacy_schema(book)
    assert not is_legacy_schema({"users": frozenset({"id"})})


# ---- other bots, small files

SNIPER = {
    "balance": 9930.27, "initial_balance": 10000.0, "total_pnl": -9.73, "trades_executed": 12,
    "conditions": [{"id": "a1", "coin": "BTC", "direction": "SHORT", "trigger_price": 70000.0, "stop_loss_pct": 2.0,
                    "take_profit_pct": 1.5, "created_at": "2026-02-05T14:20:00", "valid_until": "2026-02-05T14:25:00"}],
    "positions": [{"id": "p1", "coin": "SOL", "direction": "long", "entry_price": 88.1, "stop_loss_price": 86.34,
                   "take_profit_price": 89.42, "entry_time": "2026-02-05T14:02:11"}],
    "saved_at": "2026-02-05T15:00:00",
}  # fmt: skip


def test_a_sniper_state_is_its_orders_its_positions_and_its_account():
    order, position, account = read(json.dumps(SNIPER))

    assert trade_of(order).symbol == "BTCUSDT"
    assert (trade_of(order).stop, trade_of(order).targets) == (pytest.approx(71_400), (pytest.approx(68_950),))
    assert trade_of(position).symbol == "SOLUSDT"
    assert trade_of(position).close is None
    assert isinstance(account.content, LegacyAccount)
    assert (account.content.balance, account.content.deposit) == (9930.27, 10000.0)


def test_statistics_without_a_list_are_one_record_of_counters():
    [reading] = read('{"total_signals": 15, "by_symbol": {"BTCUSDT": {"count": 15}}, "by_confidence": {}}')
    assert (reading.verdict, reading.place) == (QUARANTINED, "/")


def test_back_filled_statistics_without_prices_are_kept_aside():
    signal = {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "type": "BUY",
        "confidence": 70,
        "timestamp": "2025-11-24T06:00:00",
    }
    [reading] = read(json.dumps({"total_signals": 1, "by_symbol": {}, "signals": [signal]}))
    assert reading.reasons == ("no entry price",)


def test_active_signals_and_replayed_ones_are_trades_without_an_end():
    active = row(id="XRP_SELL_1", signal=..., signal_type="SELL", status="ACTIVE", outcome=..., profit_loss_pct=...,
                 closed_at=..., tp_80_alerted=False, result_sent=False)  # fmt: skip
    inner = {"direction": "SHORT", "entry_price": 2.0, "stop_loss": 2.04, "take_profit": [1.94, 1.9]}
    replayed = {
        "timestamp": FIRST_GENERATION["timestamp"],
        "symbol": "XRPUSDT",
        "timeframe": "4h",
        "original_signal": inner,
    }
    [from_active] = read(json.dumps([active]))
    [from_replay] = read(json.dumps({"signals": [replayed], "metadata": {}}))

    assert trade_of(from_active).close is None
    assert from_active.natural_key == from_replay.natural_key


def test_users_are_ids_in_a_file_that_says_so():
    readings = read('[100000001, "100000002", 123456789, "owner", true]', "allowed_users.json")

    assert verdicts(readings) == [IMPORTED, REPAIRED, QUARANTINED, QUARANTINED, QUARANTINED]
    assert readings[0].content == LegacyUser(100000001)
    assert shape_name("[100000001]", "numbers.json") is None


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "left-pad", "version": "1.0.0", "dependencies": {"x": "^1"}}',
        '{"seen_titles": ["a"]}',
        '{"archive_date": "2025-12-23", "files_archived": 1, "files": []}',
        '{"use_cache": true, "cache_ttl_seconds": 3600}',
        "[1, 2, 3]",
        '"text"',
        "null",
        '{"trades": "many"}',
    ],
)
def test_what_is_no_legacy_data_has_no_shape(text: str):
    assert shape_name(text) is None
