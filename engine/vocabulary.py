"""The words every room shares: directions, signals, verdicts, positions and what becomes of them.

Conventions: `*_ms` is epoch milliseconds UTC, `*_ratio` a fraction 0..1, `*_pct` percent (2.0 = 2 %),
`*_r` multiples of the initial risk, prices are float64 in the quote currency, confidence is 0..100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from engine.timeframes import Timeframe

ENGINE_VERSION = "1"
BREAKEVEN_BAND_R = 0.1
SHARE_TOLERANCE = 1e-9
SETUP_WORDS = {
    "sweep_displacement": "sweep + displacement",
    "breaker_mss": "breaker + market structure shift",
    "ob_fvg_discount": "order block + fair value gap",
    "liquidity_rejection": "liquidity taken + rejection",
    "sweep_ob_reaction": "sweep into order block",
    "silver_bullet": "silver bullet",
    "judas_swing": "Judas swing",
}
"""The setups by name, as traders say them."""


class Direction(Enum):
    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """+1 for LONG, -1 for SHORT."""
        return 1 if self is Direction.LONG else -1

    @property
    def opposite(self) -> "Direction":
        return Direction.SHORT if self is Direction.LONG else Direction.LONG

    @staticmethod
    def of(sign: int) -> "Direction":
        """The direction of a sign; 0 has none and raises ValueError."""
        if sign == 0:
            raise ValueError("0 is no direction")
        return Direction.LONG if sign > 0 else Direction.SHORT


class Market(Enum):
    SPOT = "spot"
    USDT_M = "usdt-m"


class Outcome(Enum):
    WIN = "WIN"
    LOSS = "LOSS"
    BREAKEVEN = "BREAKEVEN"


class BookKind(Enum):
    LIVE = "live"
    REPLAY = "replay"
    DEMO = "demo"


class PortfolioKind(Enum):
    PAPER = "paper"
    SHADOW = "shadow"
    LEGACY = "legacy"
    REAL = "real"


class SignalSource(Enum):
    AUTO = "auto"
    COMMAND = "command"
    LLM = "llm"
    IMPORT = "import"


class SignalStatus(Enum):
    """Where a signal stands; its close reason and its outcome are other columns."""

    GENERATED = "GENERATED"
    SUPPRESSED = "SUPPRESSED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    SENT = "SENT"
    EXECUTED = "EXECUTED"
    CLOSED = "CLOSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    MISSED = "MISSED"


class ConditionStatus(Enum):
    PENDING_APPROVAL = "PENDING_APPROVAL"
    ACTIVE = "ACTIVE"
    TRIGGERED = "TRIGGERED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


class CloseReason(Enum):
    STOP_LOSS = "STOP_LOSS"
    BREAK_EVEN = "BREAK_EVEN"
    TRAILING_STOP = "TRAILING_STOP"
    TAKE_PROFIT = "TAKE_PROFIT"
    EOD_CLOSE = "EOD_CLOSE"
    TIME_LIMIT = "TIME_LIMIT"
    CHECKPOINT = "CHECKPOINT"
    MANUAL = "MANUAL"
    OPPOSITE_SIGNAL = "OPPOSITE_SIGNAL"
    LIQUIDATION = "LIQUIDATION"
    IMPORT = "IMPORT"


class FillKind(Enum):
    ENTRY = "ENTRY"
    TARGET = "TARGET"
    STOP = "STOP"
    CLOSE = "CLOSE"


class LedgerKind(Enum):
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    REALIZED_PNL = "REALIZED_PNL"
    FEE = "FEE"
    FUNDING = "FUNDING"
    ADJUSTMENT = "ADJUSTMENT"


class Severity(Enum):
    BLOCK = "BLOCK"
    WARN = "WARN"
    INFO = "INFO"


class Stage(Enum):
    """Where a look at a series ended without a signal, in the order of the look."""

    DATA = "data"
    CONTEXT = "context"
    SETUP = "setup"
    LEVELS = "levels"
    CONFIDENCE = "confidence"
    GATE = "gate"


@dataclass(frozen=True, slots=True)
class Rejected:
    """No signal, and why: the stage that ended the look, its reason in words, the value met and the limit it missed."""

    stage: Stage
    reason: str
    value: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's decision on one signal."""

    gate: str
    passed: bool
    value: str | None = None
    limit: str | None = None
    severity: Severity = Severity.BLOCK
    note: str | None = None

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity is Severity.BLOCK


