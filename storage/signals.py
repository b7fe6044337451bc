"""The signals: recorded once per setup with targets, contributions and every gate's verdict, and read back whole."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from engine.gates import SentSignal
from engine.timeframes import Timeframe
from engine.vocabulary import (
    Contribution,
    Direction,
    Market,
    Severity,
    Signal,
    SignalSource,
    SignalStatus,
    Target,
    Verdict,
    Witness,
)
from storage.codec import Json, decoded, encoded, features_of, features_text
from storage.database import Connection

LIVE = (SignalStatus.ACCEPTED, SignalStatus.SENT, SignalStatus.EXECUTED)
GIVEN_TO_THE_CHANNEL = (*LIVE, SignalStatus.CLOSED, SignalStatus.EXPIRED, SignalStatus.CANCELLED)
DECISIONS_KEPT = 512
"""What is followed is read every minute, and a decision never changes: so many are not read out of their JSON again."""


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """A signal as the book holds it."""

    id: int
    uid: str
    signal: Signal
    status: SignalStatus
    status_reason: str | None
    status_ms: int
    created_ms: int
    last_seen_ms: int

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a recording: `is_new` is False when the setup already had its row."""

    stored: StoredSignal
    is_new: bool

    @property
    def id(self) -> int:
        return self.stored.id


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """One gate's verdict and the instant it was given."""

    at_ms: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Unsent:
    """A signal that the channel was not given: the gate that stopped it first, the value it met and its limit."""

    signal_id: int
    symbol: str
    timeframe: str
    gate: str
    value: str | None
    limit: str | None


class UnknownSignal(LookupError):
    """There is no such signal, or none that was decided here; the message is one sentence for a person."""


class AmbiguousSignal(LookupError):
    """A shortened uid fits several signals."""


