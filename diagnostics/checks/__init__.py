"""Checks over the book: each asks tables, never a log, and gives one finding a person can act on."""

from pathlib import Path

from diagnostics.checks import book, delivery, feed, jobs, learning, machine, positions, reports
from diagnostics.checks.finding import Asked, Check, CheckResult, Health, Said, Status
from diagnostics.checks.place import Place, place_of
from engine.params import Params
from services.rules import in_force
from storage.book import Book
from storage.identities import Identity
from storage.stores import Stores

__all__ = [
    "CHECKS", "CheckResult", "Health", "Place", "Status", "health_of", "no_book", "place_of", "quick_health",
    "run_checks",
]  # fmt: skip

CHECKS: tuple[Check, ...] = (
    *book.CHECKS,
    *feed.CHECKS,
    *jobs.CHECKS,
    *delivery.CHECKS,
    *positions.CHECKS,
    *reports.CHECKS,
    *learning.CHECKS,
    *machine.CHECKS,
)
ONLY_LIVE = Said(Status.IDLE, "-", "only a live book is fed")
BROKEN_BOOK = "stop the bot, then restore a backup: docs/operations.md"


def run_checks(view: Stores, now_ms: int, params: Params | None = None, place: Place | None = None) -> Health:
    """Every check of the table and every identity on one consistent view of the book.

    `params` are those in force, else the defaults; `place` is what the disk says around the book's file.
    """
    asked = Asked(view, now_ms, params or Params(), place)
    answers = (_asked(check, asked) for check in CHECKS)
    return Health((*answers, *(_of_identity(truth) for truth in asked.truths.identities)))


def health_of(path: Path, now_ms: int, params: Params | None = None) -> Health:
    """The health of the book at `path`, with what lies around it; that of an empty book where there is none.

    Raises a BookError where it cannot be read.
    """
    if not path.exists():
        return no_book(str(path))
    with Book.open_read_only(path) as opened, opened.reading() as view:
        return run_checks(view, now_ms, in_force(view, params or Params()), place_of(path))


def quick_health(view: Stores, now_ms: int, params: Params | None = None, place: Place | None = None) -> Health:
    """The checks that answer at once, whatever the size of the book."""
    asked = Asked(view, now_ms, params or Params(), place)
    return Health(tuple(_asked(check, asked) for check in CHECKS if not check.slow))


def no_book(path: str) -> Health:
    """The health of a path without a book: nothing is wrong, nothing is there."""
    detail = f"there is no book at {path} yet"
    return Health(tuple(CheckResult(check.name, Status.IDLE, "-", "-", detail) for check in CHECKS))


def _asked(check: Check, asked: Asked) -> CheckResult:
    said = check.ask(asked) if asked.is_live or check.every_book else ONLY_LIVE
    remedy = check.remedy if said.status.is_ill else ""
    return CheckResult(
        check.name, said.status, said.value, said.limit or check.limit, said.detail, said.since_ms, remedy
    )


def _of_identity(identity: Identity) -> CheckResult:
    if identity.holds:
        return CheckResult(identity.name, Status.OK, identity.value, identity.limit, identity.detail or "holds")
    detail = identity.detail or "does not hold"
    return CheckResult(identity.name, Status.FAIL, identity.value, identity.limit, detail, None, BROKEN_BOOK)
