"""The commands of `python bot.py`: arguments in, JSON or readable text out, one clear sentence when something is wrong.

Here and in the modules beside are signatures; what a command does and prints stands in `handlers/cli_*.py`. Imports
that cost start-up time are made inside the commands that need them (DESIGN 5, CLI).
"""

import functools
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from handlers.cli import asking, history, keeping, learning, looking, running
from handlers.cli.options import EXIT_USAGE, Rooms
from storage.errors import BookError

__all__ = ["Rooms", "build"]

P = ParamSpec("P")


def build(rooms: Rooms) -> typer.Typer:
    """The command line over `rooms`."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Onebook: ICT signals on closed candles, followed to their end, in one SQLite book.",
    )
    for name, command in (
        ("demo", running.demo_command),
        ("run", running.run_command),
        ("detect", looking.detect_command),
        ("conformance", looking.conformance_command),
        ("scan", looking.scan_command),
        ("replay", history.replay_command),
        ("health", asking.health_command),
        ("web", running.web_command),
        ("why", asking.why_command),
        ("doctor", asking.doctor_command),
        ("report", asking.report_command),
        ("verify", asking.verify_command),
        ("backup", keeping.backup_command),
        ("restore", keeping.restore_command),
        ("upgrade", keeping.upgrade_command),
        ("train", learning.train_command),
        ("ml", learning.ml_command),
        ("backtest", history.backtest_command),
        ("import-legacy", keeping.import_legacy_command),
        ("prove", looking.prove_command),
    ):
        app.command(name)(_in_one_sentence(command(rooms)))
    journal = typer.Typer(no_args_is_help=True, help="The journal: every signal and what became of it.")
    journal.command("export")(_in_one_sentence(asking.journal_export_command(rooms)))
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
