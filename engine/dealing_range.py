"""The dealing range between the last confirmed swings: its halves, its optimal trade entry, its projections."""

from dataclasses import dataclass
from enum import Enum

from engine.candles import Candles
from engine.findings import NONE, Findings

OTE_SHALLOW, OTE_MIDDLE, OTE_DEEP = 0.62, 0.705, 0.79
"""Retracements of the leg between which the optimal trade entry lies, and its middle."""
PROJECTION_MULTIPLES = (1.0, 2.0, 2.5, 4.0)
"""Multiples of the manipulation leg at which reaction and exhaustion are expected."""


class PriceZone(Enum):
    """Which half of the dealing range a price lies in."""

    PREMIUM = "premium"
    DISCOUNT = "discount"
    EQUILIBRIUM = "equilibrium"


@dataclass(frozen=True, slots=True)
class DealingRange:
    """The range between the last confirmed swing high and low; `leg` is +1 when the high came later, else -1."""

    high: float
    low: float
    leg: int

    @property
    def equilibrium(self) -> float:
        """Its middle."""
        return (self.high + self.low) / 2

    @property
    def ote(self) -> tuple[float, float]:
        """Lower and upper edge of the optimal trade entry of its leg: in discount after an up leg, else in premium."""
        span = self.high - self.low
        if self.leg > 0:
            return self.high - OTE_DEEP * span, self.high - OTE_SHALLOW * span
        return self.low + OTE_SHALLOW * span, self.low + OTE_DEEP * span

    @property
    def ote_middle(self) -> float:
        """The preferred price of the optimal trade entry."""
        span = self.high - self.low
        return self.high - OTE_MIDDLE * span if self.leg > 0 else self.low + OTE_MIDDLE * span

    def zone(self, price: float) -> PriceZone:
        """The half `price` lies in; outside the range counts as the half next to it."""
        if price == self.equilibrium:
            return PriceZone.EQUILIBRIUM
        return PriceZone.PREMIUM if price > self.equilibrium else PriceZone.DISCOUNT

    def in_ote(self, price: float) -> bool:
        """Whether `price` lies in the optimal trade entry, edges included."""
        lower, upper = self.ote
        return lower <= price <= upper


def dealing_range(candles: Candles, findings: Findings, bar: int) -> DealingRange | None:
    """The range known at the close of `bar`; None before both its swings are, or when the high is not above the low."""
    high_at, low_at = findings.last_swing(1, bar), findings.last_swing(-1, bar)
    if NONE in (high_at, low_at):
        return None
    high, low = float(candles.high[high_at]), float(candles.low[low_at])
    return DealingRange(high, low, 1 if high_at > low_at else -1) if high > low else None


def projections(direction: int, leg_high: float, leg_low: float) -> tuple[float, ...]:
    """Prices at PROJECTION_MULTIPLES of the leg, beyond its end in `direction`."""
    span = leg_high - leg_low
    if direction > 0:
        return tuple(leg_high + multiple * span for multiple in PROJECTION_MULTIPLES)
    return tuple(leg_low - multiple * span for multiple in PROJECTION_MULTIPLES)
