"""`train` and `ml` at the command line: figures, sentences, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.vocabulary import BookKind
from handlers.cli import Rooms, build
from storage.book import Book
from tests.services.test_train import NOW_MS, with_backtest

RIVALS = {"base rate", "confidence alone", "shuffled labels"}


def run(db: Path, *words: str) -> tuple[int, str]:
    app = build(Rooms(now_ms=lambda: NOW_MS, run_live=lambda db, params: 0))
    result = CliRunner().invoke(app, [*words, "--db", str(db)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with a backtest that can be learned from."""
    path = tmp_path_factory.mktemp("cli") / "positions.db"
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
        with_backtest(book)
    return path


def test_a_report_names_every_figure_and_every_rival(taught: Path):
    code, out = run(taught, "train", "--report")

    assert code == 0
    for word in (*RIVALS, "Brier", "log-loss", "skill", "ECE", "decile", "expectancy", "promoted", "weight"):
        assert word in out


def test_the_document_carries_the_judgement_and_the_acting_model_is_listed(taught: Path):
    code, out = run(taught, "train", "--json", "--dry-run")
    document = json.loads(out)

    assert code == 0
    assert document["model"] is None
    assert set(document["judgements"]) - {"active model"} == {"model", *RIVALS}
    assert len(document["judgements"]["model"]["deciles"]) == 10

    code, out = run(taught, "ml", "--json")
    models = json.loads(out)
    assert code == 0
    assert models["active"] == models["models"][-1]["id"]
    assert models["not_due"].startswith("trained 0.0 days ago")


def test_no_model_can_be_asked_to_act_that_nobody_trained(taught: Path):
    code, out = run(taught, "ml", "--rollback", "99")

    assert code == 2
    assert out == "onebook: There is no model 99.\n"


def test_the_rules_can_be_left_alone_and_the_model_called_back(taught: Path):
    assert run(taught, "ml", "--rollback", "0")[1].startswith("No model acts; the rules decide alone.")
    assert run(taught, "ml", "--rollback", "1")[1].startswith("Model 1 acts.")


def test_a_book_without_labels_gives_a_sentence_and_exit_code_1(tmp_path: Path):
    path = tmp_path / "positions.db"
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()

    assert run(path, "train") == (1, "No model: Training needs 50 labelled trades, has 0.\n")
    assert run(path, "ml")[1].startswith("No model was trained yet; the rules decide alone.")


def test_a_path_without_a_book_is_a_sentence(tmp_path: Path):
    code, out = run(tmp_path / "nothing.db", "train")

    assert code == 1
    assert out.startswith("No model: There is no book at ")
    assert not (tmp_path / "nothing.db").exists()
