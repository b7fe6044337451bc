"""The gates: each can pass and can stop, says what it met and what it allows, and they are asked in one order."""

from dataclasses import replace

import pytest

from engine.gates import (
    ACCOUNT_GATES,
    CHANNEL_GATES,
    GATE_ORDER,
    AccountView,
    ChannelView,
    SentSignal,
    account_verdicts,
    channel_verdicts,
    first_block,
    quantity,
    risk_amount,
)
from engine.params import AccountParams, GateParams, Params
from engine.protections import Lock, LockKind
from engine.scores import ScoreStatus
from engine.vocabulary import ChartFacts, Direction, Severity, Signal, Verdict
from tests.storage.samples import HOUR_MS, LONG, NOW_MS, SHORT

SIGNAL = replace(LONG, base_confidence=100.0, chart=ChartFacts(atr=1.0, last_price=101.0, structure_trend=1))
CLEAR = ChannelView(now_ms=NOW_MS, atr=1.0, last_price=101.0, structure_trend=1)
SENT = SentSignal("BTCUSDT", "1h", Direction.LONG, 100.0, 70.0, NOW_MS - HOUR_MS, is_live=True)
ELSEWHERE = replace(SENT, symbol="ETHUSDT")
STOPS = Lock(LockKind.STOP_GUARD, None, NOW_MS - HOUR_MS, NOW_MS + HOUR_MS, "3 stops in 24 h", "3")
EMPTY = AccountView(10_000.0, open_in_symbol=0, open_in_all=0, exposure=0.0, open_risk=0.0, realized_today=0.0)


def asked(gate: str, signal: Signal = SIGNAL, **view: object) -> Verdict:
    """The verdict of one gate on a signal that all others pass."""
    verdicts = channel_verdicts(signal, replace(CLEAR, **view), GateParams())
    return next(verdict for verdict in verdicts if verdict.gate == gate)


def account(gate: str, **view: object) -> Verdict:
    verdicts = account_verdicts(SIGNAL, replace(EMPTY, **view), Params())
    return next(verdict for verdict in verdicts if verdict.gate == gate)


def test_a_good_signal_passes_every_gate_in_their_order():
    verdicts = channel_verdicts(SIGNAL, CLEAR, GateParams())

    assert [verdict.gate for verdict in verdicts] == [
        "freshness", "bias", "zone_distance", "rr", "cost", "confidence", "dedupe", "opposite", "cluster", "daily_cap",
        "blackout", "protections", "best_three",
    ]  # fmt: skip
    assert len(verdicts) == len(CHANNEL_GATES)
    assert first_block(verdicts) is None


def test_an_empty_account_has_room_in_every_way():
    verdicts = account_verdicts(SIGNAL, EMPTY, Params())

    assert [verdict.gate for verdict in verdicts] == [
        "account.open_in_symbol", "account.open_in_all", "account.exposure", "account.portfolio_risk",
        "account.daily_loss", "account.coin_score",
    ]  # fmt: skip
    assert len(verdicts) == len(ACCOUNT_GATES)
    assert first_block(verdicts) is None


CHANNEL_CASES = {
    "freshness": (
        {"now_ms": NOW_MS + 100 * HOUR_MS},
        {"now_ms": NOW_MS + 101 * HOUR_MS},
        "101 bars",
        "100 bars",
    ),
    "bias": ({"structure_trend": 0}, {"structure_trend": -1}, "2 against", "1"),
    "zone_distance": ({"last_price": 104.0}, {"last_price": 104.01}, "4.01 ATR", "4 ATR"),
    "dedupe": (
        {"recent": (replace(SENT, entry=100.51),)},
        {"recent": (replace(SENT, entry=100.5),)},
        "1 alike",
        "0 in 12 bars",
    ),
    "opposite": (
        {"recent": (replace(SENT, direction=Direction.SHORT, is_live=False),)},
        {"recent": (replace(SENT, direction=Direction.SHORT),)},
        "1 live",
        "0",
    ),
    "cluster": ({"recent": (ELSEWHERE,)}, {"recent": (ELSEWHERE, ELSEWHERE)}, "2 within the hour", "2"),
    "daily_cap": (
        {"recent": (replace(ELSEWHERE, direction=Direction.SHORT),) * 4},
        {"recent": (replace(ELSEWHERE, direction=Direction.SHORT),) * 5},
        "5 in 24 h",
        "5",
    ),
    "blackout": ({"blackout": None}, {"blackout": "FOMC"}, "FOMC", "none"),
    "protections": ({"locks": ()}, {"locks": (STOPS,)}, "stop_guard 3 stops in 24 h", "3"),
    "best_three": ({"better_now": 2}, {"better_now": 3}, "rank 4", "3"),
}


