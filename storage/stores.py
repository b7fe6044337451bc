"""Every store over one connection: what a unit of work or a reading view offers, by subject."""

from storage.candles import CandleStore
from storage.chats import Chats
from storage.checkpoints import Checkpoints
from storage.conditions import Conditions
from storage.database import Connection
from storage.events import Events
from storage.fills import Fills
from storage.job_runs import JobRuns
from storage.journal import Journal
from storage.ledger import Ledger
from storage.messages import Messages
from storage.meta import Meta
from storage.models import Models
from storage.outbox import Outbox
from storage.portfolios import Portfolios
from storage.positions import Positions
from storage.predictions import Predictions
from storage.publications import Publications
from storage.scans import Scans
from storage.scores import Scores
from storage.settings import Settings
from storage.signal_cache import SignalCache
from storage.signals import Signals
from storage.snapshots import Snapshots
from storage.users import Users


class Stores:
    """The book's stores inside one transaction; `connection` is for stores that live elsewhere in this room."""

    __slots__ = (
        "candles",
        "chats",
        "checkpoints",
        "conditions",
        "connection",
        "events",
        "fills",
        "job_runs",
        "journal",
        "ledger",
        "messages",
        "meta",
        "models",
        "outbox",
        "portfolios",
        "positions",
        "predictions",
        "publications",
        "scans",
        "scores",
        "settings",
        "signal_cache",
        "signals",
        "snapshots",
        "users",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.meta = Meta(connection)
        self.portfolios = Portfolios(connection)
        self.scans = Scans(connection)
        self.scores = Scores(connection)
        self.signals = Signals(connection)
        self.signal_cache = SignalCache(connection)
        self.conditions = Conditions(connection)
        self.positions = Positions(connection)
        self.publications = Publications(connection)
        self.fills = Fills(connection)
        self.ledger = Ledger(connection)
        self.journal = Journal(connection)
        self.models = Models(connection)
        self.predictions = Predictions(connection)
        self.events = Events(connection)
        self.users = Users(connection)
        self.chats = Chats(connection)
        self.checkpoints = Checkpoints(connection)
        self.messages = Messages(connection)
        self.outbox = Outbox(connection)
        self.candles = CandleStore(connection)
        self.job_runs = JobRuns(connection)
        self.settings = Settings(connection)
        self.snapshots = Snapshots(connection)
