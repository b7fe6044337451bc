"""The live window of candles that decisions saw, by series and source; research data stays in files."""

import math
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from engine.candles import Candles
from engine.timeframes import Timeframe
from storage.database import Connection

FOREVER_MS = 2**62


@dataclass(frozen=True, slots=True)
class Series:
    """One stored series: when it was fetched last, what went wrong then, and where its candles end."""

    symbol: str
    timeframe: str
    source: str
    fetched_ms: int | None
    error: str | None
    last_open_ms: int | None
    candles: int


class CandleStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def store(self, candles: Candles, source: str, fetched_ms: int) -> None:
        """Write closed candles; a bar that is there already is replaced by its newer reading."""
        series_id = self._touch(candles.symbol, candles.timeframe, source, fetched_ms, error=None)
        volumes = (None if math.isnan(volume) else volume for volume in candles.volume.tolist())
        self._connection.executemany(
            "INSERT OR REPLACE INTO candles(series_id, open_ms, open, high, low, close, volume) VALUES(?,?,?,?,?,?,?)",
            zip(
                repeat(series_id),
                candles.open_ms.tolist(),
                candles.open.tolist(),
                candles.high.tolist(),
                candles.low.tolist(),
                candles.close.tolist(),
                volumes,
                strict=False,
            ),
        )

    def note_error(self, symbol: str, timeframe: Timeframe, source: str, error: str | None, at_ms: int) -> None:
        """Keep why a series could not be fetched, or with None that it can be again; its candles stay as they were."""
        self._touch(symbol, timeframe, source, at_ms, error)

    def error_of(self, symbol: str, timeframe: Timeframe) -> str | None:
        """Why a series cannot be fetched at present, from whatever source; None when it can, or was never asked for."""
        row = self._connection.execute(
            "SELECT error FROM series WHERE symbol=? AND timeframe=? AND error IS NOT NULL", (symbol, timeframe.text)
        ).fetchone()
        return None if row is None else str(row[0])

    def load(self, symbol: str, timeframe: Timeframe, source: str, count: int, until_ms: int = FOREVER_MS) -> Candles:
        """The last `count` candles that closed by `until_ms`, oldest first; empty when nothing is stored."""
        rows = self._connection.execute(
            "SELECT c.open_ms, c.open, c.high, c.low, c.close, c.volume"
            " FROM candles c JOIN series s ON s.id=c.series_id"
            " WHERE s.symbol=? AND s.timeframe=? AND s.source=? AND c.open_ms<=? ORDER BY c.open_ms DESC LIMIT ?",
            (symbol, timeframe.text, source, until_ms - timeframe.ms, count),
        ).fetchall()
        rows.reverse()
        open_ms = np.array([row[0] for row in rows], dtype=np.int64)
        prices = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 5)
        opens, highs, lows, closes, volumes = prices.T
        return Candles.checked(symbol, timeframe, open_ms, opens, highs, lows, closes, volumes)

    def series(self) -> tuple[Series, ...]:
        """Every stored series, by symbol, timeframe and source."""
        rows = self._connection.execute(
            "SELECT s.symbol, s.timeframe, s.source, s.fetched_ms, s.error,"
            " (SELECT MAX(open_ms) FROM candles c WHERE c.series_id=s.id),"
            " (SELECT COUNT(*) FROM candles c WHERE c.series_id=s.id)"
            " FROM series s ORDER BY s.symbol, s.timeframe, s.source"
        )
        return tuple(Series(*row) for row in rows)

    def _touch(self, symbol: str, timeframe: Timeframe, source: str, at_ms: int, error: str | None) -> int:
        row = self._connection.execute(
            "INSERT INTO series(symbol, timeframe, source, fetched_ms, error) VALUES(?,?,?,?,?)"
            " ON CONFLICT(symbol,timeframe,source) DO UPDATE SET fetched_ms=excluded.fetched_ms, error=excluded.error"
            " RETURNING id",
            (symbol, timeframe.text, source, at_ms, error),
        ).fetchone()
        series_id: int = row[0]
        return series_id
