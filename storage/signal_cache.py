"""The dedupe cache: which series and direction the channel was given lately, claimed before anything is sent."""

import hashlib

from engine.timeframes import Timeframe
from engine.vocabulary import Direction
from storage.database import Connection

_CLAIM = """
INSERT INTO sent_signals(dedupe_key, hash, signal_id, entry, confidence, sent_ms, expires_ms) VALUES(?,?,?,?,?,?,?)
ON CONFLICT(dedupe_key) DO UPDATE SET hash=excluded.hash, signal_id=excluded.signal_id, entry=excluded.entry,
  confidence=excluded.confidence, sent_ms=excluded.sent_ms, expires_ms=excluded.expires_ms
WHERE sent_signals.expires_ms<=excluded.sent_ms OR ABS(sent_signals.entry-excluded.entry)>?
RETURNING signal_id"""

_TAKE_OVER = """
INSERT INTO sent_signals(dedupe_key, hash, signal_id, entry, confidence, sent_ms, expires_ms) VALUES(?,?,NULL,?,?,?,?)
ON CONFLICT(dedupe_key) DO UPDATE SET hash=excluded.hash, signal_id=NULL, entry=excluded.entry,
  confidence=excluded.confidence, sent_ms=excluded.sent_ms, expires_ms=excluded.expires_ms
WHERE sent_signals.sent_ms<excluded.sent_ms
RETURNING 1"""


class SignalCache:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(
        self,
        symbol: str,
        timeframe: Timeframe,
        direction: Direction,
        entry: float,
        confidence: float,
        signal_id: int | None,
        now_ms: int,
        cooldown_ms: int,
        tolerance: float,
    ) -> bool:
        """Take the place of this series and direction: True when it was free, expired, or `entry` moved further away.

        `tolerance` is in price; the claim holds for `cooldown_ms`.
        """
        key = _key(symbol, timeframe, direction)
        row = self._connection.execute(
            _CLAIM,
            (key, _hash(key, entry), signal_id, entry, confidence, now_ms, now_ms + cooldown_ms, tolerance),
        ).fetchone()
        return row is not None

    def take_over(
        self,
        symbol: str,
        timeframe: Timeframe,
        direction: Direction,
        entry: float,
        confidence: float | None,
        sent_ms: int,
        expires_ms: int,
    ) -> bool:
        """Remember what a legacy bot sent: True when written, False when something as new holds the place."""
        key = _key(symbol, timeframe, direction)
        row = self._connection.execute(
            _TAKE_OVER, (key, _hash(key, entry), entry, confidence, sent_ms, expires_ms)
        ).fetchone()
        return row is not None


def _key(symbol: str, timeframe: Timeframe, direction: Direction) -> str:
    return f"{symbol}|{timeframe.text}|{direction.value}"


def _hash(key: str, entry: float) -> str:
    return hashlib.sha256(f"{key}|{float(entry)!r}".encode()).hexdigest()
