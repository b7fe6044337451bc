"""The publications: what the public channel was told, each row chained to the one before it by its hash.

docs/record.md says how a hash is made; docs/check_record.py checks an export without this program.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.vocabulary import CloseReason, ConditionStatus, FillKind, Outcome, PortfolioKind
from storage.codec import Json, decoded, encoded
from storage.database import Connection

GENESIS = "0" * 64
"""What stands for the hash before the first row."""


class PublicationKind(Enum):
    SIGNAL = "SIGNAL"
    ENTRY = "ENTRY"
    TARGET = "TARGET"
    STOP_MOVED = "STOP_MOVED"
    CLOSE = "CLOSE"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    MISSED = "MISSED"
    CORRECTION = "CORRECTION"


class Delivery(Enum):
    """Whether Telegram said that the channel has it; UNKNOWN when no answer came."""

    SENT = "SENT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Publication:
    """A row of the record; `payload` is the text that was hashed, `hash` covers everything else of the row."""

    seq: int
    signal_id: int
    kind: PublicationKind
    delivery: Delivery
    payload: str
    at_ms: int
    prev_hash: str
    hash: str

    @property
    def facts(self) -> dict[str, Any]:
        """What was told."""
        found: dict[str, Any] = decoded(self.payload)
        return found

    @property
    def line(self) -> str:
        """The row as one line of an export, without its end of line."""
        return encoded({**decoded(self._hashed()), "hash": self.hash})

    def expected_hash(self) -> str:
        """sha256 over the canonical JSON of everything but the hash, in hex."""
        return hashlib.sha256(self._hashed().encode()).hexdigest()

    def _hashed(self) -> str:
        """The canonical JSON, put together around the payload's, because a check goes through every row there is."""
        return (
            f'{{"at_ms":{self.at_ms},"delivery":"{self.delivery.value}","kind":"{self.kind.value}",'
            f'"payload":{self.payload},"prev_hash":"{self.prev_hash}","seq":{self.seq},"signal_id":{self.signal_id}}}'
        )


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """How far the chain was followed: `count` rows up to `head`, and the first difference in words, None when whole."""

    count: int
    head: str
    difference: str | None = None


WHOLE_CHAIN = ChainCheck(0, GENESIS)
"""Where following the chain begins."""


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A signal of the record beside what the shadow book made of it at a fixed 1R, whether or not an account had room.

    `sent_ms` is the first time the channel was given it as live, None when it was told as missed alone; `order` is how
    its entry order stands since `order_ms`. Without fill the rest is None, without close the result is.
    """

    signal_id: int
    sent_ms: int | None
    told_ms: int
    order: ConditionStatus | None
    order_ms: int | None
    opened_ms: int | None
    closed_ms: int | None
    close_reason: CloseReason | None
    outcome: Outcome | None
    r_multiple: float | None
    targets_hit: int
    cost_r: float


_PUBLIC_ROWS = f"""
SELECT told.signal_id, told.sent_ms, told.told_ms, c.status, c.status_ms, p.opened_ms, p.closed_ms, p.close_reason,
  p.outcome, p.r_multiple,
  (SELECT COUNT(*) FROM fills x WHERE x.position_id=p.id AND x.kind='{FillKind.TARGET.value}'), s.cost_r
FROM (SELECT signal_id, MIN(CASE WHEN kind='SIGNAL' THEN at_ms END) sent_ms, MIN(at_ms) told_ms FROM publications
      WHERE kind IN('SIGNAL','MISSED') GROUP BY signal_id) told
JOIN signals s ON s.id=told.signal_id
LEFT JOIN conditions c ON c.signal_id=told.signal_id
  AND c.portfolio_id=(SELECT id FROM portfolios WHERE kind='{PortfolioKind.SHADOW.value}' ORDER BY id LIMIT 1)
