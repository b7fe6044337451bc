"""Retraining on 50,000 rows of 40 features, and one prediction, on simulated trades: wall and CPU seconds, memory.

    python benchmarks/retrain.py [--quick]

One process, two cores at most. --quick takes 5,000 rows.
"""

import argparse
import resource
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ml.acting import Acting
from ml.dataset import dataset_of
from ml.ml_engine import train
from tests.ml.markets import BEGIN_MS, rows

ROWS, QUICK_ROWS, FEATURES, PREDICTIONS = 50_000, 5_000, 40, 200
LIMIT_S, LIMIT_MS = 60.0, 5.0
MB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 rows")
    count = QUICK_ROWS if parser.parse_args().quick else ROWS
    names = tuple(f"f{number}" for number in range(FEATURES))
    labelled = rows(count, names=names)
    begun, begun_cpu = perf_counter(), process_time()
    result = train(dataset_of(labelled, names))
    wall_s, cpu_s = perf_counter() - begun, process_time() - begun_cpu
    acting = Acting(1, BEGIN_MS, names, result.model, result.weight)
    times = []
    for row in labelled[:PREDICTIONS]:
        begun = perf_counter()
        acting.says(row.features)
        times.append(perf_counter() - begun)
    table = Table(title=f"retraining, {count:,} rows x {FEATURES} features ({result.model.kind.value})")
    for column in ("what", "figure", "limit"):
        table.add_column(column)
    table.add_row("wall", f"{wall_s:.1f} s", f"{LIMIT_S:g} s for 50,000 rows")
    table.add_row("CPU", f"{cpu_s:.1f} s", "")
    table.add_row("one prediction, median", f"{1000 * median(times):.2f} ms", f"{LIMIT_MS:g} ms")
    table.add_row("peak of the process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB:.0f} MB", "")
    Console().print(table)
    print(f"ratio: {wall_s / LIMIT_S:.2f} of the time allowed for 50,000 rows")


if __name__ == "__main__":
    main()
