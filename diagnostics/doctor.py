"""The set-up looked over before the bot runs: what is there, what is missing, and what to do about it."""

import asyncio
import os
import shutil
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from diagnostics.checks.place import is_open_to_others
from gateways.market import MarketError
from storage.backup import damage
from storage.database import SQLITE_VERSION
from storage.errors import BookError
from storage.lock import holder_of

REACH_TIMEOUT_S = 5.0
LEAST_FREE_BYTES = 1_000_000_000
LEAST_SQLITE = (3, 40, 0)
"""The first version that reads the book's views."""
MOST_SKEW_MS = 1_000
TLS_PORT, PLAIN_PORT = 443, 80


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was met, and what to do, None when it is as it should be."""

    name: str
    value: str
    fix: str | None = None

    @property
    def is_good(self) -> bool:
        return self.fix is None


def env_file(path: Path) -> Finding:
    """Whether the file with the token is its owner's alone."""
    if not path.exists():
        return Finding("settings file", f"no {path}; the environment is used")
    mode = stat.S_IMODE(path.stat().st_mode)
    fix = f"chmod 600 {path}" if is_open_to_others(path) else None
    return Finding("settings file", f"{path}, mode {mode:03o}", fix)


def folder(book: Path) -> Finding:
    """Whether the folder of the book can be written."""
    place = book.absolute().parent
    if not place.is_dir():
        return Finding("folder", f"{place} does not exist", f"mkdir -p {place}")
    can_write = os.access(place, os.W_OK)
    return Finding("folder", str(place), None if can_write else f"let the bot's user write into {place}")


def disk(book: Path) -> Finding:
    """Whether the disk of the book has room for the book to grow and for backups."""
    place = next(parent for parent in book.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(place).free
    fix = None if free >= LEAST_FREE_BYTES else f"free {LEAST_FREE_BYTES / 1e9:g} GB on the disk of {place}"
    return Finding("free disk", f"{free / 1e9:,.1f} GB", fix)


def sqlite(version: str = SQLITE_VERSION) -> Finding:
    """Whether SQLite knows everything the book is made of."""
    known = tuple(int(part) for part in version.split("."))
    fix = None if known >= LEAST_SQLITE else "install pysqlite3-binary, or a Python with a newer SQLite"
    return Finding("SQLite", version, fix)


def zone(name: str) -> Finding:
    """Whether the data of the owner's time zone is there."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return Finding("time zone", f"no data of {name}", "install the package tzdata, or correct the name")
    return Finding("time zone", name)


def lock(book: Path) -> Finding:
    """Whether a bot runs on the book; that is no fault, but a second one will not start."""
    holder = holder_of(book)
    return Finding("book lock", "free" if holder is None else f"held by {holder.owner}")


def soundness(book: Path) -> Finding:
    """Whether the book, if there is one, is sound."""
    if not book.exists():
        return Finding("book", f"none at {book} yet; the first start makes it")
    try:
        found = damage(book)
    except BookError as error:
        return Finding("book", str(error), "see that the bot's user may read the file")
    fix = None if found is None else "python bot.py run names the newest good backup"
    return Finding("book", f"{book} is sound" if found is None else found, fix)


async def exchange(
    server_time_ms: Callable[[], Awaitable[int]], now_ms: Callable[[], int], within_s: float = REACH_TIMEOUT_S
) -> Finding:
    """Whether the exchange answers in time and its clock and ours agree."""
    try:
        async with asyncio.timeout(within_s):
            asked_ms = now_ms()
            theirs_ms = await server_time_ms()
            ours_ms = (asked_ms + now_ms()) // 2
    except (MarketError, TimeoutError) as error:
        said = str(error) or f"no answer within {within_s:g} s"
        return Finding(
            "exchange", said, "see that the machine reaches the exchange; ONEBOOK_EXCHANGE_URL names another"
        )
    skew_ms = ours_ms - theirs_ms
    fix = None if abs(skew_ms) <= MOST_SKEW_MS else "set the clock of this machine by NTP"
    return Finding("exchange", f"answers; clocks differ by {skew_ms} ms", fix)


async def telegram(url: str, within_s: float = REACH_TIMEOUT_S) -> Finding:
    """Whether Telegram's server takes a connection; the token is not shown to it."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    port = parts.port or (TLS_PORT if is_secure else PLAIN_PORT)
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=is_secure or None)
            writer.close()
    except (OSError, TimeoutError) as error:
        said = str(error) or f"no answer within {within_s:g} s"
        return Finding("Telegram", said, f"see that the machine reaches {parts.hostname} on port {port}")
    return Finding("Telegram", f"{parts.hostname} answers")
