"""A live book in which every check has something to look at and nothing to find."""

from dataclasses import replace

from diagnostics.checks import Place
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import PortfolioKind
from services.periods import CalendarPeriod
from services.reports import report_of, snapshot_of
from storage.backup import Depth
from storage.book import Book
from storage.chats import ChatKind
from storage.job_runs import DRILL_JOB, JobStatus
from storage.legacy import LegacyRecords
from storage.pulse import Cadence, ExchangeState, Pulse, Vitals, beat
from storage.scans import Scan
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores
from storage.verified import Soundness, keep_soundness
from tests.services.books import armed, candles_of, settle, with_deposit
from tests.storage.samples import LONG, NOW_MS

AT_MS = NOW_MS + HOUR_MS + 15 * MINUTE_MS
"""When the book is asked: a quarter past the hour, so that every slot of the hour is due."""
STARTED_MS = NOW_MS - 2 * DAY_MS
YESTERDAY = CalendarPeriod.last_closed(SnapshotPeriod.DAY, AT_MS, "UTC")
FILL = (101.0, 101.0, 99.5, 100.5)
OVER = (100.5, 101.0, 100.0, 100.5)
CADENCES = (
    Cadence("scan 1h", HOUR_MS, 3_000, 55_000),
    Cadence("settle", MINUTE_MS, 2_000, 55_000),
    Cadence(DRILL_JOB, DAY_MS, 5 * HOUR_MS, 600_000),
)
PULSE = Pulse(
    at_ms=AT_MS - 20_000,
    started_ms=STARTED_MS,
    heard_ms=AT_MS - 30_000,
    vitals=Vitals(300_000_000, 40, 1024),
    exchange=ExchangeState(ahead_ms=-40, used_weight=120, most_weight=1_920),
    symbols=("BTCUSDT",),
    timeframes=("1h",),
    jobs=CADENCES,
)
PLACE = Place(
    book_bytes=20_000_000,
    wal_bytes=4_000_000,
    free_bytes=50_000_000_000,
    open_to_others=(),
    newest_backup_ms=AT_MS - HOUR_MS,
)


def make_well(book: Book) -> Book:
    """Fill a new live book with an open position, an order, a message that went out, and machinery that runs."""
    with_deposit(book)
    with book.transaction() as tx:
        armed(tx, LONG, kinds=(PortfolioKind.PAPER,))
    settle(book, {"BTCUSDT": candles_of([FILL])}, AT_MS)
    with book.transaction() as tx:
        tx.connection.execute("UPDATE positions SET settled_ms=?", (AT_MS - MINUTE_MS,))
        armed(tx, replace(LONG, setup_key="another"), kinds=(PortfolioKind.SHADOW,))
        _fed(tx)
        _run(tx)
        _said(tx)
        tx.snapshots.keep(snapshot_of(report_of(tx, YESTERDAY, AT_MS - 2 * HOUR_MS)))
        beat(tx.meta, PULSE)
    return book


def done(tx: Stores, job: str, slot_ms: int, status: JobStatus = JobStatus.OK, detail: str | None = None) -> None:
    """A run of a job, begun and ended at its slot."""
    tx.job_runs.claim(job, slot_ms, "bot", slot_ms)
    tx.job_runs.finish(job, slot_ms, status, detail, slot_ms)


def queued(tx: Stores, key: str = "close:1", created_ms: int = AT_MS - MINUTE_MS) -> int:
    """The id of an outbox row that waits."""
    chat_id = tx.chats.ensure(-100, ChatKind.CHANNEL).id
    message_id = tx.outbox.queue("close", {}, key, (chat_id,), created_ms)
    assert message_id is not None
    return tx.outbox.of_message(message_id)[0].id


def _fed(tx: Stores) -> None:
    for timeframe in (Timeframe.H1, Timeframe.H4):
        count = 60
        candles = candles_of([OVER] * count, timeframe=timeframe)
        moved_ms = int(timeframe.floor(AT_MS)) - candles.closed_at_ms
        tx.candles.store(replace(candles, open_ms=candles.open_ms + moved_ms), "binance", AT_MS)
    close_ms = int(Timeframe.H1.floor(AT_MS))
    tx.scans.record(Scan("BTCUSDT", "1h", close_ms, close_ms + 4_000))


def _run(tx: Stores) -> None:
    for cadence in CADENCES:
        done(tx, cadence.job, cadence.slot_ms(AT_MS))
    for depth in Depth:
        keep_soundness(tx.meta, depth, Soundness(AT_MS - HOUR_MS, "positions-1.db.gz", None))
    imports = LegacyRecords(tx.connection)
    imports.finish(imports.begin("old", NOW_MS), NOW_MS, {"totals": {"records": 100, "quarantined": 5}})


def _said(tx: Stores) -> None:
    row = queued(tx, "signal:0")
    tx.outbox.mark_sending(row)
    tx.outbox.mark_sent(row, 1, AT_MS - MINUTE_MS)
    tx.signal_cache.claim("BTCUSDT", Timeframe.H1, LONG.direction, 100.0, 70.0, None, AT_MS, 12 * HOUR_MS, 0.5)
