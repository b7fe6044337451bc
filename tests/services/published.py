"""A public channel on a book: posts that are delivered or lost, and signals followed to their end."""

from engine.candles import Candles
from engine.params import Params
from engine.vocabulary import PortfolioKind, Signal, SignalStatus
from services.announce import Announcements
from services.position_manager import Settlement
from services.publish import publish, set_public_channel
from storage.chats import ChatKind
from storage.outbox import OutboxItem
from storage.publications import Delivery, Publication
from storage.stores import Stores
from tests.services.books import armed
from tests.storage.samples import LONG, NOW_MS, recorded

CHANNEL, READER = -1_001, 77


class Desk:
    """A book with a public channel and a reader, and what the sender does with each message, in one transaction."""

    def __init__(self, tx: Stores) -> None:
        self.tx = tx
        self.channel = tx.chats.ensure(CHANNEL, ChatKind.CHANNEL).id
        self.reader = tx.chats.ensure(READER, ChatKind.PRIVATE).id
        self.announcements = Announcements((self.channel, self.reader))
        set_public_channel(tx, self.channel)

    def announce(self, status: SignalStatus = SignalStatus.ACCEPTED) -> int:
        signal_id = recorded(self.tx, LONG, status)
        self.announcements.signal(self.tx, signal_id, LONG, NOW_MS)
        return signal_id

    def deliver(self, at_ms: int = NOW_MS) -> None:
        """Send everything that waits, to everybody."""
        while due := self.tx.outbox.due(at_ms, 99):
            for item in due:
                self.tx.outbox.mark_sending(item.id)
                self.tx.outbox.mark_sent(item.id, 500 + item.id, at_ms)
                publish(self.tx, item, Delivery.SENT, at_ms)

    def lose(self, at_ms: int = NOW_MS) -> OutboxItem:
        """Send the channel's next message and never hear of it."""
        [item] = [item for item in self.tx.outbox.due(at_ms, 99) if item.chat_id == self.channel]
        self.tx.outbox.mark_sending(item.id)
        self.tx.outbox.mark_unknown(item.id, "no answer", at_ms)
        publish(self.tx, item, Delivery.UNKNOWN, at_ms)
        return item

    def record(self) -> list[Publication]:
        return list(self.tx.publications.rows())


FILL = (101.0, 101.0, 99.5, 100.5)
FIRST_TARGET = (100.5, 103.5, 100.4, 103.0)
BACK_TO_ENTRY = (103.0, 103.2, 99.8, 100.2)


def followed(tx: Stores, desk: Desk, candles: Candles, signal: Signal = LONG) -> int:
    """The id of a signal that was posted, followed through hourly candles from its decision on, and told of."""
    signal_id = armed(tx, signal, kinds=(PortfolioKind.SHADOW,))
    desk.announcements.signal(tx, signal_id, signal, signal.candle_close_ms)
    desk.deliver(signal.candle_close_ms)
    Settlement(tx, {signal.symbol: candles}, Params(), desk.announcements).rest(candles.closed_at_ms)
    desk.deliver(candles.closed_at_ms)
    return signal_id
