"""Every tunable number of the engine, with its unit and default; one `params.toml` may override them, by name.

A parameter set has a hash, which stands on every signal, model and backtest, so that a result names what made it.
"""

import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import time
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar, get_args, get_type_hints

from engine.detection_params import DetectionParams
from engine.follow import FollowRules
from engine.timeframes import DAY_MS, HOUR_MS
from engine.vocabulary import Market

HASH_DIGITS = 16
TARGET_COUNT = 3
LIVE_DETECTION = DetectionParams(
    swing_left=5,
    swing_right=5,
    internal_left=2,
    internal_right=2,
    disp_n=14,
    disp_k=1.5,
    eq_tol=0.0,
    sweep_reclaim=3,
    tz="UTC",
    day_roll="00:00",
)


class ParamsError(ValueError):
    """A parameter set that cannot be used; the message names the parameter."""


def _refuse_below(section: Any, least: float) -> None:
    """ValueError when a number of `section` is below `least` or no finite number."""
    for name in (f.name for f in fields(section)):
        value = getattr(section, name)
        if isinstance(value, int | float) and not (math.isfinite(value) and value >= least):
            raise ValueError(f"{name} is at least {least:g}, not {value:g}")


@dataclass(frozen=True, slots=True)
class WindowParams:
    """What a decision may look at, in bars of each timeframe of its stack."""

    window_bars: int = 1000
    memory_bars: int = 500
    min_bars: int = 120
    min_context_bars: int = 30
    atr_bars: int = 14

    def __post_init__(self) -> None:
        _refuse_below(self, 1)
        if self.memory_bars > self.window_bars:
            raise ValueError(f"memory_bars {self.memory_bars} reach beyond the window of {self.window_bars} bars")


@dataclass(frozen=True, slots=True)
class SetupParams:
    """When findings meet. Bars are of the signal's timeframe, `_atr` is a multiple of its mean true range."""

    liquidity_within_bars: int = 12
    displacement_within_bars: int = 6
    structure_within_bars: int = 20
    block_age_bars: int = 150
    zone_min_atr: float = 0.05
    zone_max_atr: float = 3.0
    equal_within_atr: float = 0.1
    overlap_gap_atr: float = 0.5

    def __post_init__(self) -> None:
        _refuse_below(self, 0)


@dataclass(frozen=True, slots=True)
class LevelParams:
    """Where entry, stop and targets stand."""

    entry_ratio: float = 0.5
    stop_buffer_atr: float = 0.15
    first_target_min_r: float = 1.0
    target_gap_r: float = 0.5
    draw_within_context_atr: float = 10.0
    shares: tuple[float, ...] = (0.40, 0.35, 0.25)
    valid_bars: int = 24

    def __post_init__(self) -> None:
        _refuse_below(self, 0)
        if not self.entry_ratio <= 1:
            raise ValueError(f"entry_ratio is a share of the zone, not {self.entry_ratio:g}")
        if not self.first_target_min_r > 0 or self.valid_bars < 1:
            raise ValueError("first_target_min_r and valid_bars are above zero")
        if len(self.shares) != TARGET_COUNT or not min(self.shares) > 0:
            raise ValueError(f"shares are {TARGET_COUNT} numbers above zero, not {self.shares}")


@dataclass(frozen=True, slots=True)
class CostParams:
    """What trading costs, as fractions of the price; fees are per side."""

    market: Market = Market.USDT_M
    fee_spot_ratio: float = 0.0010
    fee_usdt_m_ratio: float = 0.0005
    slippage_ratio: float = 0.0002
    spread_ratio: float = 0.0001

    def __post_init__(self) -> None:
        _refuse_below(self, 0)

    @property
    def fee_ratio(self) -> float:
        return self.fee_spot_ratio if self.market is Market.SPOT else self.fee_usdt_m_ratio

    @property
    def round_trip_ratio(self) -> float:
        """In and out: both fees, one spread, slippage on both sides."""
        return 2 * self.fee_ratio + self.spread_ratio + 2 * self.slippage_ratio


