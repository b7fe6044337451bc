"""The commands of `python bot.py`: arguments in, JSON or readable text out, one clear sentence when something is wrong.

Imports that cost start-up time are made inside the commands that need them (DESIGN 5, CLI).
"""

import contextlib
import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer

from storage.errors import BookError

if TYPE_CHECKING:
    from engine.candles import Candles
    from engine.params import Params

EXIT_FINDING = 1
EXIT_USAGE = 2
DEFAULT_DB = Path("data/positions.db")
DEFAULT_REPLAY_DB = Path("data/replay.db")

Db = Annotated[
    Path | None, typer.Option("--db", envvar="ONEBOOK_DB", help="The book.", show_default="data/positions.db")
]
ParamsFile = Annotated[
    Path | None, typer.Option("--params", help="params.toml with values that differ from the defaults.")
]
# every command takes --db and --params (DESIGN 6), so that scripts may pass them blindly; where they mean nothing they hide
NoDb = Annotated[Path | None, typer.Option("--db", envvar="ONEBOOK_DB", hidden=True)]
NoJson = Annotated[bool, typer.Option("--json", hidden=True)]
NoParams = Annotated[Path | None, typer.Option("--params", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
CandlePaths = Annotated[
    list[Path], typer.Argument(help="Candle files SYMBOL-TIMEFRAME[-anything].csv[.gz], or directories.")
]

FromTime = Annotated[str | None, typer.Option("--from", help="First close decided, ISO date or time, UTC.")]
Blackouts = Annotated[
    Path | None,
    typer.Option("--blackouts", envvar="ONEBOOK_BLACKOUTS", help="CSV of dated events around which nothing is sent."),
]
ToTime = Annotated[str | None, typer.Option("--to", help="Closes from here on are not decided.")]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Rooms:
    """What bot.py hands in: the clock and the live bot."""

    now_ms: Callable[[], int]
    run_live: Callable[[str | None, str | None], int]


def build(rooms: Rooms) -> typer.Typer:
    """The command line over `rooms`."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Onebook: ICT signals on closed candles, followed to their end, in one SQLite book.",
    )
    for name, command in (
        ("demo", _demo),
        ("run", _run),
        ("detect", _detect),
        ("conformance", _conformance),
        ("scan", _scan),
        ("replay", _replay),
        ("health", _health),
        ("web", _web),
        ("why", _why),
        ("doctor", _doctor),
        ("report", _report),
        ("verify", _verify),
        ("backup", _backup),
        ("restore", _restore),
        ("upgrade", _upgrade),
        ("train", _train),
        ("ml", _ml),
        ("backtest", _backtest),
        ("import-legacy", _import_legacy),
        ("prove", _prove),
    ):
        app.command(name)(_in_one_sentence(command(rooms)))
    journal = typer.Typer(no_args_is_help=True, help="The journal: every signal and what became of it.")
    journal.command("export")(_in_one_sentence(_journal_export(rooms)))
    app.add_typer(journal, name="journal")
    return app


def _in_one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """The command with every foreseen error told in one sentence on stderr, exit code 2."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Exception as error:
            if not _is_for_people(error):
                raise
            _refuse(str(error))

    return told


def _is_for_people(error: Exception) -> bool:
    """Errors of ours carry a sentence; one from elsewhere is a defect and must show itself."""
    return isinstance(error, BookError) or type(error).__module__.split(".")[0] in (
        "engine",
        "gateways",
        "services",
        "storage",
        "handlers",
        "migrations",
    )


def _refuse(sentence: str) -> NoReturn:
    print(f"onebook: {sentence}", file=sys.stderr)
    raise typer.Exit(EXIT_USAGE)


class UsageError(ValueError):
    """Something asked of the command line that it cannot do; the message is one sentence."""


def _demo(rooms: Rooms) -> Callable[..., None]:
    def demo(db: Db = None, params: ParamsFile = None) -> None:
        """Show the whole pipeline on a simulated market: offline, no token, under a minute."""
        from diagnostics.checks import run_checks
        from engine.runner import INTERPRETED
        from engine.vocabulary import BookKind
        from handlers.cli_health import health_lines
        from handlers.telegram.texts import renderer
        from services.demo import BEGIN_MS, INTRODUCTION, play
        from services.split import plain
        from storage.book import Book
        from storage.summary import summary_of

        words, rules = renderer(), _params(params)
        kind = BookKind.DEMO
        with Book.temporary(kind, now_ms=BEGIN_MS) if db is None else Book.open(db, kind, now_ms=BEGIN_MS) as book:
            print(INTRODUCTION)
            end_ms = play(book, rules, INTERPRETED, lambda stores, item: plain(words(stores, item).html), print)
            with book.reading() as view:
                summary, health = summary_of(view.connection), run_checks(view, end_ms)
        print("\n══ what became of it " + "═" * 35)
        print(f"{summary.looks:,} looks, {summary.signals} signals kept, {summary.sent} of them sent to the channel")
        print(f"paper account: {summary.positions} positions, {summary.wins} won, {summary.losses} lost", end="")
        print(f", balance {summary.balance:,.2f} USDT of a simulated market")
        print("\n══ health " + "═" * 46)
        for line in health_lines(health):
            print(line)
        if db is not None:
            print(f"\nThe book is {db}; ask it with `python bot.py why 1 --db {db}`.")
        raise typer.Exit(EXIT_FINDING if health.exit_code or not summary.sent else 0)

    return demo


def _run(rooms: Rooms) -> Callable[..., None]:
    def run(db: Db = None, params: ParamsFile = None) -> None:
        """Run the live bot: scans, posts, follows, answers."""
        _offer_import(rooms, db, params)
        raise typer.Exit(rooms.run_live(None if db is None else str(db), None if params is None else str(params)))

    return run


def _offer_import(rooms: Rooms, db: Path | None, params: Path | None) -> None:
    """At a first start beside an older bot's files: ask whether to bring them in; nothing is done unasked."""
    from services.legacy_files import legacy_files_in

    path = DEFAULT_DB if db is None else db
    found = legacy_files_in(Path.cwd()) if not path.exists() else ()
    if not found:
        return
    named = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    print(f"onebook: files of an older bot lie here: {named}", file=sys.stderr)
    if not sys.stdin.isatty():
        print("onebook: `python bot.py import-legacy . --dry-run` shows what they hold", file=sys.stderr)
        return
    if typer.confirm("Bring their history into the new book now?", default=False, err=True):
        with contextlib.suppress(typer.Exit):  # its exit code is for scripts; the start goes on
            _import_legacy(rooms)(Path.cwd(), db=db, params=params)


def _detect(rooms: Rooms) -> Callable[..., None]:
    def detect(
        file: Annotated[Path, typer.Argument(help="A candle file.")],
        params: Annotated[Path | None, typer.Option("--params", help="JSON object of detection parameters.")] = None,
        db: NoDb = None,
        as_json: NoJson = True,
    ) -> None:
        """Print every finding of one file as JSON lines, in the words of the event contract."""
        from engine.contract import events
        from engine.detect import detect
        from engine.detection_params import DetectionParams
        from gateways.candle_files import read_file

        overrides = {} if params is None else _json_object(params)
        try:
            rules = DetectionParams.from_mapping(overrides)
        except ValueError as error:
            raise UsageError(f"{params}: {error}") from error
        candles = read_file(file)
        if not len(candles):
            raise UsageError(f"{file} holds no candles.")
        write = sys.stdout.write
        for event in events(candles, detect(candles, rules)):
            write(json.dumps(event) + "\n")

    return detect


def _conformance(rooms: Rooms) -> Callable[..., None]:
    def conformance(
        cases: Annotated[Path, typer.Argument(help="Conformance cases, as JSON.")],
        db: NoDb = None,
        params: NoParams = None,
        as_json: NoJson = True,
    ) -> None:
        """Run conformance cases through the engine: every case, every prefix, mirrored where allowed."""
        from dataclasses import asdict

        from engine.conformance import run_cases

        try:
            result = run_cases(_json_object(cases))
        except ValueError as error:
            raise UsageError(f"{cases}: {error}.") from error
        print(json.dumps(asdict(result)))
        raise typer.Exit(EXIT_FINDING if result.failures else 0)

    return conformance


def _scan(rooms: Rooms) -> Callable[..., None]:
    def scan(files: CandlePaths, params: ParamsFile = None, as_json: AsJson = False, db: NoDb = None) -> None:
        """Decide at the last closed candle of each series; nothing is stored."""
        from concurrent.futures import ProcessPoolExecutor
        from time import perf_counter

        from gateways.candle_files import candle_paths, read_series
        from handlers.cli_scan import scan_document, scan_line
        from services.scan_files import SHORT_SCAN_SERIES, scan_files, scan_series

        began = perf_counter()
        rules = _params(params)
        paths = [file for path in files for file in candle_paths(path)]
        if len(paths) <= SHORT_SCAN_SERIES:
            scanned = scan_files(paths, rules)
        else:
            with ProcessPoolExecutor(1) as beside:  # files are read while the compiled kernel loads
                reading = beside.submit(read_series, paths)
                from engine.compiled import COMPILED, load

                load()
                series = reading.result()
            scanned = scan_series(series, rules, COMPILED)
        for one in scanned:
            _tell_gaps(f"{one.symbol} {one.timeframe.text}", one.gaps)
        seconds = perf_counter() - began
        if as_json:
            print(json.dumps(scan_document(scanned, seconds)))
            return
        for one in scanned:
            print(scan_line(one))
        sent = sum(one.rejected is None for one in scanned)
        print(f"{sent} signals in {len(scanned)} series, {seconds:.2f} s", file=sys.stderr)

    return scan


def _replay(rooms: Rooms) -> Callable[..., None]:
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
        from_ms, to_ms = _range(from_time, to_time)
        rules = _params(params)
        series = _series(files)
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


def _health(rooms: Rooms) -> Callable[..., None]:
    def health(db: Db = None, as_json: AsJson = False, params: ParamsFile = None) -> None:
        """Ask the book how it is: exit code 0 OK, 1 WARN, 2 FAIL."""
        from diagnostics.checks import health_of
        from handlers.cli_health import health_document, health_lines

        path = DEFAULT_DB if db is None else db
        if db is not None and not path.parent.is_dir():
            raise UsageError(f"the directory {path.parent} does not exist.")
        found = health_of(path, rooms.now_ms(), _params(params))
        if as_json:
            print(json.dumps(health_document(found)))
        else:
            print(path)
            for line in health_lines(found):
                print(line)
        raise typer.Exit(found.exit_code)

    return health


def _web(rooms: Rooms) -> Callable[..., None]:
    def web(
        db: Db = None,
        host: Annotated[str, typer.Option("--host", help="Where to listen; not on loopback a token is needed.")] = (
            "127.0.0.1"
        ),
        port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8321,
        params: ParamsFile = None,
    ) -> None:
        """Answer /healthz and Prometheus' /metrics from the book, which is only read; a process of its own."""
        try:
            from handlers.cli_web import serve
        except ModuleNotFoundError as error:
            if error.name not in ("starlette", "uvicorn", "prometheus_client"):
                raise
            raise UsageError(f"`web` needs {error.name}: install onebook[dashboard].") from error

        serve(db, params, host, port, rooms.now_ms, lambda sentence: print(sentence, file=sys.stderr))

    return web


def _doctor(rooms: Rooms) -> Callable[..., None]:
    def doctor(db: Db = None, params: ParamsFile = None, as_json: AsJson = False) -> None:
        """Look the set-up over, with what to do where something is missing: exit code 1 if anything is."""
        from handlers.cli_doctor import document, examined, lines

        findings = examined(db, params, rooms.now_ms)
        print(json.dumps(document(findings)) if as_json else "\n".join(lines(findings)))
        raise typer.Exit(0 if all(found.is_good for found in findings) else EXIT_FINDING)

    return doctor


def _why(rooms: Rooms) -> Callable[..., None]:
    def why(
        signal: Annotated[str, typer.Argument(help="A signal's id, or the beginning of its uid.")],
        files: Annotated[
            list[Path] | None, typer.Argument(help="Candle files, for signals whose candles the book does not hold.")
        ] = None,
        db: Db = None,
        params: NoParams = None,
        chart: Annotated[Path | None, typer.Option("--chart", help="Draw what was seen into this PNG.")] = None,
        end: Annotated[Path | None, typer.Option("--end", help="Draw the path to the close into this PNG.")] = None,
    ) -> None:
        """Explain a signal: candles, findings, levels, contributions, gates, and what became of it."""
        from diagnostics.explain import explain, lines
        from services.chart_requests import candles_for, chart_of_close, chart_of_signal
        from services.charts import ChartError
        from storage.book import Book

        with Book.open_read_only(DEFAULT_DB if db is None else db) as book, book.reading() as view:
            found = explain(view, signal)
            try:
                seen = candles_for(view, found.stored.signal, found.stored.signal.candle_close_ms, files or ())
                text = lines(found, seen.candles, seen.source)
            except ChartError:  # the explanation stands without them, and says so
                text = lines(found)
            for line in text:
                print(line)
            pictures = []
            if chart is not None:
                pictures.append((chart, chart_of_signal(view, found.stored, files or ())))
            if end is not None:
                closed = next((position for position in found.positions if not position.is_open), None)
                if closed is None:
                    raise UsageError(f"signal {signal} has no closed position to draw.")
                pictures.append((end, chart_of_close(view, found.stored, closed, files or ())))
        for path, png in pictures:
            path.write_bytes(png)
            print(f"onebook: drew {path}", file=sys.stderr)

    return why


def _import_legacy(rooms: Rooms) -> Callable[..., None]:
    def import_legacy(
        directory: Annotated[Path, typer.Argument(help="The folder with the older bot's files; they are only read.")],
        db: Db = None,
        params: NoParams = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the receipt, leave nothing behind.")] = False,
        timezone: Annotated[
            str | None, typer.Option("--timezone", help="Zone of naive local times, e.g. Europe/Sofia; UTC without.")
        ] = None,
        candles: Annotated[
            Path | None, typer.Option("--candles", help="Candle files to check imported trades against.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Bring an older bot's history into the book, with a receipt for every record."""
        from engine.vocabulary import BookKind
        from handlers.cli_screen import print_table, progress_bar
        from services.import_legacy import TABLE_HEADER, import_directory, table_rows
        from storage.book import Book
        from storage.legacy_database import move_aside

        if not directory.exists():
            raise UsageError(f"there is no directory {directory}.")
        path, now_ms = DEFAULT_DB if db is None else db, rooms.now_ms()
        if dry_run and not path.exists():
            opened = Book.temporary(BookKind.LIVE, now_ms=now_ms)
        else:
            if not dry_run and (aside := move_aside(path, now_ms)) is not None:
                print(f"onebook: the legacy database {path} was moved aside to {aside}", file=sys.stderr)
            opened = Book.open(path, BookKind.LIVE, now_ms=now_ms)
        with opened as book, progress_bar(quiet=as_json) as progress:
            report = import_directory(
                book,
                directory,
                now_ms=now_ms,
                dry_run=dry_run,
                timezone=timezone,
                candles_dir=candles,
                progress=progress,
            )
        if as_json:
            print(json.dumps(report.as_json()))
        else:
            print_table(TABLE_HEADER, table_rows(report))
            if report.candles is not None:
                for name, value in report.candles.as_json().items():
                    print(f"{name.replace('_', ' '):24} {value}")
        for problem in report.problems:
            print(f"onebook: {problem}", file=sys.stderr)
        raise typer.Exit(report.exit_code)

    return import_legacy


def _report(rooms: Rooms) -> Callable[..., None]:
    def report(
        name: Annotated[str, typer.Argument(metavar="daily|weekly|monthly", help="Which report.")],
        date: Annotated[
            str | None,
            typer.Option("--date", help="A day of the period, ISO date; without it the last one that is over."),
        ] = None,
        chart: Annotated[Path | None, typer.Option("--chart", help="Draw the account's curve into this PNG.")] = None,
        db: Db = None,
        params: NoParams = None,
        as_json: AsJson = False,
    ) -> None:
        """What a day, a week or a month was: signals, results, money, model, protections, machine."""
        from handlers.cli_report import equity_behind, full_document, lines, write
        from handlers.cli_report import report as report_of
        from storage.book import Book

        with Book.open_read_only(DEFAULT_DB if db is None else db) as book, book.reading() as view:
            found = report_of(view, name, date, rooms.now_ms())
            if chart is not None:
                from services.equity_chart import equity_chart

                write(equity_chart(equity_behind(view, found)), chart)
        print(json.dumps(full_document(found)) if as_json else "\n".join(lines(found)))

    return report


def _verify(rooms: Rooms) -> Callable[..., None]:
    def verify(
        db: Db = None,
        export: Annotated[
            Path | None, typer.Option("--export", help="Write the record there as JSON lines for docs/check_record.py.")
        ] = None,
        as_json: AsJson = False,
        params: NoParams = None,
    ) -> None:
        """Check the public record's chain and the book's identities: exit code 1 on a difference."""
        from handlers import cli_verify
        from storage.book import Book

        with Book.open_read_only(DEFAULT_DB if db is None else db) as book, book.reading() as view:
            verified = cli_verify.verify(view)
            if export is not None:
                count = cli_verify.export(view, export)
                print(f"onebook: {count} publications written to {export}", file=sys.stderr)
        if as_json:
            print(json.dumps(cli_verify.document(verified)))
        else:
            print("\n".join(cli_verify.lines(verified)))
        raise typer.Exit(0 if verified.difference is None else EXIT_FINDING)

    return verify


def _backup(rooms: Rooms) -> Callable[..., None]:
    def backup(db: Db = None, as_json: AsJson = False, params: NoParams = None) -> None:
        """Copy the book while the bot runs, check and pack the copy, and try it out: exit code 1 if it is no good."""
        from handlers.cli_backup import made, made_lines

        document = made(DEFAULT_DB if db is None else db, rooms.now_ms())
        print(json.dumps(document) if as_json else "\n".join(made_lines(document)))
        raise typer.Exit(0 if document["problem"] is None else EXIT_FINDING)

    return backup


def _restore(rooms: Rooms) -> Callable[..., None]:
    def restore(
        file: Annotated[Path, typer.Argument(help="A backup, or a copy of a book.")],
        db: Db = None,
        as_json: AsJson = False,
        params: NoParams = None,
    ) -> None:
        """Put a backup in the place of the book, checked first; the present book is kept aside. Stop the bot before."""
        from handlers.cli_backup import restored, restored_lines

        document = restored(file, DEFAULT_DB if db is None else db, rooms.now_ms())
        print(json.dumps(document) if as_json else "\n".join(restored_lines(document)))

    return restore


def _upgrade(rooms: Rooms) -> Callable[..., None]:
    def upgrade(db: Db = None, as_json: AsJson = False, params: NoParams = None) -> None:
        """Bring the book to this program's version: a backup that was tried out first, then every identity asked."""
        from handlers.cli_backup import upgraded, upgraded_lines

        document = upgraded(DEFAULT_DB if db is None else db, rooms.now_ms())
        print(json.dumps(document) if as_json else "\n".join(upgraded_lines(document)))

    return upgrade


def _journal_export(rooms: Rooms) -> Callable[..., None]:
    def export(
        db: Db = None,
        as_csv: Annotated[bool, typer.Option("--csv", help="A table with a header (the default).")] = False,
        json_lines: Annotated[bool, typer.Option("--json-lines", help="One JSON object a line.")] = False,
        book: Annotated[str | None, typer.Option("--book", help="One book: paper, shadow, legacy or real.")] = None,
        out: Annotated[Path | None, typer.Option("--out", help="Write there instead of to stdout.")] = None,
        params: NoParams = None,
    ) -> None:
        """Write every row of the journal as CSV or JSON lines."""
        from handlers.cli_journal import book_named, export, opened
        from storage.book import Book

        if as_csv and json_lines:
            raise UsageError("either --csv or --json-lines, not both.")
        kind = book_named(book)
        with (
            Book.open_read_only(DEFAULT_DB if db is None else db) as opened_book,
            opened_book.reading() as view,
            opened(out) as file,
        ):
            count = export(view, file, kind, json_lines=json_lines)
        if out is not None:
            print(f"onebook: {count} rows written to {out}", file=sys.stderr)

    return export


def _backtest(rooms: Rooms) -> Callable[..., None]:
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
            bool, typer.Option("--model", help="Ask the book's promoted models too, each for the time in which it stood.")
        ] = False,
        walk_forward: Annotated[
            int | None,
            typer.Option("--walk-forward", min=1, help="Judge in folds of so many months, each series a job of its own."),
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
        series, (from_ms, to_ms) = _on_timeframe(_series(files), timeframe), _range(from_time, to_time)
        quiet_times = blackouts_of(blackouts)
        asked = Asked(series, _params(params), from_ms, to_ms, model, walk_forward, jobs, null, quiet_times)
        with contextlib.nullcontext() if walk_forward is None else _on_cluster(cluster):
            document = judged(path, asked, rooms.now_ms, quiet=as_json)
        print(json.dumps(document) if as_json else "\n".join(judged_lines(document)))

    return backtest


def _train(rooms: Rooms) -> Callable[..., None]:
    def train(
        db: Db = None,
        params: ParamsFile = None,
        judge_from: Annotated[
            str | None,
            typer.Option("--judge-from", help="Learn what was decided before, judge on the rest (default: its last quarter)."),
        ] = None,
        report: Annotated[bool, typer.Option("--report", help="Every figure the model was judged by.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge only; store nothing.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Train on what the book holds now: exit code 1 where no model came of it."""
        from engine.vocabulary import BookKind
        from handlers.cli_train import trained_document, trained_lines
        from services.train import Trained, keep, train_apart
        from storage.book import Book

        rules, path = _params(params), DEFAULT_DB if db is None else db
        judge_from_ms = _instant("--judge-from", judge_from)
        outcome = train_apart(path, rules, rooms.now_ms(), judge_from_ms)
        model_id = None
        if isinstance(outcome, Trained) and not dry_run:
            with Book.open(path, BookKind.LIVE, now_ms=rooms.now_ms()) as book, book.transaction() as stores:
                model_id = keep(stores, outcome, "command line")
        document = trained_document(outcome, model_id)
        print(json.dumps(document) if as_json else "\n".join(trained_lines(document, report=report)))
        raise typer.Exit(0 if document["trained"] else EXIT_FINDING)

    return train


def _ml(rooms: Rooms) -> Callable[..., None]:
    def ml(
        db: Db = None,
        params: ParamsFile = None,
        rollback: Annotated[
            int | None, typer.Option("--rollback", help="Let the model with this id act (again); 0 = none, the rules alone.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """How the models stand: which one acts and why, drift, how its promises were kept."""
        from engine.vocabulary import BookKind
        from handlers.cli_train import models_document, models_lines
        from services.model_health import model_health
        from services.train import activate, retire, why_not_due
        from storage.book import Book
        from storage.models import MODEL_NAME

        rules, path, now_ms = _params(params), DEFAULT_DB if db is None else db, rooms.now_ms()
        if rollback is not None:
            with Book.open(path, BookKind.LIVE, now_ms=now_ms) as book, book.transaction() as stores:
                if rollback:
                    activate(stores, rollback, now_ms, "command line")
                else:
                    retire(stores, now_ms, "command line")
        with Book.open_read_only(path) as book, book.reading() as view:
            health = model_health(view, rules, now_ms)
            due = why_not_due(view, rules.learning, now_ms)
            document = models_document(health, view.models.all(MODEL_NAME), due)
        print(json.dumps(document) if as_json else "\n".join(models_lines(document)))

    return ml


def _prove(rooms: Rooms) -> Callable[..., None]:
    def prove(
        file: Annotated[Path, typer.Argument(help="A candle file.")],
        params: ParamsFile = None,
        as_json: AsJson = False,
        db: NoDb = None,
    ) -> None:
        """Try to make the engine rewrite what it said of a file: prefixes, noise, windows, scale, mirror, a cheat."""
        from engine.compiled import COMPILED
        from engine.prove import Proof, prove
        from engine.prove_decisions import prove_decisions
        from engine.reading import read_chart
        from gateways.candle_files import read_file

        candles, rules = read_file(file), _params(params)
        found = prove(candles, rules.detection, COMPILED)
        decided = prove_decisions(candles, rules, lambda bars: read_chart(bars, rules.detection, COMPILED))
        proof = Proof(found.bars, (*found.checks, *decided), found.twin_is_caught)
        document = {
            "bars": proof.bars,
            "compared": proof.compared,
            "rewritten": proof.rewritten,
            "cheating_twin_caught": proof.twin_is_caught,
            "checks": [{"name": c.name, "compared": c.compared, "rewritten": c.rewritten} for c in proof.checks],
        }
        if as_json:
            print(json.dumps(document))
        else:
            for check in proof.checks:
                print(f"{check.name:24} {check.compared:>14,} compared  {check.rewritten:>6,} rewritten")
            print(f"{'all':24} {proof.compared:>14,} compared  {proof.rewritten:>6,} rewritten")
            print("a detector that peeks one bar ahead was " + ("caught" if proof.twin_is_caught else "NOT caught"))
        raise typer.Exit(0 if proof.holds else EXIT_FINDING)

    return prove


def _on_cluster(address: str | None) -> contextlib.AbstractContextManager[None]:
    if address is None:
        return contextlib.nullcontext()
    from gateways.cluster import on_cluster

    return on_cluster(address)


def _series(paths: list[Path]) -> "list[Candles]":
    """The series of files and directories, at least one; gaps are told on stderr."""
    from gateways.candle_files import candle_paths, read_series

    series = read_series([file for path in paths for file in candle_paths(path)])
    for candles in series:
        _tell_gaps(f"{candles.symbol} {candles.timeframe.text}", candles.gaps())
    return series


def _tell_gaps(name: str, gaps: tuple[tuple[int, int], ...]) -> None:
    if gaps:
        missing = sum(count for _, count in gaps)
        holes = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
        print(f"onebook: {name} has {holes}, {missing} candles missing", file=sys.stderr)


def _params(path: Path | None) -> "Params":
    from handlers.params_file import read_params

    return read_params(path)


def _json_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no JSON object.")
    return document


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


def _range(from_time: str | None, to_time: str | None) -> tuple[int | None, int | None]:
    from_ms, to_ms = _instant("--from", from_time), _instant("--to", to_time)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise UsageError("--from lies at or after --to.")
    return from_ms, to_ms


def _instant(option: str, text: str | None) -> int | None:
    """Epoch ms of an ISO date (00:00) or time, UTC where it names no zone."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} takes an ISO date or time such as 2024-02-01, not {text!r}.") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return int(instant.timestamp() * 1000)
