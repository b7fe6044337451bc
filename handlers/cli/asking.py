"""The commands that ask a book: how it is, what it holds, and whether that is true."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from handlers.cli.options import (
    DEFAULT_DB,
    EXIT_FINDING,
    AsJson,
    Db,
    NoParams,
    ParamsFile,
    Rooms,
    UsageError,
    params_in,
)


def health_command(rooms: Rooms) -> Callable[..., None]:
    def health(db: Db = None, as_json: AsJson = False, params: ParamsFile = None) -> None:
        """Ask the book how it is: exit code 0 OK, 1 WARN, 2 FAIL."""
        from diagnostics.checks import health_of
        from handlers.cli_health import health_document, health_lines

        path = DEFAULT_DB if db is None else db
        if db is not None and not path.parent.is_dir():
            raise UsageError(f"the directory {path.parent} does not exist.")
        found = health_of(path, rooms.now_ms(), params_in(params))
        if as_json:
            print(json.dumps(health_document(found)))
        else:
            print(path)
            for line in health_lines(found):
                print(line)
        raise typer.Exit(found.exit_code)

    return health


def doctor_command(rooms: Rooms) -> Callable[..., None]:
    def doctor(db: Db = None, params: ParamsFile = None, as_json: AsJson = False) -> None:
        """Look the set-up over, with what to do where something is missing: exit code 1 if anything is."""
        from handlers.cli_doctor import document, examined, lines

        findings = examined(db, params, rooms.now_ms)
        print(json.dumps(document(findings)) if as_json else "\n".join(lines(findings)))
        raise typer.Exit(0 if all(found.is_good for found in findings) else EXIT_FINDING)

    return doctor


def why_command(rooms: Rooms) -> Callable[..., None]:
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


def report_command(rooms: Rooms) -> Callable[..., None]:
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


def verify_command(rooms: Rooms) -> Callable[..., None]:
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


def journal_export_command(rooms: Rooms) -> Callable[..., None]:
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
