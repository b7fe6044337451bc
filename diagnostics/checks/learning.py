"""Whether learning has something to learn from, whether a model acts, and whether the market is still the one it knows."""

from diagnostics.checks.finding import Asked, Check, Said, Status, some
from engine.timeframes import DAY_MS, duration_text
from ml.dataset import LEAST_ROWS
from ml.drift import DRIFTED_FROM
from services.model_health import is_drifted
from storage.job_runs import TRAIN_JOB


def labels(asked: Asked) -> Said:
    """Enough labelled trades for a training; before that a missing model is no fault."""
    count = asked.truths.labelled
    if count < LEAST_ROWS:
        detail = "too few to train; a backtest of two years gives some on the first day"
        return Said(Status.IDLE, f"{count} trades", detail)
    return Said(Status.OK, f"{count} trades", "enough to train")


def model(asked: Asked) -> Said:
    """The acting model is young enough; none is a state, an expired one is to be told."""
    health = asked.model
    limit = f"{asked.params.learning.expires_after_days} days"
    if health.newest is None:
        return Said(Status.IDLE, "none", f"the rules decide alone{_tried(asked)}", limit)
    if health.active is None:
        return Said(Status.IDLE, "none acts", health.newest.verdict + _tried(asked), limit)
    value = f"model {health.active.id}, {(asked.now_ms - health.active.trained_ms) / DAY_MS:.1f} days old"
    if health.expired:
        detail = f"it has expired: the rules decide alone{_tried(asked)}"
        return Said(Status.WARN, value, detail, limit, health.active.trained_ms)
    return Said(Status.OK, value, health.active.verdict, limit)


def drift(asked: Asked) -> Said:
    """The features of late are those of the market the model learned."""
    health = asked.model
    if not health.drifted:
        return Said(Status.IDLE, "-", "no model acts, or too few signals of late to tell")
    worst = health.drifted[0]
    if is_drifted(health):
        names = tuple(one.name for one in health.drifted if one.psi >= DRIFTED_FROM)
        return Said(Status.WARN, f"PSI {worst.psi:.2f}", f"another market in {some(names)}")
    return Said(Status.OK, f"PSI {worst.psi:.2f}", "the market is the one it learned")


def _tried(asked: Asked) -> str:
    """When a training was last thought of, and what came of it."""
    last = next((run for run in asked.runs if run.job == TRAIN_JOB), None)
    if last is None:
        return ""
    came = f": {last.detail}" if last.detail else ""
    return (
        f"; last tried {duration_text(asked.now_ms - (last.started_ms or last.slot_ms))} ago, {last.status.value}{came}"
    )


CHECKS = (
    Check(
        "labels",
        "labelled trades to learn from",
        f"{LEAST_ROWS} trades",
        "wait, or run a backtest",
        labels,
        every_book=True,
        slow=True,
    ),
    Check(
        "model",
        "the age of the acting model, and the last attempt to train",
        "21 days",
        "python bot.py train",
        model,
        slow=True,
    ),
    Check(
        "drift",
        "how far the features of the last 30 days are from those the model learned",
        f"PSI {DRIFTED_FROM:g}",
        "python bot.py train",
        drift,
        slow=True,
    ),
)
