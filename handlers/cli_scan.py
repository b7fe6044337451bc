"""What `scan` prints: decisions as lines and as the JSON document of the contract."""

from collections.abc import Sequence
from typing import Any

from engine.vocabulary import Signal
from services.scan_files import Scanned


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
