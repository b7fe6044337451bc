"""What a chat is shown: HTML, rows of buttons under it, and perhaps a chart above it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from engine.candles import Candles
from engine.params import Params
from engine.timeframes import Timeframe
from storage.outbox import OutboxItem
from storage.snapshots import SnapshotPeriod
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `data` comes back when it is pressed, 1 to 64 bytes."""

    label: str
    data: str


class ChartKind(Enum):
    SIGNAL = "signal"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """A picture of a signal of the book: as it was decided, or the path its position took to the close."""

    signal_id: int
    kind: ChartKind = ChartKind.SIGNAL


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """A picture of a series as it is read now, on closed candles that need not stand in the book."""

    symbol: str
    timeframe: Timeframe
    closed_ms: int
    source: str
    candles: Candles = field(compare=False, repr=False)
    params: Params = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EquityRequest:
    """A picture of the account up to the end of the period that began on `first`, as the book stood at `made_ms`."""

    period: SnapshotPeriod
    first: date
    zone: str
    made_ms: int


Picture = ChartRequest | SeriesRequest | EquityRequest


@dataclass(frozen=True, slots=True)
class Post:
    """A message as it is to look; `silent` rings on nobody's phone."""

    html: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    chart: Picture | None = None
    silent: bool = False


Render = Callable[[Stores, OutboxItem], Post]
"""The look of an outbox row, from the facts the book holds about it at that moment."""
