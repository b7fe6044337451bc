"""The paper account's beginning."""

from engine.vocabulary import LedgerKind, PortfolioKind
from storage.events import EventType
from storage.stores import Stores


def open_account(stores: Stores, deposit: float, at_ms: int) -> None:
    """Book the deposit that the paper account starts with, once; later calls change nothing."""
    paper = stores.portfolios.of_kind(PortfolioKind.PAPER)
    if stores.ledger.post(paper.id, LedgerKind.DEPOSIT, deposit, at_ms, f"deposit:{paper.id}"):
        message = f"{deposit:.2f} {paper.currency}"
        stores.events.add(EventType.DEPOSIT, at_ms, portfolio_id=paper.id, message=message)
