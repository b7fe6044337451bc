"""A backup becomes the book: checked first, the present book kept aside, and the public record told of it.

At every instant either the present book or the whole restored one stands at the path; a restore that was killed is
simply begun again.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from engine.vocabulary import BookKind
from services.backup import (
    MS_PER_SECOND,
    STAMP,
    BackupError,
    Step,
    newest_good,
    no_step,
    require_whole,
    sync_folder,
    told_as,
    unpack,
)
from services.publish import append_correction, publish
from services.send import signal_is_out
from storage.backup import damage, settle_into_one_file, waiting
from storage.book import SIDE_FILES, Book, discard
from storage.database import Fault
from storage.errors import CorruptBook, ForeignLog, NotABook, UnreachableBook
from storage.events import EventType
from storage.lock import BookLock
from storage.outbox import OutboxState
from storage.publications import Delivery
from storage.stores import Stores

OWNER = "restore"
UNFINISHED = ".restoring"
OF_UNKNOWN_END = "the book was restored from a backup: it may have been sent after that"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: where the book that was there is now, and how many messages are of unknown end."""

    kept_aside: Path | None
    of_unknown_end: int
    corrected: bool


def restore(backup: Path, book: Path, now_ms: int, *, step: Step = no_step, fault: Fault | None = None) -> Restored:
    """Put the live book inside `backup` in the place of the one at `book`; raises a BookError and changes nothing else.

    What waited to be sent may have been sent since, so it is of unknown end and is not sent again; the public record
    goes on with a CORRECTION behind its newest row.
    """
    if not backup.is_file():
        raise BackupError(f"There is no backup {backup}.")
    with BookLock.acquire(book, OWNER, now_ms):
        scratch = book.with_name(book.name + UNFINISHED)
        discard(scratch)
        try:
            step("unpack")
            unpack(backup, scratch)
            step("check")
            require_whole(scratch, backup)
            step("correct")
            with told_as(scratch, backup):
                of_unknown_end, corrected = _made_true(scratch, backup, now_ms, fault)
            require_whole(scratch, backup)
            step("settle")
            settle_into_one_file(scratch)
            kept_aside = _put_in_place(scratch, book, now_ms, step)
        finally:
            discard(scratch)
    return Restored(kept_aside, of_unknown_end, corrected)


def refuse_damaged(book: Path) -> None:
    """CorruptBook when the file at `book` is damaged, with the newest good backup by name; reads the whole file."""
    if not book.is_file() or not book.stat().st_size or (found := damage(book)) is None:
        return
    best = newest_good(book)
    way_out = "there is no good backup of it" if best is None else f"`python bot.py restore {best.path}` brings it back"
    raise CorruptBook(f"{book} is damaged ({found.rstrip('.')}); {way_out}.")


def _made_true(scratch: Path, backup: Path, now_ms: int, fault: Fault | None) -> tuple[int, bool]:
    """Bring the book up to date and to what is known of the world since; how many messages, whether a correction."""
    with Book.open(scratch, BookKind.LIVE, now_ms=now_ms, fault=fault) as book, book.transaction() as tx:
        items = waiting(tx)
        for item in items:
            if item.state is OutboxState.PENDING:
                tx.outbox.mark_sending(item.id)
            tx.outbox.mark_unknown(item.id, OF_UNKNOWN_END, now_ms)
            publish(tx, item, Delivery.UNKNOWN, now_ms)
            tx.events.add(
                EventType.SEND_UNKNOWN,
                now_ms,
                signal_id=item.signal_id,
                message=f"{item.kind} to {item.chat_telegram_id}: {OF_UNKNOWN_END}",
                idem_key=f"restored:{now_ms}:{item.id}",
            )
            signal_is_out(tx, item, now_ms)
        return len(items), _correct(tx, backup, now_ms)


def _correct(tx: Stores, backup: Path, now_ms: int) -> bool:
    at = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).isoformat(sep=" ", timespec="seconds")
    text = (
        f"The book was restored from the backup {backup.name} at {at}. Rows that were published after the backup are"
        " not in it; the numbers from here on are new rows, whatever was published under them before."
    )
    return append_correction(tx, text, now_ms) is not None


def _put_in_place(scratch: Path, book: Path, now_ms: int, step: Step) -> Path | None:
    """Let the restored file take the place of the present one, which gets a name of its own; that name."""
    if not book.exists():
        _clear_side_files(book, None)
        step("replace")
        scratch.replace(book)
        sync_folder(book.parent)
        return None
    aside = _free_name(book, now_ms)
    try:
        settle_into_one_file(book)
    except (CorruptBook, ForeignLog, NotABook, UnreachableBook):
        # a book too damaged to be opened; a log left beside its place would be read into the new one
        _clear_side_files(book, aside)
    step("keep aside")
    _keep(book, aside)
    step("replace")
    scratch.replace(book)
    sync_folder(book.parent)
    return aside


def _clear_side_files(book: Path, aside: Path | None) -> None:
    """Move what SQLite keeps beside a book to the name it is kept under, or away where no book is left."""
    for side in SIDE_FILES:
        beside = book.with_name(book.name + side)
        if not beside.exists():
            continue
        if aside is None:
            beside.unlink()
        else:
            beside.replace(aside.with_name(aside.name + side))


def _keep(book: Path, aside: Path) -> None:
    """A second name for the file, so that the first is never without one."""
    try:
        os.link(book, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(book, aside)
    sync_folder(book.parent)


def _free_name(book: Path, now_ms: int) -> Path:
    stamp = datetime.fromtimestamp(now_ms / MS_PER_SECOND, UTC).strftime(STAMP)
    return next(path for path in _names(book, f"{book.stem}-before-{stamp}") if not path.exists())


def _names(book: Path, stem: str) -> Iterator[Path]:
    yield book.with_name(stem + book.suffix)
    for number in count(2):
        yield book.with_name(f"{stem}-{number}{book.suffix}")
