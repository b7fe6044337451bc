"""The commands of learning: train now, and see or set which model acts."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from handlers.cli.options import DEFAULT_DB, EXIT_FINDING, AsJson, Db, ParamsFile, Rooms, instant_of, params_in


def train_command(rooms: Rooms) -> Callable[..., None]:
    def train(
        db: Db = None,
        params: ParamsFile = None,
        judge_from: Annotated[
            str | None,
            typer.Option(
                "--judge-from", help="Learn what was decided before, judge on the rest (default: its last quarter)."
            ),
        ] = None,
        report: Annotated[bool, typer.Option("--report", help="Every figure the model was judged by.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge only; store nothing.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Train on what the book holds now: exit code 1 where no model came of it."""
        from engine.vocabulary import BookKind
        from handlers.cli_train import trained_document, trained_lines
        from services.train import Trained, keep, train_apart
        from storage.book import Book

        rules, path = params_in(params), DEFAULT_DB if db is None else db
        judge_from_ms = instant_of("--judge-from", judge_from)
        outcome = train_apart(path, rules, rooms.now_ms(), judge_from_ms)
        model_id = None
        if isinstance(outcome, Trained) and not dry_run:
            with Book.open(path, BookKind.LIVE, now_ms=rooms.now_ms()) as book, book.transaction() as stores:
                model_id = keep(stores, outcome, "command line")
        document = trained_document(outcome, model_id)
        print(json.dumps(document) if as_json else "\n".join(trained_lines(document, report=report)))
        raise typer.Exit(0 if document["trained"] else EXIT_FINDING)

    return train


def ml_command(rooms: Rooms) -> Callable[..., None]:
    def ml(
        db: Db = None,
        params: ParamsFile = None,
        rollback: Annotated[
            int | None,
            typer.Option("--rollback", help="Let the model with this id act (again); 0 = none, the rules alone."),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """How the models stand: which one acts and why, drift, how its promises were kept."""
        from engine.vocabulary import BookKind
        from handlers.cli_train import models_document, models_lines
        from services.model_health import model_health
        from services.train import activate, retire, why_not_due
        from storage.book import Book
        from storage.models import MODEL_NAME

        rules, path, now_ms = params_in(params), DEFAULT_DB if db is None else db, rooms.now_ms()
        if rollback is not None:
            with Book.open(path, BookKind.LIVE, now_ms=now_ms) as book, book.transaction() as stores:
                if rollback:
                    activate(stores, rollback, now_ms, "command line")
                else:
                    retire(stores, now_ms, "command line")
        with Book.open_read_only(path) as book, book.reading() as view:
            health = model_health(view, rules, now_ms)
            due = why_not_due(view, rules.learning, now_ms)
            document = models_document(health, view.models.all(MODEL_NAME), due)
        print(json.dumps(document) if as_json else "\n".join(models_lines(document)))

    return ml
