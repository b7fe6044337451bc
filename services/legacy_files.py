"""Finds legacy files in a directory and reads them batch by batch; nothing in that directory is ever written."""

import hashlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum
from io import TextIOWrapper
from itertools import chain, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

from migrations.legacy.json_stream import Broken, Piece, pieces
from migrations.legacy.outline import Source, outline
from migrations.legacy.position_tables import read_tables
from migrations.legacy.shapes import (
    EMPTY,
    POSITION_TABLES,
    POSITION_TABLES_ORDER,
    SHAPES,
    UNREADABLE,
    UNREADABLE_ORDER,
    shape_of,
    why_not_legacy,
)
from migrations.legacy.times import Clock
from storage.errors import BookError
from storage.legacy_bulk import BULK, Bulk
from storage.legacy_database import is_database, is_legacy_database, legacy_rows
from storage.legacy_rows import Entry, entry_of

if sys.platform == "linux":
    import fcntl

DATA_SUFFIXES = (".json", ".db", ".sqlite", ".sqlite3")
PASSED_BY = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
FIRST_BYTES = 4096
JSON_STARTS = (b"{", b"[")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PIECES_LOOKED_AT = 2_000
CHARACTERS_LOOKED_AT = 8 << 20
BATCH = 500
PIPE_BYTES = 1 << 20  # some batches, so that neither process waits for the other at every one; the most Linux grants
BATCHES_AHEAD = 100  # what a process reads in some seconds; they wait in memory
KEPT_OF_UNREADABLE = 1 << 20


class Storage(Enum):
    JSON = "json"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """A file of a known shape; `order` says how early it is read."""

    path: Path
    name: str
    size: int
    shape: str
    order: int
    storage: Storage


@dataclass(frozen=True, slots=True)
class NotLegacy:
    """A file that holds no legacy data, and what it is instead."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that should hold data and cannot be read; `content` is what there is of it."""

    name: str
    reason: str
    content: bytes


FoundFile = LegacyFile | NotLegacy | Unreadable


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a file, and how many of its bytes are behind them."""

    entries: tuple[Entry, ...]
    bytes_read: int


Batches = Generator[Batch, None, None]


class FileFailed(Exception):
    """A file that could not be read to its end; the message is the reason for a person."""


def found_files(directory: Path, book: Path) -> list[FoundFile]:
    """Every file under the directory (or the one file given), told apart by what it holds, in reading order.

    The book that is written lies there too when somebody imports the bot's own folder; it is passed by.
    """
    paths = [directory] if directory.is_file() else sorted(_walk(directory))
    found = [
        NotLegacy(_name(path, directory), "the book itself")
        if _is_same(path, book)
        else _look(path, _name(path, directory))
        for path in paths
    ]
    return sorted(found, key=_reading_order)


def legacy_files_in(directory: Path) -> tuple[str, ...]:
    """The names of the legacy files that lie directly in a directory: what a first start may offer to import."""
    looked_at = (_look(path, _name(path, directory)) for path in sorted(directory.iterdir()) if path.is_file())
    return tuple(file.name for file in looked_at if isinstance(file, LegacyFile) and file.shape != EMPTY.name)


@dataclass(frozen=True, slots=True)
class Version:
    """Which content a file had, so that a change while it is read is noticed."""

    sha256: str
    size: int
    changed_ns: int


@contextmanager
def opened(file: LegacyFile, zone: tzinfo, now_ms: int, bulk: Bulk = BULK) -> Iterator[tuple[Version, Iterator[Batch]]]:
    """The file's content as it is now, and its records, judged; a large file is read by a process of its own.

    FileFailed, here or among the records, when it cannot be read to its end or is no longer the file it was.
    """
    with closing(_batches(file, zone, now_ms, bulk)) as read:
        with _explained():
            state = file.path.stat()
            ahead, sha256 = _read_while_hashed(file, read) if _is_large(file, bulk) else ((), _sha256(file.path))
        version = Version(sha256, state.st_size, state.st_mtime_ns)
        yield version, _to_its_end(file, version, chain(ahead, read))


def _read_while_hashed(file: LegacyFile, read: Iterator[Batch]) -> tuple[Sequence[Batch], str]:
    """The first batches of a file, as many as its process reads until its content is hashed, and the hash."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        hashing = beside.submit(_sha256, file.path)
        ahead = []
        for batch in islice(read, BATCHES_AHEAD):
            ahead.append(batch)
            if hashing.done():
                break
    return ahead, hashing.result()


def _to_its_end(file: LegacyFile, version: Version, read: Iterator[Batch]) -> Iterator[Batch]:
    with _explained():
        yield from read
        state = file.path.stat()
    if (state.st_size, state.st_mtime_ns) != (version.size, version.changed_ns):
        raise FileFailed("it was changed while it was read: stop the old bot and import again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of the disk and of SQLite into the reason why a file failed."""
    try:
        yield
    except OSError as error:
        raise FileFailed(_sentence(error)) from error
    except BookError as error:
        raise FileFailed(str(error)) from error


def _is_large(file: LegacyFile, bulk: Bulk) -> bool:
    return file.storage is Storage.JSON and file.size >= bulk.from_bytes


def _batches(file: LegacyFile, zone: tzinfo, now_ms: int, bulk: Bulk) -> Batches:
    if file.storage is Storage.DATABASE:
        return _database_batches(file.path, zone, now_ms)
    if _is_large(file, bulk):
        return _batches_of_worker(file.path, file.shape, zone, now_ms)
    return _json_batches(file.path, file.shape, zone, now_ms)


def _walk(directory: Path) -> Iterator[Path]:
    """Every file, and every directory named like a data file; hidden directories and libraries are passed by."""
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in PASSED_BY and not name.startswith(".")]
        for name in (*files, *(name for name in folders if name.endswith(DATA_SUFFIXES))):
            yield Path(folder, name)


