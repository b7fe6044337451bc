"""The most memory one process holds that makes candles and detects every kind in them.

    python benchmarks/detect_memory.py [--quick] [--bars N]

Python, numpy, numba and the compiled kernel are in it, and the candles; each measurement is a process of its own. The
peak is what the system says the process had resident at once (Linux: VmHWM).
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.candles import Candles
from engine.compiled import COMPILED
from engine.detect import detect
from engine.detection_params import DetectionParams
from engine.timeframes import Timeframe

STATUS = Path("/proc/self/status")
LIMIT_MB = 350


def walk(bars: int) -> Candles:
    """Simulated candles: a seeded geometric walk with ticks of 0.01."""
    dice = np.random.default_rng(7)
    closes = dice.standard_t(4, bars) * 5e-4
    np.exp(np.cumsum(closes, out=closes), out=closes)  # in place: what is freed here would count as the engine's
    closes *= 1000
    opens = np.concatenate(([1000.0], closes))[:bars]
    highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
    for extremes, side in ((highs, 1), (lows, -1)):
        noise = np.abs(dice.normal(size=bars))
        noise *= side * 3e-4
        noise += 1
        extremes *= noise
    prices = [np.round(column, 2, out=column) for column in (opens, highs, lows, closes)]
    return Candles.checked("SIMULATED", Timeframe.M15, np.arange(bars) * Timeframe.M15.ms, *prices, np.ones(bars))


def peak_mb() -> float:
    """The most memory this process has had resident, in MB."""
    if STATUS.is_file():  # ru_maxrss would count what the parent held when it started us
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def peak_mb_of(bars: int) -> float:
    """The peak of a process of its own that detects every kind in `bars` simulated candles."""
    command = [sys.executable, str(Path(__file__).resolve()), "--bars", str(bars)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measures and prints; the last line is the share of the limit at the longest series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no long series")
    parser.add_argument("--bars", type=int, help="measure this process itself with so many bars")
    arguments = parser.parse_args()
    if arguments.bars is not None:
        found = detect(walk(arguments.bars), DetectionParams(), kernel=COMPILED)
        assert found.bar_count == arguments.bars
        print(peak_mb())
        return
    sizes = (1_000, 100_000) if arguments.quick else (1_000, 100_000, 1_000_000)
    peaks = [peak_mb_of(bars) for bars in sizes]
    for bars, peak in zip(sizes, peaks, strict=True):
        print(f"{bars:>10,} bars  {peak:6.0f} MB")
    print(f"{peaks[-1]:.0f} MB at {sizes[-1]:,} bars, limit {LIMIT_MB} MB at 1,000,000")


if __name__ == "__main__":
    main()
