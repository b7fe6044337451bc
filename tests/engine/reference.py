"""The definitions read aloud: every kind detected by a slow, literal reading of the rules, one rule a function.

Written from the text of the definitions, not from the kernel, and with none of its devices: no stacks, no state carried
from bar to bar where a search over all bars can say the same. Quadratic on purpose. It shares with the engine only the
names of the parameters and the words of the event contract.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from engine.detection_params import DetectionParams

Event = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
SLACK = 1e-12

WINDOWS = {
    "asian_range": ("20:00", "24:00"),
    "london_kz": ("02:00", "05:00"),
    "ny_kz": ("07:00", "10:00"),
    "london_close_kz": ("10:00", "12:00"),
    "sb_london": ("03:00", "04:00"),
    "sb_am": ("10:00", "11:00"),
    "sb_pm": ("14:00", "15:00"),
    "judas": ("00:00", "05:00"),
}


@dataclass(frozen=True)
class Bar:
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True)
class Swing:
    index: int
    known_at: int
    side: int
    level: float


@dataclass(frozen=True)
class Break:
    bar: int
    side: int
    swing: Swing
    label: str


def price_events(bars: Sequence[Bar], params: DetectionParams) -> list[Event]:
    """Every event that prices alone tell."""
    swings = signal_swings(bars, params)
    internal = fractals(bars, params.internal_left, params.internal_right)
    thrusts = displacements(bars, params)
    breaks = structure_breaks(bars, swings, params)
    raids = pool_raids(bars, swings)
    return [
        *(event_of_swing("swing", swing) for swing in swings),
        *(event_of_swing("iswing", swing) for swing in internal),
        *thrusts,
        *break_events(breaks, thrusts),
        *gap_events(bars, params),
        *order_block_events(bars, breaks, params),
        *breaker_events(bars, breaks, swings),
        *rejection_events(bars, swings),
        *equal_events(bars, swings, raids, params),
        *raids,
        *turtle_soups(bars, raids, params),
        *inducements(bars, breaks, internal),
        *projections(bars, breaks, raids),
        *dealing_ranges(bars, swings),
    ]


def event_of_swing(kind: str, swing: Swing) -> Event:
    return {"kind": kind, "known_at": swing.known_at, "index": swing.index, "dir": swing.side, "level": swing.level}


# -- 1.1 swings


def signal_swings(bars: Sequence[Bar], params: DetectionParams) -> list[Swing]:
    if params.swing_model == "luxalgo_leg":
        return leg_swings(bars, params.swing_size)
    return fractals(bars, params.swing_left, params.swing_right)


def fractals(bars: Sequence[Bar], left: int, right: int) -> list[Swing]:
    found = []
    for i in range(left, len(bars) - right):
        before, after = bars[i - left : i], bars[i + 1 : i + right + 1]
        if all(bars[i].high > b.high for b in before) and all(bars[i].high >= b.high for b in after):
            found.append(Swing(i, i + right, 1, bars[i].high))
        if all(bars[i].low < b.low for b in before) and all(bars[i].low <= b.low for b in after):
            found.append(Swing(i, i + right, -1, bars[i].low))
    return found


def leg_swings(bars: Sequence[Bar], size: int) -> list[Swing]:
    found, leg = [], 0
    for t in range(size, len(bars)):
        pivot, since = bars[t - size], bars[t - size + 1 : t + 1]
        was = leg
        if pivot.high > max(b.high for b in since):
            leg = 0
        elif pivot.low < min(b.low for b in since):
            leg = 1
        if (was, leg) == (1, 0):
            found.append(Swing(t - size, t, 1, pivot.high))
        if (was, leg) == (0, 1):
            found.append(Swing(t - size, t, -1, pivot.low))
    return found


# -- 1.5 displacement


def true_range(bars: Sequence[Bar], t: int) -> float:
    b = bars[t]
    if t == 0:
        return b.high - b.low
    before = bars[t - 1].close
    return max(b.high - b.low, abs(b.high - before), abs(b.low - before))


def mean_true_range_before(bars: Sequence[Bar], t: int, count: int) -> float:
    total = 0.0
    for j in range(t - count, t):
        total += true_range(bars, j)
    return total / count


def displacements(bars: Sequence[Bar], params: DetectionParams) -> list[Event]:
    found = []
    for t in range(params.disp_n, len(bars)):
        b = bars[t]
        mean = mean_true_range_before(bars, t, params.disp_n)
        body, reach = abs(b.close - b.open), b.high - b.low
        if body > 0 and body >= params.disp_k * mean and body / reach >= params.disp_body_frac:
            side = 1 if b.close > b.open else -1
            found.append({"kind": "displacement", "known_at": t, "index": t, "dir": side, "body": body, "atr": mean})
    return found


# -- 1.3, 1.4 structure


def structure_breaks(bars: Sequence[Bar], swings: Sequence[Swing], params: DetectionParams) -> list[Break]:
    found: list[Break] = []
    trend = 0
    for t, b in enumerate(bars):
        for side in (1, -1):
            known = [swing for swing in swings if swing.side == side and swing.known_at < t]
            if not known:
                continue
            newest = max(known, key=lambda swing: swing.index)
            if any(earlier.swing == newest for earlier in found):
                continue
            wick, close = (b.high if side > 0 else b.low), b.close
            price = wick if params.break_on == "wick" else close
            if (price - newest.level) * side > 0:
                found.append(Break(t, side, newest, "choch" if trend == -side else "bos"))
                trend = side
    return found


def break_events(breaks: Sequence[Break], thrusts: Sequence[Event]) -> Iterator[Event]:
    thrust_at = {event["known_at"]: event["dir"] for event in thrusts}
    for b in breaks:
        event = {"known_at": b.bar, "index": b.bar, "ref": b.swing.index, "dir": b.side, "level": b.swing.level}
        yield {"kind": b.label, **event}
        if b.label == "choch" and thrust_at.get(b.bar) == b.side:
            yield {"kind": "mss", **event}


# -- 1.6 to 1.8 gaps


def gap_zone(bars: Sequence[Bar], t: int) -> tuple[int, float, float] | None:
    """(side, top, bottom) of the gap that bar t completes."""
    if t < 2:
        return None
    if bars[t].low > bars[t - 2].high:
        return 1, bars[t].low, bars[t - 2].high
    if bars[t].high < bars[t - 2].low:
        return -1, bars[t - 2].low, bars[t].high
    return None


def gap_events(bars: Sequence[Bar], params: DetectionParams) -> Iterator[Event]:
    for k in range(len(bars)):
        zone = gap_zone(bars, k)
        if zone is None:
            continue
        side, top, bottom = zone
        if params.fvg_min_gap > 0 and top - bottom < params.fvg_min_gap - SLACK:
            continue
        if params.fvg_color_filter and (bars[k - 1].close - bars[k - 1].open) * side <= 0:
            continue
        yield {"kind": "fvg", "known_at": k, "index": k - 1, "dir": side, "top": top, "bottom": bottom}
        near, far = (top, bottom) if side > 0 else (bottom, top)
        later = range(k + 1, len(bars))
        for kind, level in (("fvg_touch", near), ("fvg_ce", (top + bottom) / 2), ("fvg_fill", far)):
            for t in later:
                if reaches(bars[t], side, level):
                    yield {"kind": kind, "known_at": t, "ref": k - 1, "dir": side, "level": level}
                    break
        for t in later:
            if (far - bars[t].close) * side > 0:
                yield {"kind": "ifvg", "known_at": t, "ref": k - 1, "dir": -side, "top": top, "bottom": bottom}
                break


def reaches(bar: Bar, side: int, level: float) -> bool:
    """Whether a bar comes back to the level of a zone that lies on the other side of price."""
    return bar.low <= level if side > 0 else bar.high >= level


# -- 1.9 order blocks


def block_candle(bars: Sequence[Bar], b: Break, school: str) -> int | None:
    ref, t, side = b.swing.index, b.bar, b.side
    if school == "last_opposite":
        opposite = [j for j in range(ref + 1, t) if (bars[j].close - bars[j].open) * side < 0]
        return opposite[-1] if opposite else None
    candidates = list(range(ref, t)) if school == "luxalgo" else list(range(ref + 1, t))
    depth = [bars[j].low * side if side > 0 else bars[j].high * side for j in candidates]
    deepest = [j for j, value in zip(candidates, depth, strict=True) if value == min(depth)]
    return deepest[0] if school == "luxalgo" else deepest[-1]


def order_block_events(bars: Sequence[Bar], breaks: Sequence[Break], params: DetectionParams) -> Iterator[Event]:
    for b in breaks:
        j = block_candle(bars, b, params.ob_school)
        if j is None:
            continue
        candle = bars[j]
        top, bottom = candle.high, candle.low
        if params.ob_zone == "body":
            top, bottom = max(candle.open, candle.close), min(candle.open, candle.close)
        mean = (candle.open + candle.close) / 2
        zone = {"top": top, "bottom": bottom}
        yield {"kind": "ob", "known_at": b.bar, "index": j, "dir": b.side, **zone, "mean": mean}
        near, far = (top, bottom) if b.side > 0 else (bottom, top)
        ended = next((t for t in range(b.bar + 1, len(bars)) if (far - bars[t].close) * b.side > 0), None)
        last = len(bars) - 1 if ended is None else ended
        touched = next((t for t in range(b.bar + 1, last + 1) if reaches(bars[t], b.side, near)), None)
        if touched is not None:
            yield {"kind": "ob_touch", "known_at": touched, "ref": j, "dir": b.side}
        if ended is not None:
            yield {"kind": "ob_break", "known_at": ended, "ref": j, "dir": -b.side, **zone}


# -- 1.10 to 1.12 breaker, mitigation, rejection


def breaker_events(bars: Sequence[Bar], breaks: Sequence[Break], swings: Sequence[Swing]) -> Iterator[Event]:
    for b in breaks:
        known = [swing for swing in swings if swing.side == -b.side and swing.known_at < b.bar]
        before = [swing for swing in known if swing.index < b.swing.index]
        after = [swing for swing in known if swing.index > b.swing.index]
        if not before or not after:
            continue
        first, second = max(before, key=lambda s: s.index), max(after, key=lambda s: s.index)
        candles = [q for q in range(first.index, b.swing.index + 1) if (bars[q].close - bars[q].open) * b.side > 0]
        if not candles:
            continue
        q = candles[-1]
        raided = (first.level - second.level) * b.side > 0
        kind = "breaker" if raided else "mitigation_block"
        zone = {"top": bars[q].high, "bottom": bars[q].low}
        yield {"kind": kind, "known_at": b.bar, "index": q, "dir": b.side, **zone}


def rejection_events(bars: Sequence[Bar], swings: Sequence[Swing]) -> Iterator[Event]:
    for swing in swings:
        candles = bars[max(0, swing.index - 1) : swing.index + 2]
        if swing.side > 0:
            top, bottom = swing.level, max(max(b.open, b.close) for b in candles)
        else:
            top, bottom = min(min(b.open, b.close) for b in candles), swing.level
        if top > bottom:
            event = {"kind": "rejection_block", "known_at": swing.known_at, "index": swing.index}
            yield {**event, "dir": -swing.side, "top": top, "bottom": bottom}


# -- 1.13, 1.14 liquidity


def pool_raids(bars: Sequence[Bar], swings: Sequence[Swing]) -> list[Event]:
    found = []
    for swing in swings:
        for t in range(swing.known_at + 1, len(bars)):
            extreme = bars[t].high if swing.side > 0 else bars[t].low
            if (extreme - swing.level) * swing.side > 0:
                beyond = (bars[t].close - swing.level) * swing.side > 0
                kind = "run" if beyond else "sweep"
                found.append({"kind": kind, "known_at": t, "ref": swing.index, "dir": swing.side, "level": swing.level})
                break
    return found


def turtle_soups(bars: Sequence[Bar], raids: Sequence[Event], params: DetectionParams) -> Iterator[Event]:
    for raid in raids:
        if raid["kind"] != "run":
            continue
        start, side, level = raid["known_at"], raid["dir"], raid["level"]
        for t in range(start + 1, min(start + params.sweep_reclaim, len(bars) - 1) + 1):
            if (bars[t].close - level) * side <= 0:
                yield {"kind": "turtle_soup", "known_at": t, "ref": raid["ref"], "dir": -side, "level": level}
                break


def equal_events(
    bars: Sequence[Bar], swings: Sequence[Swing], raids: Sequence[Event], params: DetectionParams
) -> Iterator[Event]:
    raided_at = {(raid["dir"], raid["ref"]): raid["known_at"] for raid in raids}
    for side in (1, -1):
        for first, second in pairwise(swing for swing in swings if swing.side == side):
            t = second.known_at
            if raided_at.get((side, first.index), t + 1) <= t:
                continue
            tolerance = params.eq_tol + SLACK
            if params.eq_tol_atr > 0 and t >= params.disp_n:
                tolerance += params.eq_tol_atr * mean_true_range_before(bars, t, params.disp_n)
            if abs(first.level - second.level) <= tolerance:
                level = max(first.level * side, second.level * side) * side
                yield {"kind": "eq", "known_at": t, "refs": [first.index, second.index], "dir": side, "level": level}


# -- 1.15 inducement, 1.24 projections


def inducements(bars: Sequence[Bar], breaks: Sequence[Break], internal: Sequence[Swing]) -> Iterator[Event]:
    for position, b in enumerate(breaks):
        until = breaks[position + 1].bar if position + 1 < len(breaks) else len(bars)
        pullbacks = [s for s in internal if s.side == -b.side and s.index >= b.bar and s.known_at < until]
        if not pullbacks:
            continue
        lure = min(pullbacks, key=lambda s: s.index)
        event = {"known_at": lure.known_at, "index": lure.index, "dir": b.side, "level": lure.level}
        yield {"kind": "inducement", **event}
        for t in range(lure.known_at + 1, len(bars)):
            extreme = bars[t].low if b.side > 0 else bars[t].high
            if (lure.level - extreme) * b.side > 0:
                yield {"kind": "inducement_taken", "known_at": t, "ref": lure.index, "dir": b.side}
                break


def projections(bars: Sequence[Bar], breaks: Sequence[Break], raids: Sequence[Event]) -> Iterator[Event]:
    for b in breaks:
        if not any(raid["dir"] == -b.side and b.swing.index < raid["known_at"] <= b.bar for raid in raids):
            continue
        leg = bars[b.swing.index + 1 : b.bar + 1]
        if b.side > 0:
            high, low = b.swing.level, min(bar.low for bar in leg)
            levels = [high + k * (high - low) for k in (1, 2, 2.5, 4)]
        else:
            high, low = max(bar.high for bar in leg), b.swing.level
            levels = [low - k * (high - low) for k in (1, 2, 2.5, 4)]
        event = {"kind": "projection", "known_at": b.bar, "dir": b.side}
        yield {**event, "leg_high": high, "leg_low": low, "levels": levels}


# -- 1.16 premium and discount


def dealing_ranges(bars: Sequence[Bar], swings: Sequence[Swing]) -> Iterator[Event]:
    for t, b in enumerate(bars):
        highs = [s for s in swings if s.side > 0 and s.known_at <= t]
        lows = [s for s in swings if s.side < 0 and s.known_at <= t]
        if not highs or not lows:
            continue
        top, bottom = max(highs, key=lambda s: s.index), max(lows, key=lambda s: s.index)
        high, low = top.level, bottom.level
        if high <= low:
            continue
        span, middle = high - low, (high + low) / 2
        leg = 1 if top.index > bottom.index else -1
        if leg > 0:
            ote, ote_mid = [high - 0.79 * span, high - 0.62 * span], high - 0.705 * span
        else:
            ote, ote_mid = [low + 0.62 * span, low + 0.79 * span], low + 0.705 * span
        zone = "premium" if b.close > middle else "discount" if b.close < middle else "equilibrium"
        yield {
            "kind": "pd",
            "known_at": t,
            "range_high": high,
            "range_low": low,
            "eq": middle,
            "zone": zone,
            "leg": leg,
            "ote": ote,
            "ote_mid": ote_mid,
            "in_ote": ote[0] <= b.close <= ote[1],
        }


# -- 1.17 to 1.25 what the clock tells


def time_events(bars: Sequence[Bar], open_ms: Sequence[int], timeframe_ms: int, params: DetectionParams) -> list[Event]:
    """Every event that needs the bars' open times."""
    opened = [datetime.fromtimestamp(ms / 1000, UTC) for ms in open_ms]
    local = [instant.astimezone(NEW_YORK) for instant in opened]
    days = [trading_day(instant, params) for instant in opened]
    weeks = [day.isocalendar()[:2] for day in days]
    asian = asian_ranges(bars, local)
    midnight = midnight_opens(bars, local)
    return [
        *data_gaps(open_ms, timeframe_ms),
        *({"kind": "windows", "known_at": t, "names": names_at(instant)} for t, instant in enumerate(local)),
        *asian,
        *midnight,
        *judas_raids(bars, local, asian, midnight),
        *previous_levels(bars, days, "pdhl", "pdh", "pdl"),
        *previous_levels(bars, weeks, "pwhl", "pwh", "pwl"),
        *daily_biases(bars, days),
        *(() if params.tz == "UTC" else opening_gaps(bars, local)),
        *silver_bullets(bars, local),
    ]


