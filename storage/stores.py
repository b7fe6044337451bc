"""Every store over one connection: what a unit of work or a reading view offers, by subject."""

from storage.conditions import Conditions
from storage.database import Connection
from storage.fills import Fills
from storage.ledger import Ledger
from storage.meta import Meta
from storage.portfolios import Portfolios
from storage.positions import Positions
from storage.signals import Signals


class Stores:
    """The book's stores inside one transaction; `connection` is for stores that live elsewhere in this room."""

    __slots__ = (
        "conditions",
        "connection",
        "fills",
        "ledger",
        "meta",
        "portfolios",
        "positions",
        "signals",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.meta = Meta(connection)
        self.portfolios = Portfolios(connection)
        self.signals = Signals(connection)
        self.conditions = Conditions(connection)
        self.positions = Positions(connection)
        self.fills = Fills(connection)
        self.ledger = Ledger(connection)
