"""Walk-forward: history judged in folds of whole months, each series in each fold a job of its own, on every core or a cluster.

A job replays one series through one fold in a scratch book and follows what it decided to its end. Jobs know nothing of
each other, so they may run anywhere in any order; what each came to is kept beside the book at once, and a run that was
killed goes on with those that are missing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend

from engine.candles import Candles
from engine.evaluation import Performance, performance
from engine.params import Params
from engine.vocabulary import ENGINE_VERSION, BookKind
from ml.features import FEATURES_VERSION
from services.backtest import RULES_ALONE, adopt, keep_run, performance_json
from services.blackouts import Blackout, digest_of
from services.past_models import PastModels, between, past_models
from services.replay import BTC, Progress, refuse_unreadable, replay
from storage.backtests import BacktestRun, Backtests
from storage.book import Book
from storage.codec import Json
from storage.models import StoredModel
from storage.stores import Stores
from storage.walk_forward import JobResult, JobTrade, UnfinishedRun, job_trades

ALL_CORES = -1
KEY_DIGITS = 16
ROUND_JOBS = 64
SETUP_STAGES = "setup."
"""How a summary names what stopped a setup before it was a signal."""


class WalkForwardError(ValueError):
    """A walk-forward that cannot be done; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Closes in [from_ms, to_ms) are decided."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Job:
    """One series in one fold; `beside` are BTC's series and finer ones of the same symbol, `models` those of its time."""

    candles: Candles
    beside: tuple[Candles, ...]
    fold: Fold
    params: Params
    models: tuple[StoredModel, ...]
    blackouts: tuple[Blackout, ...] = ()


@dataclass(frozen=True, slots=True)
class Walked:
    """A walk-forward that is kept: its backtest, its figures, and how many of its jobs an earlier run had done."""

    run_id: int
    metrics: dict[str, Json]
    jobs: int
    found_done: int


def walk_forward(
    book: Book,
    series: Sequence[Candles],
    params: Params,
    *,
    months: int,
    now_ms: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
    past: PastModels = RULES_ALONE,
    blackouts: Sequence[Blackout] = (),
    processes: int = ALL_CORES,
    progress: Progress = lambda *_: None,
) -> Walked:
    """Judge `series` in folds of `months` calendar months and keep the whole in `book` as one backtest.

    Jobs run in `processes` of their own, or wherever joblib is told to run them. The result depends on neither.
    """
    refuse_unreadable(series)
    jobs = jobs_of(series, params, months, from_ms, to_ms, past.stored, blackouts)
    key = key_of(jobs)
    with UnfinishedRun.open(unfinished_path(book, key), now_ms) as unfinished:
        results = unfinished.done()
        found_done = len(results)
        progress("judging", found_done, len(jobs))
        missing = (delayed(_numbered)(no, job) for no, job in enumerate(jobs) if no not in results)
        for no, result in _as_they_end(missing, processes):
            unfinished.put(no, result)
            results[no] = result
            progress("judging", len(results), len(jobs))
        in_order = [results[no] for no in range(len(jobs))]
        metrics = metrics_of(jobs, in_order)
        metrics["walk_forward"] = {
            "months": months,
            "key": key,
            "began_ms": unfinished.began_ms,
            "folds": _figures((_fold_name(job.fold), result) for job, result in zip(jobs, in_order, strict=True)),
            "series": _figures((_series_name(job), result) for job, result in zip(jobs, in_order, strict=True)),
        }
        with book.transaction() as stores:
            kept = Backtests(stores.connection).walked(key, unfinished.began_ms)
            run_id = _keep(stores, jobs, in_order, metrics, now_ms) if kept is None else kept
        unfinished.discard()
    return Walked(run_id, metrics, len(jobs), found_done)


def _as_they_end(jobs: Iterable[Any], processes: int) -> Iterator[tuple[int, JobResult]]:
    """The results of joblib's delayed calls in the order in which they come."""
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        yield from Parallel(n_jobs=processes, batch_size=1, return_as="generator_unordered")(jobs)
        return
    # Ray's backend gives whole lists alone: in rounds, so that a killed run keeps what it had
    waiting, parallel = iter(jobs), Parallel(n_jobs=processes, batch_size=1)
    while round_ := list(islice(waiting, ROUND_JOBS)):
        yield from parallel(round_)


