"""The one form every legacy record takes, whichever file it came from, and the verdict it was given.

Conventions are those of `engine.vocabulary`; instants of records are epoch MICROseconds (`*_us`), because legacy bots
told repeated signals apart by nothing else. What there can be a million of is a named tuple, which is made in half the
time of a frozen dataclass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from engine.timeframes import Timeframe
from engine.vocabulary import CloseReason, Direction, Outcome

US_PER_MS = 1_000

Json = Mapping[str, "Json"] | Sequence["Json"] | str | float | int | bool | None


class RecordVerdict(Enum):
    """What became of one legacy record; every record gets exactly one."""

    IMPORTED = "IMPORTED"
    REPAIRED = "REPAIRED"
    DUPLICATE = "DUPLICATE"
    QUARANTINED = "QUARANTINED"

    __hash__ = object.__hash__  # a member is itself and nobody else; an enum's own is slow, and millions are counted


ORIGINALS = (RecordVerdict.IMPORTED, RecordVerdict.REPAIRED)


class System(Enum):
    """Which bot wrote a file: units, symbols and zones are read by its rule, never guessed."""

    SIGNAL_BOT = "crypto-signal-bot"
    SNIPER = "sniper-bot"
    ICT_MONITOR = "ict-monitor"

    __hash__ = object.__hash__  # as above


class LegacyClose(NamedTuple):
    """How a legacy trade ended by its own record; `poll_priced` = the price is the one some poll happened to see."""

    closed_us: int
    exit_price: float
    pnl_pct: float
    outcome: Outcome
    reason: CloseReason
    poll_priced: bool

    @property
    def closed_ms(self) -> int:
        return self.closed_us // US_PER_MS


class LegacyTrade(NamedTuple):
    """A legacy signal with its levels; `close` is None where its end was never recorded.

    The words of its enums are read as `_value_`, because `value` is a property and costs eight times as much.
    """

    system: System
    symbol: str
    timeframe: Timeframe | None
    direction: Direction
    opened_us: int
    entry: float
    stop: float
    targets: tuple[float, ...]
    confidence: float | None
    valid_until_us: int | None
    close: LegacyClose | None

    @property
    def opened_ms(self) -> int:
        return self.opened_us // US_PER_MS

    @property
    def timeframe_text(self) -> str:
        return "unknown" if self.timeframe is None else self.timeframe._value_

    @property
    def risk_pct(self) -> float:
        """Distance from entry to stop in percent of the entry."""
        return abs(self.entry - self.stop) / self.entry * 100

    @property
    def reward_risk(self) -> float:
        """RR to the last target, computed here: what legacy files state can be false."""
        return abs(self.targets[-1] - self.entry) / abs(self.entry - self.stop)

    @property
    def natural_key(self) -> str:
        """What makes it the same trade in every file: series, direction, instant to the microsecond, entry."""
        return f"{self.symbol}|{self.timeframe_text}|{self.direction._value_}|{self.opened_us}|{self.entry!r}"


@dataclass(frozen=True, slots=True)
class LegacyReport:
    """A daily report as its bot wrote it; `date` is the calendar date it speaks of."""

    date: str
    written_us: int


@dataclass(frozen=True, slots=True)
class LegacyCacheEntry:
    """What a bot remembered having sent: it blocks its duplicate until `expires_us`."""

    symbol: str
    timeframe: Timeframe
    direction: Direction
    entry: float
    confidence: float | None
    sent_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class LegacyBacktestTrade:
    decided_us: int
    direction: Direction
    outcome: Outcome | None
    r_multiple: float | None


@dataclass(frozen=True, slots=True)
class LegacyBacktest:
    """One run over one series; `metrics` are the figures its file states."""

    symbol: str
    timeframe: Timeframe
    from_us: int
    to_us: int
    ran_us: int
    metrics: Mapping[str, Json]
    trades: tuple[LegacyBacktestTrade, ...]


@dataclass(frozen=True, slots=True)
class LegacyAccount:
    """A balance as a state file claims it; `deposit` is None where the file does not say what it began with."""

    system: System
    name: str
    balance: float
    deposit: float | None
    stated_us: int


@dataclass(frozen=True, slots=True)
class LegacyUser:
    """Somebody the old bot let in; the new one asks its owner again."""

    telegram_id: int


@dataclass(frozen=True, slots=True)
class LegacySettings:
    """The settings of an old bot, kept to be read; nothing of them comes into force."""

    name: str
    text: str


Content = LegacyTrade | LegacyReport | LegacyCacheEntry | LegacyBacktest | LegacyAccount | LegacyUser | LegacySettings


class Reading(NamedTuple):
    """One record read: where it stood, the verdict with its reasons, and its normal form if it has one.

    `raw` is its JSON text as it was found, zlib-compressed. `natural_key` names the record across files; a reading
    without one is never anybody's duplicate.
    """

    place: str
    raw: bytes
    verdict: RecordVerdict
    reasons: tuple[str, ...] = ()
    natural_key: str | None = None
    content: Content | None = None


class Unusable(Exception):
    """A record that cannot be imported; the message is the reason on its receipt."""