def data_gaps(open_ms: Sequence[int], timeframe_ms: int) -> Iterator[Event]:
    for t in range(1, len(open_ms)):
        missing = round((open_ms[t] - open_ms[t - 1]) / timeframe_ms) - 1
        if missing > 0:
            yield {"kind": "gap", "known_at": t, "index": t, "missing": missing}


def names_at(local: datetime) -> list[str]:
    clock = f"{local:%H:%M}"
    return sorted(name for name, (start, end) in WINDOWS.items() if start <= clock < end)


def trading_day(opened: datetime, params: DetectionParams) -> date:
    local = opened.astimezone(ZoneInfo(params.tz))
    day = local.date()
    rolled = f"{local:%H:%M}" >= params.day_roll
    if params.day_roll >= "12:00":
        return day + timedelta(days=1) if rolled else day
    return day if rolled else day - timedelta(days=1)


def asian_ranges(bars: Sequence[Bar], local: Sequence[datetime]) -> list[Event]:
    found = []
    for night in sorted({instant.date() for instant in local}):
        inside = [t for t, at in enumerate(local) if at.date() == night and "asian_range" in names_at(at)]
        if not inside or inside[-1] + 1 == len(bars):
            continue
        high, low = max(bars[t].high for t in inside), min(bars[t].low for t in inside)
        known_at = inside[-1] + 1
        found.append({"kind": "asian_range", "known_at": known_at, "high": high, "low": low, "bars": len(inside)})
    return found


