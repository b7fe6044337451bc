"""A fault that strikes once it is armed, for tests of what a transaction leaves behind."""

from storage.database import Moment


class Struck(Exception):
    """What the fault raises in the middle of a transaction."""


class StrikeAfter:
    """A fault that, once armed, strikes after so many statements."""

    def __init__(self) -> None:
        self.statements_left: int | None = None

    def __call__(self, moment: Moment, sql: str) -> None:
        if self.statements_left is None or moment is Moment.BEFORE:
            return
        if sql == "COMMIT":  # what is committed is done, whatever happens then
            self.statements_left = None
            return
        if self.statements_left == 0:
            self.statements_left = None
            raise Struck
        self.statements_left -= 1
