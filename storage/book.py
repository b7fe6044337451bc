"""The book: one SQLite file of one kind, opened with every check a person must hear about in one sentence."""

import os
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from engine.vocabulary import BookKind, PortfolioKind
from migrations import schema
from storage.database import (
    Access,
    Connection,
    Fault,
    begin_immediate,
    connect,
    explaining,
    roll_back,
    use_wal,
)
from storage.errors import (
    CorruptBook,
    LegacyBook,
    MissingBook,
    MissingDirectory,
    NewerBook,
    NotABook,
    OlderBook,
    ReadOnlyBook,
    UnreachableBook,
    WrongKind,
)
from storage.meta import CREATED_MS, KIND, Meta
from storage.own_log import give_number, refuse_foreign_log
from storage.portfolios import DEFAULT_CURRENCY
from storage.stores import Stores

SQLITE_HEADER = b"SQLite format 3\x00"
OWNER_ONLY = 0o600
SIDE_FILES = ("-wal", "-shm", "-journal")
LEGACY_TABLES = frozenset({"open_positions", "checkpoint_alerts", "position_history"})
SEEDED_PORTFOLIOS = (PortfolioKind.PAPER, PortfolioKind.SHADOW)


class Book:
    """An open book. Writing happens in `transaction()`, one at a time; `reading()` may be used by any thread."""

    def __init__(
        self, path: Path, kind: BookKind, created_ms: int, writing: Connection | None, folder: Path | None = None
    ) -> None:
        self.path = path
        self.kind = kind
        self.created_ms = created_ms
        self._writing = writing
        self._one_writer = threading.Lock()
        self._writing_thread: int | None = None
        self._idle_readers: deque[Connection] = deque()
        self._folder = folder

    @classmethod
    def open(
        cls, path: Path | str, kind: BookKind, *, now_ms: int, create: bool = True, fault: Fault | None = None
    ) -> "Book":
        """The book of this kind at `path`, made when there is none and brought to the newest schema version.

        Raises a BookError with one sentence for a person; a failed creation leaves no file behind.
        """
        path = Path(path)
        is_new = _prepare_place(path, create)
        try:
            with explaining(path):
                refuse_foreign_log(path)
                return cls._opened(path, kind, now_ms, fault)
        except BaseException:
            if is_new:
                discard(path)
            raise

    @classmethod
    def open_read_only(cls, path: Path | str) -> "Book":
        """The book at `path` for reading alone, whatever its kind; nothing is created, nothing upgraded."""
        path = Path(path)
        _require_file(path)
        with explaining(path):
            refuse_foreign_log(path)
            connection = connect(path, Access.READ)
            try:
                versions = _versions(connection, path)
                if not versions:
                    raise MissingBook(f"There is no book at {path} yet, only an empty file.")
                if versions != schema.VERSIONS:
                    raise OlderBook(
                        f'{path} is of version "{versions[-1]}"; it must be upgraded to "{schema.NEWEST}" first.'
                    )
                book = cls(path, _kind(connection, path), Meta(connection).created_ms(), writing=None)
            except BaseException:
                connection.close()
                raise
            book._idle_readers.append(connection)
            return book

    @classmethod
    def temporary(cls, kind: BookKind, *, now_ms: int, fault: Fault | None = None) -> "Book":
        """A new book in a directory of its own, gone when it is closed."""
        folder = Path(tempfile.mkdtemp(prefix="onebook-"))
        try:
            book = cls.open(folder / "book.db", kind, now_ms=now_ms, fault=fault)
        except BaseException:
            shutil.rmtree(folder)
            raise
        book._folder = folder
        return book

    @property
    def version(self) -> str:
        """The schema version as a person knows it."""
        return schema.NEWEST

    @contextmanager
    def transaction(self) -> Iterator[Stores]:
        """One unit of work: BEGIN IMMEDIATE, then COMMIT, or ROLLBACK on any exception.

        Other threads wait for their turn; a transaction inside a transaction raises RuntimeError.
        """
        connection = self._writing
        if connection is None:
            raise ReadOnlyBook(f"{self.path} was opened for reading.")
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("A transaction of this book is already open here.")
        with self._one_writer, explaining(self.path):
            self._writing_thread = threading.get_ident()
            try:
                begin_immediate(connection)
                yield Stores(connection)
                connection.execute("COMMIT")
            finally:
                self._writing_thread = None
                roll_back(connection)

    @contextmanager
    def reading(self) -> Iterator[Stores]:
        """The book as it stood at the first question, however much is written meanwhile; its stores only read."""
        with explaining(self.path):
            connection = self._reader()
            try:
                connection.execute("BEGIN")
                yield Stores(connection)
            finally:
                roll_back(connection)
                self._idle_readers.append(connection)

    def close(self) -> None:
        """Close every connection; a temporary book goes with its directory."""
        while self._idle_readers:
            self._idle_readers.pop().close()
        if self._writing is not None:
            self._writing.close()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def __enter__(self) -> "Book":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def _opened(cls, path: Path, kind: BookKind, now_ms: int, fault: Fault | None) -> "Book":
        access = Access.WRITE_DURABLY if kind is BookKind.LIVE else Access.WRITE
        connection = connect(path, access, fault=fault)
        try:
            versions = _versions(connection, path)
            if versions:
                _require_kind(connection, kind, path)
            else:
                give_number(connection)
            use_wal(connection)
            if versions != schema.VERSIONS:
                _bring_up_to_date(connection, kind, now_ms, path)
            return cls(path, kind, Meta(connection).created_ms(), connection)
        except BaseException:
            connection.close()
            raise

    def _reader(self) -> Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            return connect(self.path, Access.READ)


def _prepare_place(path: Path, create: bool) -> bool:
    """Refuse what cannot become a book; True when an empty file was made at `path`."""
    if create and not path.exists():
        if not path.parent.is_dir():
            raise MissingDirectory(f"The directory {path.parent} does not exist.")
        try:
            path.touch(mode=OWNER_ONLY, exist_ok=False)
        except FileExistsError:
            return False
        except OSError as error:
            raise ReadOnlyBook(f"{path} cannot be created: {error.strerror}.") from error
        return True
    _require_file(path)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise ReadOnlyBook(f"{path} cannot be written: the file or its directory is read-only.")
    return False


def _require_file(path: Path) -> None:
    if not path.parent.is_dir():
        raise MissingDirectory(f"The directory {path.parent} does not exist.")
    if path.is_dir():
        raise NotABook(f"{path} is a directory, not a book.")
    if not path.exists():
        raise MissingBook(f"There is no book at {path}.")
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise UnreachableBook(f"{path} cannot be read: {error.strerror}.") from error
    if header and header != SQLITE_HEADER:
        raise NotABook(f"{path} is not a book: it is no SQLite file.")


def _versions(connection: Connection, path: Path) -> tuple[str, ...]:
    """The versions the file has been through, none for an empty file; refuses what is not a book of this program."""
    # the tables first: another process may be making this book, and its tables and versions appear together
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    versions = schema.applied(connection)
    if unknown := schema.unknown(versions):
        raise NewerBook(
            f'{path} is of version "{unknown[-1]}", made by a newer Onebook; this one knows up to "{schema.NEWEST}".'
        )
    if versions:
        return versions
    if tables & LEGACY_TABLES:
        raise LegacyBook(
            f"{path} is a legacy positions.db; move it aside and bring it in with `python bot.py import-legacy`."
        )
    if tables:
        raise NotABook(f"{path} is not a book: it is another program's database.")
    return ()


def _require_kind(connection: Connection, kind: BookKind, path: Path) -> None:
    found = _kind(connection, path)
    if found is not kind:
        raise WrongKind(f"{path} is a {found.value} book and cannot be used as a {kind.value} book.")


def _kind(connection: Connection, path: Path) -> BookKind:
    try:
        return Meta(connection).kind()
    except ValueError as error:
        raise CorruptBook(f"{path} is damaged (it does not say what kind of book it is); restore a backup.") from error


def _bring_up_to_date(connection: Connection, kind: BookKind, now_ms: int, path: Path) -> None:
    """Create or upgrade in one transaction, so that every other process sees the old book or the whole new one."""
    begin_immediate(connection)
    try:
        # another process may have done it while we waited for the lock
        is_new = not _versions(connection, path)
        schema.migrate(connection)
        if is_new:
            _seed(connection, kind, now_ms)
        else:
            _require_kind(connection, kind, path)
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def _seed(connection: Connection, kind: BookKind, now_ms: int) -> None:
    stores = Stores(connection)
    stores.meta.set(KIND, kind.value)
    stores.meta.set(CREATED_MS, str(now_ms))
    for portfolio in SEEDED_PORTFOLIOS:
        stores.portfolios.ensure(portfolio, portfolio.value, DEFAULT_CURRENCY, now_ms)


def discard(path: Path) -> None:
    """Remove a book that was made and never used, with what SQLite keeps beside it."""
    for name in (path, *(path.with_name(path.name + side) for side in SIDE_FILES)):
        name.unlink(missing_ok=True)
