"""`journal export` gives every row once, the same in CSV and JSON lines."""

import csv
import io
import json
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from storage.book import Book
from tests.handlers.test_cli import onebook, sentence
from tests.storage.samples import NOW_MS, SHORT, opened, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        opened(tx, signal_id=recorded(tx))
        recorded(tx, SHORT)
    return tmp_path / "live.db"


def test_csv_and_json_lines_tell_the_same_and_in_the_words_of_the_book(path: Path):
    table = list(csv.DictReader(io.StringIO(onebook("journal", "export", "--db", path).stdout)))
    lines = [
        json.loads(line) for line in onebook("journal", "export", "--json-lines", "--db", path).stdout.splitlines()
    ]

    assert [row["direction"] for row in table] == ["LONG", "SHORT"]
    assert [{name: "" if value is None else str(value) for name, value in line.items()} for line in lines] == table


def test_one_book_alone_and_a_file(path: Path, tmp_path: Path):
    onebook("journal", "export", "--book", "paper", "--out", tmp_path / "paper.csv", "--db", path)

    [row] = csv.DictReader((tmp_path / "paper.csv").read_text().splitlines())
    assert (row["book"], row["symbol"]) == ("paper", "BTCUSDT")
    assert len(onebook("journal", "export", "--book", "legacy", "--db", path).stdout.splitlines()) == 1


def test_what_cannot_be_exported_is_told_in_one_sentence(path: Path):
    assert "known are" in sentence("journal", "export", "--book", "mine", "--db", path)
    assert "either" in sentence("journal", "export", "--csv", "--json-lines", "--db", path)
