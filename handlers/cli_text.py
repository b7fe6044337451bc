"""What the command line prints: results as lines and as the JSON documents of the contract."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.vocabulary import Signal
from services.scan_files import Scanned

if TYPE_CHECKING:  # the checks know the book's database, which a scan must not load
    from diagnostics.checks import Health


def scan_document(scanned: Sequence[Scanned], seconds: float) -> dict[str, Any]:
    signals = [
        {
            "symbol": one.symbol,
            "timeframe": one.timeframe.text,
            "direction": one.result.direction.value,
            "setup": one.result.setup,
            "candle_close_ms": one.result.candle_close_ms,
            "entry": one.result.entry,
            "zone": [one.result.zone_low, one.result.zone_high],
            "stop_loss": one.result.stop_loss,
            "targets": [
                {"price": t.price, "share_ratio": t.share_ratio, "reason": t.reason} for t in one.result.targets
            ],
            "rr": one.result.rr,
            "cost_r": one.result.cost_r,
            "confidence": one.result.confidence,
        }
        for one in scanned
        if one.rejected is None and isinstance(one.result, Signal)
    ]
    rejected = [
        {
            "symbol": one.symbol,
            "timeframe": one.timeframe.text,
            "stage": one.rejected.stage.value,
            "reason": one.rejected.reason,
            "value": one.rejected.value,
            "limit": one.rejected.limit,
        }
        for one in scanned
        if one.rejected is not None
    ]
    return {"signals": signals, "rejected": rejected, "seconds": round(seconds, 3)}


def scan_line(one: Scanned) -> str:
    name = f"{one.symbol} {one.timeframe.text}"
    if one.rejected is not None:
        met = f" ({one.rejected.value}, limit {one.rejected.limit})" if one.rejected.value else ""
        return f"{name:24} -      {one.rejected.stage.value}: {one.rejected.reason}{met}"
    assert isinstance(one.result, Signal)
    s = one.result
    return (
        f"{name:24} {s.direction.value:6} {s.setup}, entry {s.entry:.10g}, stop {s.stop_loss:.10g},"
        f" RR {s.rr:.1f}, score {s.confidence:.0f}"
    )


def health_document(health: "Health") -> dict[str, Any]:
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


def health_lines(health: "Health") -> Iterator[str]:
    """The status, then every check, the worst first."""
    yield f"health: {health.status.value}"
    for check in health.worst_first:
        yield f"  {check.status.value:4}  {check.name:58} {check.value:>12}  {check.detail}"
        if check.remedy:
            yield f"        -> {check.remedy}"


def backtest_lines(document: dict[str, Any]) -> Iterator[str]:
    """A backtest as a table: the engine first, null models under it."""
    sent, filled, ambiguous = document["sent"], document["filled"], document["ambiguous"]
    yield f"{document['looks']:,} looks, {document['signals']:,} signals kept, {sent} sent, {filled} filled"
    yield f"{ambiguous} trades with a candle that hid the order of its prices (the worse order was taken)"
    yield f"{'':18} {'n':>7} {'expectancy R':>13} {'95 % interval':>18} {'win rate':>9} {'PF':>6} {'cost R':>7}"
    for name, row in (("the setups", document), *document.get("null_models", {}).items()):
        mean = row["expectancy_r"]
        interval = f"{_number(mean['low'], '+.3f')} to {_number(mean['high'], '+.3f')}"
        yield (
            f"{name:18} {row['n']:>7,} {_number(mean['value'], '+.3f'):>13} {interval:>18}"
            f" {_number(row['win_rate']['value'], '.1%'):>9} {_number(row['profit_factor'], '.2f'):>6}"
            f" {_number(row['mean_cost_r'], '.3f'):>7}"
        )
    yield "setups stopped by"
    for gate, count in sorted(document["stopped_by_gate"].items(), key=lambda item: -item[1]):
        yield f"  {gate:22} {count:>7,}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
