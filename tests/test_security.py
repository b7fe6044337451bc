"""What docs/security.md promises about the code: nothing runs what it is given, nothing unpacks what could run."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from engine.vocabulary import BookKind
from storage.book import Book
from storage.database import DatabaseError
from tests.storage.samples import NOW_MS
from tests.test_architecture import ROOT, name_of, sources

RUNNING_MODULES = {"subprocess", "pty", "code", "codeop", "runpy", "ctypes", "cffi"}
UNPACKING_MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "yaml", "jsonpickle"}
RUNNING_CALLS = {
    "eval", "exec", "compile", "__import__", "breakpoint", "os.system", "os.popen", "os.execv", "os.execvp", "os.fork",
    "os.spawnv", "os.startfile", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "tempfile.mktemp",
}  # fmt: skip
UNPACKING_CALLS = {"load", "loads", "read_pickle", "load_model"}
UNPACKERS = {"joblib", "pandas", "pd", "numpy", "np", "torch"}
DANGEROUS_FLAGS = {"shell": True, "allow_pickle": True, "trusted": True, "verify": False}
LISTENING_CALLS = {"socket.create_server", "asyncio.start_server", "asyncio.start_unix_server"}
WORDS_OF_WRITING = {"transaction", "Writer", "BookLock", "migrate", "back_up", "restore"}


@dataclass(frozen=True, slots=True)
class Code:
    """What a file imports and calls, each call with its name, dots included, as far as it is written there."""

    modules: frozenset[str]
    calls: tuple[tuple[str, ast.Call], ...]


def read(source: str) -> Code:
    modules, calls = set[str](), list[tuple[str, ast.Call]]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            calls.append((_dotted(node.func), node))
        elif isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return Code(frozenset(modules), tuple(calls))


@cache
def code_of(path: Path) -> Code:
    return read(path.read_text(encoding="utf-8"))


def _dotted(node: ast.expr) -> str:
    parts = list[str]()
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id if isinstance(node, ast.Name) else "?", *reversed(parts)])


def dangers(code: Code) -> list[str]:
    """What a file does that runs or unpacks what it is given."""
    found = sorted({name.split(".")[0] for name in code.modules} & (RUNNING_MODULES | UNPACKING_MODULES))
    for name, call in code.calls:
        root, _, last = name.partition(".")
        flags = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
        unpacks = root in UNPACKERS and last.rpartition(".")[2] in UNPACKING_CALLS
        if name in RUNNING_CALLS or unpacks:
            found.append(name)
        found.extend(f"{name}({word}={value})" for word, value in DANGEROUS_FLAGS.items() if flags.get(word) is value)
    return found


def test_nothing_runs_or_unpacks_what_it_is_given():
    known = {"services/allocator.py": ["ctypes"]}  # one call of the C library, which is given a nought
    assert {name_of(path): found for path in sources() if (found := dangers(code_of(path)))} == known


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)", "exec(text)", "import subprocess", "from subprocess import run", "os.system(text)",
        "import pickle", "import yaml", "joblib.load(path)", "np.load(path, allow_pickle=True)", "pd.read_pickle(path)",
        "run(text, shell=True)", "httpx.get(url, verify=False)", "skops.io.loads(data, trusted=True)",
    ],
)  # fmt: skip
def test_the_walk_sees_what_it_looks_for(line: str):
    assert dangers(read(line)) != []


def test_modules_are_loaded_by_names_that_stand_in_the_code():
    for path in sources():
        for name, call in code_of(path).calls:
            if name.endswith("import_module"):
                stands_there = isinstance(call.args[0], ast.Constant)
                assert stands_there or name_of(path) == "services/chart_desk.py", name_of(path)


def test_the_web_process_alone_listens():
    listening = {name_of(path) for path in sources() for name, _ in code_of(path).calls if name in LISTENING_CALLS}

    assert listening == {"handlers/web/app.py"}


def web_sources() -> list[Path]:
    return [*(ROOT / "handlers" / "web").glob("*.py"), ROOT / "handlers" / "cli_web.py"]


def test_the_web_process_has_no_word_for_writing():
    for path in web_sources():
        code, text = code_of(path), path.read_text(encoding="utf-8")

        assert not set(re.findall(r"\w+", text)) & WORDS_OF_WRITING, name_of(path)
        assert "Book.open" not in {name for name, _ in code.calls}, name_of(path)
        assert not code.modules & {"storage.writer", "storage.database"}, name_of(path)


def test_what_is_opened_for_reading_cannot_be_written_even_by_sql(tmp_path: Path):
    Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=NOW_MS).close()
    with Book.open_read_only(tmp_path / "live.db") as book, book.reading() as view:  # noqa: SIM117
        with pytest.raises(DatabaseError, match="readonly"):
            view.connection.execute("DELETE FROM meta")


def test_the_security_page_names_what_holds_it():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = {word for word in page.split("`") if word.startswith("tests/")}

    assert len(named) >= 8
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
