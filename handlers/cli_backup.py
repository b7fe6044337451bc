"""`backup`, `restore` and `upgrade`: what was done and what stands, as documents and as lines."""

from pathlib import Path
from typing import Any

from services.backup import back_up, backups_of, drill
from services.restore import restore
from services.upgrade import upgrade


def made(book: Path, now_ms: int) -> dict[str, Any]:
    """Make a backup and try it out; the document of the command. BookError where it cannot be made."""
    backup = back_up(book, now_ms)
    tried = drill(backup)
    return {
        "backup": str(backup.path),
        "bytes": backup.size_bytes,
        "rows": tried.rows,
        "problem": tried.problem,
        "kept": [str(one.path) for one in backups_of(book)],
    }


def made_lines(document: dict[str, Any]) -> list[str]:
    """The same for people."""
    told = [f"backup   {document['backup']} ({document['bytes'] / 1e6:,.1f} MB)"]
    if document["problem"] is None:
        told.append(f"tried    it can be restored: {document['rows']:,} rows, every identity holds")
    else:
        told.append(f"tried    IT CANNOT BE RESTORED: {document['problem']}")
    return [*told, f"kept     {len(document['kept'])} backups, the oldest {Path(document['kept'][-1]).name}"]


def restored(backup: Path, book: Path, now_ms: int) -> dict[str, Any]:
    """Restore; the document of the command. BookError where the backup is no good, then nothing was changed."""
    done = restore(backup, book, now_ms)
    return {
        "book": str(book),
        "kept_aside": None if done.kept_aside is None else str(done.kept_aside),
        "of_unknown_end": done.of_unknown_end,
        "corrected": done.corrected,
    }


def restored_lines(document: dict[str, Any]) -> list[str]:
    """The same for people."""
    told = [f"restored  {document['book']}: sound, every identity holds"]
    if document["kept_aside"] is not None:
        told.append(f"kept      the book that was there: {document['kept_aside']}")
    told.append(f"messages  {document['of_unknown_end']} waited and may have been sent since; they are not sent again")
    if document["corrected"]:
        told.append("record    goes on behind a CORRECTION that says so")
    return told


def upgraded(book: Path, now_ms: int) -> dict[str, Any]:
    """Upgrade; the document of the command. BookError where it could not be done."""
    done = upgrade(book, now_ms)
    return {"book": str(book), "version": done.version, "backup": str(done.backup.path)}


def upgraded_lines(document: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [
        f'upgraded  {document["book"]} is of version "{document["version"]}", every identity holds',
        f"way back  the earlier program, and there: python bot.py restore {document['backup']}",
    ]
