"""Kills a piece of work at every boundary of its transactions in turn, and sees it come to the same end each time.

The boundaries are counted by running the work once with a fault that only watches; then each is met by a process of its
own, on a fresh copy of the folder, and that process dies there of SIGKILL. What it leaves must be true, and the work
begun again on it must leave what the untouched run left.
"""

import re
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from storage.backup import damage
from storage.book import Book
from storage.database import Fault, Moment
from storage.errors import MissingBook, OlderBook
from storage.identities import identities, integrity
from tests.storage.crashing import FORK, in_child, kill_process

_WRITES = re.compile(r"^\s*(?:INSERT\b.*?\bINTO|UPDATE(?: OR IGNORE)?|DELETE FROM|CREATE(?: UNIQUE)?) +(\w+)", re.S)
_CLOSES = "UPDATE positions SET status='CLOSED'"
STEP = "step "
"""How a step that is no statement (a file written, a name given) is told to a fault."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place to die at: before a BEGIN, before or after a COMMIT, after a statement, before a step of files.

    `writes` are the tables of its transaction, with `close` among them where a position is closed.
    """

    moment: Moment
    at: str
    writes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Work:
    """What is killed: `run` does it in a folder, with a fault or undisturbed, again after a kill too.

    `wrong` says what is not as the untouched run left it, and `book` is the file that must be true at any time.
    """

    run: Callable[[Path, Fault | None], None]
    again: Callable[[Path], None]
    wrong: Callable[[Path, Path], list[str]]
    book: str
    every_statement: bool = False


class Watcher:
    """A fault that does nothing and keeps every boundary it meets."""

    def __init__(self, *, every_statement: bool) -> None:
        self._every_statement = every_statement
        self._met: list[tuple[Moment, str, int]] = []
        self._writes: list[set[str]] = [set()]

    def __call__(self, moment: Moment, sql: str) -> None:
        if moment is Moment.BEFORE and sql.startswith("BEGIN"):
            self._writes.append(set())
        if found := _WRITES.match(sql):
            self._writes[-1].add(found[1])
        if sql.startswith(_CLOSES):
            self._writes[-1].add("close")
        if is_boundary(moment, sql, every_statement=self._every_statement):
            self._met.append((moment, sql.split("(")[0][:40], len(self._writes) - 1))

    def boundaries(self) -> list[Boundary]:
        return [Boundary(moment, sql, frozenset(self._writes[number])) for moment, sql, number in self._met]


class KillAt:
    """A fault that ends the process at the n-th boundary."""

    def __init__(self, number: int, *, every_statement: bool) -> None:
        self._left = number
        self._every_statement = every_statement

    def __call__(self, moment: Moment, sql: str) -> None:
        if not is_boundary(moment, sql, every_statement=self._every_statement):
            return
        if self._left == 0:
            kill_process()
        self._left -= 1


def is_boundary(moment: Moment, sql: str, *, every_statement: bool) -> bool:
    if sql.startswith(("BEGIN", STEP)):
        return moment is Moment.BEFORE
    return sql == "COMMIT" or (every_statement and moment is Moment.AFTER and not sql.startswith("SELECT"))


def boundaries_of(work: Work, folder: Path) -> list[Boundary]:
    """Do the work undisturbed, in a process of its own, and return every boundary on its way."""
    ours, theirs = FORK.Pipe(duplex=False)

    def watched() -> None:
        watcher = Watcher(every_statement=work.every_statement)
        work.run(folder, watcher)
        theirs.send(watcher.boundaries())

    child = FORK.Process(target=watched)
    child.start()
    theirs.close()
    found: list[Boundary] = ours.recv()
    child.join()
    assert child.exitcode == 0
    return found


def killed_everywhere(work: Work, before: Path, whole: Path, scratch: Path, chosen: Iterable[int]) -> list[str]:
    """Kill the work at the chosen ones of its boundaries, each time begun on a copy of `before`; what was not right.

    `whole` is where the untouched work ended.
    """
    wrong: list[str] = []
    for number in chosen:
        folder = scratch / f"killed at {number}"
        shutil.copytree(before, folder)
        exitcode = in_child(work.run, folder, KillAt(number, every_statement=work.every_statement))
        if exitcode != -signal.SIGKILL:
            wrong.append(f"{number}: ended with {exitcode} instead of being killed")
        found = untrue(folder / work.book)
        if in_child(work.again, folder) != 0:
            found.append("it could not be begun again")
        found += untrue(folder / work.book)
        found += work.wrong(whole, folder)
        wrong += [f"{number}: {one}" for one in found]
        if not found:
            shutil.rmtree(folder)
    return wrong


def untrue(path: Path) -> list[str]:
    """What does not hold of the book at this path; of one that is not made or not migrated yet, whether it is sound."""
    if not path.exists() or not path.stat().st_size:
        return []
    if (found := damage(path)) is not None:
        return [found]
    try:
        book = Book.open_read_only(path)
    except (MissingBook, OlderBook):
        return []
    with book, book.reading() as view:
        truths = (*identities(view), *integrity(view))
        return [f"{truth.name}: {truth.value} {truth.detail}" for truth in truths if not truth.holds]
