"""`backup`: what was made and what stands, as a document and as lines."""

from pathlib import Path
from typing import Any

from services.backup import back_up, backups_of, drill


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
