"""A setup: findings that met on one closed candle, with the zone that gives the entry and the extreme that must hold."""

from dataclasses import dataclass

from engine.reading import Break, Gap, Raid, Reading
from engine.vocabulary import Direction


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the entry order stands: a price range and the bar that drew it."""

    low: float
    high: float
    index: int
    formed_at_ms: int

    @property
    def height(self) -> float:
        return self.high - self.low

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Setup:
    """A completed setup. `protected` is the extreme that price must not trade beyond for the idea to hold."""

    name: str
    direction: Direction
    zone: Zone
    protected: float
    liquidity: Raid
    structure: Break | None
    displacement_index: int | None
    gap: Gap | None
    fresh_zone: bool

    @property
    def key(self) -> str:
        """Identity of the setup within its series."""
        return f"{self.name}|{self.direction.value}|{self.zone.formed_at_ms}|{self.zone.low!r}|{self.zone.high!r}"


def zone_of(reading: Reading, low: float, high: float, index: int) -> Zone:
    """The zone that bar `index` drew."""
    return Zone(low, high, index, reading.open_ms(index))