@pytest.mark.parametrize(("gate", "case"), CHANNEL_CASES.items(), ids=list(CHANNEL_CASES))
def test_a_channel_gate_passes_at_its_limit_and_stops_beyond_it(gate: str, case: tuple[dict, dict, str, str]):
    passing, stopping, value, limit = case
    signal = replace(SIGNAL, htf_bias=-1) if gate == "bias" else SIGNAL

    assert asked(gate, signal, **passing).passed
    assert asked(gate, signal, **stopping) == Verdict(
        gate, False, value, limit, note=asked(gate, signal, **stopping).note
    )


SIGNAL_CASES = {
    "rr": ({"rr": 3.0}, {"rr": 2.99}, "2.99", "3"),
    "cost": ({"cost_r": 0.15}, {"cost_r": 0.151}, "0.151R", "0.15R"),
    "confidence": ({"confidence": 60.0}, {"confidence": 59.9}, "59.9", "60"),
}


@pytest.mark.parametrize(("gate", "case"), SIGNAL_CASES.items(), ids=list(SIGNAL_CASES))
def test_a_gate_on_the_signal_itself_passes_at_its_limit_and_stops_beyond_it(
    gate: str, case: tuple[dict, dict, str, str]
):
    passing, stopping, value, limit = case

    assert asked(gate, replace(SIGNAL, **passing)).passed
    assert asked(gate, replace(SIGNAL, **stopping)) == Verdict(gate, False, value, limit)


ACCOUNT_CASES = {
    "account.open_in_symbol": ({"open_in_symbol": 0}, {"open_in_symbol": 1}, "1", "1"),
    "account.open_in_all": ({"open_in_all": 4}, {"open_in_all": 5}, "5", "5"),
    "account.exposure": ({"exposure": 25_000.0}, {"exposure": 25_001.0}, "30001.00", "30000.00"),
    "account.portfolio_risk": ({"open_risk": 400.0}, {"open_risk": 401.0}, "501.00", "500.00"),
    "account.daily_loss": ({"realized_today": -299.0}, {"realized_today": -300.0}, "300.00", "300.00"),
    "account.coin_score": (
        {"coin_status": ScoreStatus.REDUCED},
        {"coin_status": ScoreStatus.BLACKLISTED},
        "BLACKLISTED",
        "a size above 0",
    ),
}


@pytest.mark.parametrize(("gate", "case"), ACCOUNT_CASES.items(), ids=list(ACCOUNT_CASES))
def test_an_account_gate_passes_at_its_limit_and_stops_beyond_it(gate: str, case: tuple[dict, dict, str, str]):
    passing, stopping, value, limit = case

    assert account(gate, **passing).passed
    assert account(gate, **stopping) == Verdict(gate, False, value, limit)


def test_every_gate_has_its_case():
    channel = {verdict.gate for verdict in channel_verdicts(SIGNAL, CLEAR, GateParams())}

    assert channel == set(CHANNEL_CASES) | set(SIGNAL_CASES)
    assert {verdict.gate for verdict in account_verdicts(SIGNAL, EMPTY, Params())} == set(ACCOUNT_CASES)


def test_every_verdict_carries_its_value_and_its_limit():
    verdicts = (*channel_verdicts(SIGNAL, CLEAR, GateParams()), *account_verdicts(SIGNAL, EMPTY, Params()))

    assert all(verdict.value and verdict.limit for verdict in verdicts)
    assert all(verdict.severity is Severity.BLOCK for verdict in verdicts)


def test_the_first_stopping_gate_names_the_signals_fate():
    verdicts = channel_verdicts(replace(SIGNAL, rr=1.0, cost_r=1.0), CLEAR, GateParams())

    assert first_block(verdicts).gate == "rr"


def test_a_warning_stops_nothing():
    assert first_block([Verdict("news", False, severity=Severity.WARN)]) is None


def test_a_model_cannot_lift_a_signal_over_the_limit_but_may_hold_it_below():
    assert asked("confidence", replace(SIGNAL, base_confidence=59.0, confidence=69.0)) == Verdict(
        "confidence", False, "59.0", "60"
    )
    assert not asked("confidence", replace(SIGNAL, base_confidence=69.0, confidence=59.0)).passed
    assert asked("confidence", replace(SIGNAL, base_confidence=60.0, confidence=69.0)).passed


def test_a_signal_asked_for_by_hand_needs_a_higher_confidence():
    signal = replace(SIGNAL, confidence=69.9)

    assert asked("confidence", signal).passed
    assert asked("confidence", signal, manual=True) == Verdict("confidence", False, "69.9", "70")


