import json
from zoneinfo import ZoneInfo

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import CloseReason, Direction, Outcome
from migrations.legacy.normal_form import Reading, RecordVerdict
from migrations.legacy.trades import SIZE_REPAIR, r_multiple
from tests.migrations.legacy.documents import (
    FIRST_GENERATION,
    SECOND_GENERATION,
    THIRD_GENERATION,
    journal,
    read,
    row,
    trade_of,
    us,
)


def only(**changes: object) -> Reading:
    [reading] = read(journal(row(**changes)))
    return reading


def refused(**changes: object) -> str:
    reading = only(**changes)
    assert reading.verdict is RecordVerdict.QUARANTINED
    return reading.reasons[0]


def test_the_first_generation_says_sell_and_win_and_closes_at_a_polled_price():
    [reading] = read(journal(FIRST_GENERATION))
    trade = trade_of(reading)

    assert (trade.symbol, trade.timeframe, trade.direction) == ("XRPUSDT", Timeframe.H4, Direction.SHORT)
    assert (trade.entry, trade.stop, trade.targets, trade.confidence) == (2.0, 2.04, (1.94,), 87)
    assert trade.opened_us == us("2025-11-25T06:59:56.360429+00:00")
    assert trade.close is not None
    assert (trade.close.outcome, trade.close.pnl_pct, trade.close.reason) == (Outcome.WIN, 3.2, CloseReason.IMPORT)
    assert trade.close.exit_price == pytest.approx(2.0 * (1 - 0.032))
    assert r_multiple(trade) is None
    assert reading.reasons == (SIZE_REPAIR,)


def test_the_second_generation_has_neither_id_nor_status_but_an_exit_price():
    [reading] = read(journal(SECOND_GENERATION))
    trade = trade_of(reading)

    assert trade.close is not None
    assert trade.close.closed_us == us("2026-01-10T15:30:00+00:00")
    assert trade.close.outcome is Outcome.LOSS
    assert r_multiple(trade) == pytest.approx(-1.0)


def test_a_final_alert_tells_when_a_second_generation_trade_closed():
    alert = {"timestamp": "2026-01-10T12:34:00+00:00", "outcome": "LOSS"}
    [reading] = read(journal(row(SECOND_GENERATION, final_alerts=[alert])))
    close = trade_of(reading).close

    assert close is not None
    assert close.closed_us == us("2026-01-10T12:34:00+00:00")


def test_the_third_generation_says_completed_and_breakeven():
    [reading] = read(journal(THIRD_GENERATION))
    close = trade_of(reading).close

    assert close is not None
    assert close.outcome is Outcome.BREAKEVEN


@pytest.mark.parametrize("word", ["WIN", "SUCCESS", "TP1", "TP2", "TP3", "TP_HIT", "TP_REACHED", "win"])
def test_every_word_for_a_win_is_a_win(word: str):
    close = trade_of(only(outcome=word)).close
    assert close is not None
    assert close.outcome is Outcome.WIN


@pytest.mark.parametrize("word", ["LOSS", "FAILED", "SL", "SL_HIT"])
def test_every_word_for_a_loss_is_a_loss(word: str):
    close = trade_of(only(outcome=word, profit_loss_pct=-2.1)).close
    assert close is not None
    assert close.outcome is Outcome.LOSS


@pytest.mark.parametrize("word", ["PENDING", "ACTIVE", "active", "OPEN", "PARTIAL", "TIMEOUT", None])
def test_what_never_ended_has_no_end(word: str | None):
    reading = only(status="PENDING", outcome=word, profit_loss_pct=None, closed_at=None)
    assert trade_of(reading).close is None
    assert reading.verdict is RecordVerdict.IMPORTED


def test_where_status_and_outcome_disagree_the_outcome_counts_and_the_receipt_says_so():
    reading = only(status="LOSS", outcome="WIN")
    close = trade_of(reading).close

    assert close is not None
    assert close.outcome is Outcome.WIN
    assert any("the outcome counts" in reason for reason in reading.reasons)


def test_without_outcome_and_status_the_sign_of_the_result_decides():
    reading = only(status=..., outcome=..., profit_loss_pct=-1.5)
    close = trade_of(reading).close

    assert close is not None
    assert close.outcome is Outcome.LOSS


@pytest.mark.parametrize("lost", [2.1, -2.1])
def test_a_loss_may_be_written_with_either_sign(lost: float):
    close = trade_of(only(outcome="FAILED", profit_loss_pct=..., loss=lost)).close
    assert close is not None
    assert close.pnl_pct == -2.1


def test_a_win_without_a_result_is_booked_at_its_target_and_marked():
    reading = only(profit_loss_pct=None)
    close = trade_of(reading).close

    assert close is not None
    assert close.exit_price == pytest.approx(1.94)
    assert any("no P/L noted" in reason for reason in reading.reasons)