class Contribution(NamedTuple):
    """One named part of a confidence: points given of the points possible; None = missing, with the reason."""

    name: str
    points: float | None
    possible: float
    reason: str


class Target(NamedTuple):
    """Where a share of the position is taken off, and the liquidity that stands there."""

    no: int
    price: float
    share_ratio: float
    reason: str | None = None


class Witness(NamedTuple):
    """A finding that a signal rests on: what it was, when its bar opened, when it became known, its price or zone."""

    name: str
    formed_at_ms: int
    known_at_ms: int
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """What the gates need of the chart a signal was decided on; mean true range and last close in price.

    `zone_age_bars` counts from the bar that drew the zone to the one that decided.
    """

    atr: float
    last_price: float
    structure_trend: int
    zone_age_bars: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """A setup with levels, decided on a closed candle; impossible ones cannot be constructed (ValueError)."""

    symbol: str
    timeframe: Timeframe
    market: Market
    direction: Direction
    setup: str
    setup_key: str
    candle_close_ms: int
    entry: float
    zone_low: float
    zone_high: float
    stop_loss: float
    targets: tuple[Target, ...]
    valid_until_ms: int
    rr: float
    plan_r: float
    cost_r: float
    confidence: float
    base_confidence: float
    contributions: tuple[Contribution, ...]
    params_hash: str
    engine_version: str = ENGINE_VERSION
    source: SignalSource = SignalSource.AUTO
    session: str | None = None
    regime: str | None = None
    htf_bias: int | None = None
    features: Mapping[str, float] = field(default_factory=dict)
    features_version: int | None = None
    reasons: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    chart: ChartFacts | None = None

    def __post_init__(self) -> None:
        sign = self.direction.sign
        prices = (self.stop_loss, self.entry, *(target.price for target in self.targets))
        if not self.targets:
            raise ValueError(f"{self.symbol}: a signal needs at least one target")
        if min(prices) <= 0 or any((after - before) * sign <= 0 for before, after in pairwise(prices)):
            word = self.direction.value
            raise ValueError(f"{self.symbol}: a {word} needs stop, entry and targets in order, has {prices}")
        if not self.zone_low <= self.zone_high:
            raise ValueError(f"{self.symbol}: the zone is upside down: {self.zone_low} to {self.zone_high}")
        if abs(sum(target.share_ratio for target in self.targets) - 1.0) > SHARE_TOLERANCE:
            raise ValueError(f"{self.symbol}: the target shares must add up to 1, have {self.targets}")
        if not 0 <= self.confidence <= 100:
            raise ValueError(f"{self.symbol}: a confidence is 0..100, has {self.confidence}")
        if self.valid_until_ms <= self.candle_close_ms:
            raise ValueError(f"{self.symbol}: a signal must be valid beyond its candle")

    @property
    def risk(self) -> float:
        """Distance from entry to stop in price."""
        return abs(self.entry - self.stop_loss)


@dataclass(frozen=True, slots=True)
class Position:
    """A position as the book holds it; `outcome` is the book's own generated word."""

    id: int
    portfolio_id: int
    signal_id: int | None
    symbol: str
    timeframe: str | None
    direction: Direction
    qty: float
    entry_price: float
    opened_ms: int
    initial_stop: float | None
    stop_loss: float | None
    risk_amount: float | None
    closed_ratio: float
    mark_price: float | None
    settled_ms: int | None
    settled_on: str | None
    mfe_r: float
    mae_r: float
    is_open: bool
    exit_price: float | None = None
    closed_ms: int | None = None
    close_reason: CloseReason | None = None
    realized_pnl: float | None = None
    pnl_pct: float | None = None
    r_multiple: float | None = None
    fees: float = 0.0
    outcome: Outcome | None = None
