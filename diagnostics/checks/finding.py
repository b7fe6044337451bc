"""What a check answers: a finding a person can act on, and the health that many of them make."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from engine.params import Params
from storage.stores import Stores


class Status(Enum):
    OK = "OK"
    IDLE = "IDLE"
    WARN = "WARN"
    FAIL = "FAIL"

    @property
    def rank(self) -> int:
        """0 for the best, growing to the worst."""
        return ORDER.index(self)


EXIT_CODES = {Status.OK: 0, Status.IDLE: 0, Status.WARN: 1, Status.FAIL: 2}
ORDER = (Status.OK, Status.IDLE, Status.WARN, Status.FAIL)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's answer: what it met, what it allows, and in `detail` what it means or what to do."""

    name: str
    status: Status
    value: str
    limit: str
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """All checks; the status is the worst of them."""

    checks: tuple[CheckResult, ...]

    @property
    def status(self) -> Status:
        worst = max((check.status for check in self.checks), key=lambda status: status.rank, default=Status.OK)
        return Status.OK if worst is Status.IDLE else worst

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a check may look at: one consistent view of the book, the instant, and the parameters in force."""

    view: Stores
    now_ms: int
    params: Params


Check = Callable[[Asked], CheckResult]
