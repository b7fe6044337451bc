"""A training: rows of the book in, a judged model out; in a process of its own with a bound on time and memory.

The worker reads the book and never writes it; what it came to is stored by the caller, in one transaction.
"""

import importlib
import multiprocessing
import resource
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from engine.params import LearningParams, Params
from engine.timeframes import DAY_MS
from storage.book import Book
from storage.errors import BookError
from storage.events import EventType
from storage.models import MODEL_NAME, NewModel
from storage.stores import Stores

MEGABYTE = 1_000_000
PICKS_UP_S = 5.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A training that gave no model, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its judgement, as it is stored; it acts only if `promoted`."""

    model: NewModel
    promoted: bool


Outcome = Refused | Trained


def train_apart(
    path: Path, params: Params, now_ms: int, judge_from_ms: int | None = None, seed: int | None = None
) -> Outcome:
    """Train on the book in a spawned process, which alone loads what that needs (`services.training.train_book`).

    A training that takes too long or too much memory, or dies, is ended and says so.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    worker = context.Process(
        target=_work, args=(theirs, path, params, now_ms, judge_from_ms, seed), name="training", daemon=True
    )
    worker.start()
    theirs.close()
    try:
        if not ours.poll(params.learning.timeout_s):
            return Refused(f"The training took more than {params.learning.timeout_s} s and was ended.")
        outcome: Outcome = ours.recv()
        return outcome
    except EOFError:
        worker.join(PICKS_UP_S)
        return Refused(f"The training's process ended with code {worker.exitcode} and no result.")
    finally:
        worker.kill()
        worker.join()
        ours.close()


def _work(answer: Pipe, path: Path, params: Params, now_ms: int, judge_from_ms: int | None, seed: int | None) -> None:
    limit = params.learning.memory_mb * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        with Book.open_read_only(path) as book:
            training = importlib.import_module("services.training")
            answer.send(training.train_book(book, params, now_ms, judge_from_ms, seed))
    except BookError as error:
        answer.send(Refused(str(error)))
    except MemoryError:
        answer.send(Refused(f"The training needed more than {params.learning.memory_mb} MB and was ended."))


def keep(stores: Stores, outcome: Trained, actor: str) -> int:
    """Store a training's model; a promoted one acts from now on. Returns its id."""
    model = outcome.model
    model_id = stores.models.add(model)
    stores.events.add(
        EventType.MODEL_TRAINED, model.trained_ms, actor=actor, message=f"model {model_id}: {model.verdict}"
    )
    if outcome.promoted:
        activate(stores, model_id, model.trained_ms, actor)
    return model_id


class NoSuchModel(ValueError):
    """A model that nobody trained is to act; the message is one sentence."""


def activate(stores: Stores, model_id: int, at_ms: int, actor: str) -> None:
    """Let a stored model act, a new one or an earlier one again; NoSuchModel when there is none."""
    try:
        stores.models.activate(model_id)
    except LookupError as error:
        raise NoSuchModel(str(error)) from error
    stores.events.add(EventType.MODEL_ACTIVATED, at_ms, actor=actor, message=f"model {model_id} acts")


def retire(stores: Stores, at_ms: int, actor: str) -> None:
    """Let no model act: the rules go on alone."""
    stores.models.deactivate(MODEL_NAME)
    stores.events.add(EventType.MODEL_ACTIVATED, at_ms, actor=actor, message="no model acts")


def why_not_due(stores: Stores, params: LearningParams, now_ms: int) -> str | None:
    """Why no training is due; None when one is: the newest is old enough, or enough trades have closed since."""
    newest = next(iter(stores.models.all(MODEL_NAME)), None)
    if newest is None:
        return None
    days = (now_ms - newest.trained_ms) / DAY_MS
    closed = stores.journal.labelled_since(newest.trained_ms)
    if days >= params.train_every_days or closed >= params.train_after_outcomes:
        return None
    return (
        f"trained {days:.1f} days ago, {closed} outcomes since; due after {params.train_every_days} days or"
        f" {params.train_after_outcomes} outcomes"
    )
