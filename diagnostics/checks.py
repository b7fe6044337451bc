"""Checks over the book: each asks tables, never a log, and gives one finding a person can act on."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind
from services.position_manager import FOLLOWED_KINDS
from storage.identities import Identity, identities, integrity
from storage.job_runs import JobStatus
from storage.stores import Stores

STALE_AFTER_BARS = 2
LATE_AFTER_MS = 10 * MINUTE_MS
SETTLE_LATE_MS = 10 * MINUTE_MS
WAITING_AFTER_MS = 5 * MINUTE_MS


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


Check = Callable[[Stores, int], CheckResult]


def kind(view: Stores, now_ms: int) -> CheckResult:
    word = view.meta.kind().value
    return CheckResult("book", Status.OK, word, "live, replay or demo", f"a {word} book")


def candles(view: Stores, now_ms: int) -> CheckResult:
    """The newest candle of every live series is at most two bars old."""
    if view.meta.kind() is not BookKind.LIVE:
        return CheckResult("candles", Status.IDLE, "-", "-", "only a live book is fed")
    series = view.candles.series()
    if not series:
        return CheckResult("candles", Status.IDLE, "0 series", "-", "no series was fetched yet")
    stale = []
    for one in series:
        timeframe = Timeframe.parse(one.timeframe)
        age_ms = now_ms - (one.last_open_ms + timeframe.ms if one.last_open_ms is not None else 0)
        if timeframe is not Timeframe.M1 and age_ms > STALE_AFTER_BARS * timeframe.ms:
            stale.append(f"{one.symbol} {one.timeframe}")
    if stale:
        return CheckResult(
            "candles", Status.FAIL, f"{len(stale)} stale", f"{STALE_AFTER_BARS} bars", ", ".join(stale[:3])
        )
    return CheckResult("candles", Status.OK, f"{len(series)} series", f"{STALE_AFTER_BARS} bars", "all fresh")


def jobs(view: Stores, now_ms: int) -> CheckResult:
    """The last run of every job ended well."""
    runs = view.job_runs.last_of_each()
    if not runs:
        return CheckResult("jobs", Status.IDLE, "none ran", "-", "the bot was not started on this book")
    bad = [run for run in runs if run.status in (JobStatus.FAILED, JobStatus.ABANDONED)]
    late = [
        run
        for run in runs
        if run.status is JobStatus.STARTED and now_ms - (run.started_ms or run.slot_ms) > LATE_AFTER_MS
    ]
    if bad or late:
        first = (bad + late)[0]
        return CheckResult(
            "jobs",
            Status.FAIL,
            f"{len(bad) + len(late)} bad",
            "0",
            f"{first.job}: {first.detail or first.status.value}",
        )
    return CheckResult("jobs", Status.OK, f"{len(runs)} jobs", "-", "every last run ended well")


def outbox(view: Stores, now_ms: int) -> CheckResult:
    """Nothing waits long, and no send is of unknown end."""
    backlog = view.outbox.backlog()
    age_ms = 0 if backlog.oldest_created_ms is None else now_ms - backlog.oldest_created_ms
    limit = f"{WAITING_AFTER_MS // MINUTE_MS} min"
    if backlog.waiting and age_ms > WAITING_AFTER_MS:
        value = f"{backlog.waiting} waiting, oldest {age_ms // MINUTE_MS} min"
        return CheckResult("outbox", Status.FAIL, value, limit, "messages are not going out")
    if backlog.unknown:
        return CheckResult("outbox", Status.WARN, f"{backlog.unknown} unknown", "0", "sends whose answer never came")
    return CheckResult("outbox", Status.OK, f"{backlog.waiting} waiting", limit, "messages go out")


def marks(view: Stores, now_ms: int) -> CheckResult:
    """Every open position that a live book follows was settled lately, and every order past its validity is gone."""
    followed = [view.portfolios.of_kind(kind).id for kind in FOLLOWED_KINDS]
    positions = [position for number in followed for position in view.positions.open_positions(number)]
    if view.meta.kind() is not BookKind.LIVE:
        return CheckResult("positions", Status.IDLE, f"{len(positions)} open", "-", "settled as far as the candles go")
    limit = f"{SETTLE_LATE_MS // MINUTE_MS} min"
    late = [p for p in positions if now_ms - (p.settled_ms or 0) > SETTLE_LATE_MS]
    overdue = [c for c in view.conditions.active() if now_ms - c.valid_until_ms > HOUR_MS]
    if late or overdue:
        value = f"{len(late)} unsettled, {len(overdue)} overdue"
        return CheckResult("positions", Status.FAIL, value, limit, "settlement does not run")
    return CheckResult("positions", Status.OK, f"{len(positions)} open", limit, "all marked")


def looks(view: Stores, now_ms: int) -> CheckResult:
    """A live book was looked at lately: no signal is not the same as not running."""
    last_ms = view.scans.last_look_ms()
    if last_ms is None:
        return CheckResult("scans", Status.IDLE, "none", "-", "no series was looked at yet")
    if view.meta.kind() is BookKind.LIVE and now_ms - last_ms > DAY_MS + HOUR_MS:
        return CheckResult(
            "scans", Status.FAIL, f"{(now_ms - last_ms) // HOUR_MS} h ago", "25 h", "nothing is looked at"
        )
    return CheckResult(
        "scans", Status.OK, f"{max(now_ms - last_ms, 0) // MINUTE_MS} min ago", "25 h", "series are looked at"
    )


CHECKS: tuple[Check, ...] = (kind, candles, jobs, outbox, marks, looks)
NAMES_WITHOUT_A_BOOK = ("book", "candles", "jobs", "outbox", "positions", "scans")


def run_checks(view: Stores, now_ms: int) -> Health:
    """Every check of the table on one consistent view of the book."""
    truths = (*integrity(view), *identities(view))
    return Health((*(check(view, now_ms) for check in CHECKS), *(_of_identity(truth) for truth in truths)))


def no_book(path: str) -> Health:
    """The health of a path without a book: nothing is wrong, nothing is there."""
    detail = f"there is no book at {path} yet"
    return Health(tuple(CheckResult(name, Status.IDLE, "-", "-", detail) for name in NAMES_WITHOUT_A_BOOK))


def _of_identity(identity: Identity) -> CheckResult:
    status = Status.OK if identity.holds else Status.FAIL
    return CheckResult(identity.name, status, identity.value, identity.limit, identity.detail or "holds")