def test_a_break_even_that_is_not_quite_nought_is_known_by_its_r():
    trade = trade_of(only(outcome="BE", status="COMPLETED", profit_loss_pct=0.05))
    assert r_multiple(trade) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sl_price": 1.9}, "wrong side"),
        ({"tp_price": 2.1}, "wrong side"),
        ({"signal": "BUY"}, "wrong side"),
        ({"entry_price": 0}, "impossible entry price"),
        ({"entry_price": float("nan")}, "not a finite number"),
        ({"tp_price": float("inf")}, "not a finite number"),
        ({"entry_price": 10**400}, "too large"),
        ({"entry_price": True}, "is no number"),
        ({"entry_price": "2,0"}, "is no number"),
        ({"entry_price": None}, "no entry price"),
        ({"sl_price": ...}, "no stop price"),
        ({"tp_price": ...}, "no target price"),
        ({"confidence": 101}, "outside 0..100"),
        ({"confidence": -1}, "outside 0..100"),
        ({"symbol": "XRP"}, "names no quote currency"),
        ({"symbol": "XRP USDT"}, "is no symbol"),
        ({"symbol": "TEST"}, "test row"),
        ({"symbol": "ETHUSDT"}, "impossible price"),
        ({"timeframe": "1M"}, "is no timeframe"),
        ({"timeframe": ...}, "timeframe is missing"),
        ({"signal": "HOLD"}, "HOLD is no trade"),
        ({"signal": "MAYBE"}, "is no direction"),
        ({"outcome": "MAYBE"}, "is no known outcome"),
        ({"profit_loss_pct": -3.2}, "contradiction"),
        ({"profit_loss_pct": 250.0}, "impossible P/L"),
        ({"exit_price": 2.5}, "contradiction"),
        ({"closed_at": "2025-11-25T06:00:00"}, "closed before it was opened"),
        ({"closed_at": "2031-01-01T00:00:00"}, "in the future"),
        ({"timestamp": "yesterday"}, "is no time"),
        ({"timestamp": 1705934400000}, "future"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"source": "AUTO_TEST"}, "test row"),
    ],
)
def test_what_cannot_have_been_a_trade_is_kept_aside_with_its_reason(changes: dict[str, object], reason: str):
    assert reason in refused(**changes)


def test_the_ladder_of_made_up_entries_is_known_by_its_rows():
    ladder = {"id": 3, "symbol": "BTCUSDT", "entry_price": 50_200, "tp_price": 49_000.0, "sl_price": 51_000.0}
    assert "synthetic row" in refused(**ladder)
    assert "synthetic row" not in str(only(**{**ladder, "id": 4}).reasons)


def test_what_a_number_means_follows_from_its_file_and_never_from_its_size():
    trade = trade_of(only(timestamp=1_705_934_400, closed_at=1_705_938_000, confidence=0.9))

    assert trade.opened_us == us("2024-01-22T14:40:00+00:00")
    assert trade.confidence == 0.9


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-10T10:00:00", "2026-01-10T08:00:00+00:00"),
        ("2026-01-10 10:00:00", "2026-01-10T08:00:00+00:00"),
        ("2026-01-10T10:00:00+02:00", "2026-01-10T08:00:00+00:00"),
        ("2026-01-10T10:00:00Z", "2026-01-10T10:00:00+00:00"),
        ("2026-07-10T10:00:00.000001", "2026-07-10T07:00:00.000001+00:00"),
    ],
)
def test_naive_times_are_local_to_the_zone_given_and_aware_ones_are_not(text: str, instant: str):
    [reading] = read(journal(row(timestamp=text, closed_at="2026-08-01T00:00:00")), zone=ZoneInfo("Europe/Sofia"))
    assert trade_of(reading).opened_us == us(instant)


def test_a_time_that_the_clock_showed_twice_is_marked():
    [reading] = read(
        journal(row(timestamp="2025-10-26T03:30:00", closed_at="2025-10-27T00:00:00")), zone=ZoneInfo("Europe/Sofia")
    )
    assert trade_of(reading).opened_us == us("2025-10-26T00:30:00+00:00")
    assert any("clock change" in reason for reason in reading.reasons)


def test_numbers_written_as_text_are_mended_and_the_receipt_says_so():
    reading = only(entry_price="2.0")
    assert trade_of(reading).entry == 2.0
    assert reading.verdict is RecordVerdict.REPAIRED
    assert any("written as text" in reason for reason in reading.reasons)


def test_several_targets_are_sorted_by_distance_whatever_order_they_were_written_in():
    reading = only(tp_price=..., tp_prices=[1.9, 1.95, 1.8])
    assert trade_of(reading).targets == (1.95, 1.9, 1.8)
    assert any("sorted" in reason for reason in reading.reasons)


def test_measurements_that_are_not_finite_are_noted_and_do_not_cost_the_trade():
    text = journal(row(conditions={"rsi": float("nan"), "volume_ratio": float("inf")}))
    [reading] = read(text)

    assert "NaN" in text
    assert reading.verdict is RecordVerdict.REPAIRED
    assert any("rsi" in reason and "volume_ratio" in reason for reason in reading.reasons)


def test_a_measurement_beyond_all_numbers_is_noted_as_well():
    [reading] = read(journal(row(conditions={"rsi": 83.3})).replace("83.3", "1e999"))

    assert any("'rsi' not finite" in reason for reason in reading.reasons)


@pytest.mark.parametrize(
    "document",
    [
        {"trades": [FIRST_GENERATION]},
        {"trades": {"trade_001": FIRST_GENERATION}},
        {"BTCUSDT_1h_20260123_150000": FIRST_GENERATION},
        [FIRST_GENERATION],
    ],
)
def test_a_journal_may_be_a_list_or_keyed_with_or_without_a_frame(document: object):
    [reading] = read(json.dumps(document))
    assert trade_of(reading).symbol == "XRPUSDT"


def test_the_same_trade_has_one_key_in_every_file():
    statistics = row(type="SELL", signal=..., result=None, status="PENDING", outcome=..., profit_loss_pct=None)
    [listed] = read(json.dumps({"total_signals": 1, "by_symbol": {}, "signals": [statistics]}))

    assert listed.natural_key == only().natural_key
