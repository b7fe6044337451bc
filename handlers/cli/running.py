"""The commands that run the bot: live, as a demo, and the web process beside it."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from handlers.cli.keeping import import_legacy_command
from handlers.cli.options import DEFAULT_DB, EXIT_FINDING, Db, ParamsFile, Rooms, UsageError, params_in


def demo_command(rooms: Rooms) -> Callable[..., None]:
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

        words, rules = renderer(), params_in(params)
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


def run_command(rooms: Rooms) -> Callable[..., None]:
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
            import_legacy_command(rooms)(Path.cwd(), db=db, params=params)


def web_command(rooms: Rooms) -> Callable[..., None]:
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