def uid_of(signal: Signal) -> str:
    """The identity of a decision: sha256 over symbol, timeframe, direction, setup key and candle close, in hex."""
    parts = (
        signal.symbol,
        signal.timeframe.text,
        signal.direction.value,
        signal.setup_key,
        str(int(signal.candle_close_ms)),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


_INSERT = """
INSERT INTO signals(uid, symbol, timeframe, market, direction, setup, setup_key, candle_close_ms, created_ms,
  last_seen_ms, entry, zone_low, zone_high, stop_loss, valid_until_ms, rr, plan_r, cost_r, confidence, base_confidence,
  contributions, features, features_version, session, regime, htf_bias, engine_version, params_hash, source,
  status, status_reason, status_ms)
VALUES(?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?, ?,?,?)
ON CONFLICT DO NOTHING RETURNING id"""

_SEEN_AGAIN = """
UPDATE signals SET last_seen_ms=MAX(last_seen_ms,?)
WHERE id=(SELECT id FROM signals WHERE symbol=? AND timeframe=? AND setup_key=? AND source='auto' AND ?='auto'
          UNION SELECT id FROM signals WHERE uid=? ORDER BY id LIMIT 1)
RETURNING id"""

_SELECT = """
SELECT id, uid, symbol, timeframe, market, direction, setup, setup_key, candle_close_ms, entry, zone_low, zone_high,
  stop_loss, valid_until_ms, rr, plan_r, cost_r, confidence, base_confidence, contributions, features, features_version,
  session, regime, htf_bias, engine_version, params_hash, source, status, status_reason, status_ms, created_ms,
  last_seen_ms
FROM signals WHERE source<>'import' AND """


class Signals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self,
        signal: Signal,
        verdicts: Sequence[Verdict],
        status: SignalStatus,
        reason: str | None,
        at_ms: int,
    ) -> Recorded:
        """Write the signal with its targets and verdicts; a setup that has its row only gets a later `last_seen_ms`."""
        uid = uid_of(signal)
        row = self._connection.execute(_INSERT, _row(signal, uid, status, reason, at_ms)).fetchone()
        if row is None:
            seen_id = self.see_again(signal, at_ms)
            assert seen_id is not None, "a row stood in the way of the new one"
            return Recorded(self.get(seen_id), is_new=False)
        signal_id: int = row[0]
        self._connection.executemany(
            "INSERT INTO targets(signal_id, no, price, share_ratio, reason) VALUES(?,?,?,?,?)",
            [(signal_id, target.no, target.price, target.share_ratio, target.reason) for target in signal.targets],
        )
        self.add_verdicts(signal_id, verdicts, at_ms)
        held = replace(signal, chart=None)  # facts of the instant, which the book does not keep
        stored = StoredSignal(signal_id, uid, held, status, reason, at_ms, signal.candle_close_ms, at_ms)
        return Recorded(stored, is_new=True)

    def add_verdicts(self, signal_id: int, verdicts: Iterable[Verdict], at_ms: int) -> None:
        """Store gates' verdicts on a signal at one instant; the same gate at the same instant is overwritten."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO decisions(signal_id, gate, at_ms, passed, value, threshold, severity, note)"
            " VALUES(?,?,?,?,?,?,?,?)",
            [(signal_id, v.gate, at_ms, int(v.passed), v.value, v.limit, v.severity.value, v.note) for v in verdicts],
        )

    def set_status(self, signal_id: int, status: SignalStatus, reason: str | None, at_ms: int) -> None:
        self._connection.execute(
            "UPDATE signals SET status=?, status_reason=?, status_ms=? WHERE id=?",
            (status.value, reason, at_ms, signal_id),
        )

    def get(self, signal_id: int) -> StoredSignal:
        """The signal with this id; UnknownSignal when there is none or it was imported, not decided here."""
        found = self._select("id=?", (signal_id,))
        if not found:
            raise UnknownSignal(f"There is no signal {signal_id} that was decided here.")
        return found[0]

    def of_setup(self, symbol: str, timeframe: Timeframe, setup_key: str) -> StoredSignal | None:
        """The signal that the scans made of a setup; None when they made none."""
        found = self._select(
            "symbol=? AND timeframe=? AND setup_key=? AND source='auto'", (symbol, timeframe.text, setup_key)
        )
        return found[0] if found else None

    def find(self, text: str) -> StoredSignal:
        """The signal a person means by an id or the beginning of a uid; UnknownSignal or AmbiguousSignal otherwise."""
        wanted = text.strip().lower().removeprefix("#")
        if wanted.isdecimal() and (by_id := self._select("id=?", (int(wanted),))):
            return by_id[0]
        beginning = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found = self._select("uid LIKE ? ESCAPE '\\' LIMIT 2", (beginning,)) if wanted else ()
        if not found:
            raise UnknownSignal(f"There is no signal {text!r}.")
        if len(found) > 1:
            raise AmbiguousSignal(f"{text!r} is the beginning of several signals; give more of it.")
        return found[0]

    def verdicts(self, signal_id: int) -> tuple[StoredVerdict, ...]:
        """Every gate's verdict on the signal, by instant and name of the gate."""
        rows = self._connection.execute(
            "SELECT at_ms, gate, passed, value, threshold, severity, note FROM decisions WHERE signal_id=?"
            " ORDER BY at_ms, gate",
            (signal_id,),
        )
        return tuple(
            StoredVerdict(at_ms, Verdict(gate, bool(passed), value, limit, Severity(severity), note))
            for at_ms, gate, passed, value, limit, severity, note in rows
        )

    def live(self, symbol: str | None = None) -> tuple[StoredSignal, ...]:
        """Signals that still stand: accepted, sent or executed, oldest first."""
        states, words = _one_of(LIVE)
        if symbol is None:
            return self._select(f"{states} ORDER BY created_ms, id", words)
        return self._select(f"{states} AND symbol=? ORDER BY created_ms, id", (*words, symbol))

    def latest(self, count: int) -> tuple[StoredSignal, ...]:
        """The newest `count` signals, newest first."""
        return self._select("1 ORDER BY created_ms DESC, id DESC LIMIT ?", (count,))

    def latest_of(self, symbol: str, timeframe: Timeframe) -> StoredSignal | None:
        """The newest signal of a series."""
        found = self._select(
            "symbol=? AND timeframe=? ORDER BY created_ms DESC, id DESC LIMIT 1", (symbol, timeframe.text)
        )
        return found[0] if found else None

    def given_to_the_channel(self) -> tuple[StoredSignal, ...]:
        """Every signal the channel was given, oldest first."""
        states, words = _one_of(GIVEN_TO_THE_CHANNEL)
        return self._select(f"{states} ORDER BY created_ms, id", words)

    def unsent(self, since_ms: int, symbol: str | None = None) -> tuple[Unsent, ...]:
        """Signals decided since then that the channel was not given, oldest first."""
        rows = self._connection.execute(
            "SELECT id, symbol, timeframe, status_reason FROM signals WHERE status IN('REJECTED','SUPPRESSED')"
            " AND source<>'import' AND created_ms>=?1 AND (?2 IS NULL OR symbol=?2) ORDER BY created_ms, id",
            (since_ms, symbol),
        ).fetchall()
        return tuple(self._unsent(*row) for row in rows)

    def recent_sent(self, since_ms: int) -> tuple[SentSignal, ...]:
        """What the channel was given since then, and what still stands of earlier days, oldest first."""
        states, words = _one_of(LIVE)
        ended_states, ended = _one_of(set(GIVEN_TO_THE_CHANNEL) - set(LIVE))
        rows = self._connection.execute(
            "SELECT symbol, timeframe, direction, entry, confidence, created_ms, status FROM signals"
            f" WHERE source<>'import' AND ({states} OR ({ended_states} AND created_ms>=?)) ORDER BY created_ms, id",
            (*words, *ended, since_ms),
        )
        return tuple(
            SentSignal(
                symbol, timeframe, Direction(direction), entry, confidence, created_ms, SignalStatus(status) in LIVE
            )
            for symbol, timeframe, direction, entry, confidence, created_ms, status in rows
        )

    def given_after(self, signal_id: int) -> tuple[StoredSignal, ...]:
        """What the channel was given of the signals recorded behind this one, in the order of recording."""
        states, words = _one_of(GIVEN_TO_THE_CHANNEL)
        return self._select(f"{states} AND id>? ORDER BY id", (*words, signal_id))

    def last_id(self) -> int:
        """The id of the signal recorded last; 0 while there is none."""
        (last,) = self._connection.execute("SELECT COALESCE(MAX(id),0) FROM signals").fetchone()
        return int(last)

    def count_sent(self, since_ms: int) -> int:
        """How many signals the channel was given since then."""
        states, words = _one_of(GIVEN_TO_THE_CHANNEL)
        row = self._connection.execute(
            f"SELECT COUNT(*) FROM signals WHERE source<>'import' AND {states} AND created_ms>=?", (*words, since_ms)
        ).fetchone()
        count: int = row[0]
        return count

    def see_again(self, signal: Signal, at_ms: int) -> int | None:
        """Give the row of this setup a later `last_seen_ms` and return its id; None when the setup is new."""
        row = self._connection.execute(
            _SEEN_AGAIN,
            (at_ms, signal.symbol, signal.timeframe.text, signal.setup_key, signal.source.value, uid_of(signal)),
        ).fetchone()
        return None if row is None else int(row[0])

    def _unsent(self, signal_id: int, symbol: str, timeframe: str, reason: str | None) -> Unsent:
        gate = (reason or "").partition(":")[0]
        row = self._connection.execute(
            "SELECT value, threshold FROM decisions WHERE signal_id=? AND gate=? AND passed=0 ORDER BY at_ms LIMIT 1",
            (signal_id, gate),
        ).fetchone()
        value, limit = (None, None) if row is None else row
        return Unsent(signal_id, symbol, timeframe, gate, value, limit)

    def _select(self, where: str, values: Sequence[object]) -> tuple[StoredSignal, ...]:
        rows = self._connection.execute(_SELECT + where, values).fetchall()
        return tuple(_stored(row, self._targets(row[0])) for row in rows)

    def _targets(self, signal_id: int) -> tuple[Target, ...]:
        rows = self._connection.execute(
            "SELECT no, price, share_ratio, reason FROM targets WHERE signal_id=? ORDER BY no", (signal_id,)
        )
        return tuple(Target(*row) for row in rows)


