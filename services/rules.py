"""The parameters in force: those the bot was started with, and over them what people changed while it runs.

Only what limits risk may be changed, and only within bounds. A change is a setting of the book with its author; it holds
from the next decision on and, being a parameter, shows in the hash of every signal decided by it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.params import Params, ParamsError
from storage.events import EventType
from storage.stores import Stores

PREFIX = "params."


class RuleError(ValueError):
    """A change that cannot be made; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values people may set a parameter while the bot runs; a `whole` one takes no fractions."""

    least: float
    most: float
    whole: bool = False


CHANGEABLE: Mapping[str, Bounds] = {
    "account.risk_ratio": Bounds(0.0005, 0.03),
    "account.max_open": Bounds(0, 20, whole=True),
    "account.max_open_per_symbol": Bounds(0, 1, whole=True),
    "account.max_exposure_ratio": Bounds(0.0, 5.0),
    "account.max_portfolio_risk_ratio": Bounds(0.0, 0.2),
    "account.max_daily_loss_ratio": Bounds(0.0, 0.1),
    "gates.min_rr": Bounds(1.0, 10.0),
    "gates.max_cost_r": Bounds(0.01, 0.5),
    "gates.send_from_confidence": Bounds(50.0, 100.0),
    "gates.daily_cap": Bounds(0, 50, whole=True),
}
"""What may be changed, by section and name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One changeable parameter: what holds now, and what it would be unchanged."""

    name: str
    value: float
    default: float
    bounds: Bounds

    @property
    def is_changed(self) -> bool:
        return self.value != self.default


def in_force(stores: Stores, base: Params) -> Params:
    """`base` with the changes of the book over it."""
    changes: dict[str, dict[str, object]] = {}
    for setting in stores.settings.all():
        if setting.key.startswith(PREFIX) and setting.key.removeprefix(PREFIX) in CHANGEABLE:
            section, name = setting.key.removeprefix(PREFIX).split(".")
            changes.setdefault(section, {})[name] = setting.value
    return base.changed(changes) if changes else base


def rules(stores: Stores, base: Params) -> tuple[Rule, ...]:
    """Everything changeable as it stands."""
    now = in_force(stores, base)
    return tuple(Rule(name, _value(now, name), _value(base, name), bounds) for name, bounds in CHANGEABLE.items())


def change(tx: Stores, base: Params, name: str, text: str, by: str, at_ms: int) -> Rule:
    """Set a parameter from the next decision on; RuleError for an unknown name or a value out of bounds."""
    bounds, value = _bounds(name), _number(text)
    if not bounds.least <= value <= bounds.most or (bounds.whole and not value.is_integer()):
        kind = "a whole number" if bounds.whole else "a number"
        raise RuleError(f"{name} is {kind} from {bounds.least:g} to {bounds.most:g}")
    before = _value(in_force(tx, base), name)
    tx.settings.set(PREFIX + name, int(value) if bounds.whole else value, by, at_ms)
    try:
        now = in_force(tx, base)
    except ParamsError as error:
        raise RuleError(str(error)) from error
    tx.events.add(EventType.SETTING_CHANGED, at_ms, actor=by, message=f"{name}: {before:g} to {value:g}")
    return Rule(name, _value(now, name), _value(base, name), bounds)


def restore(tx: Stores, base: Params, name: str, by: str, at_ms: int) -> Rule:
    """Let a parameter be again what the bot was started with; RuleError for an unknown name."""
    bounds, value = _bounds(name), _value(base, name)
    before = _value(in_force(tx, base), name)
    tx.settings.remove(PREFIX + name)
    tx.events.add(EventType.SETTING_CHANGED, at_ms, actor=by, message=f"{name}: {before:g} to {value:g}")
    return Rule(name, value, value, bounds)


def _bounds(name: str) -> Bounds:
    if name not in CHANGEABLE:
        raise RuleError(f"{name} cannot be changed here; {', '.join(CHANGEABLE)} can")
    return CHANGEABLE[name]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise RuleError(f"{text!r} is no number") from error
    if not math.isfinite(value):
        raise RuleError(f"{text!r} is no number")
    return value


def _value(params: Params, name: str) -> float:
    section, field = name.split(".")
    return float(getattr(getattr(params, section), field))