@dataclass(frozen=True, slots=True)
class ConfidenceParams:
    """Points possible of each contribution; together 100."""

    structure: float = 15.0
    liquidity: float = 15.0
    displacement: float = 12.0
    zone: float = 10.0
    fvg: float = 8.0
    discount: float = 10.0
    htf: float = 12.0
    session: float = 4.0
    volume: float = 4.0
    btc: float = 10.0

    def __post_init__(self) -> None:
        _refuse_below(self, 0)


@dataclass(frozen=True, slots=True)
class GateParams:
    """The limits of the channel's gates."""

    fresh_within_bars: float = 100.0
    zone_distance_max_atr: float = 4.0
    min_rr: float = 3.0
    max_cost_r: float = 0.15
    store_from_confidence: float = 50.0
    send_from_confidence: float = 60.0
    send_from_confidence_manual: float = 70.0
    dedupe_cooldown_bars: int = 12
    dedupe_tolerance_atr: float = 0.5
    cluster_window_ms: int = 3_600_000
    cluster_best: int = 2
    daily_cap: int = 5
    best_of_instant: int = 3

    def __post_init__(self) -> None:
        _refuse_below(self, 0)


@dataclass(frozen=True, slots=True)
class ProtectionParams:
    """When losses close the channel, and for how long; `_r` is the sum of R after costs of what the channel was given."""

    stop_guard_stops: int = 3
    stop_guard_window_ms: int = DAY_MS
    stop_guard_lock_ms: int = DAY_MS
    drawdown_max_r: float = 6.0
    drawdown_window_ms: int = 14 * DAY_MS
    drawdown_lock_ms: int = 2 * DAY_MS
    daily_loss_max_r: float = 2.0
    cooldown_ms: int = 4 * HOUR_MS
    low_profit_trades: int = 4
    low_profit_max_loss_r: float = 3.0
    low_profit_window_ms: int = 30 * DAY_MS
    low_profit_lock_ms: int = 7 * DAY_MS

    def __post_init__(self) -> None:
        _refuse_below(self, 0)


@dataclass(frozen=True, slots=True)
class AccountParams:
    """The paper account: money in USDT, limits as fractions of the balance.

    A trade risks `risk_ratio` times the size factor of its coin's score, and never more than `max_risk_ratio`.
    """

    deposit: float = 10_000.0
    risk_ratio: float = 0.01
    max_open_per_symbol: int = 1
    max_open: int = 5
    max_exposure_ratio: float = 3.0
    max_portfolio_risk_ratio: float = 0.05
    max_daily_loss_ratio: float = 0.03
    max_risk_ratio: float = 0.015

    def __post_init__(self) -> None:
        _refuse_below(self, 0)
        if not (self.deposit > 0 and self.risk_ratio > 0):
            raise ValueError("deposit and risk_ratio are above zero")


@dataclass(frozen=True, slots=True)
class CheckpointParams:
    """What a position's re-analysis advises. Deltas are points of confidence against the stored signal.

    `act` lets the advice close, reduce and move stops by itself; without it a person decides. `part_ratio` is the share
    of what is still open that a partial close takes off.
    """

    close_below_delta: float = -30.0
    reduce_below_delta: float = -15.0
    trail_from_delta: float = -5.0
    trail_from_level: int = 50
    late_from_level: int = 75
    reduce_below_rr: float = 0.5
    part_ratio: float = 0.5
    act: bool = False

    def __post_init__(self) -> None:
        for name in ("close_below_delta", "reduce_below_delta", "trail_from_delta"):
            if not -math.inf < getattr(self, name) <= 0:
                raise ValueError(f"{name} is a loss of confidence, 0 or below, not {getattr(self, name):g}")
        if not 0 < self.part_ratio < 1:
            raise ValueError(f"part_ratio is a share between 0 and 1, not {self.part_ratio:g}")
        if not 0 <= self.reduce_below_rr < math.inf:
            raise ValueError(f"reduce_below_rr is a ratio of 0 or more, not {self.reduce_below_rr:g}")


