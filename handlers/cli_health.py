"""What `health` prints, and `demo` at its end: the checks as lines and as the JSON document of the contract."""

from collections.abc import Iterator
from typing import Any

from diagnostics.checks import Health


def health_document(health: Health) -> dict[str, Any]:
    """The JSON of `health` and of the web process's `/healthz`."""
    checks = [
        {
            "name": check.name,
            "status": check.status.value,
            "value": check.value,
            "limit": check.limit,
            "detail": check.detail,
            "since_ms": check.since_ms,
            "what_to_do": check.remedy,
        }
        for check in health.checks
    ]
    return {"status": health.status.value, "checks": checks}


def health_lines(health: Health) -> Iterator[str]:
    """The status, then every check, the worst first."""
    yield f"health: {health.status.value}"
    for check in health.worst_first:
        yield f"  {check.status.value:4}  {check.name:58} {check.value:>12}  {check.detail}"
        if check.remedy:
            yield f"        -> {check.remedy}"
