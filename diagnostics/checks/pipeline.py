"""Whether the live pipeline runs: candles, jobs, messages, positions, looks."""

from diagnostics.checks.finding import Asked, Check, CheckResult, Status
from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import BookKind
from services.position_manager import FOLLOWED_KINDS
from storage.events import EventType
from storage.job_runs import JobStatus

STALE_AFTER_BARS = 2
LATE_AFTER_MS = 10 * MINUTE_MS
SETTLE_LATE_MS = 10 * MINUTE_MS
WAITING_AFTER_MS = 5 * MINUTE_MS


def kind(asked: Asked) -> CheckResult:
    word = asked.view.meta.kind().value
    return CheckResult("book", Status.OK, word, "live, replay or demo", f"a {word} book")


def candles(asked: Asked) -> CheckResult:
    """The newest candle of every live series is at most two bars old."""
    if asked.view.meta.kind() is not BookKind.LIVE:
        return CheckResult("candles", Status.IDLE, "-", "-", "only a live book is fed")
    series = asked.view.candles.series()
    if not series:
        return CheckResult("candles", Status.IDLE, "0 series", "-", "no series was fetched yet")
    stale = []
    for one in series:
        timeframe = Timeframe.parse(one.timeframe)
        age_ms = asked.now_ms - (one.last_open_ms + timeframe.ms if one.last_open_ms is not None else 0)
        if timeframe is not Timeframe.M1 and age_ms > STALE_AFTER_BARS * timeframe.ms:
            stale.append(f"{one.symbol} {one.timeframe}")
    if stale:
        return CheckResult(
            "candles", Status.FAIL, f"{len(stale)} stale", f"{STALE_AFTER_BARS} bars", ", ".join(stale[:3])
        )
    return CheckResult("candles", Status.OK, f"{len(series)} series", f"{STALE_AFTER_BARS} bars", "all fresh")


def jobs(asked: Asked) -> CheckResult:
    """The last run of every job ended well."""
    runs = asked.view.job_runs.last_of_each()
    if not runs:
        return CheckResult("jobs", Status.IDLE, "none ran", "-", "the bot was not started on this book")
    bad = [run for run in runs if run.status in (JobStatus.FAILED, JobStatus.ABANDONED)]
    late = [
        run
        for run in runs
        if run.status is JobStatus.STARTED and asked.now_ms - (run.started_ms or run.slot_ms) > LATE_AFTER_MS
    ]
    if bad or late:
        first = (bad + late)[0]
        return CheckResult(
            "jobs",
            Status.FAIL,
            f"{len(bad) + len(late)} bad",
            "0",
            f"{first.job}: {first.detail or first.status.value}",
        )
    return CheckResult("jobs", Status.OK, f"{len(runs)} jobs", "-", "every last run ended well")


def outbox(asked: Asked) -> CheckResult:
    """Nothing waits long, and no send is of unknown end."""
    backlog = asked.view.outbox.backlog()
    age_ms = 0 if backlog.oldest_created_ms is None else asked.now_ms - backlog.oldest_created_ms
    limit = f"{WAITING_AFTER_MS // MINUTE_MS} min"
    if backlog.waiting and age_ms > WAITING_AFTER_MS:
        value = f"{backlog.waiting} waiting, oldest {age_ms // MINUTE_MS} min"
        return CheckResult("outbox", Status.FAIL, value, limit, "messages are not going out")
    if backlog.unknown:
        return CheckResult("outbox", Status.WARN, f"{backlog.unknown} unknown", "0", "sends whose answer never came")
    return CheckResult("outbox", Status.OK, f"{backlog.waiting} waiting", limit, "messages go out")


def telegram(asked: Asked) -> CheckResult:
    """Nobody else listens with the bot's token, and Telegram took every message as it was."""
    rivals = asked.view.events.count(EventType.OTHER_BOT, asked.now_ms - HOUR_MS)
    if rivals:
        detail = "another program listens with this token; stop it or give it its own"
        return CheckResult("telegram", Status.FAIL, "not alone", "alone", detail)
    defects = asked.view.events.count(EventType.DEFECT, asked.now_ms - DAY_MS)
    if defects:
        [last] = asked.view.events.latest(1, EventType.DEFECT)
        return CheckResult("telegram", Status.WARN, f"{defects} in a day", "0", last.message or "")
    return CheckResult("telegram", Status.OK, "no defect", "0", "messages arrive as they are written")


def marks(asked: Asked) -> CheckResult:
    """Every open position that a live book follows was settled lately, and every order past its validity is gone."""
    followed = [asked.view.portfolios.of_kind(kind).id for kind in FOLLOWED_KINDS]
    positions = [position for number in followed for position in asked.view.positions.open_positions(number)]
    if asked.view.meta.kind() is not BookKind.LIVE:
        return CheckResult("positions", Status.IDLE, f"{len(positions)} open", "-", "settled as far as the candles go")
    limit = f"{SETTLE_LATE_MS // MINUTE_MS} min"
    late = [p for p in positions if asked.now_ms - (p.settled_ms or 0) > SETTLE_LATE_MS]
    overdue = [c for c in asked.view.conditions.active() if asked.now_ms - c.valid_until_ms > HOUR_MS]
    if late or overdue:
        value = f"{len(late)} unsettled, {len(overdue)} overdue"
        return CheckResult("positions", Status.FAIL, value, limit, "settlement does not run")
    return CheckResult("positions", Status.OK, f"{len(positions)} open", limit, "all marked")


def looks(asked: Asked) -> CheckResult:
    """A live book was looked at lately: no signal is not the same as not running."""
    last_ms = asked.view.scans.last_look_ms()
    if last_ms is None:
        return CheckResult("scans", Status.IDLE, "none", "-", "no series was looked at yet")
    if asked.view.meta.kind() is BookKind.LIVE and asked.now_ms - last_ms > DAY_MS + HOUR_MS:
        return CheckResult(
            "scans", Status.FAIL, f"{(asked.now_ms - last_ms) // HOUR_MS} h ago", "25 h", "nothing is looked at"
        )
    return CheckResult(
        "scans", Status.OK, f"{max(asked.now_ms - last_ms, 0) // MINUTE_MS} min ago", "25 h", "series are looked at"
    )


CHECKS: tuple[Check, ...] = (kind, candles, jobs, outbox, telegram, marks, looks)
NAMES = ("book", "candles", "jobs", "outbox", "telegram", "positions", "scans")
