"""Ready-made signals, positions and books for the storage tests."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import (
    BookKind,
    Contribution,
    Direction,
    Market,
    PortfolioKind,
    Signal,
    SignalStatus,
    Target,
    Verdict,
)
from storage.book import Book
from storage.positions import NewPosition
from storage.stores import Stores

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_760_000_400_000

LONG = Signal(
    symbol="BTCUSDT",
    timeframe=Timeframe.parse("1h"),
    market=Market.USDT_M,
    direction=Direction.LONG,
    setup="sweep_displacement",
    setup_key="sweep:99.5:100.5:1760000000000",
    candle_close_ms=NOW_MS,
    entry=100.0,
    zone_low=99.5,
    zone_high=100.5,
    stop_loss=98.0,
    targets=(
        Target(1, 103.0, 0.40, "equal highs"),
        Target(2, 106.0, 0.35, "previous day high"),
        Target(3, 110.0, 0.25, None),
    ),
    valid_until_ms=NOW_MS + DAY_MS,
    rr=5.0,
    plan_r=2.9,
    cost_r=0.07,
    confidence=71.5,
    base_confidence=50.0,
    contributions=(
        Contribution("sweep", 12.0, 15.0, "the low of yesterday was taken"),
        Contribution("session", None, 5.0, "no session data"),
    ),
    params_hash="abc123",
    session="london",
    regime="trend",
    htf_bias=1,
    features={"atr": 1.25, "rsi": 44.0},
    features_version=1,
    reasons=("yesterday's low was taken", "displacement up"),
)
SHORT = replace(
    LONG,
    direction=Direction.SHORT,
    setup_key="sweep:short",
    stop_loss=102.0,
    targets=(Target(1, 97.0, 0.6), Target(2, 94.0, 0.4)),
)
VERDICTS = (Verdict("freshness", True, "0.02 bars", "1 bars"), Verdict("rr", False, "2.10", "3", note="too near"))


@pytest.fixture
def book() -> Iterator[Book]:
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def recorded(tx: Stores, signal: Signal = LONG, status: SignalStatus = SignalStatus.SENT) -> int:
    """The id of `signal`, written with this status."""
    return tx.signals.record(signal, VERDICTS, status, None, signal.candle_close_ms).id


def paper(tx: Stores) -> int:
    return tx.portfolios.of_kind(PortfolioKind.PAPER).id


def opened(tx: Stores, **changes: Any) -> int:
    """The id of an open paper position of 2 BTC at 100, stop 98."""
    position = NewPosition(
        portfolio_id=paper(tx),
        symbol="BTCUSDT",
        direction=Direction.LONG,
        qty=2.0,
        entry_price=100.0,
        opened_ms=NOW_MS,
        initial_stop=98.0,
        stop_loss=98.0,
        risk_amount=4.0,
    )
    return tx.positions.open(replace(position, **changes))
