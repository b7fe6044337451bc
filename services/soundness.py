"""The newest backup looked over by SQLite: quickly every day, and every index entry against its row once a week."""

import asyncio
from collections.abc import Callable

from engine.timeframes import DAY_MS
from services.backup import backups_of, flaw
from services.schedule import NothingToDo
from storage.backup import Depth
from storage.book import Book
from storage.stores import Stores
from storage.verified import Soundness, keep_soundness, last_soundness
from storage.writer import Writer

WHOLE_EVERY_MS = 7 * DAY_MS


async def check_newest_backup(book: Book, writer: Writer, now_ms: Callable[[], int]) -> None:
    """Write down what SQLite says of the newest backup, in a thread beside the bot; NothingToDo when there is none."""
    newest = next(iter(backups_of(book.path)), None)
    if newest is None:
        raise NothingToDo("there is no backup yet")
    with book.reading() as view:
        depth = due_depth(view, now_ms())
    problem = await asyncio.to_thread(flaw, newest, depth)
    found = Soundness(now_ms(), newest.path.name, problem)
    await writer.run(lambda tx: keep(tx, depth, found))


def due_depth(view: Stores, now_ms: int) -> Depth:
    """How closely to look today."""
    last = last_soundness(view.meta, Depth.WHOLE)
    return Depth.WHOLE if last is None or now_ms - last.at_ms >= WHOLE_EVERY_MS else Depth.QUICK


def keep(tx: Stores, depth: Depth, found: Soundness) -> None:
    """Write a result down; a close look says all that a quick one would."""
    keep_soundness(tx.meta, Depth.QUICK, found)
    if depth is Depth.WHOLE:
        keep_soundness(tx.meta, Depth.WHOLE, found)
