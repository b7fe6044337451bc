"""What two live books must have in common, whatever the bot's process went through: rows as comparable values."""

import math
from collections.abc import Mapping, Sequence

from storage.book import Book

Row = tuple[object, ...]

_OF_THE_INSTANT = ("⏳", "▶️", "🎯", "✅", "❌", "➖", "⌛", "🚫", "⚠️", "Record ")

# left out are the wall's times (when a look was taken, when a message went out), what starts and stops write, and what
# health noticed of them
_QUERIES: Mapping[str, str] = {
    "scans": "SELECT symbol, timeframe, candle_close_ms, signals, stage, reason, value, threshold FROM scans"
    " ORDER BY 1, 2, 3",
    "signals": "SELECT id, uid, symbol, setup_key, direction, entry, stop_loss, rr, confidence, status, status_reason,"
    " created_ms, last_seen_ms FROM signals ORDER BY id",
    "targets": "SELECT * FROM targets ORDER BY signal_id, no",
    "decisions": "SELECT * FROM decisions ORDER BY signal_id, gate, at_ms",
    "sent_signals": "SELECT * FROM sent_signals ORDER BY dedupe_key",
    "conditions": "SELECT * FROM conditions ORDER BY id",
    "positions": "SELECT * FROM positions ORDER BY id",
    "checkpoints": "SELECT * FROM checkpoints ORDER BY position_id, level",
    "fills": "SELECT * FROM fills ORDER BY id",
    "ledger": "SELECT * FROM ledger ORDER BY id",
    "events": "SELECT at_ms, type, signal_id, position_id, portfolio_id, symbol, message, idem_key FROM events"
    " WHERE type NOT IN('BOT_STARTED','BOT_STOPPED','SIGNAL_SENT','PART_SENT','SEND_UNKNOWN','DEFECT','COMMAND','RIGHTS_CHANGED',"
    "'INCIDENT_OPENED','INCIDENT_RESOLVED','HEALED')"
    " ORDER BY id",
    # a digest carries the head of the record, which knows when each post was sent; a report comes when the bot is up;
    # of changes to one post the last may go out alone
    "messages": "SELECT kind, signal_id, payload, created_ms, expires_ms, dedupe_key FROM messages"
    " WHERE kind NOT IN('digest','report','health_opened','health_resolved')"
    " ORDER BY id",
    "outbox": "SELECT m.dedupe_key, o.chat_id, original.dedupe_key, o.state FROM outbox o JOIN messages m"
    " ON m.id=o.message_id LEFT JOIN outbox r ON r.id=o.reply_to LEFT JOIN messages original ON original.id=r.message_id"
    " WHERE m.kind NOT IN('digest','report','status','health_opened','health_resolved') ORDER BY o.id",
    "digests": "SELECT dedupe_key FROM messages WHERE kind IN('digest','report') ORDER BY 1",
    "publications": "SELECT DISTINCT signal_id, kind, json_extract(payload,'$.post') FROM publications ORDER BY 1, 2, 3",
    "balance": "SELECT * FROM v_account",
    "journal": "SELECT id, status, book, position_id, close_reason, r_multiple, outcome FROM journal ORDER BY id",
}


def rows(book: Book) -> dict[str, list[Row]]:
    """Every table's rows, floats rounded far below a tick."""
    with book.reading() as view:
        return {name: [_plain(row) for row in view.connection.execute(sql)] for name, sql in _QUERIES.items()}


def differences(one: Mapping[str, Sequence[Row]], other: Mapping[str, Sequence[Row]]) -> list[str]:
    """The first row that differs in each table, as text; none when the books are equal."""
    found = []
    for name in one:
        left, right = one[name], other[name]
        if left == right:
            continue
        at = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
        found.append(f"{name}[{at}] of {len(left)}/{len(right)}: {_at(left, at)} | {_at(right, at)}")
    return found


def told(text: str) -> str:
    """A post's text but for what tells of the instant it was sent: where the signal stood, and the record's head."""
    first, *lines = text.splitlines()
    return "\n".join([first, *(line for line in lines if not line.startswith(_OF_THE_INSTANT))])


def _at(table: Sequence[Row], index: int) -> Row | str:
    return table[index] if index < len(table) else "missing"


def _plain(row: Sequence[object]) -> Row:
    return tuple(round(cell, 9) if isinstance(cell, float) and math.isfinite(cell) else cell for cell in row)
