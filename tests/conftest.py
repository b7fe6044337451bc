"""The token of the tests, in whatever form, stands in no log record, no captured output and no log file of the run."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.fakes.bot_api import TOKEN

LOG_FILES = ("*.log", "*.log.*", "stderr.txt")
_SECRET = TOKEN.partition(":")[2]
FORMS = frozenset(form for part in (TOKEN, _SECRET) for form in (part, quote(part, safe=""), quote_plus(part)))


def holds_token(text: str) -> bool:
    """Whether a text gives the token away."""
    return any(form in text for form in FORMS)


class TokenWatch(logging.Handler):
    """Reads every record as any handler would write it, before anything is taken out, and keeps those with the token."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self.test = "outside of tests"
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if holds_token(text):
            self.found.append(f"{self.test}: {text[:300]}")


WATCH = TokenWatch()


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger().addHandler(WATCH)


def pytest_unconfigure(config: pytest.Config) -> None:
    logging.getLogger().removeHandler(WATCH)


def pytest_runtest_logstart(nodeid: str) -> None:
    WATCH.test = nodeid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    WATCH.found.extend(f"{report.nodeid}: {name}" for name, text in report.sections if holds_token(text))


@pytest.fixture(scope="session", autouse=True)
def no_token_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run at its end when a log record, an output or a log file of a bot showed the token."""
    yield
    written = [path for pattern in LOG_FILES for path in tmp_path_factory.getbasetemp().rglob(pattern)]
    told = [str(path) for path in written if _holds_token_file(path)]
    assert [*WATCH.found, *told] == [], "the token was written where it must not be"


def _holds_token_file(path: Path) -> bool:
    return path.is_file() and holds_token(path.read_text("utf-8", "replace"))
