"""Whether messages go out, arrive as they are written, and people are heard."""

from diagnostics.checks.finding import Asked, Check, Said, Status
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, duration_text
from storage.events import EventType
from storage.health import sending

WAITING_AFTER_MS = 5 * MINUTE_MS
DEAF_AFTER_MS = 5 * MINUTE_MS


def outbox(asked: Asked) -> Said:
    """Nothing that could go out waits long."""
    found = sending(asked.view, asked.now_ms, asked.now_ms - DAY_MS)
    last = "nothing was sent yet" if found.last_sent_ms is None else _ago("last sent", asked, found.last_sent_ms)
    held = f"; {found.held} held for their hour or a closed chat" if found.held else ""
    waits_ms = 0 if found.oldest_ms is None else asked.now_ms - found.oldest_ms
    if waits_ms > asked.of_wall_ms(WAITING_AFTER_MS):
        value = f"{found.waiting} waiting, oldest {duration_text(waits_ms)}"
        return Said(Status.FAIL, value, last + held, since_ms=found.oldest_ms)
    return Said(Status.OK, f"{found.waiting} waiting", last + held)


def sends(asked: Asked) -> Said:
    """Of the last day's messages none was refused for good, and of none it is unknown whether it arrived."""
    found = sending(asked.view, asked.now_ms, asked.now_ms - DAY_MS)
    if found.failed or found.unknown:
        told = "Telegram refused some for good" if found.failed else "the answer to some sends never came"
        return Said(Status.WARN, f"{found.failed} failed, {found.unknown} unknown", told)
    return Said(Status.OK, "all", "every send had its answer")


def defects(asked: Asked) -> Said:
    """Telegram took every message of the last day as it was written."""
    count = asked.view.events.count(EventType.DEFECT, asked.now_ms - DAY_MS)
    if count:
        [last] = asked.view.events.latest(1, EventType.DEFECT)
        return Said(Status.WARN, f"{count} in a day", last.message or "", since_ms=last.at_ms)
    return Said(Status.OK, "none", "messages arrive as they are written")


def telegram(asked: Asked) -> Said:
    """Nobody else listens with the bot's token."""
    rivals = asked.view.events.count(EventType.OTHER_BOT, asked.now_ms - HOUR_MS)
    if rivals:
        [last] = asked.view.events.latest(1, EventType.OTHER_BOT)
        return Said(Status.FAIL, "not alone", "another program listens with this token", since_ms=last.at_ms)
    return Said(Status.OK, "alone", "nobody else listens with this token")


def listening(asked: Asked) -> Said:
    """Telegram answers the question for updates, so that people are heard."""
    pulse = asked.pulse
    if pulse is None:
        return Said(Status.IDLE, "-", "the bot was not started on this book")
    silent_since_ms = pulse.heard_ms if pulse.heard_ms is not None else pulse.started_ms
    silent_ms = pulse.at_ms - silent_since_ms
    if silent_ms > asked.of_wall_ms(DEAF_AFTER_MS):
        return Said(
            Status.FAIL, f"deaf for {duration_text(silent_ms)}", "Telegram gives no updates", since_ms=silent_since_ms
        )
    return Said(Status.OK, "heard", "Telegram gives updates")


def _ago(what: str, asked: Asked, at_ms: int) -> str:
    return f"{what} {duration_text(asked.now_ms - at_ms)} ago"


CHECKS = (
    Check(
        "outbox",
        "messages that could go out and wait, and the last that went",
        f"{WAITING_AFTER_MS // MINUTE_MS} min",
        "see whether Telegram is up and the machine reaches it",
        outbox,
    ),
    Check(
        "sends",
        "messages of the last day that were refused, or whose answer never came",
        "0",
        "compare the channel with /journal; what failed is not sent again",
        sends,
    ),
    Check(
        "defects",
        "messages of the last day that Telegram did not take as they were written",
        "0",
        "tell whoever wrote this program: the words behind the count say what was wrong",
        defects,
    ),
    Check(
        "telegram",
        "another program with the same token, in the last hour",
        "none",
        "stop the other program, or give it a token of its own",
        telegram,
    ),
    Check(
        "listening",
        "when Telegram last gave updates",
        f"{DEAF_AFTER_MS // MINUTE_MS} min",
        "see whether the machine reaches Telegram; a token that was revoked needs a new one",
        listening,
    ),
)
