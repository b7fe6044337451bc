"""The commands that keep a book safe, bring it up to date, and bring in what older bots left."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from handlers.cli.options import DEFAULT_DB, EXIT_FINDING, AsJson, Db, NoParams, Rooms, UsageError


def backup_command(rooms: Rooms) -> Callable[..., None]:
    def backup(db: Db = None, as_json: AsJson = False, params: NoParams = None) -> None:
        """Copy the book while the bot runs, check and pack the copy, and try it out: exit code 1 if it is no good."""
        from handlers.cli_backup import made, made_lines

        document = made(DEFAULT_DB if db is None else db, rooms.now_ms())
        print(json.dumps(document) if as_json else "\n".join(made_lines(document)))
        raise typer.Exit(0 if document["problem"] is None else EXIT_FINDING)

    return backup


def restore_command(rooms: Rooms) -> Callable[..., None]:
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


def upgrade_command(rooms: Rooms) -> Callable[..., None]:
    def upgrade(db: Db = None, as_json: AsJson = False, params: NoParams = None) -> None:
        """Bring the book to this program's version: a backup that was tried out first, then every identity asked."""
        from handlers.cli_backup import upgraded, upgraded_lines

        document = upgraded(DEFAULT_DB if db is None else db, rooms.now_ms())
        print(json.dumps(document) if as_json else "\n".join(upgraded_lines(document)))

    return upgrade


def import_legacy_command(rooms: Rooms) -> Callable[..., None]:
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
