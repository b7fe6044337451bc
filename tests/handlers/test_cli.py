"""The command line as scripts meet it: documents on stdout, sentences on stderr, exit codes, nothing half-written."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from engine.candles import Candles
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import BookKind, LedgerKind, PortfolioKind
from gateways.simulated_market import SimulatedMarket
from handlers.cli import Rooms, build
from storage.book import Book

ROOT = Path(__file__).resolve().parents[2]
BEGIN_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
NOW_MS = BEGIN_MS + 60 * DAY_MS
CASES = ROOT / "tests" / "engine" / "cases.json"
HEADER = "time,open,high,low,close,volume"
BUSY = """
[window]
min_bars = 60
min_context_bars = 10
[gates]
min_rr = 1.0
max_cost_r = 1.0
send_from_confidence = 40.0
store_from_confidence = 30.0
"""


def onebook(*arguments: object) -> Result:
    """One command, in this process; a defect shows itself as the exception it is."""
    app = build(Rooms(now_ms=lambda: NOW_MS, run_live=lambda db, params: 0))
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def document(*arguments: object, code: int = 0) -> dict:
    """The one JSON document a command prints."""
    result = onebook(*arguments)
    assert (result.exit_code, result.stderr) == (code, "")
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def sentence(*arguments: object) -> str:
    """The one sentence of a command that cannot do what it was asked."""
    result = onebook(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("onebook: ")
    assert "Traceback" not in line
    return line


def rows_of(candles: Candles) -> list[str]:
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return [",".join(map(repr, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of two simulated hourly series of thirty days."""
    folder = tmp_path_factory.mktemp("candles")
    market = SimulatedMarket(7, lambda: NOW_MS)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        rows = rows_of(market.bars(symbol, Timeframe.H1, BEGIN_MS, BEGIN_MS + 30 * DAY_MS))
        (folder / f"{symbol}-1h.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return folder


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.toml"
    path.write_text(BUSY)
    return path


@pytest.fixture(scope="module")
def replayed_once(candles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "params.toml").write_text(BUSY)
    document("replay", candles, "--db", folder / "replay.db", "--params", folder / "params.toml", "--json")
    return folder / "replay.db"


@pytest.fixture
def replayed(replayed_once: Path, tmp_path: Path) -> Path:
    """A replay book with signals, positions and money, for one test alone."""
    return Path(shutil.copy(replayed_once, tmp_path))


def lines(path: Path) -> list[str]:
    return (path / "BTCUSDT-1h.csv").read_text().splitlines()


# ---- what a command prints


def test_detect_prints_one_event_a_line_in_the_words_of_the_contract(candles: Path):
    result = onebook("detect", candles / "BTCUSDT-1h.csv")
    events = [json.loads(line) for line in result.stdout.splitlines()]

    assert (result.exit_code, result.stderr) == (0, "")
    assert len(events) > 500
    assert {"swing", "fvg", "bos", "ob", "sweep"} <= {event["kind"] for event in events}
    assert all(isinstance(event.get("known_at", 0), int) for event in events)


def test_detect_takes_detection_parameters_by_name(candles: Path, tmp_path: Path):
    (tmp_path / "params.json").write_text('{"swing_left": 9, "swing_right": 9}')
    few = onebook("detect", candles / "BTCUSDT-1h.csv", "--params", tmp_path / "params.json")
    many = onebook("detect", candles / "BTCUSDT-1h.csv")

    assert 0 < few.stdout.count('"swing"') < many.stdout.count('"swing"')


def test_conformance_counts_its_cases(tmp_path: Path):
    cases = json.loads(CASES.read_text())
    (tmp_path / "cases.json").write_text(json.dumps({**cases, "cases": cases["cases"][:9]}))

    assert document("conformance", tmp_path / "cases.json") == {"passed": 9, "failed": 0, "failures": []}


def test_a_case_that_fails_is_named_and_the_exit_code_is_one(tmp_path: Path):
    cases = json.loads(CASES.read_text())
    case = next(case for case in cases["cases"] if case["expect"])
    wrong = {**case, "expect": case["expect"] * 2}
    (tmp_path / "cases.json").write_text(json.dumps({**cases, "cases": [wrong]}))

    found = document("conformance", tmp_path / "cases.json", code=1)
    assert (found["passed"], found["failed"], found["failures"][0]["name"]) == (0, 1, case["name"])
    assert found["failures"][0]["why"]


def test_scan_prints_signals_and_the_reason_of_every_rejection(candles: Path, params: Path):
    found = document("scan", candles, "--params", params, "--json")

    assert set(found) == {"signals", "rejected", "seconds"}
    assert len(found["signals"]) + len(found["rejected"]) == 2
    for one in found["rejected"]:
        assert set(one) == {"symbol", "timeframe", "stage", "reason", "value", "limit"}
        assert one["stage"]
        assert one["reason"]


def test_scan_finds_the_signal_that_a_replay_sends_at_that_close(candles: Path, params: Path, replayed: Path, tmp_path):
    with Book.open_read_only(replayed) as book, book.reading() as view:
        stored = next(
            s for s in view.signals.latest(1000) if s.signal.symbol == "BTCUSDT" and s.status.value == "CLOSED"
        )
    kept = [HEADER, *(line for line in lines(candles)[1:] if int(line.split(",")[0]) < stored.created_ms)]
    (tmp_path / "BTCUSDT-1h.csv").write_text("\n".join(kept))

    [signal] = document("scan", tmp_path / "BTCUSDT-1h.csv", "--params", params, "--json")["signals"]
    assert set(signal) == {
        "symbol", "timeframe", "direction", "setup", "candle_close_ms", "entry", "zone", "stop_loss", "targets", "rr",
        "cost_r", "confidence",
    }  # fmt: skip
    assert (signal["candle_close_ms"], signal["entry"]) == (stored.created_ms, stored.signal.entry)


def test_scan_for_people_is_a_line_a_series(candles: Path):
    result = onebook("scan", candles)

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["BTCUSDT", "ETHUSDT"]


def test_replay_prints_its_summary_and_again_adds_nothing(candles: Path, params: Path, tmp_path: Path):
    arguments = ("replay", candles, "--db", tmp_path / "book.db", "--params", params, "--json")
    first, again = document(*arguments), document(*arguments)

    assert {"bars", "signals", "sent", "positions", "wins", "losses", "breakeven", "balance", "stopped_by_gate"} <= set(
        first
    )
    assert (first["bars"], first["decided"], again["decided"]) == (1440, 1440, 0)
    assert first["positions"] > 0
    assert {**again, "seconds": 0, "decided": 0} == {**first, "seconds": 0, "decided": 0}


def test_replay_takes_dates_as_utc_midnights(candles: Path, tmp_path: Path):
    db = tmp_path / "book.db"

    assert document("replay", candles, "--db", db, "--to", "2026-01-11", "--json")["bars"] == 2 * 239
    assert document("replay", candles, "--db", db, "--from", "2026-01-11T00:00:00Z", "--json")["bars"] == 2 * 720


def test_replay_for_people_names_the_book_and_what_stopped_signals(candles: Path, params: Path, tmp_path: Path):
    result = onebook("replay", candles, "--db", tmp_path / "book.db", "--params", params)

    assert result.exit_code == 0
    assert str(tmp_path / "book.db") in result.stdout
    assert "stopped by" in result.stdout


def test_the_book_may_be_named_by_the_environment(candles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ONEBOOK_DB", str(tmp_path / "named.db"))
    document("replay", candles, "--json")

    assert (tmp_path / "named.db").is_file()


KEYS_OF_A_CHECK = {"name", "status", "value", "limit", "detail", "since_ms", "what_to_do"}


def test_health_of_a_path_without_a_book_is_that_of_an_empty_one(tmp_path: Path):
    found = document("health", "--db", tmp_path / "none.db", "--json")

    assert found["status"] == "OK"
    assert {check["status"] for check in found["checks"]} == {"IDLE"}
    assert list(tmp_path.iterdir()) == []


def test_health_of_a_replay_book_is_ok_and_every_check_is_whole(replayed: Path):
    found = document("health", "--db", replayed, "--json")

    assert found["status"] == "OK"
    assert all(set(check) == KEYS_OF_A_CHECK for check in found["checks"])
    assert any("balance" in check["name"] for check in found["checks"])


def test_health_of_a_broken_identity_fails_with_two(replayed: Path):
    with Book.open(replayed, BookKind.REPLAY, now_ms=NOW_MS) as book, book.transaction() as tx:
        tx.connection.execute("UPDATE fills SET fee=fee+1 WHERE id=1")

    found = document("health", "--db", replayed, "--json", code=2)
    assert found["status"] == "FAIL"
    assert [check["name"] for check in found["checks"] if check["status"] == "FAIL"] == [
        "paper balance = deposits + fills' P&L - fees + adjustments"
    ]


def test_a_named_adjustment_breaks_no_identity(replayed: Path):
    with Book.open(replayed, BookKind.REPLAY, now_ms=NOW_MS) as book, book.transaction() as tx:
        paper = tx.portfolios.of_kind(PortfolioKind.PAPER).id
        tx.ledger.post(paper, LedgerKind.ADJUSTMENT, -5.0, NOW_MS, "adjustment:1", note="a test")

    assert document("health", "--db", replayed, "--json")["status"] == "OK"


def test_why_tells_candle_findings_levels_points_and_gates(replayed: Path):
    result = onebook("why", "1", "--db", replayed)

    assert result.exit_code == 0
    for words in ("#1 ", "findings", "confidence", "gates", "entry", "stop", "target 1", "what became of it"):
        assert words in result.stdout


def test_why_finds_a_signal_by_the_beginning_of_its_uid(replayed: Path):
    with Book.open_read_only(replayed) as book, book.reading() as view:
        uid = view.signals.get(2).uid

    assert onebook("why", uid[:14], "--db", replayed).stdout == onebook("why", "2", "--db", replayed).stdout


def test_a_gap_is_told_and_never_refused(candles: Path, tmp_path: Path):
    whole = lines(candles)
    (tmp_path / "BTCUSDT-1h.csv").write_text("\n".join([*whole[:300], *whole[303:]]))

    for command in ("scan", "replay"):
        options = () if command == "scan" else ("--db", tmp_path / "book.db")
        result = onebook(command, tmp_path / "BTCUSDT-1h.csv", *options, "--json")
        assert result.exit_code == 0
        assert result.stderr == "onebook: BTCUSDT 1h has 1 gap, 3 candles missing\n"
        json.loads(result.stdout)
    assert onebook("detect", tmp_path / "BTCUSDT-1h.csv").exit_code == 0


# ---- what cannot be done


def empty(path: Path, whole: list[str]) -> None:
    path.touch()


def header_alone(path: Path, whole: list[str]) -> None:
    path.write_text(HEADER + "\n")


def no_table(path: Path, whole: list[str]) -> None:
    path.write_bytes(bytes(range(256)))


def unsorted(path: Path, whole: list[str]) -> None:
    path.write_text("\n".join([whole[0], *whole[100:200], *whole[50:60]]))


def cut_in_a_row(path: Path, whole: list[str]) -> None:
    path.write_text("\n".join(whole)[:-30])


def a_word_for_a_price(path: Path, whole: list[str]) -> None:
    path.write_text("\n".join([*whole[:9], whole[9].replace(",", ",x", 1)]))


def high_below_low(path: Path, whole: list[str]) -> None:
    time, opened, high, low, close, volume = whole[9].split(",")
    path.write_text("\n".join([*whole[:9], ",".join((time, opened, low, high, close, volume))]))


def missing(path: Path, whole: list[str]) -> None:
    """Nothing is there."""


FAULTS = [empty, header_alone, no_table, unsorted, cut_in_a_row, a_word_for_a_price, high_below_low, missing]


@pytest.mark.parametrize("command", ["detect", "scan", "replay"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_candle_file_that_cannot_be_used_is_named_in_one_sentence(
    command: str, fault: Callable[[Path, list[str]], None], candles: Path, tmp_path: Path
):
    path, db = tmp_path / "BTCUSDT-1h.csv", tmp_path / "book.db"
    fault(path, lines(candles))

    assert str(path) in sentence(command, path, *(("--db", db) if command == "replay" else ()))
    assert not db.exists()


@pytest.mark.parametrize("command", ["detect", "scan", "replay"])
def test_a_truncated_archive_is_named_in_one_sentence(command: str, candles: Path, tmp_path: Path):
    path, db = tmp_path / "BTCUSDT-1h.csv.gz", tmp_path / "book.db"
    path.write_bytes(gzip.compress("\n".join(lines(candles)).encode())[:-100])

    assert "truncated" in sentence(command, path, *(("--db", db) if command == "replay" else ()))
    assert not db.exists()


@pytest.mark.parametrize("name", ["candles.csv", "BTCUSDT.csv", "BTCUSDT-7m.csv", "BTCUSDT-1h.txt"])
def test_a_file_name_that_names_no_series_is_refused(name: str, candles: Path, tmp_path: Path):
    (tmp_path / name).write_text("\n".join(lines(candles)))

    assert name in sentence("scan", tmp_path / name)


def test_a_directory_without_candle_files_is_refused(tmp_path: Path):
    assert str(tmp_path) in sentence("scan", tmp_path)


TOML_FAULTS = {
    "an unknown setting": ("[gates]\nmin_r = 2", "did you mean gates.min_rr?"),
    "a wrong type": ("[gates]\nmin_rr = 'three'", "gates.min_rr"),
    "no TOML": ("min_rr: 3", "is not TOML"),
}


@pytest.mark.parametrize("fault", TOML_FAULTS)
@pytest.mark.parametrize("command", ["scan", "replay", "demo"])
def test_parameters_that_cannot_be_used_are_told_before_anything_is_written(
    command: str, fault: str, candles: Path, tmp_path: Path
):
    text, words = TOML_FAULTS[fault]
    path, db = tmp_path / "params.toml", tmp_path / "book.db"
    path.write_text(text)
    files = () if command == "demo" else (candles,)

    assert words in sentence(command, *files, "--params", path, *(() if command == "scan" else ("--db", db)))
    assert not db.exists()


def test_a_missing_params_file_is_named(candles: Path, tmp_path: Path):
    assert "nowhere.toml" in sentence("scan", candles, "--params", tmp_path / "nowhere.toml")


@pytest.mark.parametrize("text", ['{"swing_lef": 3}', '{"swing_left": "3"}', "[1]", "{", '{"swing_left": 0}'])
def test_detection_parameters_that_cannot_be_used_are_refused(text: str, candles: Path, tmp_path: Path):
    (tmp_path / "params.json").write_text(text)

    assert "params.json" in sentence("detect", candles / "BTCUSDT-1h.csv", "--params", tmp_path / "params.json")


@pytest.mark.parametrize("text", ["{}", '{"cases": 3}', "[]", "no json"])
def test_what_is_no_case_file_is_refused(text: str, tmp_path: Path):
    (tmp_path / "cases.json").write_text(text)

    assert "cases.json" in sentence("conformance", tmp_path / "cases.json")


@pytest.mark.parametrize("command", [("health",), ("why", "1"), ("demo",), ("replay", "CANDLES")])
def test_a_book_in_a_missing_directory_is_refused_by_name(command: tuple[str, ...], candles: Path, tmp_path: Path):
    asked = [candles if word == "CANDLES" else word for word in command]

    assert str(tmp_path / "nowhere") in sentence(*asked, "--db", tmp_path / "nowhere" / "book.db")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", [("health",), ("why", "1"), ("demo",), ("replay", "CANDLES")])
def test_a_file_that_is_no_book_is_refused_and_left_as_it_is(command: tuple[str, ...], candles: Path, tmp_path: Path):
    path = tmp_path / "notes.db"
    path.write_text("a shopping list")
    asked = [candles if word == "CANDLES" else word for word in command]

    assert str(path) in sentence(*asked, "--db", path)
    assert path.read_text() == "a shopping list"


@pytest.mark.parametrize("command", [("demo",), ("replay", "CANDLES")])
def test_a_live_book_is_never_replayed_or_played_into(command: tuple[str, ...], candles: Path, tmp_path: Path):
    path = tmp_path / "positions.db"
    Book.open(path, BookKind.LIVE, now_ms=NOW_MS).close()
    before = path.read_bytes()
    asked = [candles if word == "CANDLES" else word for word in command]

    assert "is a live book" in sentence(*asked, "--db", path)
    assert path.read_bytes() == before


def test_a_replay_that_does_not_fit_its_book_is_refused(replayed: Path, candles: Path):
    assert "other parameters" in sentence("replay", candles, "--db", replayed)


def test_a_series_without_a_higher_timeframe_makes_no_book(candles: Path, tmp_path: Path):
    path, db = tmp_path / "BTCUSDT-1w.csv", tmp_path / "book.db"
    path.write_text("\n".join(lines(candles)))

    assert "higher timeframe" in sentence("replay", path, "--db", db)
    assert not db.exists()


@pytest.mark.parametrize(
    "span", [("--from", "yesterday"), ("--to", "2026-13-01"), ("--from", "2026-01-02", "--to", "2026-01-02")]
)
def test_a_range_that_is_none_is_refused(span: tuple[str, ...], candles: Path, tmp_path: Path):
    sentence("replay", candles, "--db", tmp_path / "book.db", *span)

    assert not (tmp_path / "book.db").exists()


@pytest.mark.parametrize("wanted", ["99999", "no-such-signal", "%", "_", ""])
def test_a_signal_that_is_not_there_is_refused(wanted: str, replayed: Path):
    assert "There is no signal" in sentence("why", wanted, "--db", replayed)


def test_why_without_a_book_says_so(tmp_path: Path):
    assert "There is no book" in sentence("why", "1", "--db", tmp_path / "none.db")


def test_an_unknown_command_or_option_exits_with_two():
    assert onebook("dance").exit_code == 2
    assert onebook("scan", "--fast").exit_code == 2


# ---- the process


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_detect_imports_nothing_that_is_slow_to_start(candles: Path):
    found = python(
        "import sys\n"
        f"sys.argv = ['bot.py', 'detect', {str(candles / 'BTCUSDT-1h.csv')!r}]\n"
        "import bot\n"
        "try:\n    bot.main()\n"
        "except SystemExit:\n    pass\n"
        "print('loaded', *sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    loaded = set(found.splitlines()[-1].split()[1:])

    assert found.count("\n") > 500
    assert not loaded & {"numba", "pandas", "sklearn", "scipy", "sqlite3", "pysqlite3", "sqlite_utils", "matplotlib"}
    assert not loaded & {"telegram", "httpx", "apscheduler", "joblib", "pydantic"}


def test_a_live_bot_loads_what_learns_compiles_and_draws_only_when_it_needs_it():
    loaded = set(python("import sys, handlers.live\nprint(*{name.split('.')[0] for name in sys.modules})").split())

    assert "telegram" in loaded
    assert not loaded & {"sklearn", "skops", "scipy", "numba", "matplotlib"}


def test_the_compiled_kernel_loads_no_linear_algebra_and_leaves_numba_able_to():
    found = python(
        "import sys, engine.compiled as compiled\n"
        "compiled.load()\n"
        "print('scipy.linalg' in sys.modules)\n"
        "from numba.np.linalg import ensure_blas\n"
        "ensure_blas()\n"
        "print('scipy.linalg' in sys.modules)\n"
    )

    assert found.split() == ["False", "True"]


def test_a_refusal_of_the_real_program_is_one_line_and_exit_code_two(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "bot.py", "scan", str(tmp_path / "BTCUSDT-1h.csv")], cwd=ROOT, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_demonstration_ends_well_and_shows_what_the_channel_would(tmp_path: Path):
    result = onebook("demo", "--db", tmp_path / "demo.db")

    assert result.exit_code == 0
    assert "simulated" in result.stdout.lower()
    assert "reply to message" in result.stdout
    assert "health" in result.stdout
    again = onebook("demo", "--db", tmp_path / "demo.db")
    assert (again.exit_code, again.stderr.count("already holds a demonstration")) == (2, 1)
