"""From pieces of a file to judged records: every record found gets one `Reading`, whatever it holds."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from migrations.legacy.json_stream import Broken, Element, Piece, cleaned
from migrations.legacy.normal_form import Content, Reading, RecordVerdict, Unusable
from migrations.legacy.raw_text import packed
from migrations.legacy.rows import Row
from migrations.legacy.words import shown

# members that speak of the file, where records are members of the document too
ABOUT_THE_FILE = frozenset({"metadata", "last_updated", "version", "statistics", "patterns", "ml_insights", "created"})
BREAK_REASON = "unreadable from here on"


class Found(NamedTuple):
    """A record as it stands in its file; `key` is its name where records are kept by name."""

    place: str
    value: object
    raw: str
    key: str | None = None


class Judged(NamedTuple):
    """What a record turned out to be."""

    content: Content
    natural_key: str


Judge = Callable[[Row, Found], Judged]


def found_records(pieces: Iterable[Piece], *holders: str | None) -> Iterator[Found | Broken]:
    """The records kept in these arrays or objects of a document (None = the document itself), and its break if any."""
    for piece in pieces:
        match piece:
            case Element(key=key) if key in holders:
                yield Found(piece.place, piece.value, piece.raw)
            case Broken():
                yield piece
            case Element():
                pass
            case _ if piece.key in holders and isinstance(piece.value, dict):
                for name, value in piece.value.items():
                    yield Found(f"{piece.place}/{cleaned(name)}", value, raw_of(value), name)
            case _ if None in holders and piece.key is not None and piece.key not in ABOUT_THE_FILE:
                yield Found(piece.place, piece.value, piece.raw, piece.key)


def judged(found: Iterable[Found | Broken], judge: Judge) -> Iterator[Reading]:
    """One reading per record: its normal form, or the reason why it has none."""
    for record in found:
        if isinstance(record, Broken):
            yield broken(record)
        else:
            yield judged_one(record, judge)


def judged_one(found: Found, judge: Judge) -> Reading:
    if not isinstance(found.value, dict):
        return quarantined(found, f"no record: {shown(found.value)}")
    row = Row(found.value)
    try:
        result = judge(row, found)
    except Unusable as reason:
        return quarantined(found, str(reason))
    verdict = RecordVerdict.REPAIRED if row.repairs else RecordVerdict.IMPORTED
    return Reading(found.place, packed(found.raw), verdict, tuple(row.repairs), result.natural_key, result.content)


def quarantined(found: Found, *reasons: str) -> Reading:
    return Reading(found.place, packed(found.raw), RecordVerdict.QUARANTINED, reasons)


def broken(piece: Broken) -> Reading:
    return Reading(piece.place, packed(piece.raw), RecordVerdict.QUARANTINED, (f"{BREAK_REASON}: {piece.reason}",))


def raw_of(value: object) -> str:
    """The JSON text of a part that has none of its own in the file."""
    return json.dumps(value)