def midnight_opens(bars: Sequence[Bar], local: Sequence[datetime]) -> list[Event]:
    return [
        {"kind": "midnight_open", "known_at": t, "level": bars[t].open}
        for t, at in enumerate(local)
        if (t == 0 or local[t - 1].date() != at.date()) and at.hour < 17
    ]


def judas_raids(
    bars: Sequence[Bar], local: Sequence[datetime], asian: Sequence[Event], midnight: Sequence[Event]
) -> Iterator[Event]:
    done = set()
    for t, at in enumerate(local):
        ranges = [event for event in asian if event["known_at"] <= t]
        opens = [event for event in midnight if event["known_at"] <= t]
        if "judas" not in names_at(at) or not ranges or not opens:
            continue
        reach, level = ranges[-1], opens[-1]["level"]
        if bars[t].high > reach["high"] and bars[t].high > level and (id(reach), 1) not in done:
            done.add((id(reach), 1))
            back = bars[t].close <= reach["high"]
            yield {"kind": "judas_raid", "known_at": t, "dir": -1, "level": reach["high"], "closed_back": back}
        if bars[t].low < reach["low"] and bars[t].low < level and (id(reach), -1) not in done:
            done.add((id(reach), -1))
            back = bars[t].close >= reach["low"]
            yield {"kind": "judas_raid", "known_at": t, "dir": 1, "level": reach["low"], "closed_back": back}


