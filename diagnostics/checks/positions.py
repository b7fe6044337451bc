"""Whether everything open is followed, ends in time and is protected, and whether the dedupe cache lets signals through."""

from diagnostics.checks.finding import Asked, Check, Said, Status, some
from engine.timeframes import HOUR_MS, MINUTE_MS, duration_text
from storage.health import dedupe_state, unprotected
from storage.portfolios import FOLLOWED_KINDS

SETTLE_LATE_MS = 10 * MINUTE_MS
OVERDUE_AFTER_MS = HOUR_MS
CLOCK_SLACK_MS = HOUR_MS


def marks(asked: Asked) -> Said:
    """Every open position that is followed was settled lately."""
    positions = [one for number in _followed(asked) for one in asked.view.positions.open_positions(number)]
    late = [
        one for one in positions if asked.now_ms - (one.settled_ms or one.opened_ms) > asked.of_wall_ms(SETTLE_LATE_MS)
    ]
    if late:
        since_ms = min(one.settled_ms or one.opened_ms for one in late)
        names = some(tuple(dict.fromkeys(one.symbol for one in late)))
        return Said(Status.FAIL, f"{len(late)} unsettled", names, since_ms=since_ms)
    return Said(Status.OK, f"{len(positions)} open", "all marked")


def orders(asked: Asked) -> Said:
    """Every entry order past its validity is gone."""
    waiting = asked.view.conditions.active()
    overdue = [one for one in waiting if asked.now_ms - one.valid_until_ms > OVERDUE_AFTER_MS]
    if overdue:
        since_ms = min(one.valid_until_ms for one in overdue)
        return Said(
            Status.FAIL, f"{len(overdue)} overdue", some(tuple(one.symbol for one in overdue)), since_ms=since_ms
        )
    return Said(Status.OK, f"{len(waiting)} waiting", "none outlives its validity")


def stops(asked: Asked) -> Said:
    """Every open position that is followed has a stop."""
    bare = unprotected(asked.view, _followed(asked))
    if bare:
        return Said(Status.FAIL, f"{len(bare)} without a stop", some(bare))
    return Said(Status.OK, "all", "every open position has a stop")


def dedupe(asked: Asked) -> Said:
    """No place of the dedupe cache keeps signals back for longer than the cooldown."""
    bars = asked.params.gates.dedupe_cooldown_bars
    state = dedupe_state(asked.view, asked.now_ms, bars, CLOCK_SLACK_MS)
    if state.wrong:
        return Said(Status.WARN, f"{len(state.wrong)} too long", some(state.wrong), f"{bars} bars")
    age = "" if state.oldest_ms is None else f", the oldest for {duration_text(asked.now_ms - state.oldest_ms)}"
    return Said(Status.OK, f"{state.held} held", f"places of signals sent lately{age}", f"{bars} bars")


def _followed(asked: Asked) -> list[int]:
    return [asked.view.portfolios.of_kind(kind).id for kind in FOLLOWED_KINDS]


CHECKS = (
    Check(
        "positions",
        "the last settlement of every open position",
        f"{SETTLE_LATE_MS // MINUTE_MS} min",
        "see the checks of candles and jobs; what happened meanwhile is booked when candles come",
        marks,
    ),
    Check(
        "orders",
        "entry orders past their validity",
        f"{OVERDUE_AFTER_MS // HOUR_MS} h",
        "see the checks of candles and jobs; they end with the next settlement",
        orders,
    ),
    Check(
        "stops",
        "open positions without a stop",
        "0",
        "close them by hand: /positions has the buttons",
        stops,
    ),
    Check(
        "dedupe",
        "places of the dedupe cache that hold longer than the cooldown",
        "12 bars",
        "set the clock of this machine; a place from the future keeps signals back until its end",
        dedupe,
    ),
)
