import pytest

from engine.vocabulary import CloseReason, FillKind, LedgerKind
from storage.book import Book
from storage.database import Access, connect
from storage.events import EventType
from storage.fills import Fill
from storage.identities import identities, integrity
from storage.positions import Ending
from storage.stores import Stores
from tests.storage.samples import HOUR_MS, NOW_MS, opened, paper

LATER_MS = NOW_MS + HOUR_MS


def booked_trade(tx: Stores) -> int:
    """A deposit of 1,000 and a whole paper trade: 2 bought at 100, 0.8 sold at 103, the rest stopped at 98."""
    account = paper(tx)
    tx.ledger.post(account, LedgerKind.DEPOSIT, 1_000.0, NOW_MS, "deposit")
    position_id = opened(tx)
    for kind, qty, price, fee in (
        (FillKind.ENTRY, 2.0, 100.0, 0.1),
        (FillKind.TARGET, 0.8, 103.0, 0.04),
        (FillKind.STOP, 1.2, 98.0, 0.06),
    ):
        fill_id = tx.fills.add(Fill(position_id, LATER_MS, kind, qty, price, f"{kind.value}:{position_id}", fee=fee))
        tx.ledger.post(account, LedgerKind.FEE, -fee, LATER_MS, f"fee:{fill_id}", fill_id=fill_id)
        if kind is not FillKind.ENTRY:
            gain = (price - 100.0) * qty
            tx.ledger.post(account, LedgerKind.REALIZED_PNL, gain, LATER_MS, f"pnl:{fill_id}", fill_id=fill_id)
    tx.positions.close(position_id, Ending(98.0, LATER_MS, CloseReason.STOP_LOSS, -0.1, -0.2, -0.05, fees=0.2))
    tx.events.add(EventType.POSITION_CLOSED, LATER_MS, position_id=position_id)
    return position_id


def broken(tx: Stores) -> list[str]:
    return [identity.name for identity in (*identities(tx), *integrity(tx)) if not identity.holds]


def test_an_empty_book_and_a_whole_trade_hold_every_identity(book: Book):
    with book.transaction() as tx:
        assert broken(tx) == []
        booked_trade(tx)

        assert broken(tx) == []
        assert tx.ledger.balance(paper(tx)) == pytest.approx(1_000.0 - 0.2 + 2.4 - 2.4)


def test_money_that_no_fill_explains_breaks_the_balance(book: Book):
    with book.transaction() as tx:
        booked_trade(tx)
        tx.connection.execute("UPDATE ledger SET amount=amount+0.00001 WHERE kind='FEE' AND id=2")

        [name] = broken(tx)
        assert name.startswith("paper balance")


def test_a_named_adjustment_does_not_break_the_balance(book: Book):
    with book.transaction() as tx:
        booked_trade(tx)
        tx.ledger.post(paper(tx), LedgerKind.ADJUSTMENT, -70.0, LATER_MS, "adjustment", note="two sources disagreed")

        assert broken(tx) == []


def test_a_fee_booked_on_another_portfolios_fill_is_found(book: Book):
    with book.transaction() as tx:
        booked_trade(tx)
        tx.connection.execute("UPDATE positions SET portfolio_id=2")

        assert "no P&L or fee without its fill" in broken(tx)


def test_a_close_without_its_event_is_found(book: Book):
    with book.transaction() as tx:
        position_id = booked_trade(tx)
        tx.connection.execute("DELETE FROM events")

        [found] = [identity for identity in identities(tx) if not identity.holds]
        assert (found.name, found.value) == ("every closed position has its event", "1")
        assert found.detail == f"position {position_id}"


def test_a_close_without_its_fills_is_found(book: Book):
    with book.transaction() as tx:
        booked_trade(tx)
        tx.connection.execute("DELETE FROM ledger WHERE fill_id IS NOT NULL")
        tx.connection.execute("DELETE FROM fills")

        assert broken(tx) == ["every closed position has its fills"]


def test_a_close_of_a_part_is_found(book: Book):
    with book.transaction() as tx:
        booked_trade(tx)
        tx.connection.execute("UPDATE positions SET qty=2.5")

        assert broken(tx) == ["every closed position was closed whole"]


def test_a_reference_to_nothing_is_found(book: Book):
    careless = connect(book.path, Access.WRITE)
    careless.execute("PRAGMA foreign_keys=OFF")
    opened(Stores(careless), signal_id=999)

    with book.reading() as view:
        [found] = [identity for identity in integrity(view) if not identity.holds]
        assert (found.name, found.detail) == ("every reference is met", "positions")
