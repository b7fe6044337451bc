"""Checks over the book: each asks tables, never a log, and gives one finding a person can act on."""

from diagnostics.checks import learning, pipeline
from diagnostics.checks.finding import Asked, Check, CheckResult, Health, Status
from engine.params import Params
from storage.identities import Identity, identities, integrity
from storage.stores import Stores

__all__ = ["CHECKS", "CheckResult", "Health", "Status", "no_book", "run_checks"]

CHECKS: tuple[Check, ...] = (*pipeline.CHECKS, *learning.CHECKS)
NAMES_WITHOUT_A_BOOK = (*pipeline.NAMES, *learning.NAMES)


def run_checks(view: Stores, now_ms: int, params: Params | None = None) -> Health:
    """Every check of the table on one consistent view of the book; `params` are those in force, else the defaults."""
    asked = Asked(view, now_ms, params or Params())
    truths = (*integrity(view), *identities(view))
    return Health((*(check(asked) for check in CHECKS), *(_of_identity(truth) for truth in truths)))


def no_book(path: str) -> Health:
    """The health of a path without a book: nothing is wrong, nothing is there."""
    detail = f"there is no book at {path} yet"
    return Health(tuple(CheckResult(name, Status.IDLE, "-", "-", detail) for name in NAMES_WITHOUT_A_BOOK))


def _of_identity(identity: Identity) -> CheckResult:
    status = Status.OK if identity.holds else Status.FAIL
    return CheckResult(identity.name, status, identity.value, identity.limit, identity.detail or "holds")