def previous_levels(bars: Sequence[Bar], period: Sequence[Any], kind: str, high: str, low: str) -> Iterator[Event]:
    for t in range(len(bars)):
        earlier = sorted({period[j] for j in range(t) if period[j] < period[t]})
        if earlier:
            inside = [bars[j] for j in range(t) if period[j] == earlier[-1]]
            yield {"kind": kind, "known_at": t, high: max(b.high for b in inside), low: min(b.low for b in inside)}


def daily_biases(bars: Sequence[Bar], days: Sequence[date]) -> Iterator[Event]:
    for t in range(1, len(bars)):
        earlier = sorted({day for day in days[:t] if day < days[t]})
        if days[t] == days[t - 1] or len(earlier) < 2:
            continue
        before, yesterday = ([bars[j] for j in range(t) if days[j] == day] for day in earlier[-2:])
        high, low = max(b.high for b in before), min(b.low for b in before)
        close = yesterday[-1].close
        above, below = max(b.high for b in yesterday) > high, min(b.low for b in yesterday) < low
        if close > high:
            bias = 1
        elif close < low or (above and not below):
            bias = -1
        elif below and not above:
            bias = 1
        else:
            bias = 0
        yield {"kind": "daily_bias", "known_at": t, "bias": bias}


def opening_gaps(bars: Sequence[Bar], local: Sequence[datetime]) -> Iterator[Event]:
    for t in range(1, len(bars)):
        if f"{local[t]:%H:%M}" == "18:00":
            top, bottom = max(bars[t].open, bars[t - 1].close), min(bars[t].open, bars[t - 1].close)
            kind = "nwog" if local[t].strftime("%A") == "Sunday" else "ndog"
            yield {"kind": kind, "known_at": t, "top": top, "bottom": bottom, "ce": (top + bottom) / 2}