def month_folds(from_ms: int, to_ms: int, months: int) -> Iterator[Fold]:
    """Folds of `months` calendar months (UTC) that fill [from_ms, to_ms); the first and the last may be shorter."""
    edge = np.datetime64(from_ms, "ms").astype("datetime64[M]")
    begin_ms = from_ms
    while begin_ms < to_ms:
        edge = edge + np.timedelta64(months, "M")
        end_ms = min(int(edge.astype("datetime64[ms]").astype(np.int64)), to_ms)
        yield Fold(begin_ms, end_ms)
        begin_ms = end_ms


def jobs_of(
    series: Sequence[Candles],
    params: Params,
    months: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
    models: Sequence[StoredModel] = (),
    blackouts: Sequence[Blackout] = (),
) -> list[Job]:
    """Every series in every fold in which one of its candles closes, fold by fold, in the order of their names."""
    first_ms = min(int(candles.closed_ms[0]) for candles in series)
    last_ms = max(candles.closed_at_ms for candles in series) + 1
    begin_ms, end_ms = max(first_ms, from_ms or first_ms), min(last_ms, to_ms or last_ms)
    by_name = sorted(series, key=lambda candles: (candles.symbol, candles.timeframe.ms))
    jobs = [
        Job(
            candles,
            _beside(candles, by_name),
            fold,
            params,
            between(models, fold.from_ms, fold.to_ms),
            tuple(blackouts),
        )
        for fold in month_folds(begin_ms, end_ms, months)
        for candles in by_name
        if ((candles.closed_ms >= fold.from_ms) & (candles.closed_ms < fold.to_ms)).any()
    ]
    if not jobs:
        raise WalkForwardError("No candle of these series closes in that range.")
    return jobs


def judged(job: Job) -> JobResult:
    """What a job came to: replayed in a scratch book of its own, on one core."""
    past = past_models(job.models, job.params.learning.expires_after_days)
    with (
        parallel_config(backend="sequential"),
        Book.temporary(BookKind.REPLAY, now_ms=job.fold.from_ms) as book,
    ):
        adopt(book, past)
        done = replay(
            book,
            [job.candles],
            job.params,
            from_ms=job.fold.from_ms,
            to_ms=job.fold.to_ms,
            all_looks=False,
            model_at=past.at,
            beside=job.beside,
            to_the_end=True,
            blackouts=job.blackouts,
        )
        stopped = {name: n for name, n in done.summary.stopped_by_gate.items() if name.startswith(SETUP_STAGES)}
        with book.reading() as view:
            return JobResult(done.decided, stopped, view.predictions.models_asked(), job_trades(view.connection))


def together(results: Sequence[JobResult]) -> tuple[JobTrade, ...]:
    """The trades of all jobs as they were decided; a zone that an earlier fold had decided counts there alone."""
    first: dict[tuple[str, str, str], JobTrade] = {}
    for result in results:
        for one in result.trades:
            first.setdefault((one.trade.symbol, one.trade.timeframe, one.setup_key), one)
    return tuple(
        sorted(
            first.values(), key=lambda one: (one.trade.decided_ms, one.trade.symbol, one.trade.timeframe, one.setup_key)
        )
    )


def metrics_of(jobs: Sequence[Job], results: Sequence[JobResult]) -> dict[str, Json]:
    """The result of all jobs under the names that the metrics of every backtest have."""
    trades = together(results)
    sent = [one for one in trades if one.stopped_by is None]
    stopped = Counter(one.stopped_by for one in trades if one.stopped_by is not None)
    for result in results:
        stopped.update(result.setups_stopped)
    return {
        "looks": sum(result.looks for result in results),
        "signals": len(trades),
        "sent": len(sent),
        "filled": sum(one.trade.opened_ms is not None for one in sent),
        "ambiguous": sum(one.is_ambiguous for one in sent),
        "models": sorted({model_id for result in results for model_id in result.models}),
        "blackouts": digest_of(jobs[0].blackouts, jobs[0].fold.from_ms, jobs[-1].fold.to_ms),
        "stopped_by_gate": dict(sorted(stopped.items())),
        **performance_json(_performance(sent)),
    }


