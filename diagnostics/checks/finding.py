"""What a check is and what it answers: a finding a person can act on, and the health that many of them make."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from diagnostics.checks.place import Place
from engine.params import Params
from engine.vocabulary import BookKind
from services.model_health import ModelHealth, model_health
from services.verify import Truths, truths
from storage.health import SeriesState, series_states
from storage.job_runs import JobRun
from storage.pulse import Pulse, pulse_of
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

    @property
    def is_ill(self) -> bool:
        return self in (Status.WARN, Status.FAIL)


EXIT_CODES = {Status.OK: 0, Status.IDLE: 0, Status.WARN: 1, Status.FAIL: 2}
ORDER = (Status.OK, Status.IDLE, Status.WARN, Status.FAIL)


@dataclass(frozen=True)
class Asked:
    """What a check may look at: one consistent view of the book, the instant, the parameters in force, and its `place`.

    `place` is what the disk says around the book's file, None where nobody looked. What several checks need is asked
    once.
    """

    view: Stores
    now_ms: int
    params: Params
    place: Place | None = None

    @cached_property
    def is_live(self) -> bool:
        return self.view.meta.kind() is BookKind.LIVE

    @cached_property
    def pulse(self) -> Pulse | None:
        return pulse_of(self.view.meta)

    def of_wall_ms(self, ms: int) -> int:
        """As much of the book's time as passes in `ms` of the wall's: a network is no faster in a rehearsal."""
        return ms if self.pulse is None else round(ms * self.pulse.speed)

    @cached_property
    def series(self) -> tuple[SeriesState, ...]:
        return series_states(self.view, self.params.window.window_bars)

    @cached_property
    def runs(self) -> tuple[JobRun, ...]:
        return self.view.job_runs.last_of_each()

    @cached_property
    def model(self) -> ModelHealth:
        return model_health(self.view, self.params, self.now_ms)

    @cached_property
    def truths(self) -> Truths:
        return truths(self.view, self.params, self.now_ms)


@dataclass(frozen=True, slots=True)
class Said:
    """A check's answer: what it met and what that means; `limit` where it is not the table's, `since_ms` where known."""

    status: Status
    value: str
    detail: str
    limit: str | None = None
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table: what is looked at, what is allowed, what to do when it is ill, and the question itself.

    A check of `every_book` is asked of replay and demo books, too; a `slow` one may need a look through many rows.
    """

    name: str
    looks_at: str
    limit: str
    remedy: str
    ask: Callable[[Asked], Said]
    every_book: bool = False
    slow: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding: what was met, what is allowed, what it means, since when (epoch ms, None: unknown), and what to do.

    `remedy` is empty where there is nothing to do.
    """

    name: str
    status: Status
    value: str
    limit: str
    detail: str
    since_ms: int | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """All findings; the status is the worst of them."""

    checks: tuple[CheckResult, ...]

    @property
    def status(self) -> Status:
        worst = max((check.status for check in self.checks), key=lambda status: status.rank, default=Status.OK)
        return Status.OK if worst is Status.IDLE else worst

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

    @property
    def worst_first(self) -> tuple[CheckResult, ...]:
        return tuple(sorted(self.checks, key=lambda check: check.status.rank, reverse=True))


def some(names: tuple[str, ...], shown: int = 3) -> str:
    """The first few of many names."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
