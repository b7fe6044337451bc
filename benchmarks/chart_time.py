"""How long a chart takes once matplotlib is imported: both charts on simulated candles, medians against 300 ms.

Run as `python benchmarks/chart_time.py [--quick]`; the last line is the ratio of the slower median to the limit.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.candles import Candles
from engine.timeframes import Timeframe
from engine.vocabulary import (
    CloseReason,
    Direction,
    FillKind,
    Market,
    Outcome,
    Position,
    Signal,
    Target,
    Witness,
)
from services.charts import closing_chart, signal_chart
from storage.fills import Fill

LIMIT_MS = 300.0
RUNS, QUICK_RUNS = 30, 5
SIGNAL_BARS = 120
TRADE_BARS = 80
START_MS = 1_709_251_200_000  # 2024-03-01 00:00 UTC
TIMEFRAME = Timeframe.M30


def walk(bars: int) -> Candles:
    """A random walk around 60,000, the same at every run."""
    dice = np.random.default_rng(7)
    closes = 60_000 + np.cumsum(dice.normal(0, 90, bars))
    opens = np.concatenate(([60_000.0], closes[:-1]))
    highs = np.maximum(opens, closes) + dice.exponential(60, bars)
    lows = np.minimum(opens, closes) - dice.exponential(60, bars)
    open_ms = START_MS + np.arange(bars) * TIMEFRAME.ms
    return Candles.checked("BTCUSDT", TIMEFRAME, open_ms, opens, highs, lows, closes, np.full(bars, 1.0))


def signal_on(candles: Candles) -> Signal:
    """A long with every kind of finding, decided on bar SIGNAL_BARS."""
    decided = candles.window(SIGNAL_BARS, SIGNAL_BARS)
    price = float(decided.close[-1])

    def witness(name: str, formed: int, known: int, lower: float, upper: float) -> Witness:
        return Witness(name, int(decided.open_ms[formed]), int(decided.open_ms[known]) + TIMEFRAME.ms, lower, upper)

    raid, shift = float(decided.low[-42]), float(decided.high[-30])
    return Signal(
        symbol="BTCUSDT",
        timeframe=TIMEFRAME,
        market=Market.SPOT,
        direction=Direction.LONG,
        setup="ob_fvg_discount",
        setup_key="benchmark",
        candle_close_ms=decided.closed_at_ms,
        entry=price - 200,
        zone_low=price - 300,
        zone_high=price - 100,
        stop_loss=price - 500,
        targets=tuple(Target(no, price + 400 * no, share) for no, share in ((1, 0.4), (2, 0.35), (3, 0.25))),
        valid_until_ms=decided.closed_at_ms + 24 * TIMEFRAME.ms,
        rr=4.7,
        plan_r=3.1,
        cost_r=0.1,
        confidence=74.0,
        base_confidence=74.0,
        contributions=(),
        params_hash="benchmark",
        witnesses=(
            witness("sell-side liquidity taken", -20, -20, raid, raid),
            witness("mss", -30, -6, shift, shift),
            witness("displacement", -8, -8, float(decided.low[-8]), float(decided.high[-8])),
            witness("fvg", -7, -6, price - 80, price - 20),
            witness("zone", -12, -1, price - 300, price - 100),
        ),
    )


def trade_of(signal: Signal) -> tuple[Position, tuple[Fill, ...]]:
    """A position that took the first target and was closed at break-even."""
    opened_ms = signal.candle_close_ms + 4 * TIMEFRAME.ms
    target_ms, closed_ms = opened_ms + 30 * TIMEFRAME.ms, opened_ms + (TRADE_BARS - 10) * TIMEFRAME.ms
    position = Position(
        id=1,
        portfolio_id=1,
        signal_id=1,
        symbol=signal.symbol,
        timeframe=signal.timeframe.text,
        direction=signal.direction,
        qty=1.0,
        entry_price=signal.entry,
        opened_ms=opened_ms,
        initial_stop=signal.stop_loss,
        stop_loss=signal.entry,
        risk_amount=100.0,
        closed_ratio=1.0,
        mark_price=None,
        settled_ms=closed_ms,
        settled_on="30m",
        mfe_r=2.4,
        mae_r=0.6,
        is_open=False,
        exit_price=signal.entry,
        closed_ms=closed_ms,
        close_reason=CloseReason.BREAK_EVEN,
        pnl_pct=0.4,
        r_multiple=0.7,
        outcome=Outcome.WIN,
    )
    fills = (
        Fill(1, opened_ms, FillKind.ENTRY, 1.0, signal.entry, "entry:1"),
        Fill(1, target_ms, FillKind.TARGET, 0.4, signal.targets[0].price, "target:1:1", target_no=1),
        Fill(1, closed_ms, FillKind.STOP, 0.6, signal.entry, "stop:1"),
    )
    return position, fills


def times_ms(draw: Callable[[], bytes], runs: int) -> tuple[list[float], list[float]]:
    """Wall and processor times of `runs` drawings after one that warms up."""
    draw()
    wall, processor = [], []
    for _ in range(runs):
        begun, worked = time.perf_counter(), time.process_time()
        draw()
        wall.append((time.perf_counter() - begun) * 1000)
        processor.append((time.process_time() - worked) * 1000)
    return wall, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} drawings instead of {RUNS}")
    runs = QUICK_RUNS if parser.parse_args().quick else RUNS
    candles = walk(SIGNAL_BARS + TRADE_BARS)
    signal = signal_on(candles)
    position, fills = trade_of(signal)
    charts: dict[str, Callable[[], bytes]] = {
        "signal": lambda: signal_chart(signal, candles, name="S-1", source="benchmark"),
        "closing": lambda: closing_chart(signal, position, fills, candles, name="S-1", source="benchmark"),
    }
    print(f"{'chart':10}{'runs':>6}{'fastest ms':>12}{'median ms':>12}{'slowest ms':>12}{'CPU ms':>8}{'PNG kB':>8}")
    medians = []
    for name, draw in charts.items():
        times, processor = times_ms(draw, runs)
        medians.append(statistics.median(times))
        size = len(draw()) / 1000
        print(
            f"{name:10}{runs:6}{min(times):12.0f}{medians[-1]:12.0f}{max(times):12.0f}"
            f"{statistics.median(processor):8.0f}{size:8.0f}"
        )
    print(f"slower median / {LIMIT_MS:.0f} ms = {max(medians) / LIMIT_MS:.2f}")


if __name__ == "__main__":
    main()
