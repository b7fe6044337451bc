"""Whether the bot is fed: candles of every watched series, looks at all of them, and an exchange that puts up with us."""

from diagnostics.checks.finding import Asked, Check, Said, Status, some
from engine.timeframes import MINUTE_MS, Timeframe, context_of, duration_text
from storage.health import SeriesState, last_close_looked_at

STALE_AFTER_BARS = 2
LATE_AFTER_MS = 10 * MINUTE_MS
"""How long a look may wait for its turn: one series that is slow holds the others up for three minutes at the most."""
MOST_SKEW_MS = 1_000


def candles(asked: Asked) -> Said:
    """The newest candle of every watched series is at most two bars old, and none is left out because it is silent."""
    watched = _watched(asked)
    if not watched:
        return Said(Status.IDLE, "0 series", "no series was fetched yet")
    stale = [one for one in watched if one.closed_ms is None or _bars_behind(one, asked.now_ms) > STALE_AFTER_BARS]
    left_out = [one for one in watched if one.error is not None]
    if not stale and left_out:
        detail = f"{some(tuple(one.name for one in left_out))}: {left_out[0].error}"
        return Said(Status.WARN, f"{len(left_out)} left out", detail)
    if not stale:
        return Said(Status.OK, f"{len(watched)} series", "all fresh")
    ended_ms = [one.closed_ms for one in stale if one.closed_ms is not None]
    names = some(tuple(one.name for one in stale))
    error = next((f": {one.error}" for one in stale if one.error is not None), "")
    return Said(Status.FAIL, f"{len(stale)} stale", names + error, since_ms=min(ended_ms, default=None))


def gaps(asked: Asked) -> Said:
    """No watched series has a hole in the window that decisions are taken on."""
    holed = [one for one in _watched(asked) if one.missing]
    if not holed:
        return Said(Status.OK, "none", "every window is whole")
    return Said(Status.WARN, f"{sum(one.missing for one in holed)} bars", some(tuple(one.name for one in holed)))


def scans(asked: Asked) -> Said:
    """Every watched series was looked at when its last candles closed: no signal is not the same as not running."""
    pulse = asked.pulse
    if pulse is None:
        return Said(Status.IDLE, "none", "the bot was not started on this book")
    if not pulse.symbols:
        if pulse.at_ms - pulse.started_ms > asked.of_wall_ms(LATE_AFTER_MS):
            detail = "the exchange has not answered since the start"
            return Said(Status.FAIL, "nothing is watched", detail, since_ms=pulse.started_ms)
        return Said(Status.IDLE, "none", "nothing is watched yet")
    behind, oldest_ms = [], asked.now_ms
    for symbol in pulse.symbols:
        for text in pulse.timeframes:
            timeframe = Timeframe.parse(text)
            due_ms = int(timeframe.floor(asked.now_ms - asked.of_wall_ms(LATE_AFTER_MS)))
            if due_ms <= pulse.started_ms:
                continue  # watching may have begun after this close
            seen_ms = last_close_looked_at(asked.view, symbol, text)
            if seen_ms is None or seen_ms < due_ms:
                behind.append(f"{symbol} {text}")
                oldest_ms = min(oldest_ms, due_ms)
    count = len(pulse.symbols) * len(pulse.timeframes)
    if behind:
        return Said(Status.FAIL, f"{len(behind)} of {count} behind", some(tuple(behind)), since_ms=oldest_ms)
    return Said(Status.OK, f"{count} series", "each was looked at when it closed last")


def exchange_clock(asked: Asked) -> Said:
    """Our clock and the exchange's agree; one that runs ahead takes forming candles for closed ones."""
    ahead_ms = None if asked.pulse is None else asked.pulse.exchange.ahead_ms
    if ahead_ms is None:
        return Said(Status.IDLE, "-", "the exchange was not asked for its time yet")
    status = Status.OK if abs(ahead_ms) <= asked.of_wall_ms(MOST_SKEW_MS) else Status.WARN
    return Said(status, f"{-ahead_ms} ms", "how far this machine's clock is ahead")


def exchange_limits(asked: Asked) -> Said:
    """The exchange answers us, and what it lets us ask in a minute is not used up."""
    pulse = asked.pulse
    if pulse is None or not pulse.exchange.most_weight:
        return Said(Status.IDLE, "-", "the exchange was not asked yet")
    state = pulse.exchange
    if state.blocked_until_ms > asked.now_ms:
        left = duration_text(state.blocked_until_ms - asked.now_ms)
        return Said(Status.FAIL, "shut out", f"it wants to hear nothing for {left}", since_ms=pulse.at_ms)
    value = f"{state.used_weight} of {state.most_weight}"
    if state.used_weight >= state.most_weight:
        return Said(Status.WARN, value, "questions wait for the next minute", since_ms=pulse.at_ms)
    return Said(Status.OK, value, "weight used of that minute's budget")


def _watched(asked: Asked) -> list[SeriesState]:
    """The series that decisions need; before the first pulse all that are stored. Minute candles come as they are needed."""
    stored = [one for one in asked.series if one.timeframe is not Timeframe.M1]
    pulse = asked.pulse
    if pulse is None or not pulse.symbols:
        return stored
    own = {Timeframe.parse(text) for text in pulse.timeframes}
    needed = own | {context for timeframe in own if (context := context_of(timeframe)) is not None}
    return [one for one in stored if one.symbol in pulse.symbols and one.timeframe in needed]


def _bars_behind(series: SeriesState, now_ms: int) -> float:
    return (now_ms - (series.closed_ms or 0)) / series.timeframe.ms


CHECKS = (
    Check(
        "candles",
        "the newest candle of every watched series",
        f"{STALE_AFTER_BARS} bars",
        "see whether the exchange is up and the machine reaches it; /logs tells what it answers",
        candles,
    ),
    Check(
        "gaps",
        "holes in the windows that decisions are taken on",
        "0 bars",
        "nothing: it is fetched again; what the exchange does not have is named after an hour and gone on without",
        gaps,
    ),
    Check(
        "scans",
        "the last look at every watched series",
        f"{LATE_AFTER_MS // MINUTE_MS} min behind its close",
        "see the checks of candles and jobs; if those are well, restart the bot",
        scans,
    ),
    Check(
        "exchange clock",
        "this machine's clock against the exchange's",
        f"{MOST_SKEW_MS} ms",
        "set the clock of this machine by NTP",
        exchange_clock,
    ),
    Check(
        "exchange limits",
        "bans, and the request weight of the last minute",
        "the minute's budget",
        "wait until it ends; watch fewer pairs if it comes again",
        exchange_limits,
    ),
)
