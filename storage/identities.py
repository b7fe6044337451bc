"""What must always be true of a book, asked of its tables; `health` and `verify` show the answers."""

from dataclasses import dataclass

from engine.vocabulary import FillKind, LedgerKind, PortfolioKind
from storage.database import Connection
from storage.events import EventType
from storage.publications import Delivery, PublicationKind
from storage.stores import Stores

MONEY_TOLERANCE = 1e-6
QUANTITY_TOLERANCE_RATIO = 1e-9
PRICE_TOLERANCE_RATIO = 1e-9
R_TOLERANCE = 1e-9
EXAMPLES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """One truth about the book: whether it holds, the value met, the limit, and where to look when it does not."""

    name: str
    holds: bool
    value: str
    limit: str
    detail: str | None = None


_BALANCES = f"""
SELECT f.name,
  (SELECT COALESCE(SUM(amount),0.0) FROM ledger l WHERE l.portfolio_id=f.id),
  (SELECT COALESCE(SUM(amount),0.0) FROM ledger l WHERE l.portfolio_id=f.id
    AND l.kind NOT IN('{LedgerKind.REALIZED_PNL.value}','{LedgerKind.FEE.value}'))
  +(SELECT COALESCE(SUM((CASE p.direction WHEN 'LONG' THEN 1 ELSE -1 END)*(x.price-p.entry_price)*x.qty),0.0)
    FROM fills x JOIN positions p ON p.id=x.position_id
    WHERE p.portfolio_id=f.id AND x.kind<>'{FillKind.ENTRY.value}')
  -(SELECT COALESCE(SUM(x.fee),0.0) FROM fills x JOIN positions p ON p.id=x.position_id WHERE p.portfolio_id=f.id)
FROM portfolios f WHERE f.kind<>'{PortfolioKind.SHADOW.value}' ORDER BY f.id"""

_MONEY_WITHOUT_FILL = f"""
SELECT 'ledger row '||l.id FROM ledger l
LEFT JOIN fills x ON x.id=l.fill_id LEFT JOIN positions p ON p.id=x.position_id
WHERE l.kind IN('{LedgerKind.REALIZED_PNL.value}','{LedgerKind.FEE.value}')
  AND (p.id IS NULL OR p.portfolio_id<>l.portfolio_id)"""

_CLOSED_WITHOUT_FILLS = f"""
SELECT 'position '||p.id FROM positions p WHERE p.status='CLOSED' AND NOT(
  EXISTS(SELECT 1 FROM fills x WHERE x.position_id=p.id AND x.kind='{FillKind.ENTRY.value}')
  AND EXISTS(SELECT 1 FROM fills x WHERE x.position_id=p.id AND x.kind<>'{FillKind.ENTRY.value}'))"""

_CLOSED_WITHOUT_EVENT = f"""
SELECT 'position '||p.id FROM positions p WHERE p.status='CLOSED' AND NOT EXISTS(SELECT 1 FROM events e
  WHERE e.position_id=p.id AND e.type IN('{EventType.POSITION_CLOSED.value}','{EventType.POSITION_IMPORTED.value}'))"""

_CLOSED_IN_PART = f"""
SELECT 'position '||p.id FROM positions p JOIN fills x ON x.position_id=p.id AND x.kind<>'{FillKind.ENTRY.value}'
WHERE p.status='CLOSED' GROUP BY p.id HAVING ABS(SUM(x.qty)-p.qty)>{QUANTITY_TOLERANCE_RATIO}*p.qty"""

_TOLD_OTHERWISE = f"""
SELECT 'publication '||b.seq FROM publications b JOIN signals s ON s.id=b.signal_id
WHERE b.kind='{PublicationKind.SIGNAL.value}' AND NOT COALESCE(json_extract(b.payload,'$.uid')=s.uid
  AND ABS(json_extract(b.payload,'$.entry')-s.entry)<={PRICE_TOLERANCE_RATIO}*s.entry
  AND ABS(json_extract(b.payload,'$.stop_loss')-s.stop_loss)<={PRICE_TOLERANCE_RATIO}*s.stop_loss,0)
UNION ALL
SELECT 'publication '||b.seq FROM publications b JOIN positions p ON p.signal_id=b.signal_id AND p.status='CLOSED'
JOIN portfolios f ON f.id=p.portfolio_id AND f.kind='{PortfolioKind.SHADOW.value}'
WHERE b.kind='{PublicationKind.CLOSE.value}' AND json_extract(b.payload,'$.account') IS NULL
  AND NOT COALESCE(ABS(json_extract(b.payload,'$.r_multiple')-p.r_multiple)<={R_TOLERANCE},0)"""

_TOLD_TWICE = f"""
SELECT 'publication '||b.seq FROM publications b
WHERE EXISTS(SELECT 1 FROM publications a WHERE a.signal_id=b.signal_id AND a.seq<b.seq
  AND json_extract(a.payload,'$.post')=json_extract(b.payload,'$.post')
  AND (a.delivery='{Delivery.SENT.value}' OR json_extract(b.payload,'$.resend_of') IS NULL))"""

_COUNTED = (
    ("no P&L or fee without its fill", _MONEY_WITHOUT_FILL),
    ("every closed position has its fills", _CLOSED_WITHOUT_FILLS),
    ("every closed position has its event", _CLOSED_WITHOUT_EVENT),
    ("every closed position was closed whole", _CLOSED_IN_PART),
    ("the record says what the book holds", _TOLD_OTHERWISE),
    ("no post is on record twice but where its end was unknown", _TOLD_TWICE),
)


def identities(view: Stores) -> tuple[Identity, ...]:
    """The book's identities: a balance per account, then what every ledger row and closed position must have."""
    balances = tuple(_balance(*row) for row in view.connection.execute(_BALANCES))
    counted = (_none_of(view.connection, name, exceptions) for name, exceptions in _COUNTED)
    return (*balances, *counted, _scores(view), _chain(view))


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


def _balance(portfolio: str, ledger: float, expected: float) -> Identity:
    difference = ledger - expected
    return Identity(
        name=f"{portfolio} balance = deposits + fills' P&L - fees + adjustments",
        holds=abs(difference) <= MONEY_TOLERANCE,
        value=f"{difference:.3g}",
        limit=f"{MONEY_TOLERANCE:g}",
        detail=f"ledger {ledger:.6f}, fills and deposits {expected:.6f}",
    )


def _scores(view: Stores) -> Identity:
    wrong = view.scores.differences()
    return Identity(
        "scores = rebuild from the closed trades",
        not wrong,
        str(len(wrong)),
        "0",
        ", ".join(wrong[:EXAMPLES_SHOWN]) or None,
    )


def _chain(view: Stores) -> Identity:
    found = view.publications.check()
    return Identity(
        "the public record is one unbroken chain",
        found.difference is None,
        f"{found.count} rows",
        "all",
        found.difference,
    )


def _none_of(connection: Connection, name: str, exceptions: str) -> Identity:
    found = [text for (text,) in connection.execute(exceptions)]
    detail = ", ".join(found[:EXAMPLES_SHOWN]) or None
    return Identity(name, not found, str(len(found)), "0", detail)