@dataclass(frozen=True, slots=True)
class LearningParams:
    """When is trained, what each label counts, how long a model may act, and what a training may take."""

    train_every_days: int = 7
    train_after_outcomes: int = 50
    expires_after_days: int = 21
    journal_weight: float = 1.0
    backtest_weight: float = 0.5
    journal: bool = True
    backtests: bool = True
    timeout_s: int = 900
    memory_mb: int = 3_000

    def __post_init__(self) -> None:
        for name in ("train_every_days", "train_after_outcomes", "expires_after_days", "timeout_s", "memory_mb"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is above zero, not {getattr(self, name):g}")
        if not (0 < self.journal_weight < math.inf and 0 < self.backtest_weight < math.inf):
            raise ValueError("weights are above zero; to leave labels out, switch their origin off")


@dataclass(frozen=True)
class Params:
    """The whole set. `Params()` holds the defaults. Without slots, so that its hash is worked out once."""

    detection: DetectionParams = LIVE_DETECTION
    window: WindowParams = field(default_factory=WindowParams)
    setups: SetupParams = field(default_factory=SetupParams)
    levels: LevelParams = field(default_factory=LevelParams)
    costs: CostParams = field(default_factory=CostParams)
    confidence: ConfidenceParams = field(default_factory=ConfidenceParams)
    gates: GateParams = field(default_factory=GateParams)
    protections: ProtectionParams = field(default_factory=ProtectionParams)
    account: AccountParams = field(default_factory=AccountParams)
    follow: FollowRules = field(default_factory=FollowRules)
    checkpoints: CheckpointParams = field(default_factory=CheckpointParams)
    learning: LearningParams = field(default_factory=LearningParams)

    @cached_property
    def hash(self) -> str:
        """Hex digits that name this set: equal sets, equal digits, on every machine.

        How often is trained and what a label counts is no part of it: what a model said stands beside its signal.
        """
        text = json.dumps(_alike(asdict(replace(self, learning=LearningParams()))), sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]

    @staticmethod
    def from_mapping(mapping: Mapping[str, Any]) -> "Params":
        """The defaults with `mapping` laid over them (sections of names, as TOML reads); ParamsError names what is wrong."""
        return _overlay(Params(), mapping, "")

    def changed(self, mapping: Mapping[str, Any]) -> "Params":
        """This set with `mapping` laid over it; ParamsError names what is wrong."""
        return _overlay(self, mapping, "")


Section = TypeVar("Section")


def _overlay(section: Section, values: Mapping[str, Any], path: str) -> Section:
    assert is_dataclass(section)
    assert not isinstance(section, type)
    names = [f.name for f in fields(section)]
    hints = get_type_hints(type(section))
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {path}{near[0]}?" if near else ""
            raise ParamsError(f"unknown parameter {path}{name}{hint}")
        current = getattr(section, name)
        if is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ParamsError(f"{path}{name} is a section, not a value")
            changes[name] = _overlay(current, value, f"{path}{name}.")
        else:
            changes[name] = _value(value, current, hints[name], f"{path}{name}")
    try:
        return replace(section, **changes)
    except ValueError as error:
        raise ParamsError(f"{path.rstrip('.') or 'params'}: {error}") from error


def _value(value: Any, current: object, hint: Any, path: str) -> Any:
    if isinstance(current, Enum):
        words = [member.value for member in type(current)]
        if value not in words:
            raise ParamsError(f"{path} is one of {', '.join(words)}, not {value!r}")
        return type(current)(value)
    if isinstance(current, bool) or hint is bool:
        if not isinstance(value, bool):
            raise ParamsError(f"{path} is true or false, not {value!r}")
        return value
    if isinstance(current, tuple):
        if not isinstance(value, list) or not all(_is_number(part) for part in value):
            raise ParamsError(f"{path} is a list of numbers, not {value!r}")
        return tuple(float(part) for part in value)
    taken = get_args(hint) or (hint,)
    if float in taken and _is_number(value):
        return float(value)
    if int in taken and _is_number(value) and float(value).is_integer():
        return int(value)
    if (str in taken and isinstance(value, str)) or (time in taken and isinstance(value, time)):
        return value
    raise ParamsError(f"{path} does not take {value!r}; its default is {current!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _alike(value: object) -> object:
    """`value` with every number as a float: 3 and 3.0 are equal and must not give different digits."""
    match value:
        case Mapping():
            return {name: _alike(part) for name, part in value.items()}
        case tuple() | list():
            return [_alike(part) for part in value]
        case int():
            return float(value)
        case _:
            return value


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, time):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a parameter set")
