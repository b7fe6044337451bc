import pytest

from engine.vocabulary import ConditionStatus, PortfolioKind
from storage.book import Book
from storage.conditions import TriggerOp
from storage.database import IntegrityError
from storage.stores import Stores
from tests.storage.samples import DAY_MS, LONG, NOW_MS, SHORT, paper, recorded


def armed(tx: Stores, signal_id: int, portfolio_id: int, at_ms: int = NOW_MS) -> int:
    return tx.conditions.arm(signal_id, portfolio_id, 100.0, TriggerOp.BELOW, 2.0, 4.0, at_ms + DAY_MS, at_ms)


def test_an_armed_order_comes_back_with_its_symbol_and_portfolio(book: Book):
    with book.transaction() as tx:
        condition = tx.conditions.get(armed(tx, recorded(tx), paper(tx)))

    assert (condition.symbol, condition.portfolio_kind) == ("BTCUSDT", PortfolioKind.PAPER)
    assert (condition.trigger_price, condition.trigger_op) == (100.0, TriggerOp.BELOW)
    assert (condition.qty, condition.risk_amount, condition.valid_until_ms) == (2.0, 4.0, NOW_MS + DAY_MS)
    assert (condition.status, condition.status_ms) == (ConditionStatus.ACTIVE, NOW_MS)


def test_a_portfolio_arms_a_signal_once(book: Book):
    with book.transaction() as tx:
        signal_id = recorded(tx)
        armed(tx, signal_id, paper(tx))

        with pytest.raises(IntegrityError, match="UNIQUE"):
            armed(tx, signal_id, paper(tx))


def test_active_orders_are_told_in_order_by_kind_and_symbol_until_they_end(book: Book):
    with book.transaction() as tx:
        shadow = tx.portfolios.of_kind(PortfolioKind.SHADOW).id
        one, two = recorded(tx, LONG), recorded(tx, SHORT)
        late, early = armed(tx, one, paper(tx), NOW_MS + 1), armed(tx, two, shadow)
        gone = armed(tx, one, shadow, NOW_MS + 2)
        tx.conditions.set_status(gone, ConditionStatus.EXPIRED, "not reached in time", NOW_MS + 3)
        conditions = tx.conditions

        assert [found.id for found in conditions.active()] == [early, late]
        assert [found.id for found in conditions.active(PortfolioKind.PAPER)] == [late]
        assert conditions.active(symbol="ETHUSDT") == ()
        assert [found.id for found in conditions.of_signal(one)] == [late, gone]
        assert conditions.get(gone).status_reason == "not reached in time"


def test_an_unknown_order_is_refused(book: Book):
    with book.reading() as view, pytest.raises(LookupError, match="no condition 7"):
        view.conditions.get(7)
