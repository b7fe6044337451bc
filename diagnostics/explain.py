"""Why a signal is what it is: its candle, the findings it rests on, its levels, contributions and every gate's verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.candles import Candles
from engine.gates import GATE_ORDER
from engine.vocabulary import Position
from storage.events import Event
from storage.signals import StoredSignal, StoredVerdict
from storage.stores import Stores

CANDLES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Explanation:
    """A signal with all that the book holds about it."""

    stored: StoredSignal
    verdicts: tuple[StoredVerdict, ...]
    positions: tuple[Position, ...]
    events: tuple[Event, ...]


def explain(view: Stores, wanted: str) -> Explanation:
    """The explanation of a signal, named by its id or the beginning of its uid; UnknownSignal when there is none."""
    stored = view.signals.find(wanted)
    return Explanation(
        stored, view.signals.verdicts(stored.id), view.positions.of_signal(stored.id), view.events.of_signal(stored.id)
    )


def lines(explanation: Explanation, seen: Candles | None = None, source: str = "") -> Iterator[str]:
    """The explanation as plain lines of text; `seen` are candles up to the decision, from `source`, where anyone has them."""
    stored = explanation.stored
    signal = stored.signal
    yield f"#{stored.id}  {signal.direction.value} {signal.symbol} {signal.timeframe.text}  {signal.setup}"
    reason = f" ({stored.status_reason})" if stored.status_reason else ""
    yield f"status {stored.status.value}{reason}, uid {stored.uid[:12]}, parameters {signal.params_hash}"
    opened_ms = signal.candle_close_ms - signal.timeframe.ms
    yield f"candle {utc(opened_ms)} to {utc(signal.candle_close_ms)}, engine {signal.engine_version}, {signal.market.value}"
    yield ""
    yield f"zone   {signal.zone_low:.10g} - {signal.zone_high:.10g}"
    yield f"entry  {signal.entry:.10g}   stop {signal.stop_loss:.10g}"
    for target in signal.targets:
        reward = abs(target.price - signal.entry) / signal.risk
        share = f"{target.share_ratio:.0%}"
        yield f"target {target.no}: {target.price:.10g}  {reward:.2f}R  {share}  {target.reason or ''}"
    yield f"RR {signal.rr:.2f}, plan {signal.plan_r:.2f}R, round trip {signal.cost_r:.3f}R"
    yield f"valid until {utc(signal.valid_until_ms)}"
    yield ""
    yield from _candle_lines(explanation, seen, source)
    yield ""
    yield "findings (formed at, known at)"
    for witness in signal.witnesses:
        price = (
            f"{witness.lower:.10g}"
            if witness.lower == witness.upper
            else f"{witness.lower:.10g} - {witness.upper:.10g}"
        )
        yield f"  {witness.name:24} {utc(witness.formed_at_ms)}  {utc(witness.known_at_ms)}  {price}"
    yield ""
    yield f"confidence {signal.confidence:.1f} (before learning {signal.base_confidence:.1f})"
    for part in signal.contributions:
        points = "missing" if part.points is None else f"{part.points:.1f}"
        yield f"  {part.name:14} {points:>8} of {part.possible:5.1f}  {part.reason}"
    yield ""
    yield "gates (asked at)"
    for held in sorted(explanation.verdicts, key=lambda held: (held.at_ms, GATE_ORDER[held.verdict.gate])):
        verdict = held.verdict
        word = "passed" if verdict.passed else "STOPPED"
        note = f"  {verdict.note}" if verdict.note else ""
        met = f"{verdict.value or '-'} (limit {verdict.limit or '-'}){note}"
        yield f"  {utc(held.at_ms)}  {verdict.gate:22} {word:8} {met}"
    if explanation.events:
        yield ""
        yield "what became of it"
    for event in explanation.events:
        yield f"  {utc(event.at_ms)}  {event.type.value:18} {event.message or ''}"


def _candle_lines(explanation: Explanation, seen: Candles | None, source: str) -> Iterator[str]:
    if seen is None:
        yield "candles: neither the book nor a file given holds them"
        return
    candles = seen.until(explanation.stored.signal.candle_close_ms)
    yield f"candles (open time, UTC) from {source}, the last {min(CANDLES_SHOWN, len(candles))}"
    for at in range(max(0, len(candles) - CANDLES_SHOWN), len(candles)):
        prices = (candles.open[at], candles.high[at], candles.low[at], candles.close[at])
        yield f"  {utc(int(candles.open_ms[at]))}  " + "  ".join(f"{price:.10g}" for price in prices)


def utc(ms: int) -> str:
    """An instant for people, in UTC to the minute."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
