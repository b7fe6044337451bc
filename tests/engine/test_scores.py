"""Scores: each rule of the status at its limit, hysteresis, and where a trade is counted."""

from dataclasses import replace

import pytest

from engine.scores import ClosedTrade, Dim, Score, ScoreStatus, StatusSource, automatic, keys_of
from engine.vocabulary import Direction, Outcome

FRIDAY_14_UTC_MS = 1_704_463_200_000  # 2024-01-05 14:00
WON = ClosedTrade(
    "BTCUSDT", "1h", Direction.LONG, "fvg_retrace", "ny_kz", "trend", FRIDAY_14_UTC_MS, FRIDAY_14_UTC_MS + 1,
    Outcome.WIN, 10.0, 1.0,
)  # fmt: skip
LOST = replace(WON, outcome=Outcome.LOSS, pnl=-10.0, r_multiple=-1.0)
EVEN = replace(WON, outcome=Outcome.BREAKEVEN, pnl=0.0, r_multiple=0.0)
EMPTY = Score(Dim.COIN, "BTCUSDT")


def after(*trades: ClosedTrade, score: Score = EMPTY) -> Score:
    for trade in trades:
        score = score.after(trade)
    return score


def test_a_close_is_counted_once_with_its_money_and_its_r():
    score = after(WON, LOST, EVEN, replace(WON, pnl=4.0, r_multiple=0.4))

    assert (score.n, score.wins, score.losses, score.breakevens) == (4, 2, 1, 1)
    assert (score.gross_win, score.gross_loss, score.pnl) == (14.0, 10.0, 4.0)
    assert score.sum_r == pytest.approx(0.4)
    assert score.last_closed_ms == WON.closed_ms


@pytest.mark.parametrize(
    ("trades", "status"),
    [
        ([LOST] * 4, ScoreStatus.UNKNOWN),
        ([LOST] * 5, ScoreStatus.BLACKLISTED),
        ([LOST] * 7 + [WON] * 3, ScoreStatus.REDUCED),
        ([replace(WON, pnl=90.0), LOST, LOST, LOST, LOST], ScoreStatus.REDUCED),
        ([WON] * 9 + [LOST] * 11, ScoreStatus.NORMAL),
        ([WON] * 11 + [LOST] * 9, ScoreStatus.NORMAL),
        ([WON, WON, WON, LOST, LOST], ScoreStatus.FAVORED),
        ([WON, WON, WON, LOST, replace(LOST, pnl=-20.0)], ScoreStatus.NORMAL),
    ],
)
def test_the_first_rule_that_holds_gives_the_status(trades: list[ClosedTrade], status: ScoreStatus):
    assert after(*trades).status is status


def test_what_was_reduced_is_restored_at_half_and_not_before():
    low = after(*[LOST] * 3, *[WON] * 2)
    assert low.status is ScoreStatus.REDUCED

    nearly = after(*[LOST, WON] * 3, score=low)  # 5 of 11
    assert (nearly.win_ratio > 0.45, nearly.status) == (True, ScoreStatus.REDUCED)
    assert after(WON, score=nearly).status is ScoreStatus.NORMAL


def test_a_change_of_status_says_when_and_why_and_stands_until_the_next():
    judged = after(*[LOST] * 5)

    assert judged.reason == "0 of 5 won, P&L -50.00"
    assert judged.status_ms == LOST.closed_ms
    assert after(replace(LOST, closed_ms=LOST.closed_ms + 9), score=judged).status_ms == LOST.closed_ms


def test_a_persons_word_stands_against_the_rules_until_it_is_taken_back():
    manual = replace(EMPTY, status=ScoreStatus.FAVORED, source=StatusSource.MANUAL)
    lost = after(*[LOST] * 6, score=manual)

    assert (lost.n, lost.status) == (6, ScoreStatus.FAVORED)
    assert automatic(lost, 7).status is ScoreStatus.BLACKLISTED


def test_a_trade_is_counted_under_every_dimension_by_its_signals_hour_and_day():
    assert dict(keys_of(WON)) == {
        Dim.COIN: "BTCUSDT",
        Dim.SETUP: "fvg_retrace",
        Dim.SESSION: "ny_kz",
        Dim.TIMEFRAME: "1h",
        Dim.HOUR: "14",
        Dim.WEEKDAY: "Fri",
        Dim.REGIME: "trend",
        Dim.DIRECTION: "LONG",
    }
    assert dict(keys_of(replace(WON, session=None, regime=None)))[Dim.REGIME] == "unknown"
