"""`backtest`: history judged in one go or in folds, kept runs compared, as JSON and as lines for people."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.candles import Candles
from engine.evaluation import Performance
from engine.params import Params
from engine.vocabulary import BookKind
from handlers.cli_screen import progress_bar
from services.backtest import RULES_ALONE, backtest, keep, metrics_of, performance_json
from services.backtest_results import Compared, compare
from services.blackouts import Blackout
from services.null_models import null_models
from services.past_models import PastModels, past_models, promoted_models
from services.walk_forward import ALL_CORES, walk_forward
from storage.book import Book

MS_PER_SECOND = 1000
NAME_WIDTH = 26


class BacktestUsageError(ValueError):
    """Something asked of a backtest that it cannot do; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be judged, and how: `months` a fold where it is a walk-forward, `processes` None = one a core."""

    series: Sequence[Candles]
    params: Params
    from_ms: int | None
    to_ms: int | None
    with_models: bool
    months: int | None
    processes: int | None
    with_null_models: bool
    blackouts: tuple[Blackout, ...] = ()


def judged(path: Path, asked: Asked, now_ms: Callable[[], int], *, quiet: bool) -> dict[str, Any]:
    """Judge what was asked, keep it in the book at `path` and return the JSON of the command."""
    if asked.months is not None and asked.with_null_models:
        raise BacktestUsageError("--null stands beside one backtest, not beside a walk-forward.")
    began = perf_counter()
    with Book.open(path, BookKind.LIVE, now_ms=now_ms()) as book:
        past = _models(book, asked)
        judge = _in_one_go if asked.months is None else _in_folds
        document = judge(book, asked, past, now_ms, quiet=quiet)
    document["seconds"] = round(perf_counter() - began, 3)
    return document


def compared(path: Path, words: Sequence[Path]) -> dict[str, Any]:
    """Kept runs side by side as JSON; `words` are their ids."""
    ids = [str(word) for word in words]
    if not all(word.isdecimal() for word in ids):
        raise BacktestUsageError(f"--compare takes the ids of kept backtests, not {' '.join(ids)}.")
    with Book.open_read_only(path) as book, book.reading() as view:
        return {"backtests": [_compared_document(one) for one in compare(view, [int(word) for word in ids])]}


def judged_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A backtest for people; a walk-forward has its folds and series under it."""
    yield f"backtest {document['id']}"
    yield from _judged_lines(document)
    if document["models"]:
        yield f"models asked where they stood: {', '.join(map(str, document['models']))}"
    if walked := document.get("walk_forward"):
        for title in ("folds", "series"):
            yield ""
            yield _header(f"by {title}")
            yield from (_line(name, figures) for name, figures in walked[title].items())


def compared_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Kept runs one under the other: each as a whole, then by setup and timeframe."""
    for number, one in enumerate(document["backtests"]):
        if number:
            yield ""
        yield f"backtest {one['id']}: {one['name']}, {_day(one['from_ms'])} to {_day(one['to_ms'])}"
        by = "the rules alone" if not one["models"] else f"models {', '.join(map(str, one['models']))}"
        around = "" if one["blackouts"] is None else f", nothing sent around the blackouts {one['blackouts']}"
        yield f"parameters {one['params_hash']}, {by}{around}"
        yield _header("")
        yield _line("all", one["all"])
        for part in ("by_setup", "by_timeframe"):
            yield from (_line(name, figures) for name, figures in one[part].items())


def _judged_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A backtest as a table: the engine first, null models under it."""
    sent, filled, ambiguous = document["sent"], document["filled"], document["ambiguous"]
    yield f"{document['looks']:,} looks, {document['signals']:,} signals kept, {sent} sent, {filled} filled"
    yield f"{ambiguous} trades with a candle that hid the order of its prices (the worse order was taken)"
    yield f"{'':18} {'n':>7} {'expectancy R':>13} {'95 % interval':>18} {'win rate':>9} {'PF':>6} {'cost R':>7}"
    for name, row in (("the setups", document), *document.get("null_models", {}).items()):
        mean = row["expectancy_r"]
        interval = f"{_text(mean['low'], '+.3f')} to {_text(mean['high'], '+.3f')}"
        yield (
            f"{name:18} {row['n']:>7,} {_text(mean['value'], '+.3f'):>13} {interval:>18}"
            f" {_text(row['win_rate']['value'], '.1%'):>9} {_text(row['profit_factor'], '.2f'):>6}"
            f" {_text(row['mean_cost_r'], '.3f'):>7}"
        )
    yield "setups stopped by"
    for gate, count in sorted(document["stopped_by_gate"].items(), key=lambda item: -item[1]):
        yield f"  {gate:22} {count:>7,}"


