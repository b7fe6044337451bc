"""The commands that go through history: replay and backtest."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlers.cli.options import (
    DEFAULT_DB,
    DEFAULT_REPLAY_DB,
    AsJson,
    Blackouts,
    CandlePaths,
    Db,
    FromTime,
    ParamsFile,
    Rooms,
    ToTime,
    UsageError,
    params_in,
    range_of,
    series_in,
)

if TYPE_CHECKING:
    from engine.candles import Candles


def replay_command(rooms: Rooms) -> Callable[..., None]:
    def replay(
        files: CandlePaths,
        db: Db = None,
        params: ParamsFile = None,
        from_time: Annotated[
            str | None, typer.Option("--from", help="First close decided, ISO date or time, UTC.")
        ] = None,
        to_time: Annotated[str | None, typer.Option("--to", help="Closes from here on are not decided.")] = None,
        blackouts: Blackouts = None,
        as_json: AsJson = False,
    ) -> None:
        """Run the full pipeline over history into a replay book."""
        from time import perf_counter

        from engine.vocabulary import BookKind
        from handlers.cli_blackouts import blackouts_of
        from handlers.cli_screen import progress_bar
        from services.replay import refuse_unreadable, replay
        from storage.book import Book

        began = perf_counter()
        from_ms, to_ms = range_of(from_time, to_time)
        rules = params_in(params)
        series = series_in(files)
        quiet_times = blackouts_of(blackouts)
        refuse_unreadable(series)
        path = DEFAULT_REPLAY_DB if db is None else db
        with (
            Book.open(path, BookKind.REPLAY, now_ms=rooms.now_ms()) as book,
            progress_bar(quiet=as_json) as progress,
        ):
            done = replay(book, series, rules, from_ms=from_ms, to_ms=to_ms, progress=progress, blackouts=quiet_times)
        summary = done.summary
        document = {
            "bars": summary.looks,
            "signals": summary.signals,
            "sent": summary.sent,
            "positions": summary.positions,
            "wins": summary.wins,
            "losses": summary.losses,
            "breakeven": summary.breakeven,
            "balance": summary.balance,
            "stopped_by_gate": summary.stopped_by_gate,
            "decided": done.decided,
            "seconds": round(perf_counter() - began, 3),
        }
        if as_json:
            print(json.dumps(document))
            return
        print(f"book        {path}")
        for name, value in document.items():
            if not isinstance(value, dict):
                print(f"{name:11} {value:,.2f}" if isinstance(value, float) else f"{name:11} {value:,}")
        print("stopped by")
        for gate, count in sorted(summary.stopped_by_gate.items(), key=lambda item: -item[1]):
            print(f"  {gate:22} {count:>7,}")

    return replay


def backtest_command(rooms: Rooms) -> Callable[..., None]:
    def backtest(
        files: Annotated[
            list[Path],
            typer.Argument(
                help="Candle files SYMBOL-TIMEFRAME[-anything].csv[.gz], or directories; with --compare ids of backtests."
            ),
        ],
        db: Db = None,
        params: ParamsFile = None,
        from_time: FromTime = None,
        to_time: ToTime = None,
        timeframe: Annotated[
            str | None, typer.Option("--timeframe", help="Build the series of this higher timeframe from the files.")
        ] = None,
        null: Annotated[bool, typer.Option("--null", help="Add three null models on the same candles.")] = False,
        model: Annotated[
            bool,
            typer.Option("--model", help="Ask the book's promoted models too, each for the time in which it stood."),
        ] = False,
        walk_forward: Annotated[
            int | None,
            typer.Option(
                "--walk-forward", min=1, help="Judge in folds of so many months, each series a job of its own."
            ),
        ] = None,
        jobs: Annotated[
            int | None, typer.Option("--jobs", min=1, help="Processes of a walk-forward (default: one a core).")
        ] = None,
        cluster: Annotated[
            str | None,
            typer.Option(
                "--cluster",
                envvar="ONEBOOK_CLUSTER",
                help="Where a walk-forward runs: dask://HOST:PORT, ray://HOST:PORT, dask:local or ray:local.",
            ),
        ] = None,
        blackouts: Blackouts = None,
        compare: Annotated[
            bool, typer.Option("--compare", help="Judge nothing: show the kept backtests whose ids are given.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Judge the engine on history: every signal it would have sent, in R after costs, kept in the live book."""
        from handlers.cli_backtest import Asked, compared, compared_lines, judged, judged_lines
        from handlers.cli_blackouts import blackouts_of

        path = DEFAULT_DB if db is None else db
        if compare:
            document = compared(path, files)
            print(json.dumps(document) if as_json else "\n".join(compared_lines(document)))
            return
        series, (from_ms, to_ms) = _on_timeframe(series_in(files), timeframe), range_of(from_time, to_time)
        quiet_times = blackouts_of(blackouts)
        asked = Asked(series, params_in(params), from_ms, to_ms, model, walk_forward, jobs, null, quiet_times)
        with contextlib.nullcontext() if walk_forward is None else _on_cluster(cluster):
            document = judged(path, asked, rooms.now_ms, quiet=as_json)
        print(json.dumps(document) if as_json else "\n".join(judged_lines(document)))

    return backtest


def _on_cluster(address: str | None) -> contextlib.AbstractContextManager[None]:
    if address is None:
        return contextlib.nullcontext()
    from gateways.cluster import on_cluster

    return on_cluster(address)


def _on_timeframe(series: "list[Candles]", text: str | None) -> "list[Candles]":
    from engine.candles import resampled
    from engine.timeframes import Timeframe

    if text is None:
        return series
    try:
        timeframe = Timeframe.parse(text)
        built = [resampled(candles, timeframe) for candles in series]
    except ValueError as error:
        raise UsageError(f"--timeframe {text}: {error}") from error
    if any(not len(candles) for candles in built):
        raise UsageError(f"--timeframe {text}: the files hold no whole {timeframe.text} candle.")
    return built
