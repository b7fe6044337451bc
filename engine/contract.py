"""The event contract: findings as the plain dicts that scripts and conformance cases read."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.candles import Candles, missing_before
from engine.dealing_range import dealing_range, projections
from engine.findings import Divergence, Findings, Kind
from engine.sessions import SILVER_BULLETS, Periods, Sessions, window_names

Event = dict[str, Any]

WORDS_OF_TIME = (
    *("gap", "windows", "pdhl", "pwhl", "asian_range", "midnight_open", "judas_raid"),
    *("nwog", "ndog", "sb_fvg", "daily_bias"),
)
"""Kinds that mean nothing without the bars' open times."""


def events(candles: Candles, findings: Findings) -> Iterator[Event]:
    """Every finding in the words of the contract: repeated input rows first, then bar by bar as it became known."""
    for raw in candles.dropped:
        yield {"kind": "dup_dropped", "raw": raw}
    missing = missing_before(candles.open_ms, candles.timeframe).tolist()
    rows = _Rows.of(candles, findings, missing)
    first_event = findings.bars.first_event.tolist()
    diverging: dict[int, list[Divergence]] = defaultdict(list)
    for divergence in findings.divergences:
        diverging[divergence.known_at].append(divergence)
    for bar in range(len(candles)):
        if missing[bar]:
            yield {"kind": "gap", "known_at": bar, "index": bar, "missing": missing[bar]}
        if findings.sessions is not None:
            yield from _clock(findings.sessions, bar)
        for position in range(first_event[bar], first_event[bar + 1]):
            yield rows.event(position)
        for divergence in diverging[bar]:
            yield _smt(divergence)
        yield from _dealing_range(candles, findings, bar)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The columns of `Findings` as lists, with what some events say about the candles they lie on."""

    kind: list[int]
    known_at: list[int]
    index: list[int]
    ref: list[int]
    direction: list[int]
    upper: list[float]
    lower: list[float]
    missing: list[int]
    candles: Candles
    clock: Sessions | None

    @classmethod
    def of(cls, candles: Candles, findings: Findings, missing: list[int]) -> "_Rows":
        columns = (findings.kind, findings.known_at, findings.index, findings.ref, findings.direction)
        kind, known_at, index, ref, direction = (column.tolist() for column in columns)
        upper, lower = findings.upper.tolist(), findings.lower.tolist()
        return cls(kind, known_at, index, ref, direction, upper, lower, missing, candles, findings.sessions)

    def event(self, position: int) -> Event:
        kind = Kind(self.kind[position])
        event = {"kind": kind.word, "known_at": self.known_at[position]}
        event.update(_FIELDS[kind](self, position))
        return event


def _at_level(rows: _Rows, at: int) -> Event:
    return {"index": rows.index[at], "dir": rows.direction[at], "level": rows.upper[at]}


def _broken_level(rows: _Rows, at: int) -> Event:
    return {"index": rows.index[at], "ref": rows.ref[at], "dir": rows.direction[at], "level": rows.upper[at]}


def _level_of(rows: _Rows, at: int) -> Event:
    return {"ref": rows.ref[at], "dir": rows.direction[at], "level": rows.upper[at]}


def _side_of(rows: _Rows, at: int) -> Event:
    return {"ref": rows.ref[at], "dir": rows.direction[at]}


def _zone(rows: _Rows, at: int) -> Event:
    return {
        "index": rows.index[at],
        "dir": rows.direction[at],
        "top": rows.upper[at],
        "bottom": rows.lower[at],
    }


def _zone_of(rows: _Rows, at: int) -> Event:
    return {"ref": rows.ref[at], "dir": rows.direction[at], "top": rows.upper[at], "bottom": rows.lower[at]}


def _displacement(rows: _Rows, at: int) -> Event:
    return {
        "index": rows.index[at],
        "dir": rows.direction[at],
        "body": rows.upper[at],
        "atr": rows.lower[at],
    }


def _gap_zone(rows: _Rows, at: int) -> Event:
    middle = rows.index[at]
    return {**_zone(rows, at), "gap": bool(rows.missing[middle] or rows.missing[middle + 1])}


def _block(rows: _Rows, at: int) -> Event:
    bar = rows.index[at]
    return {**_zone(rows, at), "mean": float(rows.candles.open[bar] + rows.candles.close[bar]) / 2}


def _equals(rows: _Rows, at: int) -> Event:
    return {"refs": [rows.ref[at], rows.index[at]], "dir": rows.direction[at], "level": rows.upper[at]}


def _projection(rows: _Rows, at: int) -> Event:
    direction, leg_high, leg_low = rows.direction[at], rows.upper[at], rows.lower[at]
    levels = list(projections(direction, leg_high, leg_low))
    return {"dir": direction, "leg_high": leg_high, "leg_low": leg_low, "levels": levels}


def _asian_range(rows: _Rows, at: int) -> Event:
    return {"high": rows.upper[at], "low": rows.lower[at], "bars": rows.known_at[at] - rows.ref[at]}


def _level_only(rows: _Rows, at: int) -> Event:
    return {"level": rows.upper[at]}


def _judas_raid(rows: _Rows, at: int) -> Event:
    direction, level = rows.direction[at], rows.upper[at]
    close = float(rows.candles.close[rows.known_at[at]])
    return {"dir": direction, "level": level, "closed_back": (close - level) * direction >= 0}


def _opening_gap(rows: _Rows, at: int) -> Event:
    return {"top": rows.upper[at], "bottom": rows.lower[at], "ce": (rows.upper[at] + rows.lower[at]) / 2}


def _silver_bullet(rows: _Rows, at: int) -> Event:
    bits = 0 if rows.clock is None else int(rows.clock.windows[rows.known_at[at]])
    [window] = window_names(bits & int(SILVER_BULLETS))
    return {**_zone(rows, at), "window": window}


def _bias(rows: _Rows, at: int) -> Event:
    return {"bias": rows.direction[at]}


_FIELDS: dict[Kind, Callable[[_Rows, int], Event]] = {
    Kind.SWING: _at_level,
    Kind.ISWING: _at_level,
    Kind.DISPLACEMENT: _displacement,
    Kind.BOS: _broken_level,
    Kind.CHOCH: _broken_level,
    Kind.MSS: _broken_level,
    Kind.FVG: _gap_zone,
    Kind.FVG_TOUCH: _level_of,
    Kind.FVG_CE: _level_of,
    Kind.FVG_FILL: _level_of,
    Kind.IFVG: _zone_of,
    Kind.OB: _block,
    Kind.OB_TOUCH: _side_of,
    Kind.OB_BREAK: _zone_of,
    Kind.BREAKER: _zone,
    Kind.MITIGATION_BLOCK: _zone,
    Kind.REJECTION_BLOCK: _zone,
    Kind.EQ: _equals,
    Kind.SWEEP: _level_of,
    Kind.RUN: _level_of,
    Kind.TURTLE_SOUP: _level_of,
    Kind.INDUCEMENT: _at_level,
    Kind.INDUCEMENT_TAKEN: _side_of,
    Kind.PROJECTION: _projection,
    Kind.ASIAN_RANGE: _asian_range,
    Kind.MIDNIGHT_OPEN: _level_only,
    Kind.JUDAS_RAID: _judas_raid,
    Kind.NWOG: _opening_gap,
    Kind.NDOG: _opening_gap,
    Kind.SB_FVG: _silver_bullet,
    Kind.DAILY_BIAS: _bias,
}


def _clock(clock: Sessions, bar: int) -> Iterator[Event]:
    yield {"kind": "windows", "known_at": bar, "names": clock.names(bar)}
    yield from _previous("pdhl", "pdh", "pdl", clock.days, bar)
    yield from _previous("pwhl", "pwh", "pwl", clock.weeks, bar)


def _previous(word: str, high: str, low: str, periods: Periods, bar: int) -> Iterator[Event]:
    levels = periods.before(bar)
    if levels is not None:
        yield {"kind": word, "known_at": bar, high: levels[0], low: levels[1]}


def _smt(divergence: Divergence) -> Event:
    return {
        "kind": "smt",
        "known_at": divergence.known_at,
        "dir": divergence.direction,
        "swept": divergence.swept,
        "refs_a": list(divergence.refs_a),
        "refs_b": list(divergence.refs_b),
    }


def _dealing_range(candles: Candles, findings: Findings, bar: int) -> Iterator[Event]:
    reach = dealing_range(candles, findings, bar)
    if reach is None:
        return
    close = float(candles.close[bar])
    yield {
        "kind": "pd",
        "known_at": bar,
        "range_high": reach.high,
        "range_low": reach.low,
        "eq": reach.equilibrium,
        "zone": reach.zone(close).value,
        "leg": reach.leg,
        "ote": list(reach.ote),
        "ote_mid": reach.ote_middle,
        "in_ote": reach.in_ote(close),
    }