def _is_same(path: Path, book: Path) -> bool:
    return path.name == book.name and path.is_file() and path.samefile(book)


def _look(path: Path, name: str) -> FoundFile:
    try:
        if path.is_dir():
            return Unreadable(name, "a directory named like a data file", b"")
        if not path.is_file():
            return NotLegacy(name, "no regular file")
        if is_database(path):
            return _look_at_database(path, name)
        with path.open("rb") as file:
            first = file.read(FIRST_BYTES)
        if first.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in JSON_STARTS or ".json" in name.lower():
            return _look_at_json(path, name)
    except OSError as error:
        return Unreadable(name, _sentence(error), b"")
    return NotLegacy(name, "neither JSON nor SQLite" if first else "an empty file")


def _look_at_database(path: Path, name: str) -> FoundFile:
    try:
        if is_legacy_database(path):
            size = path.stat().st_size
            return LegacyFile(path, name, size, POSITION_TABLES, POSITION_TABLES_ORDER, Storage.DATABASE)
    except BookError as error:
        return Unreadable(name, str(error), b"")
    return NotLegacy(name, "a database without legacy positions")


def _look_at_json(path: Path, name: str) -> FoundFile:
    with path.open("rb") as file, _text(file) as text:
        first = tuple(_first(pieces(text)))
    seen = outline(first)
    shape = shape_of(seen, path.name)
    broken = first[-1] if first and isinstance(first[-1], Broken) else None
    if broken is not None and (shape is None or (not seen.names and None not in seen.arrays)):
        if ".json" not in name.lower():
            return NotLegacy(name, "neither JSON nor SQLite")
        return Unreadable(name, broken.reason, _beginning(path))
    if shape is None:
        return NotLegacy(name, why_not_legacy(seen))
    return LegacyFile(path, name, path.stat().st_size, shape.name, shape.order, Storage.JSON)


def _first(whole: Iterator[Piece]) -> Iterator[Piece]:
    """As much of a document as is needed to tell its shape: all of a small one, the beginning of a large one."""
    characters = 0
    for piece in islice(whole, PIECES_LOOKED_AT):
        yield piece
        characters += len(piece.raw)
        if characters > CHARACTERS_LOOKED_AT:
            return


def _text(file: BinaryIO) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _json_batches(path: Path, shape_name: str, zone: tzinfo, now_ms: int) -> Batches:
    shape = next(shape for shape in SHAPES if shape.name == shape_name)
    with path.open("rb") as file, _text(file) as text:
        whole = pieces(text)
        first = tuple(_first(whole))
        source = Source(path.name, outline(first), Clock(zone, now_ms))
        readings = iter(shape.read(chain(first, whole), source))
        while some := tuple(islice(readings, BATCH)):
            yield Batch(tuple(entry_of(reading, now_ms) for reading in some), file.tell())


def _database_batches(path: Path, zone: tzinfo, now_ms: int) -> Batches:
    readings = iter(read_tables(legacy_rows(path), Clock(zone, now_ms)))
    size = path.stat().st_size
    while some := tuple(islice(readings, BATCH)):
        yield Batch(tuple(entry_of(reading, now_ms) for reading in some), size)


def _batches_of_worker(path: Path, shape_name: str, zone: tzinfo, now_ms: int) -> Batches:
    """The batches of a process that reads while this one writes."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    _deepen(sender)
    worker = context.Process(target=_work, args=(sender, path, shape_name, zone, now_ms), daemon=True)
    worker.start()
    sender.close()
    try:
        while True:
            match _received(receiver, path):
                case Batch() as batch:
                    yield batch
                case OSError() as error:
                    raise error
                case _:
                    return
    finally:
        receiver.close()
        worker.join()


def _deepen(pipe: Connection) -> None:
    """Let the pipe hold more than a part of a batch, where the system grants it."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _received(receiver: Connection, path: Path) -> object:
    try:
        return receiver.recv()
    except EOFError:
        raise OSError(f"the process that read {path} ended before its file did") from None


def _work(sender: Connection, path: Path, shape_name: str, zone: tzinfo, now_ms: int) -> None:
    """Send every batch of the file, then None; an error of the disk is sent in the place of what it hides."""
    # Ctrl-C reaches both processes; the one that writes decides, and this one ends when its pipe closes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for batch in _json_batches(path, shape_name, zone, now_ms):
            sender.send(batch)
        sender.send(None)
    except BrokenPipeError:
        return  # nobody listens any more: the import ended
    except OSError as error:
        sender.send(error)


def _reading_order(file: FoundFile) -> tuple[int, str, int, str]:
    """Truthful sources first; of one shape the longest file first, which holds what its older versions hold."""
    match file:
        case LegacyFile():
            return file.order, file.shape, -file.size, file.name
        case Unreadable():
            return UNREADABLE_ORDER, UNREADABLE, 0, file.name
        case NotLegacy():
            return UNREADABLE_ORDER + 1, "", 0, file.name


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(KEPT_OF_UNREADABLE)


def _name(path: Path, directory: Path) -> str:
    """The file's path inside the directory, as SQLite and JSON can hold it."""
    inside = path.name if path == directory else path.relative_to(directory).as_posix()
    return inside.encode("utf-8", "backslashreplace").decode()


def _sentence(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
