"""What must always be true of a book, asked of its tables; `health` and `verify` show the answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.vocabulary import FillKind, LedgerKind, PortfolioKind
from storage.database import Connection
from storage.events import EventType
from storage.publications import WHOLE_CHAIN, ChainCheck, Delivery, PublicationKind
from storage.stores import Stores

MONEY_TOLERANCE = 1e-6
QUANTITY_TOLERANCE_RATIO = 1e-9
PRICE_TOLERANCE_RATIO = 1e-9
R_TOLERANCE = 1e-9
EXAMPLES_SHOWN = 3

Values = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Identity:
    """One truth about the book: whether it holds, the value met, the limit, and where to look when it does not."""

    name: str
    holds: bool
    value: str
    limit: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """Up to where a book was looked through: its last ledger row, fill and publication, and closes before an instant."""

    ledger_id: int = 0
    fill_id: int = 0
    publications: ChainCheck = WHOLE_CHAIN
    closed_ms: int = 0


NOTHING = Covered()
"""Where a look over the whole book begins."""

# the unary + keeps SQLite from walking an index of everything for the few rows behind an id
_LEDGERS = f"""
SELECT portfolio_id, SUM(amount),
  SUM(CASE WHEN kind IN('{LedgerKind.REALIZED_PNL.value}','{LedgerKind.FEE.value}') THEN 0.0 ELSE amount END)
FROM ledger WHERE id>:ledger_id GROUP BY +portfolio_id"""

_FILLS = f"""
SELECT p.portfolio_id,
  SUM(CASE WHEN x.kind='{FillKind.ENTRY.value}' THEN 0.0
    ELSE (CASE p.direction WHEN 'LONG' THEN 1 ELSE -1 END)*(x.price-p.entry_price)*x.qty END) - SUM(x.fee)
FROM fills x CROSS JOIN positions p ON p.id=x.position_id WHERE x.id>:fill_id GROUP BY +p.portfolio_id"""

_WITH_LEDGER = f"SELECT id, name FROM portfolios WHERE kind<>'{PortfolioKind.SHADOW.value}' ORDER BY id"

_CLOSED = "p.status='CLOSED' AND p.closed_ms>=:closed_ms AND p.portfolio_id IN(SELECT id FROM portfolios)"

_MONEY_WITHOUT_FILL = f"""
SELECT 'ledger row '||l.id FROM ledger l
LEFT JOIN fills x ON x.id=l.fill_id LEFT JOIN positions p ON p.id=x.position_id
WHERE l.kind IN('{LedgerKind.REALIZED_PNL.value}','{LedgerKind.FEE.value}')
  AND (p.id IS NULL OR p.portfolio_id<>l.portfolio_id) AND l.id>:ledger_id"""

_CLOSED_WITHOUT_FILLS = f"""
SELECT 'position '||p.id FROM positions p WHERE {_CLOSED} AND NOT(
  EXISTS(SELECT 1 FROM fills x WHERE x.position_id=p.id AND x.kind='{FillKind.ENTRY.value}')
  AND EXISTS(SELECT 1 FROM fills x WHERE x.position_id=p.id AND x.kind<>'{FillKind.ENTRY.value}'))"""

_CLOSED_WITHOUT_EVENT = f"""
SELECT 'position '||p.id FROM positions p WHERE {_CLOSED} AND NOT EXISTS(SELECT 1 FROM events e
  WHERE e.position_id=p.id AND e.type IN('{EventType.POSITION_CLOSED.value}','{EventType.POSITION_IMPORTED.value}'))"""

_CLOSED_IN_PART = f"""
SELECT 'position '||p.id FROM positions p JOIN fills x ON x.position_id=p.id AND x.kind<>'{FillKind.ENTRY.value}'
WHERE {_CLOSED} GROUP BY p.id HAVING ABS(SUM(x.qty)-p.qty)>{QUANTITY_TOLERANCE_RATIO}*p.qty"""

_TOLD_OTHERWISE = f"""
SELECT 'publication '||b.seq FROM publications b CROSS JOIN signals s ON s.id=b.signal_id
WHERE b.seq>:seq AND b.kind='{PublicationKind.SIGNAL.value}' AND NOT COALESCE(json_extract(b.payload,'$.uid')=s.uid
  AND ABS(json_extract(b.payload,'$.entry')-s.entry)<={PRICE_TOLERANCE_RATIO}*s.entry
  AND ABS(json_extract(b.payload,'$.stop_loss')-s.stop_loss)<={PRICE_TOLERANCE_RATIO}*s.stop_loss,0)
