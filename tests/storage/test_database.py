from pathlib import Path
from time import sleep

import pytest

from engine.vocabulary import BookKind
from storage.book import Book
from storage.codec import decoded, encoded
from storage.database import Access, DatabaseError, Moment, begin_immediate, connect, explained
from storage.errors import BusyBook
from tests.storage.crashing import FORK
from tests.storage.samples import NOW_MS

TRANSACTIONS = 300
LONG_TRANSACTIONS = 3_000
KILLS = 12


def count_up(path: Path, name: str, times: int) -> None:
    """Add 1 to a shared counter and leave a mark, each time in a transaction of its own."""
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
        for n in range(times):
            with book.transaction() as tx:
                counter = tx.settings.get("counter")
                tx.settings.set("counter", 1 if counter is None else counter.value + 1, name, NOW_MS)
                tx.settings.set(f"{name} {n}", n, name, NOW_MS)


@pytest.mark.parametrize("transactions", [TRANSACTIONS, pytest.param(LONG_TRANSACTIONS, marks=pytest.mark.long)])
def test_two_processes_that_write_at_once_lose_no_transaction(tmp_path: Path, transactions: int):
    path = tmp_path / "positions.db"
    writers = [FORK.Process(target=count_up, args=(path, name, transactions)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0]
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.settings.get("counter").value == 2 * transactions
        assert len(view.settings.all()) == 2 * transactions + 1


def take_slots(path: Path, owner: str, times: int) -> None:
    """Try to take every slot of a job, and note each one that was got."""
    with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book:
        for n in range(times):
            with book.transaction() as tx:
                if tx.job_runs.claim("settle", n, owner, NOW_MS):
                    tx.settings.set(f"{owner} {n}", n, owner, NOW_MS)


def test_two_processes_never_get_the_same_slot(tmp_path: Path):
    path = tmp_path / "positions.db"
    takers = [FORK.Process(target=take_slots, args=(path, name, TRANSACTIONS)) for name in ("one", "two")]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()

    assert [taker.exitcode for taker in takers] == [0, 0]
    with Book.open_read_only(path) as book, book.reading() as view:
        got = [setting.value for setting in view.settings.all()]
    assert sorted(got) == list(range(TRANSACTIONS))


def test_a_writer_killed_at_any_instant_leaves_whole_transactions(tmp_path: Path):
    path = tmp_path / "positions.db"
    counted = 0

    for kill in range(KILLS):
        writer = FORK.Process(target=count_up, args=(path, f"writer {kill}", LONG_TRANSACTIONS))
        writer.start()
        sleep(0.02 + 0.01 * kill)
        writer.kill()
        writer.join()
        with Book.open(path, BookKind.LIVE, now_ms=NOW_MS) as book, book.reading() as view:
            counter = view.settings.get("counter")
            marks = sum(setting.key != "counter" for setting in view.settings.all())
        assert (counter.value if counter else 0) == marks
        assert marks >= counted
        counted = marks
    assert counted > 0


def test_eight_processes_that_open_a_new_book_at_once_make_one(tmp_path: Path):
    path = tmp_path / "positions.db"
    openers = [FORK.Process(target=count_up, args=(path, f"{n}", 1)) for n in range(8)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()

    assert [opener.exitcode for opener in openers] == [0] * 8
    with Book.open_read_only(path) as book, book.reading() as view:
        assert view.settings.get("counter").value == 8
        assert len(view.portfolios.all()) == 2


def test_a_writer_that_never_ends_makes_the_others_give_up_with_a_sentence(book: Book):
    other, waiting = connect(book.path, Access.WRITE), connect(book.path, Access.WRITE)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseError) as caught:
        begin_immediate(waiting, pauses_s=(0.01,))
    sentence = explained(caught.value, book.path)
    assert isinstance(sentence, BusyBook)
    assert "another process is writing" in str(sentence)

    other.execute("ROLLBACK")
    begin_immediate(waiting, pauses_s=())


def test_a_fault_is_called_around_every_statement(book: Book):
    told: list[tuple[Moment, str]] = []

    connection = connect(book.path, Access.WRITE, fault=lambda moment, sql: told.append((moment, sql)))
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO meta VALUES(?,?)", [("a", "1"), ("b", "2")])
    connection.execute("COMMIT")

    assert [sql.split()[0] for _, sql in told] == ["BEGIN", "BEGIN", "INSERT", "INSERT", "COMMIT", "COMMIT"]
    assert [moment for moment, _ in told] == [Moment.BEFORE, Moment.AFTER] * 3


def test_json_is_the_same_bytes_for_the_same_value():
    assert encoded({"b": 1, "a": [1.5, None, "Ж"]}) == '{"a":[1.5,null,"Ж"],"b":1}'
    assert decoded(encoded({"x": {"y": True}})) == {"x": {"y": True}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_number(value: float):
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded({"x": value})


def test_json_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="set has no form"):
        encoded({"x": {1, 2}})