def _one_of(states: Iterable[SignalStatus]) -> tuple[str, tuple[str, ...]]:
    words = tuple(sorted(state.value for state in states))
    return f"status IN({','.join('?' * len(words))})", words


def _row(signal: Signal, uid: str, status: SignalStatus, reason: str | None, at_ms: int) -> tuple[object, ...]:
    return (
        uid, signal.symbol, signal.timeframe.text, signal.market.value, signal.direction.value, signal.setup,
        signal.setup_key, signal.candle_close_ms, signal.candle_close_ms, at_ms,
        signal.entry, signal.zone_low, signal.zone_high, signal.stop_loss, signal.valid_until_ms, signal.rr,
        signal.plan_r, signal.cost_r, signal.confidence, signal.base_confidence,
        _contributions_text(signal), features_text(signal.features), signal.features_version, signal.session,
        signal.regime, signal.htf_bias, signal.engine_version, signal.params_hash, signal.source.value,
        status.value, reason, at_ms,
    )  # fmt: skip


def _contributions_text(signal: Signal) -> str:
    """Contributions in order, the missing ones (no points) with their reason; the reasons in words; the findings."""
    parts: list[Json] = [
        {"name": part.name, "points": part.points, "possible": part.possible, "reason": part.reason}
        for part in signal.contributions
    ]
    witnesses: list[Json] = [
        {
            "name": witness.name,
            "formed_at_ms": witness.formed_at_ms,
            "known_at_ms": witness.known_at_ms,
            "lower": witness.lower,
            "upper": witness.upper,
        }
        for witness in signal.witnesses
    ]
    return encoded({"parts": parts, "reasons": list(signal.reasons), "witnesses": witnesses})


