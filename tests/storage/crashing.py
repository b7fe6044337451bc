"""Ways for a process to end in the middle of a transaction, and children to die in."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from storage.book import Book
from storage.database import DatabaseError, Moment
from storage.errors import BusyBook
from storage.stores import Stores

FORK = multiprocessing.get_context("fork")


class Crash(Exception):
    """What a crash test raises inside a transaction."""


class CrashAt:
    """A fault that strikes after the n-th statement; `struck` says whether it came that far."""

    def __init__(self, statement: int, strike: Callable[[], None]) -> None:
        self.struck = False
        self._statements_left = statement
        self._strike = strike

    def __call__(self, moment: Moment, sql: str) -> None:
        if self.struck or moment is Moment.BEFORE:
            return
        if self._statements_left == 0:
            self.struck = True
            self._strike()
        self._statements_left -= 1


class Trouble:
    """A fault that refuses every commit with one of SQLite's codes while it is on; `struck` counts the refusals."""

    def __init__(self, code: int, is_on: Callable[[], bool]) -> None:
        self.struck = 0
        self._code = code
        self._is_on = is_on

    def __call__(self, moment: Moment, sql: str) -> None:
        if sql == "COMMIT" and moment is Moment.BEFORE and self._is_on():
            self.struck += 1
            error = DatabaseError("refused by a test")
            error.sqlite_errorcode = self._code
            raise error


class BusyAtFirst:
    """A book that is busy whenever it is asked for the first few times."""

    def __init__(self, book: Book, times: int) -> None:
        self.left = times
        self._book = book

    @contextmanager
    def transaction(self) -> Iterator[Stores]:
        self._refuse()
        with self._book.transaction() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Stores]:
        self._refuse()
        with self._book.reading() as view:
            yield view

    def _refuse(self) -> None:
        if self.left:
            self.left -= 1
            raise BusyBook("the book is busy")


def raise_crash() -> None:
    raise Crash


def kill_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[..., Any], *arguments: object) -> int:
    """The exit code of a child process that did `work`; negative when a signal ended it."""
    child = FORK.Process(target=work, args=arguments)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode
