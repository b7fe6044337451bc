"""Backups of the book: copied while the bot runs, checked, packed, kept in number and size, and tried out.

A backup is `backups/NAME-20260121T140000Z.db.gz` beside the book, with a `.json` that tells what is in it. It gets its
name last, when it is whole and on the disk; what a killed process left, half a backup (`.part`) or the scratch folder of
a trial, is removed by the next one.
"""

import gzip
import hashlib
import json
import os
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isal import isal_zlib

from engine.timeframes import DAY_MS, HOUR_MS
from storage.backup import Census, Depth, census_of, copy_book, damage
from storage.book import Book
from storage.errors import BookError, BookInUse, OlderBook
from storage.identities import identities, integrity
from storage.lock import LOCK_SUFFIX, BookLock, holder_of

FOLDER = "backups"
STAMP = "%Y%m%dT%H%M%SZ"
SUFFIX = ".db.gz"
UNFINISHED = ".part"
FACTS_SUFFIX = ".json"
SCRATCH = "onebook-drill-"
MS_PER_SECOND = 1_000

KEPT_HOURS = 24
KEPT_DAYS = 14
FREE_DISK_SHARE = 0.25
"""How much of what the disk has free (backups not counted) all backups together may take."""

LARGE_BOOK_BYTES = 200_000_000
LARGE_BOOK_EVERY_MS = 6 * HOUR_MS
SCHEDULE_SLACK_MS = HOUR_MS // 2
"""A job that knocks some minutes earlier than the last time still finds its backup due."""

PACK_LEVEL = 2
"""Of ISA-L, which writes gzip in a quarter of the time that gzip's own level 3 takes for three hundredths less."""
GZIP_BITS = 31  # as zlib counts them: a window of 32 KB in a gzip file
CHUNK_BYTES = 1 << 20
OWNER_ONLY = 0o600

Step = Callable[[str], None]
"""Told before every step that changes the disk; a crash test dies in it."""


class BackupError(BookError):
    """A backup that cannot be made or used; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup and when it was made (epoch ms)."""

    path: Path
    made_ms: int
    size_bytes: int

    @property
    def facts_path(self) -> Path:
        return self.path.with_name(self.path.name + FACTS_SUFFIX)


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands beside a backup: the hash of its file and the rows that were copied."""

    sha256: str
    census: Census


@dataclass(frozen=True, slots=True)
class Drill:
    """What came of trying a backup out; `problem` is None when it can be restored."""

    backup: Backup
    rows: int
    problem: str | None


def no_step(name: str) -> None:
    """Outside of crash tests nothing happens between the steps."""


def backups_of(book: Path) -> tuple[Backup, ...]:
    """The finished backups of the book at this path, newest first."""
    found = []
    for path in (book.parent / FOLDER).glob(f"{book.stem}-*{SUFFIX}"):
        try:
            made_at = datetime.strptime(path.name[len(book.stem) + 1 : -len(SUFFIX)], STAMP).replace(tzinfo=UTC)
        except ValueError:  # somebody else's file, or that of a book whose name begins like ours
            continue
        found.append(Backup(path, round(made_at.timestamp() * MS_PER_SECOND), path.stat().st_size))
    return tuple(sorted(found, key=lambda backup: backup.made_ms, reverse=True))


def is_due(book: Path, now_ms: int) -> bool:
    """Whether the hourly job should make one: always, but of a large book only every six hours."""
    newest = next(iter(backups_of(book)), None)
    if newest is None or book.stat().st_size <= LARGE_BOOK_BYTES:
        return True
    return now_ms - newest.made_ms >= LARGE_BOOK_EVERY_MS - SCHEDULE_SLACK_MS


def back_up(book: Path, now_ms: int, *, step: Step = no_step) -> Backup:
    """Make a backup of the book at this path, whoever writes to it meanwhile, then let go of those too many.

    Raises a BookError when the disk has no room for it or the copy is not sound; then no backup was added.
    """
    if not book.is_file():
        raise BackupError(f"There is no book at {book}.")
    folder = book.parent / FOLDER
    _make(folder)
    with _alone(folder / book.name, now_ms):
        return _made(book, folder, now_ms, step)


def kept(backups: Iterable[Backup], budget_bytes: float) -> tuple[Backup, ...]:
    """Of these the ones worth keeping: the newest of each of 24 hours and of 14 days that have one, within the budget.

    The newest of all is kept whatever its size.
    """
    newest_first = sorted(backups, key=lambda backup: backup.made_ms, reverse=True)
    wanted = _newest_of_each(newest_first, HOUR_MS, KEPT_HOURS) | _newest_of_each(newest_first, DAY_MS, KEPT_DAYS)
    chosen: list[Backup] = []
    for backup in newest_first:
        used = sum(one.size_bytes for one in chosen) + backup.size_bytes
        if backup in wanted and (not chosen or used <= budget_bytes):
            chosen.append(backup)
    return tuple(chosen)


def unpack(backup: Path, target: Path) -> None:
    """Write the book inside a backup, or a plain copy of a book, into `target`; BackupError where it cannot be read."""
    opener = gzip.open if backup.suffix == ".gz" else open
    try:
        with opener(backup, "rb") as packed, target.open("wb") as plain:
            target.chmod(OWNER_ONLY)
            shutil.copyfileobj(packed, plain, CHUNK_BYTES)
            plain.flush()
            os.fsync(plain.fileno())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError(f"{backup} is damaged and cannot be unpacked ({error}).") from error
    except OSError as error:
        raise BackupError(f"{backup} cannot be unpacked into {target}: {error.strerror}.") from error


def newest_good(book: Path) -> Backup | None:
    """The newest backup that can be unpacked and is sound; None when there is none."""
    return next((backup for backup in backups_of(book) if drill(backup).problem is None), None)


def drill(backup: Backup) -> Drill:
    """Restore a backup into a scratch file and compare it with what was copied; the book itself is not touched."""
    try:
        with _scratch_folder(backup.path.parent) as scratch:
            return Drill(backup, _tried(backup, scratch / "book.db"), None)
    except BookError as error:
        return Drill(backup, 0, str(error))


def flaw(backup: Backup, depth: Depth) -> str | None:
    """What SQLite finds wrong with a backup when it looks this closely, None when it is sound."""
    try:
        with _scratch_folder(backup.path.parent) as scratch:
            unpack(backup.path, scratch / "book.db")
            return damage(scratch / "book.db", depth)
    except BookError as error:
        return str(error)


def _tried(backup: Backup, restored: Path) -> int:
    """The number of rows of a backup that is as it was made; BookError in one sentence where it is not."""
    facts = _read_facts(backup.facts_path)
    if facts is not None and _sha256(backup.path) != facts.sha256:
        raise BackupError(f"{backup.path} is not the file that was written: its hash has changed.")
    unpack(backup.path, restored)
    require_whole(restored, backup.path)
    census = census_of(restored)
    if facts is not None and (differences := facts.census.differences(census)):
        raise BackupError(f"{backup.path} does not hold what was copied: {differences[0]}.")
    return sum(count for _, count in census.rows)


def require_whole(book: Path, backup: Path) -> None:
    """BookError, in one sentence that names `backup`, unless the file is sound and every identity of the book holds.

    A book of an older schema version is checked for soundness alone: its identities are asked after the upgrade.
    """
    with told_as(book, backup):
        if (found := damage(book)) is not None:
            raise BackupError(f"{backup} is damaged ({found.rstrip('.')}).")
        try:
            opened = Book.open_read_only(book)
        except OlderBook:
            return
        with opened, opened.reading() as view:
            broken = next((truth for truth in (*integrity(view), *identities(view)) if not truth.holds), None)
        if broken is not None:
            raise BackupError(f"{backup} holds no true book: {broken.name}: {broken.detail or broken.value}.")


@contextmanager
def told_as(scratch: Path, backup: Path) -> Iterator[None]:
    """What is wrong with a scratch file is wrong with the backup inside it, and that is the name a person knows."""
    try:
        yield
    except BookError as error:
        raise type(error)(str(error).replace(str(scratch), str(backup))) from error


def sync_folder(folder: Path) -> None:
    """Press new names in a folder onto the disk, where the system knows how."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def budget_bytes(book: Path, folder: Path) -> float:
    """How many bytes all backups of the book may take together."""
    held = sum(backup.size_bytes for backup in backups_of(book))
    return FREE_DISK_SHARE * (shutil.disk_usage(folder).free + held)


@contextmanager
def _alone(place: Path, now_ms: int) -> Iterator[None]:
    """Two backups of a book at once would take each other's unfinished files for a dead one's."""
    try:
        lock = BookLock.acquire(place, "backup", now_ms)
    except BookInUse as error:
        raise BackupError("Another backup of this book is being made.") from error
    with lock:
        yield


@contextmanager
def _scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder of its own below `folder`, gone at the end; those that killed trials left go now."""
    _remove_dead_scratches(folder)
    scratch = folder / f"{SCRATCH}{uuid.uuid4().hex}"
    lock = BookLock.acquire(scratch, "drill", 0)  # before the folder is there: nobody may take it for a dead one's
    try:
        _make(scratch)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()
        _lock_of(scratch).unlink()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}.") from error


def _remove_dead_scratches(folder: Path) -> None:
    for scratch in folder.glob(f"{SCRATCH}*/"):
        if holder_of(scratch) is None:
            shutil.rmtree(scratch)
            _lock_of(scratch).unlink(missing_ok=True)


def _lock_of(scratch: Path) -> Path:
    return scratch.with_name(scratch.name + LOCK_SUFFIX)


def _made(book: Path, folder: Path, now_ms: int, step: Step) -> Backup:
    _remove_dead_scratches(folder)
    for left in folder.glob(f"{book.stem}-*{UNFINISHED}*"):
        left.unlink(missing_ok=True)
    _require_room(book, folder)
    name = f"{book.stem}-{datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).strftime(STAMP)}{SUFFIX}"
    target, copy, packed = folder / name, folder / f"{name}.copy{UNFINISHED}", folder / f"{name}{UNFINISHED}"
    try:
        step("copy")
        census = copy_book(book, copy)
        step("check")
        _require_sound(copy, census)
        step("pack")
        sha256 = _pack(copy, packed)
    except OSError as error:
        raise BackupError(f"The backup {target} cannot be written: {error.strerror}.") from error
    finally:
        copy.unlink(missing_ok=True)
    backup = Backup(target, now_ms // MS_PER_SECOND * MS_PER_SECOND, packed.stat().st_size)
    step("tell what is in it")
    _write_facts(backup.facts_path, Facts(sha256, census))
    step("name it")
    packed.replace(target)
    sync_folder(folder)
    step("let go")
    _let_go(book, folder)
    return backup


def _require_room(book: Path, folder: Path) -> None:
    """The copy and what it is packed into must fit while both are there, within the share that backups may take."""
    wal = book.with_name(book.name + "-wal")
    copied_bytes = book.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    allowed = budget_bytes(book, folder)
    if copied_bytes > allowed:
        raise BackupError(
            f"The disk of {folder} has no room for a backup: {copied_bytes / 1e6:,.0f} MB are needed,"
            f" {allowed / 1e6:,.0f} MB (a quarter of what is free) may be used."
        )


def _require_sound(copy: Path, census: Census) -> None:
    if (found := damage(copy)) is not None:
        raise BackupError(f"The copy of the book is not sound, so it was thrown away: {found}.")
    if differences := census.differences(census_of(copy)):
        raise BackupError(f"The copy of the book is not whole, so it was thrown away: {differences[0]}.")


def _pack(copy: Path, packed: Path) -> str:
    """Compress, press onto the disk, and say the hash of what was written."""
    with copy.open("rb") as plain, packed.open("wb") as file:
        packed.chmod(OWNER_ONLY)
        squeezing = isal_zlib.compressobj(PACK_LEVEL, wbits=GZIP_BITS)
        while chunk := plain.read(CHUNK_BYTES):
            file.write(squeezing.compress(chunk))
        file.write(squeezing.flush())
        file.flush()
        os.fsync(file.fileno())
    return _sha256(packed)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_facts(path: Path, facts: Facts) -> None:
    document = {"sha256": facts.sha256, "rows": dict(facts.census.rows)}
    part = path.with_name(path.name + UNFINISHED)
    with part.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _read_facts(path: Path) -> Facts | None:
    """What stands beside a backup; None for one that was brought here without it."""
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Facts(document["sha256"], Census(tuple(sorted(document["rows"].items()))))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{path} is damaged ({error}); remove it to check the backup without it.") from error


def _newest_of_each(newest_first: list[Backup], span_ms: int, count: int) -> set[Backup]:
    newest: dict[int, Backup] = {}
    for backup in newest_first:
        newest.setdefault(backup.made_ms // span_ms, backup)
    return set(list(newest.values())[:count])


def _let_go(book: Path, folder: Path) -> None:
    """Remove the backups too many, and what was told of backups that are no more."""
    backups = backups_of(book)
    keep = kept(backups, budget_bytes(book, folder))
    for backup in backups:
        if backup not in keep:
            backup.path.unlink(missing_ok=True)
    names = {backup.facts_path for backup in keep}
    for facts in folder.glob(f"{book.stem}-*{SUFFIX}{FACTS_SUFFIX}"):
        if facts not in names:
            facts.unlink(missing_ok=True)