UNION ALL
SELECT 'publication '||b.seq FROM publications b CROSS JOIN positions p ON p.signal_id=b.signal_id AND p.status='CLOSED'
JOIN portfolios f ON f.id=p.portfolio_id AND f.kind='{PortfolioKind.SHADOW.value}'
WHERE b.seq>:seq AND b.kind='{PublicationKind.CLOSE.value}' AND json_extract(b.payload,'$.account') IS NULL
  AND NOT COALESCE(ABS(json_extract(b.payload,'$.r_multiple')-p.r_multiple)<={R_TOLERANCE},0)"""

# by windows, because looking for the twin of every row would take the square of the record's length
_TOLD_TWICE = f"""
SELECT 'publication '||seq FROM (
  SELECT seq, resend_of, COUNT(*) OVER earlier told, SUM(delivery='{Delivery.SENT.value}') OVER earlier arrived
  FROM (SELECT seq, signal_id, delivery, json_extract(payload,'$.post') post,
    json_extract(payload,'$.resend_of') resend_of FROM publications WHERE seq>:seq)
  WINDOW earlier AS (PARTITION BY signal_id, post ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
WHERE arrived>0 OR (told>0 AND resend_of IS NULL)"""

_COUNTED = (
    ("no P&L or fee without its fill", _MONEY_WITHOUT_FILL),
    ("every closed position has its fills", _CLOSED_WITHOUT_FILLS),
    ("every closed position has its event", _CLOSED_WITHOUT_EVENT),
    ("every closed position was closed whole", _CLOSED_IN_PART),
    ("the record says what the book holds", _TOLD_OTHERWISE),
    ("no post is on record twice but where its end was unknown", _TOLD_TWICE),
)


def identities(view: Stores, beyond: Covered = NOTHING) -> tuple[Identity, ...]:
    """The book's identities: a balance per account, then what every ledger row and closed position must have.

    With `beyond` they are asked of what is newer alone: the money that moved since then must add up by itself.
    """
    values: Values = {
        "ledger_id": beyond.ledger_id,
        "fill_id": beyond.fill_id,
        "seq": beyond.publications.count,
        "closed_ms": beyond.closed_ms,
    }
    counted = (_none_of(view.connection, name, exceptions, values) for name, exceptions in _COUNTED)
    return (*_balances(view.connection, values), *counted, _scores(view, beyond), _chain(view, beyond))


def covered(view: Stores, closed_ms: int) -> Covered:
    """What a look over the whole book covers now; closes before `closed_ms` will not be looked at again."""
    ledger_id, fill_id = view.connection.execute(
        "SELECT (SELECT COALESCE(MAX(id),0) FROM ledger), (SELECT COALESCE(MAX(id),0) FROM fills)"
    ).fetchone()
    last = view.publications.last()
    chain = WHOLE_CHAIN if last is None else ChainCheck(last.seq, last.hash)
    return Covered(ledger_id, fill_id, chain, closed_ms)


def integrity(view: Stores) -> tuple[Identity, ...]:
    """Whether SQLite finds the file sound and every reference met; reads the whole file."""
    said = [text for (text,) in view.connection.execute("PRAGMA quick_check(1)") if text != "ok"]
    orphans = view.connection.execute("PRAGMA foreign_key_check").fetchall()
    return (
        Identity("the file is sound", not said, said[0] if said else "ok", "ok"),
        Identity(
            "every reference is met",
            not orphans,
            str(len(orphans)),
            "0",
            ", ".join(sorted({table for table, *_ in orphans})) or None,
        ),
    )


def _balances(connection: Connection, values: Values) -> Iterator[Identity]:
    ledgers = {row[0]: row[1:] for row in connection.execute(_LEDGERS, values)}
    fills = dict(connection.execute(_FILLS, values).fetchall())
    for portfolio_id, name in connection.execute(_WITH_LEDGER):
        ledger, named = ledgers.get(portfolio_id, (0.0, 0.0))
        yield _balance(name, ledger, named + fills.get(portfolio_id, 0.0))


def _balance(portfolio: str, ledger: float, expected: float) -> Identity:
    difference = ledger - expected
    return Identity(
        name=f"{portfolio} balance = deposits + fills' P&L - fees + adjustments",
        holds=abs(difference) <= MONEY_TOLERANCE,
        value=f"{difference:.3g}",
        limit=f"{MONEY_TOLERANCE:g}",
        detail=f"ledger {ledger:.6f}, fills and deposits {expected:.6f}",
    )


def _scores(view: Stores, beyond: Covered) -> Identity:
    wrong = view.scores.differences() if beyond is NOTHING else view.scores.behind(beyond.closed_ms)
    return Identity(
        "scores = rebuild from the closed trades",
        not wrong,
        str(len(wrong)),
        "0",
        ", ".join(wrong[:EXAMPLES_SHOWN]) or None,
    )


def _chain(view: Stores, beyond: Covered) -> Identity:
    found = view.publications.check(beyond.publications)
    return Identity(
        "the public record is one unbroken chain",
        found.difference is None,
        f"{found.count} rows",
        "all",
        found.difference,
    )


def _none_of(connection: Connection, name: str, exceptions: str, values: Values) -> Identity:
    found = [text for (text,) in connection.execute(exceptions, values)]
    detail = ", ".join(found[:EXAMPLES_SHOWN]) or None
    return Identity(name, not found, str(len(found)), "0", detail)
