"""Log set-up: to stderr and to a rotating file, with every secret taken out of whatever is written."""

import logging
import re
import sys
from collections import deque
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

FILE_NAME = "onebook.log"
FILE_BYTES = 5_000_000
OLD_FILES = 5
REDACTED = "<token>"
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
# httpx logs every URL, and Telegram's URLs hold the token; apscheduler tells every run, and every one it need not do
LEVELS = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "telegram.ext": logging.WARNING,
    "apscheduler": logging.ERROR,
}
TOKEN_SHAPE = re.compile(r"\d{5,}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
SHORTEST_SECRET = 8

logger = logging.getLogger(__name__)


class RedactingFormatter(logging.Formatter):
    """Formats a record with its traceback, then takes out the secrets, whole or in parts, and all that looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(LINE)
        forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, forms))) if forms else None

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return TOKEN_SHAPE.sub(REDACTED, text)


def set_up(directory: Path | None, secrets: Iterable[str], stream: IO[str] | None = None) -> None:
    """Send the whole program's log to stderr (or `stream`) and into `directory`, if any; uncaught errors go there too."""
    formatter = RedactingFormatter(secrets)
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    if directory is not None:
        handlers.append(_file_in(directory))
    root = logging.getLogger()
    take_down()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    sys.excepthook = _log_uncaught


def _file_in(directory: Path) -> RotatingFileHandler:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return RotatingFileHandler(
        directory / FILE_NAME, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True
    )


def last_lines(directory: Path, count: int) -> tuple[str, ...]:
    """The newest lines of the log file in `directory`, oldest first; none while there is no file."""
    path = directory / FILE_NAME
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", errors="replace") as file:
        return tuple(line.rstrip("\n") for line in deque(file, maxlen=count))


def take_down() -> None:
    """Close what an earlier `set_up` opened."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler.formatter, RedactingFormatter):
            root.removeHandler(handler)
            handler.close()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("the bot ended by an error of its own", exc_info=(kind, error, trace))


def _forms(secret: str) -> Iterable[str]:
    """The secret and the part behind a token's colon, as they are and as a URL writes them."""
    parts = {secret, secret.partition(":")[2]}
    return {form for part in parts for form in (part, quote(part, safe="")) if len(form) >= SHORTEST_SECRET}