def key_of(jobs: Sequence[Job]) -> str:
    """Hex digits that name what is asked: by candles, folds, parameters, engine, models and blackouts."""
    asked = hashlib.sha256()
    params = jobs[0].params
    asked.update(f"{ENGINE_VERSION} {FEATURES_VERSION} {params.hash} {params.learning.expires_after_days}".encode())
    asked.update(repr(jobs[0].blackouts).encode() if jobs[0].blackouts else b"")  # without any, the digits of old
    known: dict[int, str] = {}
    for job in jobs:
        candles = " ".join(known.setdefault(id(one), _digest(one)) for one in (job.candles, *job.beside))
        models = " ".join(f"{model.trained_ms}:{model.sha256}" for model in job.models)
        asked.update(f"|{job.fold.from_ms} {job.fold.to_ms} {candles} {models}".encode())
    return asked.hexdigest()[:KEY_DIGITS]


def unfinished_path(book: Book, key: str) -> Path:
    """Where the results of a run are kept until it is whole."""
    return book.path.with_name(f"{book.path.name}.walk-forward-{key}")


def _numbered(no: int, job: Job) -> tuple[int, JobResult]:
    return no, judged(job)


def _beside(candles: Candles, series: Sequence[Candles]) -> tuple[Candles, ...]:
    return tuple(
        other
        for other in series
        if other is not candles
        and (
            (other.symbol == candles.symbol and other.timeframe.ms < candles.timeframe.ms)
            or (other.symbol == BTC and other.timeframe is candles.timeframe)
        )
    )


def _digest(candles: Candles) -> str:
    digest = hashlib.sha256(f"{candles.symbol} {candles.timeframe.text}".encode())
    for column in (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume):
        digest.update(column.tobytes())
    return digest.hexdigest()


def _keep(
    stores: Stores, jobs: Sequence[Job], results: Sequence[JobResult], metrics: dict[str, Json], now_ms: int
) -> int:
    trades = together(results)
    names = sorted({_series_name(job) for job in jobs})
    run = BacktestRun(
        name=f"{' '.join(names)}, walk-forward",
        params_hash=jobs[0].params.hash,
        engine_version=ENGINE_VERSION,
        files=tuple(names),
        from_ms=jobs[0].fold.from_ms,
        to_ms=jobs[-1].fold.to_ms,
        metrics=metrics,
    )
    sent = [one.trade for one in trades if one.stopped_by is None]
    not_sent = [one.trade for one in trades if one.stopped_by is not None]
    return keep_run(stores, run, sent, not_sent, now_ms)


def _figures(named: Iterable[tuple[str, JobResult]]) -> dict[str, Json]:
    """The performance of each name's jobs, in the order in which they come."""
    results: dict[str, list[JobResult]] = {}
    for name, result in named:
        results.setdefault(name, []).append(result)
    return {
        name: performance_json(_performance([one for one in together(some) if one.stopped_by is None]))
        for name, some in results.items()
    }


def _performance(sent: Sequence[JobTrade]) -> Performance:
    closed = [one for one in sent if one.trade.r_multiple is not None]
    return performance(
        np.array([one.trade.r_multiple for one in closed], dtype=float),
        np.array([one.trade.closed_ms for one in closed], dtype=np.int64),
        np.array([one.cost_r for one in closed], dtype=float),
    )


def _fold_name(fold: Fold) -> str:
    """A fold by its days, the last one included."""
    first, last = np.datetime64(fold.from_ms, "ms"), np.datetime64(fold.to_ms - 1, "ms")
    return f"{first.astype('datetime64[D]')} to {last.astype('datetime64[D]')}"


def _series_name(job: Job) -> str:
    return f"{job.candles.symbol} {job.candles.timeframe.text}"
