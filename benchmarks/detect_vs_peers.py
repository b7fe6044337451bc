"""This engine, smartmoneyconcepts 0.0.27 and pyvsmc 0.3.7 on the same candles in one run: CPU time, memory, ratio.

    python benchmarks/detect_vs_peers.py [--quick]

CPU time of this process, medians; the three take turns, so that a busy machine slows all alike. Peak memory is what
numpy and Python allocated during one call (left out with --quick), without what compiled code allocated for itself; the
whole process is measured by benchmarks/detect_memory.py, which this script runs too. The candles are ../shared's EURUSD
15m, for the looks its ETH and BTC 30m, or simulated ones where they are absent.
"""

import argparse
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import process_time

import pandas as pd
import pyvsmc
from rich.console import Console
from rich.table import Table
from smartmoneyconcepts import smc

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.detect_memory import peak_mb_of, walk
from engine.candles import Candles, resampled
from engine.compiled import COMPILED
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.looks import Looks, Stack, chart_reader, look
from engine.params import Params
from engine.runner import INTERPRETED, price_findings
from engine.timeframes import context_of
from engine.vocabulary import Signal
from gateways.candle_files import read_file

SHARED_CANDLES = Path(__file__).resolve().parents[2] / "shared" / "candles"
EURUSD = SHARED_CANDLES / "forex" / "EURUSD-15m.csv.gz"
LOOKS_AT = tuple(SHARED_CANDLES / "majors" / f"{symbol}-30m.csv.gz" for symbol in ("ETHUSDT", "BTCUSDT"))
LOOK_BARS, LOOKS = 12_000, 60
SWING_LENGTH = 5
WINDOW_BARS = 1000
PARAMS = replace(DetectionParams(), eq_tol=0.0, eq_tol_atr=0.1)
OURS, ALL_KINDS, PLAIN = "onebook price kernel", "onebook all kinds", "onebook price kernel, interpreted"
SMC, PYVSMC = "smartmoneyconcepts", "pyvsmc"

NOT_COMPARABLE = (
    "onebook also does both swing instances, displacement, MSS, every gap's and block's touch, fill, inversion and"
    " break, sweeps against runs: the peers have part of it.",
    "smartmoneyconcepts looks ahead (its newest swings and blocks are withdrawn later); pyvsmc's swings are marked on"
    " their own bar, so its breaks use swings not yet confirmed. Their events are not ours.",
    "smartmoneyconcepts' sum holds its swings once; order blocks, structure and liquidity are given them.",
)


@dataclass(frozen=True)
class Contender:
    """Something to measure, and the sum it counts towards."""

    group: str
    name: str
    run: Callable[[], object]


def contenders(candles: Candles) -> list[Contender]:
    """Our kernel, the five detectors of smartmoneyconcepts, the six of pyvsmc with mitigation."""
    names = ("open", "high", "low", "close", "volume")
    o, h, l, c, _ = columns = [getattr(candles, name).copy() for name in names]  # noqa: E741
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    swings = smc.swing_highs_lows(frame, swing_length=SWING_LENGTH)
    return [
        Contender(OURS, "compiled", lambda: price_findings(candles, PARAMS, COMPILED, extras=False)),
        Contender(ALL_KINDS, "compiled", lambda: detect(candles, PARAMS, kernel=COMPILED)),
        Contender(PLAIN, "as it stands", lambda: price_findings(candles, PARAMS, INTERPRETED, extras=False)),
        Contender(PYVSMC, "detect_fvg, mitigation", lambda: pyvsmc.detect_fvg(h, l, close=c, compute_mitigation=True)),
        Contender(PYVSMC, "detect_swings", lambda: pyvsmc.detect_swings(h, l)),
        Contender(PYVSMC, "detect_structure", lambda: pyvsmc.detect_structure(h, l, c)),
        Contender(
            PYVSMC,
            "detect_order_blocks, mitigation",
            lambda: pyvsmc.detect_order_blocks(o, h, l, c, compute_mitigation=True),
        ),
        Contender(PYVSMC, "detect_liquidity", lambda: pyvsmc.detect_liquidity(h, l, c)),
        Contender(PYVSMC, "detect_zones", lambda: pyvsmc.detect_zones(h, l, c)),
        Contender(SMC, "fvg", lambda: smc.fvg(frame)),
        Contender(SMC, "swing_highs_lows", lambda: smc.swing_highs_lows(frame, swing_length=SWING_LENGTH)),
        Contender(SMC, "bos_choch", lambda: smc.bos_choch(frame, swings)),
        Contender(SMC, "ob", lambda: smc.ob(frame, swings)),
        Contender(SMC, "liquidity", lambda: smc.liquidity(frame, swings)),
    ]


def cpu_ms(run: Callable[[], object], repeats: int = 1) -> float:
    """CPU milliseconds of one call, the median of `repeats`."""
    seconds = []
    for _ in range(repeats):
        start = process_time()
        run()
        seconds.append(process_time() - start)
    return median(seconds) * 1000