def _stored(row: Sequence[Any], targets: tuple[Target, ...]) -> StoredSignal:
    signal_id, uid, *decided, status, status_reason, status_ms, created_ms, last_seen_ms = row
    signal = _decided(tuple(decided), targets)
    return StoredSignal(
        signal_id, uid, signal, SignalStatus(status), status_reason, status_ms, created_ms, last_seen_ms
    )


@lru_cache(DECISIONS_KEPT)
def _decided(row: tuple[Any, ...], targets: tuple[Target, ...]) -> Signal:
    (
        symbol, timeframe, market, direction, setup, setup_key, candle_close_ms, entry, zone_low, zone_high, stop_loss,
        valid_until_ms, rr, plan_r, cost_r, confidence, base_confidence, contributions, features, features_version,
        session, regime, htf_bias, engine_version, params_hash, source,
    ) = row  # fmt: skip
    told = decoded(contributions)
    return Signal(
        symbol=symbol,
        timeframe=Timeframe.parse(timeframe),
        market=Market(market),
        direction=Direction(direction),
        setup=setup,
        setup_key=setup_key,
        candle_close_ms=candle_close_ms,
        entry=entry,
        zone_low=zone_low,
        zone_high=zone_high,
        stop_loss=stop_loss,
        targets=targets,
        valid_until_ms=valid_until_ms,
        rr=rr,
        plan_r=plan_r,
        cost_r=cost_r,
        confidence=confidence,
        base_confidence=base_confidence,
        contributions=tuple(Contribution(**part) for part in told["parts"]),
        params_hash=params_hash,
        engine_version=engine_version,
        source=SignalSource(source),
        session=session,
        regime=regime,
        htf_bias=htf_bias,
        features=features_of(features),
        features_version=features_version,
        reasons=tuple(told["reasons"]),
        witnesses=tuple(Witness(**witness) for witness in told["witnesses"]),
    )
