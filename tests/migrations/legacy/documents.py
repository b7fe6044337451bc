"""Legacy files written fresh for the tests, and a short way to read one."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from migrations.legacy.json_stream import pieces
from migrations.legacy.normal_form import LegacyTrade, Reading
from migrations.legacy.outline import Source, outline
from migrations.legacy.shapes import shape_of
from migrations.legacy.times import Clock

NOW_MS = 1_795_000_000_000  # 2026-11-18
MS = 1_000

FIRST_GENERATION: Mapping[str, object] = {
    "id": 7,
    "timestamp": "2025-11-25T06:59:56.360429",
    "symbol": "XRPUSDT",
    "timeframe": "4h",
    "signal": "SELL",
    "confidence": 87,
    "entry_price": 2.0,
    "tp_price": 1.94,
    "sl_price": 2.04,
    "status": "WIN",
    "outcome": "WIN",
    "profit_loss_pct": 3.2,
    "closed_at": "2025-11-25T15:03:07.559183",
    "conditions": {"rsi": 83.3, "volume_ratio": 0.4},
    "notes": [],
}
SECOND_GENERATION: Mapping[str, object] = {
    "timestamp": "2026-01-10T10:00:00+00:00",
    "symbol": "BTCUSDT",
    "timeframe": "1h",
    "signal_type": "LONG",
    "entry": 91_250.0,
    "tp": 93_987.5,
    "sl": 90_337.5,
    "outcome": "LOSS",
    "exit_price": 90_337.5,
    "profit_loss_pct": -1.0,
    "duration_hours": 5.5,
    "final_alerts": [],
}
THIRD_GENERATION: Mapping[str, object] = {
    **FIRST_GENERATION,
    "status": "COMPLETED",
    "outcome": "BREAKEVEN",
    "profit_loss_pct": 0.0,
}


def row(base: Mapping[str, object] = FIRST_GENERATION, **changes: object) -> dict[str, object]:
    """A record with some fields changed; a field set to `...` is left out."""
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def journal(*rows: Mapping[str, object]) -> str:
    return json.dumps({"metadata": {"version": "1.0"}, "trades": rows})


def shape_name(text: str, file: str = "data.json") -> str | None:
    shape = shape_of(outline(pieces(io.StringIO(text))), file)
    return None if shape is None else shape.name


def read(text: str, file: str = "data.json", zone: tzinfo = UTC) -> list[Reading]:
    """Every reading of a document that some shape claims."""
    read_pieces = list(pieces(io.StringIO(text)))
    seen = outline(read_pieces)
    shape = shape_of(seen, file)
    assert shape is not None, f"no shape claims {text[:200]}"
    return list(shape.read(iter(read_pieces), Source(file, seen, Clock(zone, NOW_MS))))


def trade_of(reading: Reading) -> LegacyTrade:
    assert isinstance(reading.content, LegacyTrade), reading.reasons
    return reading.content


def us(iso: str) -> int:
    """Epoch microseconds of an aware ISO time."""
    return round((datetime.fromisoformat(iso) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