def _models(book: Book, asked: Asked) -> PastModels:
    """The models to ask; why one of them may not be asked is told on stderr."""
    if not asked.with_models:
        return RULES_ALONE
    with book.reading() as view:
        past = past_models(promoted_models(view), asked.params.learning.expires_after_days)
    for sentence in past.refusals:
        print(f"onebook: {sentence} Its time goes by the rules alone.", file=sys.stderr)
    if not past.stored:
        print("onebook: no model of this book was ever promoted; the rules go alone.", file=sys.stderr)
    return past


def _in_one_go(book: Book, asked: Asked, past: PastModels, now_ms: Callable[[], int], *, quiet: bool) -> dict[str, Any]:
    with progress_bar(quiet=quiet) as progress:
        tested = backtest(
            asked.series,
            asked.params,
            now_ms=now_ms(),
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            progress=progress,
            past=past,
            blackouts=asked.blackouts,
        )
    names = [f"{candles.symbol} {candles.timeframe.text}" for candles in asked.series]
    with book.transaction() as stores:
        run_id = keep(stores, tested, " ".join(names), names, asked.params, now_ms())
    document: dict[str, Any] = {"id": run_id, **metrics_of(tested)}
    if asked.with_null_models:
        models = null_models(tested, asked.series, asked.params, now_ms())
        document["null_models"] = {model.name: performance_json(model.performance) for model in models}
    return document


def _in_folds(book: Book, asked: Asked, past: PastModels, now_ms: Callable[[], int], *, quiet: bool) -> dict[str, Any]:
    assert asked.months is not None, "only a walk-forward comes here"
    with progress_bar(quiet=quiet) as progress:
        walked = walk_forward(
            book,
            asked.series,
            asked.params,
            months=asked.months,
            now_ms=now_ms(),
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            past=past,
            blackouts=asked.blackouts,
            processes=ALL_CORES if asked.processes is None else asked.processes,
            progress=progress,
        )
    return {"id": walked.run_id, **walked.metrics, "jobs": walked.jobs, "found_done": walked.found_done}


def _compared_document(one: Compared) -> dict[str, Any]:
    run = one.stored.run
    return {
        "id": one.stored.id,
        "name": run.name,
        "params_hash": run.params_hash,
        "engine_version": run.engine_version,
        "from_ms": run.from_ms,
        "to_ms": run.to_ms,
        "models": run.metrics.get("models", ()),
        "blackouts": run.metrics.get("blackouts"),
        "all": _figures(one.overall),
        "by_setup": {name: _figures(part) for name, part in one.by_setup.items()},
        "by_timeframe": {name: _figures(part) for name, part in one.by_timeframe.items()},
    }


def _figures(measured: Performance) -> dict[str, Any]:
    """A performance without what a trade cost, which kept trades do not tell."""
    return {name: value for name, value in performance_json(measured).items() if name != "mean_cost_r"}


def _header(title: str) -> str:
    return f"{title:{NAME_WIDTH}}{'n':>6}{'won':>8}{'(95 %)':>16}{'R':>8}{'(95 %)':>18}{'PF':>7}{'total R':>9}{'drawdown':>10}"


def _line(name: str, figures: Mapping[str, Any]) -> str:
    won, mean = figures["win_rate"], figures["expectancy_r"]
    return (
        f"{name:{NAME_WIDTH}}{figures['n']:>6,}{_text(won['value'], '.1%'):>8}{_between(won, '.0%'):>16}"
        f"{_text(mean['value'], '+.3f'):>8}{_between(mean, '+.3f'):>18}{_text(figures['profit_factor'], '.2f'):>7}"
        f"{figures['total_r']:>+9.1f}{figures['max_drawdown_r']:>10.1f}"
    )


def _between(interval: Mapping[str, float | None], form: str) -> str:
    return f"{_text(interval['low'], form)} to {_text(interval['high'], form)}"


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / MS_PER_SECOND, UTC):%Y-%m-%d}"
