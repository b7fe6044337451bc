"""The command line's terminal: progress bars and tables, quiet where nobody watches."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

WIDE_COLUMNS = 200
"""Width of a table that goes into a file or a pipe."""


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, fed with (what, done, total); silent where nobody watches."""
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    with Progress(console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal, or as it needs where nobody watches."""
    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    wide = None if sys.stdout.isatty() else WIDE_COLUMNS
    Console(width=wide).print(table)
