"""`verify` and the stand-alone checker: whatever is changed in the record is found, by both."""

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vocabulary import BookKind
from storage.book import Book
from storage.publications import GENESIS
from tests.handlers.test_cli import document, onebook, sentence
from tests.services.books import candles_of
from tests.services.published import BACK_TO_ENTRY, FILL, FIRST_TARGET, Desk, followed
from tests.storage.samples import LONG, NOW_MS
from tests.storage.test_publications import tamper

CHECKER = Path(__file__).resolve().parents[2] / "docs" / "check_record.py"
difference = runpy.run_path(str(CHECKER))["difference"]


def published(path: Path) -> Book:
    """A book whose channel was told of two signals from their posts to their ends."""
    book = Book.open(path, BookKind.LIVE, now_ms=NOW_MS)
    with book.transaction() as tx:
        desk = Desk(tx)
        for symbol in ("BTCUSDT", "ПРОБА"):
            rows = candles_of([FILL, FIRST_TARGET, BACK_TO_ENTRY], symbol)
            followed(tx, desk, rows, replace(LONG, symbol=symbol))
    return book


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with published(tmp_path / "live.db") as book:
        yield book


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("record")
    published(folder / "live.db").close()
    onebook("verify", "--db", folder / "live.db", "--export", folder / "record.jsonl")
    return (folder / "record.jsonl").read_bytes()


def hashes(export: bytes) -> list[str]:
    return [json.loads(line)["hash"] for line in export.splitlines()]


def test_a_book_whose_record_holds_says_so_with_its_head(book: Book):
    found = document("verify", "--json", "--db", book.path)

    with book.reading() as view:
        assert (found["publications"], found["head"]) == (10, view.publications.head())
    assert (found["holds"], found["difference"]) == (True, None)
    assert all(truth["holds"] for truth in found["checks"])


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE publications SET at_ms=at_ms-60000 WHERE seq=4", "one unbroken chain: publication 4"),
        ("DELETE FROM publications WHERE seq=5", "one unbroken chain: publication 6"),
        ("UPDATE positions SET r_multiple=r_multiple+1", "the record says what the book holds: publication 5"),
        ("UPDATE signals SET stop_loss=99 WHERE id=1", "the record says what the book holds: publication 1"),
        ("UPDATE signals SET entry=101 WHERE id=2", "the record says what the book holds: publication 6"),
        ("UPDATE positions SET qty=qty*2 WHERE id=1", "every closed position was closed whole: position 1"),
    ],
)
def test_the_first_difference_ends_in_exit_code_1(book: Book, sql: str, said: str):
    tamper(book, sql)

    assert said in document("verify", "--json", "--db", book.path, code=1)["difference"]


def test_people_read_every_truth_and_the_head(book: Book):
    said = onebook("verify", "--db", book.path)

    assert said.exit_code == 0
    assert "the public record is one unbroken chain" in said.stdout
    assert said.stdout.endswith("all of it holds\n")


def test_a_path_without_a_book_or_a_place_to_write_is_told_in_one_sentence(book: Book, tmp_path: Path):
    assert "no book" in sentence("verify", "--db", tmp_path / "none.db")
    assert "cannot be written" in sentence("verify", "--db", book.path, "--export", tmp_path / "none" / "record")


def test_an_export_is_whole_and_every_head_that_ever_stood_in_a_post_is_in_it(export: bytes):
    assert difference(export, [head[:8] for head in ["0" * 64, *hashes(export)]]) is None


def test_the_checker_runs_by_itself_and_ends_in_1_on_a_difference(export: bytes, tmp_path: Path):
    file = tmp_path / "record.jsonl"

    def checked(*heads: str) -> tuple[int, str]:
        command = [sys.executable, "-I", str(CHECKER), str(file), *heads]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    file.write_bytes(export)
    assert checked(hashes(export)[-1]) == (0, "the record is whole\n")
    file.write_bytes(export.replace(b"103.0", b"104.0", 1))
    assert checked() == (1, "line 1 is not what was published there\n")


def changed(data: st.DataObject, export: bytes) -> bytes:
    """The export with a byte changed, put in or taken out, or its lines taken out, doubled, swapped or cut off."""
    lines = export.splitlines(keepends=True)
    at, line = data.draw(st.integers(0, len(export) - 1)), data.draw(st.integers(0, len(lines) - 1))
    other, byte = data.draw(st.integers(0, len(lines) - 1)), bytes([data.draw(st.integers(0, 255))])
    swapped = list(lines)
    swapped[line], swapped[other] = swapped[other], swapped[line]
    return data.draw(
        st.sampled_from(
            [
                export[:at] + byte + export[at + 1 :],
                export[:at] + byte + export[at:],
                export[:at] + export[at + 1 :],
                export[:at],
                b"".join(lines[:line] + lines[line + 1 :]),
                b"".join(lines[: line + 1] + lines[line:]),
                b"".join(lines[:line]),
                b"".join(swapped),
            ]
        )
    )


@settings(max_examples=800, deadline=None)
@given(st.data())
def test_whatever_is_changed_in_an_export_the_checker_notices(export: bytes, data: st.DataObject):
    tampered = changed(data, export)

    assert (difference(tampered, [hashes(export)[-1]]) is None) == (tampered == export)


def test_a_row_written_anew_with_a_fitting_hash_breaks_the_one_after_it(book: Book):
    with book.reading() as view:
        rows = list(view.publications.rows())
    forged = replace(rows[3], at_ms=rows[3].at_ms - 1)
    forged = replace(forged, hash=forged.expected_hash())

    lines = [row.line.encode() + b"\n" for row in rows]
    lines[3] = forged.line.encode() + b"\n"
    assert difference(b"".join(lines[:4]), []) is None
    assert difference(b"".join(lines), []) == "line 5 is not what was published there"


def test_a_whole_record_written_anew_does_not_have_the_heads_that_readers_saw(export: bytes, book: Book):
    chain, head = [], GENESIS
    with book.reading() as view:
        for row in view.publications.rows():
            forged = replace(row, payload=row.payload.replace('"outcome":"WIN"', '"outcome":"LOSS"'), prev_hash=head)
            chain.append(replace(forged, hash=forged.expected_hash()))
            head = chain[-1].hash
    forgery = b"".join(row.line.encode() + b"\n" for row in chain)

    assert difference(forgery, []) is None
    assert difference(forgery, [hashes(export)[-1][:8]]) is not None


def test_an_end_that_is_cut_off_within_a_line_shows_without_any_head(export: bytes):
    assert difference(export[:-3], []) == "the last line is cut off"


def test_numbers_that_do_not_count_up_are_found_even_where_every_hash_fits(book: Book):
    with book.reading() as view:
        first = next(iter(view.publications.rows()))
    second = replace(first, seq=2)
    second = replace(second, hash=second.expected_hash())

    assert difference(second.line.encode() + b"\n", []) == "line 1 is not what was published there"


@pytest.mark.parametrize("head", ["", "abc", "ffffffff"])
def test_a_head_that_is_too_short_or_of_no_row_is_not_taken_for_seen(export: bytes, head: str):
    assert difference(export, [head]) == f"the head {head} is not in it"
