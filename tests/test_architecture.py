"""The house keeps its own rules: who imports whom, where SQL stands, what is documented, what is never committed."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from engine.vocabulary import BookKind, PortfolioKind
from handlers.cli import Rooms, build

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("handlers", "diagnostics", "services", "gateways", "storage", "ml", "migrations", "engine")
TO_THE_RIGHT = {
    "handlers": {"diagnostics", "services", "gateways", "storage", "ml", "migrations", "engine"},
    "diagnostics": {"services", "gateways", "storage", "ml", "migrations", "engine"},
    "services": {"gateways", "storage", "ml", "migrations", "engine"},
    "gateways": {"migrations", "engine"},
    "storage": {"migrations", "engine"},
    "ml": {"migrations", "engine"},
    "migrations": {"engine"},
    "engine": set(),
}
IMPURE = {
    "asyncio", "datetime.datetime.now", "httpx", "logging", "os", "pathlib", "random", "shutil", "socket", "sqlite3",
    "sqlite_utils", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""What the core may not import: clock, network, disk, async, logging, chance."""
DEFERRED_IMPORTS = ("bot.py", "handlers/cli/")
TELEGRAM = ("handlers/telegram/", "gateways/telegram_sender.py", "handlers/live.py")
SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM|INSERT\s(OR\s\w+\s)?INTO|UPDATE\s\w+\sSET|DELETE\sFROM|CREATE\s|PRAGMA\s)", re.S
)
CLOCK = re.compile(r"\b(time\.time(_ns)?|datetime\.now|datetime\.utcnow|date\.today)\(")
REGISTRY_HOST = re.compile(r"\b(pypi|pythonhosted|artifactory|nexus|registry\.npmjs)[\w.-]*\.(org|com|io|net)\b", re.I)
MACHINE_PATH = re.compile(r"(?<![\w.~/])/(work|root|home|Users|mnt)/\w+")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".lock", ".txt", ".json", ".cfg", ".yml", ".yaml", ""}


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))] + [ROOT / "bot.py"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> tuple[tuple[str, bool], ...]:
    """Every imported module's full name, and whether the import stands at the top of the file."""
    return tuple(_imported(tree_of(path)))


def _imported(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) in top


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_to_its_right(room: str):
    for path in (ROOT / room).rglob("*.py"):
        for module, _ in imported(path):
            other = module.split(".")[0]
            assert other not in ROOMS or other == room or other in TO_THE_RIGHT[room], f"{name_of(path)}: {module}"


def test_the_import_rule_is_held_in_ci_as_well():
    text = (ROOT / "pyproject.toml").read_text()

    assert 'layers = ["handlers", "diagnostics", "services", "gateways | storage | ml", "migrations", "engine"]' in text
    assert "lint-imports" in (ROOT / "Makefile").read_text()


def test_the_core_does_not_talk_to_the_outside():
    for path in (ROOT / "engine").rglob("*.py"):
        for module, _ in imported(path):
            assert module.split(".")[0] not in IMPURE, f"{name_of(path)}: {module}"


def test_telegram_is_known_in_its_places_alone():
    for path in sources():
        known = any(module.split(".")[0] == "telegram" for module, _ in imported(path))

        assert not known or name_of(path).startswith(TELEGRAM), name_of(path)


def test_the_compiler_is_loaded_by_whoever_asks_for_it_alone():
    known = {
        (name_of(path), is_top)
        for path in sources()
        for module, is_top in imported(path)
        if module.split(".")[0] == "numba" or module == "engine.compiled"
    }

    assert known == {("engine/compiled.py", True), ("handlers/cli/looking.py", False)}


def test_sqlite_is_opened_in_one_module_tests_included():
    openers = {
        name_of(path)
        for path in [*sources(), *(ROOT / "tests").rglob("*.py")]
        for module, _ in imported(path)
        if module.split(".")[0] in ("sqlite3", "pysqlite3")
    }

    assert openers == {"storage/database.py"}


def test_sql_stands_in_storage_and_migrations_alone():
    for path in sources():
        if name_of(path).startswith(("storage/", "migrations/")):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SQL.match(node.value), f"{name_of(path)}, line {node.lineno}"


def test_the_clock_is_asked_in_one_file():
    asking = {name_of(path) for path in sources() if CLOCK.search(path.read_text(encoding="utf-8"))}

    assert asking == {"bot.py"}


def test_imports_stand_at_the_top_but_where_start_up_speed_needs_them_not_to():
    for path in sources():
        late = [module for module, is_top in imported(path) if not is_top and module.split(".")[0] in ROOMS]

        assert not late or name_of(path).startswith(DEFERRED_IMPORTS) or _only_for_types(path, late), f"{name_of(path)}: {late}"


def _only_for_types(path: Path, late: list[str]) -> bool:
    """Whether the imports stand under `if TYPE_CHECKING`."""
    guarded = {
        inner.module
        for node in tree_of(path).body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom)
    }
    return set(late) <= guarded


def test_every_module_opens_with_one_sentence():
    for path in sources():
        told = ast.get_docstring(tree_of(path))

        assert told, name_of(path)
        assert told.splitlines()[0].endswith((".", ":", "?")), name_of(path)


def test_no_error_is_swallowed():
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            assert not broad or raises or "noqa: BLE001" in path.read_text().splitlines()[node.lineno - 1], (
                f"{name_of(path)}, line {node.lineno}"
            )


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_committed_file_names_a_registry_host_or_a_path_of_one_machine():
    for path in committed():
        if path.suffix not in TEXT_SUFFIXES or not path.is_file() or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (REGISTRY_HOST, MACHINE_PATH):
            found = pattern.search(text)
            assert found is None, f"{name_of(path)}: {found and found[0]}"


def test_no_candles_legacy_data_books_or_models_are_committed():
    kinds = (".csv.gz", ".db", ".db-wal", ".sqlite", ".pkl", ".joblib", ".env")

    assert [name_of(path) for path in committed() if path.name.endswith(kinds)] == []


def commands() -> set[str]:
    app = build(Rooms(now_ms=lambda: 0, run_live=lambda db, params: 0))
    return set(getattr(get_command(app), "commands"))  # noqa: B009


def test_every_command_is_documented():
    pages = (ROOT / "README.md").read_text() + "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    undocumented = [name for name in sorted(commands()) if f"bot.py {name}" not in pages]

    assert undocumented == []


def test_every_command_and_option_explains_itself():
    app = build(Rooms(now_ms=lambda: 0, run_live=lambda db, params: 0))
    for name, command in getattr(get_command(app), "commands").items():  # noqa: B009
        assert command.help, name
        for parameter in command.params:
            hidden = getattr(parameter, "hidden", False) or parameter.name == "help"
            assert hidden or getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_the_glossary_knows_the_words_of_books_and_portfolios():
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    for word in (*(kind.value for kind in BookKind), *(kind.value for kind in PortfolioKind)):
        assert word in glossary
    for word in (
        "candle",
        "finding",
        "setup",
        "signal",
        "rejected",
        "condition",
        "position",
        "fill",
        "ledger",
        "journal",
    ):
        assert re.search(rf"^\| .*\b{word}\b", glossary, re.MULTILINE), word


def test_no_word_of_the_glossary_is_told_twice():
    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)

    assert len(rows) == len(set(rows))


def test_nothing_happens_on_import():
    code = "; ".join(f"import {room}" for room in ROOMS)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("", "")
