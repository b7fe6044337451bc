"""Synthetic labelled trades in which we know what there is to learn."""

from dataclasses import dataclass, field

import numpy as np

HOUR_MS = 3_600_000
BEGIN_MS = 1_700_000_000_000
NAMES = tuple(f"f{number}" for number in range(8))


@dataclass(frozen=True)
class Row:
    symbol: str
    timeframe: str
    direction: str
    setup: str
    decided_ms: int
    closed_ms: int
    r_multiple: float
    is_win: bool
    confidence: float
    features: dict[str, float] = field(default_factory=dict)


def rows(count: int, seed: int = 1, *, learnable: bool = True, names: tuple[str, ...] = NAMES) -> list[Row]:
    """Trades every hour that stay open for some; where learnable, two features decide how likely each is to win."""
    dice = np.random.default_rng(seed)
    x = dice.normal(size=(count, len(names)))
    odds = 1.6 * x[:, 0] - 1.6 * x[:, 1] - 0.4 if learnable else np.full(count, -0.4)
    won = dice.random(count) < 1 / (1 + np.exp(-odds))
    x[dice.random(x.shape) < 0.05] = np.nan
    made = []
    for at in range(count):
        decided = BEGIN_MS + at * HOUR_MS
        made.append(
            Row(
                "BTCUSDT", "1h", "LONG", "fvg_retrace", decided, decided + int(dice.integers(1, 12)) * HOUR_MS,
                float(dice.uniform(1, 3)) if won[at] else -1.05, bool(won[at]), float(dice.uniform(50, 90)),
                dict(zip(names, x[at].tolist(), strict=True)),
            )
        )  # fmt: skip
    return made
