"""Whether learning has something to learn from, whether a model acts, and whether the market is still the one it knows."""

from diagnostics.checks.finding import Asked, Check, CheckResult, Status
from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind
from ml.dataset import LEAST_ROWS
from ml.drift import DRIFTED_FROM
from ml.features import FEATURES_VERSION
from services.model_health import is_drifted, model_health
from storage.training import count_labelled

DRIFT_SHOWN = 3


def labels(asked: Asked) -> CheckResult:
    """Enough labelled trades for a training; before that a missing model is no fault."""
    count = count_labelled(asked.view.connection, FEATURES_VERSION, asked.params.hash)
    limit = f"{LEAST_ROWS} trades"
    if count < LEAST_ROWS:
        detail = "too few to train; a backtest of two years gives some on the first day"
        return CheckResult("labels", Status.IDLE, f"{count} trades", limit, detail)
    return CheckResult("labels", Status.OK, f"{count} trades", limit, "enough to train")


def model(asked: Asked) -> CheckResult:
    """The acting model is young enough; none is a state, an expired one is to be told."""
    health = model_health(asked.view, asked.params, asked.now_ms)
    limit = f"{asked.params.learning.expires_after_days} days"
    if asked.view.meta.kind() is not BookKind.LIVE or health.newest is None:
        return CheckResult("model", Status.IDLE, "none", limit, "the rules decide alone")
    if health.active is None:
        return CheckResult("model", Status.IDLE, "none acts", limit, health.newest.verdict)
    value = f"model {health.active.id}, {(asked.now_ms - health.active.trained_ms) / DAY_MS:.1f} days old"
    if health.expired:
        return CheckResult("model", Status.WARN, value, limit, "it has expired: the rules decide alone; train again")
    return CheckResult("model", Status.OK, value, limit, health.active.verdict)


def drift(asked: Asked) -> CheckResult:
    """The features of late are those of the market the model learned."""
    health = model_health(asked.view, asked.params, asked.now_ms)
    limit = f"PSI {DRIFTED_FROM:g}"
    if not health.drifted:
        return CheckResult("drift", Status.IDLE, "-", limit, "no model acts, or too few signals of late to tell")
    worst = health.drifted[0]
    if is_drifted(health):
        names = ", ".join(one.name for one in health.drifted if one.psi >= DRIFTED_FROM)
        shown = names if len(names) < 60 else ", ".join(names.split(", ")[:DRIFT_SHOWN]) + " ..."
        return CheckResult("drift", Status.WARN, f"PSI {worst.psi:.2f}", limit, f"another market in {shown}; train again")
    return CheckResult("drift", Status.OK, f"PSI {worst.psi:.2f}", limit, "the market is the one it learned")


CHECKS: tuple[Check, ...] = (labels, model, drift)
NAMES = ("labels", "model", "drift")
