"""`train` and `ml`: what a training came to and how the models stand, as JSON and as lines for people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ml.drift import DRIFTED_FROM
from services.model_health import ModelHealth
from services.train import Outcome, Refused
from storage.models import StoredModel

MS_PER_SECOND = 1000
DRIFT_SHOWN = 5


def trained_document(outcome: Outcome, model_id: int | None) -> dict[str, Any]:
    """The JSON of `train`; without a model it says why."""
    if isinstance(outcome, Refused):
        return {"trained": False, "promoted": False, "reason": outcome.reason}
    model = outcome.model
    metrics = {name: value for name, value in model.metrics.items() if name != "references"}
    return {
        "trained": True,
        "model": model_id,
        "promoted": outcome.promoted,
        "reason": model.verdict,
        "sha256": model.sha256,
        "learned": model.n_samples,
        "features": len(model.feature_names),
        **metrics,
    }


def trained_lines(document: Mapping[str, Any], *, report: bool) -> Iterator[str]:
    """What came of a training; with `report` every figure it was judged by."""
    if not document["trained"]:
        yield f"No model: {document['reason']}"
        return
    name = "not stored" if document["model"] is None else f"model {document['model']}"
    yield f"{name}, {document['kind']}, {document['reason']}"
    yield (
        f"learned {document['learned']} trades decided {_day(document['from_ms'])} to {_day(document['judge_from_ms'])},"
        f" judged on {document['judgements']['model']['n']} later ones; weight {document['weight']:.2f}"
    )
    for reason, count in document["left_out"].items():
        yield f"left out: {count} {reason}"
    if report:
        yield ""
        yield from _report_lines(document)


def _report_lines(document: Mapping[str, Any]) -> Iterator[str]:
    judgements: Mapping[str, Any] = document["judgements"]
    yield f"base rate {document['base_rate']:.3f}"
    yield f"{'':18}{'Brier':>8}{'log-loss':>10}{'skill':>8}{'(95 %)':>20}{'ECE':>8}{'(95 %)':>18}"
    for name, one in judgements.items():
        skill, ece = one["skill"], one["ece"]
        yield (
            f"{name:18}{one['brier']:>8.4f}{one['log_loss']:>10.4f}{skill['value']:>8.3f}"
            f"{_between(skill):>20}{ece['value']:>8.3f}{_between(ece):>18}"
        )
    yield ""
    yield "Brier score lower than that of"
    for name, gain in document["gains"].items():
        yield f"  {name:18}by {gain['value']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
    yield ""
    yield f"{'decile':>8}{'n':>6}{'promised':>10}{'won':>8}{'expectancy':>12}"
    for number, decile in enumerate(judgements["model"]["deciles"], 1):
        yield (
            f"{number:>8}{decile['n']:>6}{decile['mean_p']:>10.1%}{decile['win_ratio']:>8.1%}"
            f"{decile['expectancy_r']:>+11.2f}R"
        )


def models_document(health: ModelHealth, models: Sequence[StoredModel], next_due: str | None) -> dict[str, Any]:
    """The JSON of `ml`."""
    return {
        "active": None if health.active is None else health.active.id,
        "expired": health.expired,
        "training_due": next_due is None,
        "not_due": next_due,
        "models": [
            {
                "id": model.id,
                "version": model.version,
                "trained_ms": model.trained_ms,
                "learned": model.n_samples,
                "kind": model.metrics.get("kind"),
                "weight": model.metrics.get("weight"),
                "verdict": model.verdict,
                "sha256": model.sha256,
                "active": model.is_active,
            }
            for model in models
        ],
        "drift": [
            {"feature": one.name, "psi": round(one.psi, 4), "out_of_range_ratio": round(one.out_of_range_ratio, 4)}
            for one in health.drifted
        ],
        "calibration": None
        if health.calibration is None
        else {
            "n": health.calibration.n,
            "promised": health.calibration.mean_p,
            "won": health.calibration.win_ratio,
            "error": health.calibration.error,
        },
    }


def models_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """How the models stand, the newest first."""
    if not document["models"]:
        yield "No model was trained yet; the rules decide alone."
    elif document["active"] is None:
        yield "No model acts; the rules decide alone."
    elif document["expired"]:
        yield f"Model {document['active']} has expired; the rules decide alone until one is trained."
    else:
        yield f"Model {document['active']} acts."
    for model in document["models"]:
        mark = "*" if model["active"] else " "
        yield f"{mark} model {model['id']} of {_day(model['trained_ms'])}, {model['learned']} trades: {model['verdict']}"
    yield "A training is due." if document["training_due"] else f"No training is due: {document['not_due']}."
    drifted = [one for one in document["drift"] if one["psi"] >= DRIFTED_FROM]
    if drifted:
        names = ", ".join(f"{one['feature']} (PSI {one['psi']:.2f})" for one in drifted[:DRIFT_SHOWN])
        yield f"{len(drifted)} features drifted: {names}"
    if kept := document["calibration"]:
        yield f"{kept['n']} live predictions ended: promised {kept['promised']:.0%}, won {kept['won']:.0%}"


def _between(interval: Mapping[str, float]) -> str:
    return f"{interval['low']:.3f} to {interval['high']:.3f}"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / MS_PER_SECOND, UTC):%Y-%m-%d}"