def silver_bullets(bars: Sequence[Bar], local: Sequence[datetime]) -> Iterator[Event]:
    for t in range(2, len(bars)):
        zone = gap_zone(bars, t)
        if zone is None or local[t].date() != local[t - 1].date():
            continue
        for name in ("sb_london", "sb_am", "sb_pm"):
            if name in names_at(local[t]) and name in names_at(local[t - 1]):
                yield {"kind": "sb_fvg", "known_at": t, "dir": zone[0], "window": name}


# -- 1.23 SMT


def smt_events(ours: Sequence[Bar], theirs: Sequence[Bar], params: DetectionParams) -> Iterator[Event]:
    """Divergences of two series that are aligned bar by bar."""
    for side in (1, -1):
        swings_a = [s for s in signal_swings(ours, params) if s.side == side]
        swings_b = [s for s in signal_swings(theirs, params) if s.side == side]
        for before_a, a in pairwise(swings_a):
            for before_b, b in pairwise(swings_b):
                near = abs(a.index - b.index) <= params.swing_right
                if not near or abs(before_a.index - before_b.index) > params.swing_right:
                    continue
                beyond_a, beyond_b = (a.level - before_a.level) * side, (b.level - before_b.level) * side
                if beyond_a > 0 > beyond_b or beyond_b > 0 > beyond_a:
                    yield {
                        "kind": "smt",
                        "known_at": max(a.known_at, b.known_at),
                        "dir": -side,
                        "swept": "A" if beyond_a > 0 else "B",
                        "refs_a": [before_a.index, a.index],
                        "refs_b": [before_b.index, b.index],
                    }
