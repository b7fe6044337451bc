"""`backtest` at the command line: folds, models, comparisons, sentences."""

import json
from pathlib import Path

import pytest

from engine.params import Params
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import BookKind
from gateways.simulated_market import SimulatedMarket
from handlers.cli_backtest import compared, compared_lines
from services.backtest import backtest as judged
from services.backtest import keep
from services.blackouts import DIGEST_DIGITS, Blackout
from storage.book import Book
from tests.handlers.test_cli import BEGIN_MS, BUSY, HEADER, NOW_MS, document, onebook, rows_of, sentence


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty simulated days of one hourly series, and parameters that make them busy."""
    folder = tmp_path_factory.mktemp("backtest")
    bars = SimulatedMarket(7, lambda: NOW_MS).bars("ETHUSDT", Timeframe.H1, BEGIN_MS, BEGIN_MS + 40 * DAY_MS)
    (folder / "ETHUSDT-1h.csv").write_text("\n".join([HEADER, *rows_of(bars)]) + "\n")
    (folder / "params.toml").write_text(BUSY)
    return folder


@pytest.fixture(scope="module")
def walked(folder: Path) -> dict:
    return document(*backtest(folder), "--walk-forward", 1, "--jobs", 1, "--json")


def backtest(folder: Path) -> tuple[object, ...]:
    return ("backtest", folder / "ETHUSDT-1h.csv", "--db", folder / "book.db", "--params", folder / "params.toml")


def test_a_walk_forward_tells_each_fold_and_each_series(walked: dict):
    assert list(walked["walk_forward"]["folds"]) == ["2026-01-01 to 2026-01-31", "2026-02-01 to 2026-02-10"]
    assert list(walked["walk_forward"]["series"]) == ["ETHUSDT 1h"]
    assert walked["walk_forward"]["series"]["ETHUSDT 1h"]["n"] == walked["n"] > 5
    assert (walked["jobs"], walked["found_done"], walked["models"]) == (2, 0, [])


def test_kept_runs_stand_side_by_side(folder: Path, walked: dict):
    plain = document(*backtest(folder), "--json")
    told = document("backtest", "--compare", walked["id"], plain["id"], "--db", folder / "book.db", "--json")
    first, second = told["backtests"]

    assert (first["all"]["n"], second["all"]["n"]) == (walked["n"], plain["n"])
    assert first["all"]["win_rate"] == walked["win_rate"]
    assert sum(part["n"] for part in first["by_setup"].values()) == walked["n"]
    assert list(first["by_timeframe"]) == ["1h"]
    shown = onebook("backtest", "--compare", walked["id"], plain["id"], "--db", folder / "book.db")
    assert f"backtest {plain['id']}: ETHUSDT 1h, 2026-01-01 to 2026-02-10" in shown.stdout


def test_a_run_around_blackouts_is_told_from_one_without():
    hours = SimulatedMarket(7, lambda: NOW_MS).bars("ETHUSDT", Timeframe.H1, BEGIN_MS, BEGIN_MS + 3 * DAY_MS)
    event = Blackout(BEGIN_MS + DAY_MS, "FOMC", DAY_MS, DAY_MS)
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        for around in ((), (event,)):
            tested = judged([hours], Params(), now_ms=NOW_MS, blackouts=around)
            with book.transaction() as tx:
                keep(tx, tested, "ETHUSDT 1h", ["ETHUSDT 1h"], Params(), NOW_MS)
        told = compared(book.path, [Path("1"), Path("3")])
    plain, quiet = told["backtests"]

    assert plain["params_hash"] == quiet["params_hash"]
    assert (plain["blackouts"], len(quiet["blackouts"])) == (None, DIGEST_DIGITS)
    assert "\n".join(compared_lines(told)).count("nothing sent around the blackouts") == 1


def test_a_book_without_promoted_models_says_so_and_goes_by_the_rules(folder: Path):
    done = onebook(*backtest(folder), "--model", "--json")

    assert done.stderr == "onebook: no model of this book was ever promoted; the rules go alone.\n"
    assert json.loads(done.stdout)["models"] == []


def test_a_walk_forward_for_people_has_its_folds_under_it(folder: Path, walked: dict):
    shown = onebook(*backtest(folder), "--walk-forward", 1, "--jobs", 1).stdout

    assert "by folds" in shown
    assert "2026-02-01 to 2026-02-10" in shown


def test_nothing_is_left_beside_the_book(folder: Path, walked: dict):
    assert [path for path in folder.iterdir() if "walk-forward" in path.name] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--walk-forward", 1, "--null"), "--null stands beside one backtest"),
        (("--walk-forward", 1, "--from", "2027-01-01"), "No candle of these series closes in that range"),
        (("--walk-forward", 1, "--cluster", "tcp://here"), "A cluster is named dask://HOST:PORT, ray://HOST:PORT"),
        (("--compare",), "--compare takes the ids of kept backtests"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(folder: Path, walked: dict, words: tuple[object, ...], told: str):
    assert told in sentence(*backtest(folder), *words)


def test_a_backtest_that_nobody_kept_cannot_be_compared(folder: Path, walked: dict):
    assert "There is no backtest 99." in sentence("backtest", "--compare", 99, "--db", folder / "book.db")