@pytest.mark.parametrize(("own", "higher", "passed"), [(-1, 1, True), (1, -1, True), (-1, 0, True), (-1, -1, False)])
def test_only_both_structures_against_it_veto_a_long(own: int, higher: int, passed: bool):
    assert asked("bias", replace(SIGNAL, htf_bias=higher), structure_trend=own).passed is passed


def test_bias_is_mirrored_for_a_short():
    short = replace(SHORT, chart=SIGNAL.chart, htf_bias=1)

    assert not asked("bias", short, structure_trend=1).passed
    assert asked("bias", replace(short, htf_bias=-1), structure_trend=1).passed


def test_the_same_idea_is_a_new_one_after_its_cooldown():
    twin = replace(SENT, created_ms=NOW_MS - 12 * HOUR_MS)

    assert asked("dedupe", recent=(twin,)).passed
    assert not asked("dedupe", recent=(replace(twin, created_ms=twin.created_ms + 1),)).passed


@pytest.mark.parametrize("other", [{"timeframe": "4h"}, {"direction": Direction.SHORT}, {"symbol": "ETHUSDT"}])
def test_another_series_or_direction_is_no_twin(other: dict):
    assert asked("dedupe", recent=(replace(SENT, **other),)).passed


def test_a_live_signal_on_any_timeframe_of_the_symbol_is_opposite():
    against = replace(SENT, direction=Direction.SHORT, timeframe="4h")

    assert asked("opposite", recent=(against,)).note == "SHORT on 4h"
    assert asked("opposite", recent=(replace(against, symbol="ETHUSDT"),)).passed


def test_only_the_same_direction_within_the_hour_makes_a_cluster():
    earlier = replace(ELSEWHERE, created_ms=NOW_MS - HOUR_MS - 1)
    other_way = replace(ELSEWHERE, direction=Direction.SHORT)

    assert asked("cluster", recent=(ELSEWHERE, earlier, earlier)).passed
    assert asked("cluster", recent=(ELSEWHERE, other_way, other_way)).passed
    assert asked("cluster", recent=(ELSEWHERE, SENT, SENT)).passed


def test_what_was_sent_more_than_a_day_ago_does_not_fill_the_channel():
    old = replace(ELSEWHERE, direction=Direction.SHORT, created_ms=NOW_MS - 24 * HOUR_MS)

    assert asked("daily_cap", recent=(old,) * 30).passed


def test_of_several_locks_the_first_speaks_and_all_are_noted():
    paused = Lock(LockKind.PAUSE, None, NOW_MS, None, "news at 14:00", "running")

    assert asked("protections", locks=(paused, STOPS)) == Verdict(
        "protections", False, "pause news at 14:00", "running", note="pause, stop_guard"
    )


def test_what_was_sent_before_the_cap_was_lifted_does_not_fill_the_channel():
    sent = (replace(ELSEWHERE, direction=Direction.SHORT),) * 5

    assert not asked("daily_cap", recent=sent, cap_counts_after_ms=NOW_MS - HOUR_MS - 1).passed
    assert asked("daily_cap", recent=sent, cap_counts_after_ms=NOW_MS - HOUR_MS).passed


def test_the_quantity_risks_one_percent_between_entry_and_stop():
    assert quantity(SIGNAL, EMPTY, Params().account) == pytest.approx(50.0)  # 100 USDT at risk, 2 a coin


@pytest.mark.parametrize(
    ("status", "amount"),
    [
        (ScoreStatus.UNKNOWN, 100.0),
        (ScoreStatus.NORMAL, 100.0),
        (ScoreStatus.REDUCED, 50.0),
        (ScoreStatus.FAVORED, 150.0),
        (ScoreStatus.BLACKLISTED, 0.0),
    ],
)
def test_a_coins_score_sizes_the_risk(status: ScoreStatus, amount: float):
    assert risk_amount(replace(EMPTY, coin_status=status), AccountParams()) == pytest.approx(amount)


def test_the_account_clamps_what_a_score_would_risk():
    favored = replace(EMPTY, coin_status=ScoreStatus.FAVORED)

    assert risk_amount(favored, AccountParams(risk_ratio=0.012)) == pytest.approx(150.0)


@pytest.mark.parametrize("balance", [0.0, -5.0])
def test_an_account_without_money_has_no_room(balance: float):
    assert not account("account.daily_loss", balance=balance).passed
    assert quantity(SIGNAL, replace(EMPTY, balance=balance), Params().account) == 0.0


def test_every_verdict_has_a_place_in_the_order_of_the_gates():
    verdicts = (*channel_verdicts(SIGNAL, CLEAR, GateParams()), *account_verdicts(SIGNAL, EMPTY, Params()))

    assert [verdict.gate for verdict in verdicts] == sorted(GATE_ORDER, key=GATE_ORDER.__getitem__)
