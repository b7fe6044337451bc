"""Log set-up: one line of `key=value` pairs a record, to stderr and to rotating files, with every secret taken out.

Whoever logs may name facts besides the sentence: `logger.info("job ended", extra={"facts": {"job": name}})`.
"""

import json
import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

FILE_NAME = "onebook.log"
FILE_BYTES = 10_000_000
OLD_FILES = 9
REDACTED = "<token>"
# httpx logs every URL, and Telegram's URLs hold the token; apscheduler tells every run, and every one it need not do
LEVELS = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "telegram.ext": logging.WARNING,
    "apscheduler": logging.ERROR,
}
TOKEN_SHAPE = re.compile(r"\d{5,}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
SHORTEST_SECRET = 8
NEEDS_NO_QUOTES = re.compile(r"[\w.:+/@#<>-]+", re.ASCII)

logger = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """Writes a record as one line: when, how grave, who, the sentence, its facts, and the traceback if there is one.

    Secrets are taken out, whole or in parts, and all that looks like one. Values that hold more than a word are quoted
    as JSON quotes, so that nothing somebody else wrote can begin a line of its own.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, forms))) if forms else None

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={self._value(value)}" for key, value in self._pairs(record))

    def _pairs(self, record: logging.LogRecord) -> Iterator[tuple[str, object]]:
        yield "at", datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        yield "level", record.levelname
        yield "from", record.name
        yield "msg", record.getMessage()
        facts: Mapping[str, object] = getattr(record, "facts", {})
        yield from facts.items()
        if record.exc_info:
            yield "error", self.formatException(record.exc_info)
        if record.stack_info:
            yield "stack", self.formatStack(record.stack_info)

    def _value(self, value: object) -> str:
        text = self._redacted(str(value))
        return text if NEEDS_NO_QUOTES.fullmatch(text) else json.dumps(text, ensure_ascii=False)

    def _redacted(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return TOKEN_SHAPE.sub(REDACTED, text)


def set_up(
    directory: Path | None, secrets: Iterable[str], stream: IO[str] | None = None, *, file_bytes: int = FILE_BYTES
) -> None:
    """Send the whole program's log to stderr (or `stream`) and into `directory`, if any; uncaught errors go there too.

    The files take (OLD_FILES + 1) * `file_bytes` at the most.
    """
    formatter = LineFormatter(secrets)
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    if directory is not None:
        handlers.append(_file_in(directory, file_bytes))
    root = logging.getLogger()
    take_down()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    sys.excepthook = _log_uncaught


def last_lines(directory: Path, count: int) -> tuple[str, ...]:
    """The newest lines of the log in `directory`, oldest first, across its last rotation; none while there is none."""
    newest: deque[str] = deque(maxlen=count)
    for path in (directory / f"{FILE_NAME}.1", directory / FILE_NAME):
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as file:
                newest.extend(line.rstrip("\n") for line in file)
    return tuple(newest)


def take_down() -> None:
    """Close what an earlier `set_up` opened."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler.formatter, LineFormatter):
            root.removeHandler(handler)
            handler.close()


def _file_in(directory: Path, file_bytes: int) -> RotatingFileHandler:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return RotatingFileHandler(
        directory / FILE_NAME, maxBytes=file_bytes, backupCount=OLD_FILES, encoding="utf-8", delay=True
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("the bot ended by an error of its own", exc_info=(kind, error, trace))


def _forms(secret: str) -> Iterable[str]:
    """The secret and the part behind a token's colon, as they are and as a URL writes them."""
    parts = {secret, secret.partition(":")[2]}
    return {form for part in parts for form in (part, quote(part, safe="")) if len(form) >= SHORTEST_SECRET}