def peak_mb(run: Callable[[], object]) -> float:
    """The most memory one call had allocated at once, in MB."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def against_peers(console: Console, candles: Candles, repeats: int, *, with_memory: bool) -> dict[str, float]:
    """Prints the table of all contenders; CPU ms by group."""
    field = contenders(candles)
    for contender in field:
        contender.run()  # compiled or loaded from the cache before anything is measured
    turns = [
        [cpu_ms(contender.run, 5 if contender.group == OURS else 1) for contender in field] for _ in range(repeats)
    ]
    medians = [median(times) for times in zip(*turns, strict=True)]
    table = Table(
        "engine", "detector", "CPU ms", "ns/bar", "peak MB", title=f"{len(candles):,} bars of {candles.symbol}"
    )
    for contender, ms in zip(field, medians, strict=True):
        row = (f"{ms:.2f}", f"{ms * 1e6 / len(candles):,.0f}", f"{peak_mb(contender.run):.1f}" if with_memory else "-")
        table.add_row(contender.group, contender.name, *row)
    console.print(table)
    groups = {contender.group for contender in field}
    return {group: sum(ms for one, ms in zip(field, medians, strict=True) if one.group == group) for group in groups}


def growth(console: Console, sizes: tuple[int, ...], repeats: int) -> None:
    """Prints how time and memory grow with the number of bars."""
    table = Table(
        "bars", "price kernel ns/bar", "all kinds ns/bar", "all kinds peak MB", title="growth, simulated candles"
    )
    for bars in sizes:
        candles = walk(bars)
        runs = (
            lambda candles=candles: price_findings(candles, PARAMS, COMPILED, extras=False),
            lambda candles=candles: detect(candles, PARAMS, kernel=COMPILED),
        )
        nanoseconds = (f"{cpu_ms(run, repeats) * 1e6 / bars:.0f}" for run in runs)
        table.add_row(f"{bars:,}", *nanoseconds, f"{peak_mb(runs[1]):.0f}")
    console.print(table)


def short_window(console: Console, candles: Candles) -> None:
    """Prints what one window of a live decision costs."""
    window = candles.window(len(candles), WINDOW_BARS)

    def hundred() -> None:
        for _ in range(100):  # one after the other, as looks are: kept ones would measure fresh memory
            price_findings(window, PARAMS, COMPILED, extras=False)

    compiled = cpu_ms(hundred, 15) / 100
    interpreted = cpu_ms(lambda: price_findings(window, PARAMS, INTERPRETED, extras=False), 15)
    console.print(
        f"a window of {WINDOW_BARS:,} bars: {compiled * 1000:.0f} us compiled, {interpreted:.2f} ms interpreted"
    )


def looks(console: Console, own: Candles, btc: Candles) -> None:
    """Prints what a whole live look costs: three charts of one window each, read anew, and the decision."""
    timeframe = context_of(own.timeframe)
    assert timeframe is not None, f"{own.timeframe.text} has a higher timeframe"
    params, context = Params(), resampled(own, timeframe)

    read = chart_reader(params, COMPILED)

    def decided(bar: int) -> None:
        look(Stack(own.window(bar + 1, params.window.window_bars), context, btc), params, read)

    bars = range(2 * params.window.window_bars, min(len(own), LOOK_BARS))
    every = Looks(Stack(own, context, btc), params, read)
    with_signal = [bar for bar in bars if isinstance(every.at(bar), Signal)][:LOOKS]
    for name, some in (("any bar", bars[:: len(bars) // LOOKS]), ("a bar with a signal", with_signal)):
        milliseconds = median(cpu_ms(lambda bar=bar: decided(bar), 5) for bar in some) if some else float("nan")
        console.print(f"a look with its stack at {name}: {milliseconds:.2f} ms (median of {len(some)})")


def main() -> None:
    """Measures and prints; the last line is the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one turn, no long series")
    quick = parser.parse_args().quick
    console = Console()
    candles = read_file(EURUSD) if EURUSD.is_file() else walk(24_424)
    if not EURUSD.is_file():
        console.print("../shared is not beside this checkout: the candles are simulated")
    sums = against_peers(console, candles, 1 if quick else 5, with_memory=not quick)
    growth(console, (24_000, 100_000) if quick else (24_000, 250_000, 1_000_000, 4_000_000), 3)
    short_window(console, candles)
    own, btc = (read_file(path) if path.is_file() else walk(LOOK_BARS) for path in LOOKS_AT)
    looks(console, own, btc)
    bars = 100_000 if quick else 1_000_000
    console.print(f"a process that makes {bars:,} candles and detects all kinds: {peak_mb_of(bars):.0f} MB at most")
    for sentence in NOT_COMPARABLE:
        console.print(f"- {sentence}")
    ratios = {peer: sums[peer] / sums[OURS] for peer in (SMC, PYVSMC)}
    print(f"ratio: {ratios[SMC]:.0f} x {SMC} (five detectors), {ratios[PYVSMC]:.0f} x {PYVSMC} (six, with mitigation)")


if __name__ == "__main__":
    main()
