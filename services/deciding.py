"""Every look that a range of history holds, worked out on all cores and handed on in the order of time.

A job is one series in one slice of time, cut to the windows that its looks may see: a look is a function of its windows
alone, so the slices give what the whole series gives. Whoever books a slice does so while the next ones are decided.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from joblib import Parallel, cpu_count, delayed

from engine.candles import Candles
from engine.looks import Looks, Stack, chart_reader
from engine.params import Params
from engine.runner import compiled
from engine.vocabulary import Rejected, Signal, Stage
from ml.features import feature_reader
from services.record import Looked

BARS_WORTH_A_PROCESS = 20_000
BARS_A_JOB = 4_000
"""Several windows long, since each job reads the window before its first bar again."""
STEPS_BEHIND = 5
"""By how much the processes that decide are nicer than the one that books."""


@dataclass(frozen=True, slots=True)
class _Job:
    """The bars of `stack.own` from `first` on are to be decided."""

    stack: Stack
    first: int


def bars_between(stacks: Sequence[Stack], begin_ms: int, end_ms: int) -> int:
    """How many bars of the stacks' own series close in [begin_ms, end_ms)."""
    return sum(last - first for first, last in (_closing_in(stack.own, begin_ms, end_ms) for stack in stacks))


def looks_between(
    stacks: Sequence[Stack],
    params: Params,
    begin_ms: int,
    end_ms: int,
    *,
    all_looks: bool,
    job_bars: int = BARS_A_JOB,
    process_bars: int = BARS_WORTH_A_PROCESS,
) -> Iterator[list[Looked]]:
    """The looks at every bar that closes in [begin_ms, end_ms), by instant, symbol and timeframe, a slice at a time.

    Without `all_looks` only those at which a setup completed are handed on. A job decides at most `job_bars` bars, and
    there is a process of its own for each `process_bars` of all; these begin at once, not when the first slice is asked
    for.
    """
    slices = [
        jobs
        for slice_begin_ms, slice_end_ms in _slices(stacks, begin_ms, end_ms, job_bars)
        if (jobs := _jobs(stacks, params, slice_begin_ms, slice_end_ms))
    ]
    bars = bars_between(stacks, begin_ms, end_ms)
    workers = max(1, min(cpu_count(), len(stacks), bars // process_bars))
    parts = Parallel(n_jobs=workers, return_as="generator")(
        delayed(_looks)(job, params, os.getpid(), all_looks=all_looks) for jobs in slices for job in jobs
    )
    return _in_order(slices, parts)


def _in_order(slices: Sequence[Sequence[_Job]], parts: Iterator[list[Looked]]) -> Iterator[list[Looked]]:
    for jobs in slices:
        looks = [look for _ in jobs for look in next(parts)]
        looks.sort(key=lambda look: (look.candle_close_ms, look.symbol, look.timeframe.ms))
        yield looks


def _slices(stacks: Sequence[Stack], begin_ms: int, end_ms: int, job_bars: int) -> Iterator[tuple[int, int]]:
    """[begin_ms, end_ms) in parts that hold at most `job_bars` bars of any series."""
    step_ms = job_bars * min(stack.own.timeframe.ms for stack in stacks)
    for slice_begin_ms in range(begin_ms, end_ms, step_ms):
        yield slice_begin_ms, min(slice_begin_ms + step_ms, end_ms)


def _jobs(stacks: Sequence[Stack], params: Params, begin_ms: int, end_ms: int) -> list[_Job]:
    jobs = []
    for stack in stacks:
        first, last = _closing_in(stack.own, begin_ms, end_ms)
        if first < last:
            seen = stack.seen_from(first, last, params.window.window_bars)
            jobs.append(_Job(seen, len(seen.own) - (last - first)))
    return jobs


@cache
def _step_back() -> None:
    """Leave the cores to whoever books: it alone can be behind when all is decided, and then the other cores rest."""
    if sys.platform != "win32":
        os.nice(STEPS_BEHIND)


def _looks(job: _Job, params: Params, booked_by: int, *, all_looks: bool) -> list[Looked]:
    if os.getpid() != booked_by:
        _step_back()
    own = job.stack.own
    looks = Looks(job.stack, params, chart_reader(params, compiled()), describer=feature_reader(params))
    known: dict[Rejected, Rejected] = {}
    kept = []
    end = len(own)
    for index in range(job.first, end) if all_looks else looks.completing(job.first, end):
        result = looks.at(index)
        if all_looks or _has_setup(result):
            # one object for equal rejections: what travels between processes stays small
            shared = known.setdefault(result, result) if isinstance(result, Rejected) else result
            kept.append(Looked(own.symbol, own.timeframe, int(own.open_ms[index]) + own.timeframe.ms, shared))
    return kept


def _has_setup(result: Signal | Rejected) -> bool:
    return isinstance(result, Signal) or result.stage in (Stage.LEVELS, Stage.CONFIDENCE)


def _closing_in(candles: Candles, begin_ms: int, end_ms: int) -> tuple[int, int]:
    first, last = np.searchsorted(candles.closed_ms, (begin_ms, end_ms), side="left").tolist()
    return first, last
