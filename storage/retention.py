"""What the live book forgets, and when; what is forgotten by the day leaves one event a day with its counts.

The daily counts are events because events are the one table that is kept for ever, never altered, and safe to write
twice (`idem_key`). Positions, money and events themselves are never forgotten.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import SignalStatus
from storage.codec import Json
from storage.database import Connection
from storage.events import EventType
from storage.signals import LIVE
from storage.stores import Stores

TELEMETRY_DAYS = 30
MINUTE_CANDLE_DAYS = 14
CANDLES_PER_SERIES = 2_000
FEATURE_DAYS = 2 * 365
MS_PER_SECOND = 1000
NEVER_SENT = (SignalStatus.GENERATED, SignalStatus.SUPPRESSED, SignalStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows went (for `features`: how many signals lost theirs)."""

    scans: int
    job_runs: int
    outbox: int
    messages: int
    candles: int
    features: int


def forget(tx: Stores, now_ms: int) -> Forgotten:
    """Everything whose time is over, by whole UTC days, in the caller's transaction."""
    telemetry_before_ms = _days_ago(now_ms, TELEMETRY_DAYS)
    return Forgotten(
        scans=forget_scans(tx, telemetry_before_ms),
        job_runs=forget_job_runs(tx, telemetry_before_ms),
        outbox=forget_outbox(tx, telemetry_before_ms),
        messages=forget_messages(tx, telemetry_before_ms),
        candles=forget_candles(tx, now_ms),
        features=forget_features(tx, _days_ago(now_ms, FEATURE_DAYS)),
    )


def forget_scans(tx: Stores, before_ms: int) -> int:
    """Looks at candles that closed before then; per day remain their number, their signals and where they ended."""
    days: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for day, stage, looks, signals in tx.connection.execute(
        f"SELECT candle_close_ms/{DAY_MS}, COALESCE(stage,'levels reached'), COUNT(*), SUM(signals) FROM scans"
        " WHERE candle_close_ms<? GROUP BY 1, 2",
        (before_ms,),
    ):
        days[day][f"ended: {stage}"] = looks
        days[day]["looks"] = days[day].get("looks", 0) + looks
        days[day]["signals"] = days[day].get("signals", 0) + signals
    _roll_up(tx, "scans", days)
    return _changed(tx.connection, "DELETE FROM scans WHERE candle_close_ms<?", before_ms)


def forget_job_runs(tx: Stores, before_ms: int) -> int:
    """Runs of slots before then, but for each job's last one; per day remain their number by job and status."""
    gone = "slot_ms<? AND slot_ms<(SELECT MAX(slot_ms) FROM job_runs newer WHERE newer.job=job_runs.job)"
    days: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for day, job, status, runs in tx.connection.execute(
        f"SELECT slot_ms/{DAY_MS}, job, status, COUNT(*) FROM job_runs WHERE {gone} GROUP BY 1, 2, 3", (before_ms,)
    ):
        days[day][f"{job}: {status}"] = runs
    _roll_up(tx, "job_runs", days)
    return _changed(tx.connection, f"DELETE FROM job_runs WHERE {gone}", before_ms)


def forget_outbox(tx: Stores, before_ms: int) -> int:
    """Settled rows of messages from before then, unless the signal still stands: its next update replies to them."""
    standing = ",".join(f"'{status.value}'" for status in LIVE)
    gone = (
        "id IN(SELECT o.id FROM outbox o JOIN messages m ON m.id=o.message_id LEFT JOIN signals s ON s.id=m.signal_id"
        " WHERE m.created_ms<? AND o.state NOT IN('PENDING','SENDING')"
        f" AND (s.id IS NULL OR s.status NOT IN({standing})))"
    )
    days: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for day, state, rows in tx.connection.execute(
        f"SELECT (SELECT created_ms FROM messages WHERE id=message_id)/{DAY_MS}, state, COUNT(*) FROM outbox"
        f" WHERE {gone} GROUP BY 1, 2",
        (before_ms,),
    ):
        days[day][state] = rows
    _roll_up(tx, "outbox", days)
    tx.connection.execute(
        f"UPDATE outbox SET reply_to=NULL WHERE reply_to IN(SELECT id FROM outbox WHERE {gone})", (before_ms,)
    )
    return _changed(tx.connection, f"DELETE FROM outbox WHERE {gone}", before_ms)


def forget_messages(tx: Stores, before_ms: int) -> int:
    """Messages from before then that no outbox row carries any more."""
    return _changed(
        tx.connection,
        "DELETE FROM messages WHERE created_ms<? AND id NOT IN(SELECT message_id FROM outbox)",
        before_ms,
    )


def forget_candles(tx: Stores, now_ms: int) -> int:
    """1m candles older than two weeks; of every other series all but the last candles a decision may look at."""
    minutes = _changed(
        tx.connection,
        f"DELETE FROM candles WHERE series_id IN(SELECT id FROM series WHERE timeframe='{Timeframe.M1.text}')"
        " AND open_ms<?",
        _days_ago(now_ms, MINUTE_CANDLE_DAYS),
    )
    others = tx.connection.execute("SELECT id FROM series WHERE timeframe<>?", (Timeframe.M1.text,)).fetchall()
    return minutes + sum(_trim(tx.connection, series_id) for (series_id,) in others)


def forget_features(tx: Stores, before_ms: int) -> int:
    """Features of signals from before then that nobody was sent; the signals themselves stay."""
    unsent = ",".join(f"'{status.value}'" for status in NEVER_SENT)
    return _changed(
        tx.connection,
        "UPDATE signals SET features='{}', features_version=NULL"
        f" WHERE status IN({unsent}) AND created_ms<? AND features<>'{{}}'",
        before_ms,
    )


def _trim(connection: Connection, series_id: int) -> int:
    return connection.execute(
        "DELETE FROM candles WHERE series_id=?1 AND open_ms<(SELECT open_ms FROM candles WHERE series_id=?1"
        " ORDER BY open_ms DESC LIMIT 1 OFFSET ?2)",
        (series_id, CANDLES_PER_SERIES - 1),
    ).rowcount


def _roll_up(tx: Stores, table: str, days: Mapping[int, Mapping[str, Json]]) -> None:
    for day in sorted(days):
        day_ms = day * DAY_MS
        date = datetime.fromtimestamp(day_ms / MS_PER_SECOND, UTC).date().isoformat()
        tx.events.add(
            EventType.ROLLED_UP,
            day_ms,
            message=f"{table} of {date}",
            decision_context=days[day],
            idem_key=f"rolled up:{table}:{date}",
        )


def _changed(connection: Connection, sql: str, before_ms: int) -> int:
    return connection.execute(sql, (before_ms,)).rowcount


def _days_ago(now_ms: int, days: int) -> int:
    """Midnight UTC, `days` whole days before today."""
    return (now_ms // DAY_MS - days) * DAY_MS
