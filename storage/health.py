"""What the checks ask of the book's tables: each question seeks where it can, because a book may hold millions of rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.timeframes import Timeframe
from migrations import schema
from storage.stores import Stores

GROWING = ("signals", "positions", "fills", "ledger", "publications", "events")
"""The tables whose length decides how long it takes to look through the book."""


@dataclass(frozen=True, slots=True)
class SeriesState:
    """A stored series: when its newest candle closed (None without any), how many its last window lacks, its last error.

    Bars that the exchange does not have either are not missing.
    """

    symbol: str
    timeframe: Timeframe
    closed_ms: int | None
    missing: int
    error: str | None

    @property
    def name(self) -> str:
        return f"{self.symbol} {self.timeframe.text}"


@dataclass(frozen=True, slots=True)
class Sending:
    """The outbox: rows that wait and could go out, since when the oldest could, and what went wrong lately.

    `held` rows wait for their hour or for a chat that shut the bot out; instants are epoch ms, None where there is none.
    """

    waiting: int
    oldest_ms: int | None
    held: int
    unknown: int
    failed: int
    last_sent_ms: int | None


@dataclass(frozen=True, slots=True)
class DedupeState:
    """The places of the dedupe cache: how many hold now, since when the oldest does, and those that hold too long."""

    held: int
    oldest_ms: int | None
    wrong: tuple[str, ...]


def row_count(view: Stores) -> int:
    """How many rows the growing tables hold, as their ids tell."""
    parts = "+".join(f"(SELECT COALESCE(MAX(rowid),0) FROM {table})" for table in GROWING)
    (count,) = view.connection.execute(f"SELECT {parts}").fetchone()
    return int(count)


def size_bytes(view: Stores) -> int:
    """The size of the book's file."""
    (pages,) = view.connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = view.connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_bytes)


def missing_versions(view: Stores) -> tuple[str, ...]:
    """The schema versions of this program that the book has not been through."""
    applied = schema.applied(view.connection)
    return tuple(name for name in schema.VERSIONS if name not in applied)


def hole_key(symbol: str, timeframe: Timeframe, first_ms: int) -> str:
    """The key of the event that says that the exchange does not have the bars of a hole."""
    return f"missing:{symbol} {timeframe.text}:{first_ms}"


def series_states(view: Stores, window_bars: int) -> tuple[SeriesState, ...]:
    """Every stored series with the holes among its last `window_bars` bars, by symbol and timeframe."""
    states = []
    for series_id, symbol, text, error, last_ms in view.connection.execute(
        "SELECT id, symbol, timeframe, error, (SELECT MAX(open_ms) FROM candles c WHERE c.series_id=s.id) FROM series s"
        " ORDER BY symbol, timeframe, source"
    ).fetchall():
        timeframe = Timeframe.parse(text)
        if last_ms is None:
            states.append(SeriesState(symbol, timeframe, None, 0, error))
            continue
        from_ms = last_ms - window_bars * timeframe.ms
        count, first_ms = view.connection.execute(
            "SELECT COUNT(*), MIN(open_ms) FROM candles WHERE series_id=? AND open_ms>?", (series_id, from_ms)
        ).fetchone()
        is_whole = count == (last_ms - first_ms) // timeframe.ms + 1
        missing = 0 if is_whole else _missing(view, series_id, symbol, timeframe, from_ms)
        states.append(SeriesState(symbol, timeframe, last_ms + timeframe.ms, missing, error))
    return tuple(states)


def last_close_looked_at(view: Stores, symbol: str, timeframe: str) -> int | None:
    """The newest close of a series that was looked at; None when it never was."""
    (close_ms,) = view.connection.execute(
        "SELECT MAX(candle_close_ms) FROM scans WHERE symbol=? AND timeframe=?", (symbol, timeframe)
    ).fetchone()
    found: int | None = close_ms
    return found


def sending(view: Stores, now_ms: int, since_ms: int) -> Sending:
    """How the outbox stands at `now_ms`; UNKNOWN and FAILED rows count from `since_ms` on."""
    waiting, oldest_ms, held = view.connection.execute(
        # a row that was postponed after an error waits since it was written, one for a quiet hour since that ended
        "SELECT COALESCE(SUM(ready),0), MIN(CASE WHEN ready THEN since_ms END), COALESCE(SUM(NOT ready),0) FROM ("
        " SELECT c.enabled AND (o.error IS NOT NULL OR o.not_before_ms<=?) ready,"
        " CASE WHEN o.error IS NULL THEN MAX(m.created_ms, o.not_before_ms) ELSE m.created_ms END since_ms"
        " FROM outbox o JOIN messages m ON m.id=o.message_id JOIN chats c ON c.id=o.chat_id"
        " WHERE o.state IN('PENDING','SENDING'))",
        (now_ms,),
    ).fetchone()
    unknown, failed, last_sent_ms = view.connection.execute(
        "SELECT COALESCE(SUM(o.state='UNKNOWN' AND COALESCE(o.sent_ms,m.created_ms)>=?1),0),"
        " COALESCE(SUM(o.state='FAILED' AND m.created_ms>=?1),0), MAX(CASE WHEN o.state='SENT' THEN o.sent_ms END)"
        " FROM outbox o JOIN messages m ON m.id=o.message_id",
        (since_ms,),
    ).fetchone()
    return Sending(waiting, oldest_ms, held, unknown, failed, last_sent_ms)


def dedupe_state(view: Stores, now_ms: int, cooldown_bars: int, slack_ms: int) -> DedupeState:
    """How the dedupe cache stands: a place may hold `cooldown_bars` of its timeframe and not begin in the future.

    `slack_ms` is forgiven, for clocks that are set.
    """
    held, oldest_ms, wrong = 0, None, []
    for key, sent_ms, expires_ms in view.connection.execute(
        "SELECT dedupe_key, sent_ms, expires_ms FROM sent_signals WHERE expires_ms>? ORDER BY dedupe_key", (now_ms,)
    ):
        held += 1
        oldest_ms = sent_ms if oldest_ms is None else min(oldest_ms, sent_ms)
        _, timeframe, _ = key.split("|")
        longest_ms = cooldown_bars * Timeframe.parse(timeframe).ms + slack_ms
        if sent_ms > now_ms + slack_ms or expires_ms > now_ms + longest_ms:
            wrong.append(key.replace("|", " "))
    return DedupeState(held, oldest_ms, tuple(wrong))


def unprotected(view: Stores, portfolio_ids: Iterable[int]) -> tuple[str, ...]:
    """The open positions of these portfolios that have no stop, by name."""
    return tuple(
        f"{symbol} (position {position_id})"
        for portfolio_id in portfolio_ids
        for position_id, symbol in view.connection.execute(
            "SELECT id, symbol FROM positions WHERE portfolio_id=? AND status='OPEN' AND stop_loss IS NULL ORDER BY id",
            (portfolio_id,),
        )
    )


def _missing(view: Stores, series_id: int, symbol: str, timeframe: Timeframe, from_ms: int) -> int:
    """How many bars a series lacks, but for holes of which it is on record that the exchange does not have them."""
    found = view.connection.execute(
        "SELECT before_ms+?1, open_ms FROM (SELECT open_ms, LAG(open_ms) OVER (ORDER BY open_ms) before_ms FROM candles"
        " WHERE series_id=?2 AND open_ms>?3) WHERE open_ms-before_ms>?1",
        (timeframe.ms, series_id, from_ms),
    )
    return sum(
        (end_ms - first_ms) // timeframe.ms
        for first_ms, end_ms in found
        if view.events.by_key(hole_key(symbol, timeframe, first_ms)) is None
    )