LEFT JOIN positions p ON p.condition_id=c.id
ORDER BY told.told_ms, told.signal_id"""


_COLUMNS = "seq, signal_id, kind, delivery, payload, at_ms, prev_hash, hash"
_IN_ORDER = f"SELECT {_COLUMNS} FROM publications WHERE seq>? ORDER BY seq"


class Publications:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        signal_id: int,
        kind: PublicationKind,
        delivery: Delivery,
        facts: Mapping[str, Json],
        at_ms: int,
    ) -> Publication:
        """Write the next row of the chain, in the caller's unit of work."""
        last = self.last()
        seq, prev_hash = (1, GENESIS) if last is None else (last.seq + 1, last.hash)
        unsealed = Publication(seq, signal_id, kind, delivery, encoded(facts), at_ms, prev_hash, hash="")
        sealed = unsealed.expected_hash()
        self._connection.execute(
            f"INSERT INTO publications({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?)",
            (seq, signal_id, kind.value, delivery.value, unsealed.payload, at_ms, prev_hash, sealed),
        )
        return Publication(seq, signal_id, kind, delivery, unsealed.payload, at_ms, prev_hash, sealed)

    def first(self) -> Publication | None:
        """The oldest row."""
        found = self._select("seq=1", ())
        return found[0] if found else None

    def last(self) -> Publication | None:
        """The newest row."""
        found = self._select("1 ORDER BY seq DESC LIMIT 1", ())
        return found[0] if found else None

    def head(self) -> str:
        """The hash of the newest row, which stands for the whole record; GENESIS while there is none."""
        last = self.last()
        return GENESIS if last is None else last.hash

    def of_signal(self, signal_id: int) -> tuple[Publication, ...]:
        """What the channel was told of a signal, in order."""
        return self._select("signal_id=? ORDER BY seq", (signal_id,))

    def rows(self) -> Iterator[Publication]:
        """The whole record, in order; ValueError where a row is none of ours."""
        return map(_publication, self._connection.execute(_IN_ORDER, (0,)))

    def check(self, followed: ChainCheck = WHOLE_CHAIN) -> ChainCheck:
        """Follow the chain from where it was followed to before and stop at the first difference."""
        count, head = followed.count, followed.head
        for columns in self._connection.execute(_IN_ORDER, (followed.count,)):
            try:
                row = _publication(columns)
            except ValueError as error:
                return ChainCheck(count, head, f"publication {columns[0]}: it is no row of ours ({error})")
            difference = _difference(row, count, head)
            if difference is not None:
                return ChainCheck(count, head, f"publication {row.seq}: {difference}")
            count, head = row.seq, row.hash
        return ChainCheck(count, head)

    def outcomes(self) -> tuple[PublicRow, ...]:
        """Every signal of the record once, however many rows tell of it, by the instant it was told."""
        return tuple(_public_row(row) for row in self._connection.execute(_PUBLIC_ROWS))

    def _select(self, where: str, values: Sequence[object]) -> tuple[Publication, ...]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM publications WHERE {where}", values)
        return tuple(_publication(row) for row in rows)


def _difference(row: Publication, count: int, head: str) -> str | None:
    if row.seq != count + 1:
        return f"it stands where number {count + 1} is due"
    if row.prev_hash != head:
        return "it does not follow from the row before it"
    if row.expected_hash() != row.hash:
        return "its hash is not that of its content"
    return None


def _publication(row: Sequence[Any]) -> Publication:
    seq, signal_id, kind, delivery, payload, at_ms, prev_hash, sealed = row
    return Publication(
        seq=seq,
        signal_id=signal_id,
        kind=PublicationKind(kind),
        delivery=Delivery(delivery),
        payload=payload,
        at_ms=at_ms,
        prev_hash=prev_hash,
        hash=sealed,
    )


def _public_row(row: Sequence[Any]) -> PublicRow:
    (
        signal_id, sent_ms, told_ms, order, order_ms, opened_ms, closed_ms, close_reason, outcome, r_multiple,
        targets_hit, cost_r,
    ) = row  # fmt: skip
    return PublicRow(
        signal_id=signal_id,
        sent_ms=sent_ms,
        told_ms=told_ms,
        order=None if order is None else ConditionStatus(order),
        order_ms=order_ms,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        close_reason=None if close_reason is None else CloseReason(close_reason),
        outcome=None if outcome is None else Outcome(outcome),
        r_multiple=r_multiple,
        targets_hit=targets_hit,
        cost_r=cost_r,
    )
