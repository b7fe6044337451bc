"""The compiled kernel: kept on disk, and only as long as its sources are what they were."""

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import kernel, marks
from engine.compiled import SOURCES

ROOT = Path(__file__).resolve().parents[2]
COUNT_RAIDS = """
import numpy as np
from engine.candles import Candles
from engine.compiled import COMPILED
from engine.detection_params import DetectionParams
from engine.findings import Kind
from engine.runner import price_findings
from engine.timeframes import Timeframe
close = 100 + np.cumsum(np.random.default_rng(1).normal(0, 1, 400))
bars = (np.arange(400) * Timeframe.H1.ms, close, close + 0.5, close - 0.5, close, close)
kinds = price_findings(Candles.checked("WALK", Timeframe.H1, *bars), DetectionParams(), COMPILED).kind.tolist()
print(kinds.count(Kind.SWEEP), kinds.count(Kind.RUN))
"""
SWAPPED = {
    f"raid = RUN if c {beyond} {pool} else SWEEP": f"raid = SWEEP if c {beyond} {pool} else RUN"
    for beyond, pool in ((">", "pool_above"), ("<", "pool_below"))
}


def sweeps_and_runs(engine: Path) -> list[int]:
    told = subprocess.run(
        [sys.executable, "-c", COUNT_RAIDS], cwd=engine.parent, capture_output=True, check=True, text=True
    )
    return [int(word) for word in told.stdout.split()]


def test_the_modules_whose_numbers_become_machine_code_are_among_the_sources():
    imported = {
        node.module
        for part in (kernel, marks)
        for node in ast.walk(ast.parse(inspect.getsource(part)))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("engine.")
    }

    assert imported | {kernel.__name__, marks.__name__} == {module.__name__ for module in SOURCES}


@pytest.mark.long
def test_a_change_of_the_kernel_is_compiled_anew(tmp_path: Path):
    engine = tmp_path / "engine"
    shutil.copytree(ROOT / "engine", engine)
    sweeps, runs = sweeps_and_runs(engine)
    source = (engine / "kernel.py").read_text(encoding="utf-8")
    for text, swapped in SWAPPED.items():
        assert text in source
        source = source.replace(text, swapped)
    (engine / "kernel.py").write_text(source, encoding="utf-8")

    assert sweeps != runs
    assert sweeps_and_runs(engine) == [runs, sweeps]
