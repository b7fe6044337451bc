"""What the channel reads, in Telegram's HTML: each message worded from the facts the book holds at that moment.

The first line is what a locked phone shows: direction, #SYMBOL, timeframe. Whatever comes from outside is escaped.
"""

import html
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from engine.vocabulary import SETUP_WORDS, BookKind, CloseReason, Direction, Outcome, Signal, SignalStatus
from handlers.telegram.advice import ADVISED, advised
from handlers.telegram.catalogue import ENGLISH
from handlers.telegram.digest import digest_text
from handlers.telegram.locks import incident_text
from handlers.telegram.notices import NOTICES, notice
from services.announce import MessageKind
from services.audience import is_silent
from services.post import Post, Render
from services.send import NOTICE
from storage.outbox import OutboxItem
from storage.signals import StoredSignal
from storage.stores import Stores

MS_PER_SECOND = 1000
ARROWS = {Direction.LONG: "🟢", Direction.SHORT: "🔴"}
CLOSE_WORDS = {
    CloseReason.STOP_LOSS: "stopped out",
    CloseReason.BREAK_EVEN: "stopped at break-even",
    CloseReason.TRAILING_STOP: "stopped by the trailing stop",
    CloseReason.TAKE_PROFIT: "last target reached",
    CloseReason.EOD_CLOSE: "closed at the end of the day",
    CloseReason.TIME_LIMIT: "closed by the time limit",
    CloseReason.CHECKPOINT: "closed at a checkpoint",
    CloseReason.MANUAL: "closed by hand",
    CloseReason.OPPOSITE_SIGNAL: "closed by an opposite signal",
    CloseReason.LIQUIDATION: "liquidated",
    CloseReason.IMPORT: "closed",
}
OUTCOME_MARKS = {Outcome.WIN: "✅", Outcome.LOSS: "❌", Outcome.BREAKEVEN: "➖"}
SENT_LATE = "⚠️ Sent late: it was already"
ALREADY = {
    SignalStatus.EXECUTED: "filled",
    SignalStatus.CLOSED: "filled and closed",
    SignalStatus.EXPIRED: "expired",
    SignalStatus.CANCELLED: "cancelled",
}
SIMULATED = "<i>simulated market, not a real one</i>"


ClockText = Callable[[int], str]
"""Writes an instant, epoch ms, for people."""


def renderer(zone: str = "UTC") -> Render:
    """The wording of outbox rows, with times shown in `zone`."""
    clock = clock_of(zone)

    def render(stores: Stores, item: OutboxItem) -> Post:
        if item.kind == MessageKind.INCIDENT.value:
            language = stores.chats.get(item.chat_id).preferences.language or ENGLISH
            return Post(incident_text(item, language, clock), silent=is_silent(item))
        if item.kind == MessageKind.DIGEST.value:
            language = stores.chats.get(item.chat_id).preferences.language or ENGLISH
            return Post(digest_text(item, language), silent=is_silent(item))
        if item.kind in ADVISED:
            return advised(stores, item, clock)
        if item.kind in NOTICES:
            return notice(stores, item)
        if item.kind == NOTICE or item.signal_id is None:
            return Post(_escaped(item.payload.get("text", "")))
        stored = stores.signals.get(item.signal_id)
        lines = list(_lines(MessageKind(item.kind), stored, item, clock))
        if stores.meta.kind() is BookKind.DEMO:
            lines.append(SIMULATED)
        return Post("\n".join(lines), silent=is_silent(item))

    return render


def clock_of(zone: str) -> ClockText:
    """Writes an instant as people of `zone` read it, with UTC beside it where that differs."""
    here = ZoneInfo(zone)

    def clock(ms: int) -> str:
        at = datetime.fromtimestamp(ms / MS_PER_SECOND, UTC)
        utc = f"{at:%Y-%m-%d %H:%M} UTC"
        local = at.astimezone(here)
        return utc if zone == "UTC" else f"{local:%Y-%m-%d %H:%M} {local.tzname()} ({utc})"

    return clock


def signal_name(signal_id: int) -> str:
    """How people call a signal."""
    return f"S-{signal_id}"


def price(value: float) -> str:
    return f"{value:.10g}"


def duration(ms: int) -> str:
    """A span of time in its two largest units."""
    days, rest = divmod(ms, DAY_MS)
    hours, rest = divmod(rest, HOUR_MS)
    minutes = rest // MINUTE_MS
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def signal_lines(signal: Signal, name: str, clock: ClockText) -> Iterator[str]:
    """The card of a signal: levels, what they promise after costs, and why."""
    yield _headline(signal)
    setup = SETUP_WORDS.get(signal.setup, signal.setup.replace("_", " "))
    yield f"{name} · {_escaped(setup)} · score {signal.confidence:.0f}"
    yield ""
    yield f"Entry <b>{price(signal.entry)}</b> (zone {price(signal.zone_low)} – {price(signal.zone_high)})"
    yield f"Stop <b>{price(signal.stop_loss)}</b> ({_change_pct(signal.entry, signal.stop_loss):+.2f} %)"
    for target in signal.targets:
        reward = abs(target.price - signal.entry) / signal.risk
        reason = f" · {_escaped(target.reason)}" if target.reason else ""
        yield f"Target {target.no} <b>{price(target.price)}</b> · {reward:.2f}R · {target.share_ratio:.0%}{reason}"
    yield f"RR {signal.rr:.2f}, whole plan {signal.plan_r:.2f}R, round trip costs {signal.cost_r:.2f}R"
    yield ""
    for reason in signal.reasons:
        yield f"• {_escaped(reason)}"
    yield f"Invalid beyond {price(signal.stop_loss)}; the entry is valid until {clock(signal.valid_until_ms)}"
    yield f"{signal.market.value}, candle closed {clock(signal.candle_close_ms)}"


def _lines(kind: MessageKind, stored: StoredSignal, item: OutboxItem, clock: ClockText) -> Iterator[str]:
    signal, facts = stored.signal, _Facts(item)
    name = signal_name(stored.id)
    match kind:
        case MessageKind.SIGNAL if stored.status is SignalStatus.MISSED:
            yield f"⚪ MISSED {_headline(signal)}"
            yield f"{name} was decided {clock(signal.candle_close_ms)} and could not be sent in time. Do not trade it."
        case MessageKind.SIGNAL:
            yield from signal_lines(signal, name, clock)
            if stored.status in ALREADY:
                yield f"{SENT_LATE} {ALREADY[stored.status]} when this could be sent."
        case MessageKind.ENTRY:
            yield f"▶️ {_headline(signal)} filled at {price(facts.number('price'))}"
            yield f"{name} · {clock(facts.at_ms)}"
        case MessageKind.TARGET:
            yield f"🎯 {_headline(signal)} target {facts.number('no'):.0f} at {price(facts.number('price'))}"
            yield f"{name} · {facts.number('share_ratio'):.0%} taken off · {clock(facts.at_ms)}"
        case MessageKind.STOP_MOVED:
            where = "break-even" if facts.number("stop") == facts.number("entry") else "a new place"
            yield f"🛡 {_headline(signal)} stop moved to {where}, {price(facts.number('stop'))}"
            yield f"{name} · {clock(facts.at_ms)}"
        case MessageKind.CLOSE:
            yield from _close_lines(stored, facts, clock)
        case MessageKind.EXPIRED:
            yield f"⌛ {_headline(signal)} expired: {_escaped(facts.text('reason'))}"
            yield f"{name} · {clock(facts.at_ms)}"
        case MessageKind.CANCELLED:
            yield f"🚫 {_headline(signal)} cancelled: {_escaped(facts.text('reason'))}"
            yield f"{name} · {clock(facts.at_ms)}"


def _close_lines(stored: StoredSignal, facts: "_Facts", clock: ClockText) -> Iterator[str]:
    mark = OUTCOME_MARKS[Outcome(facts.text("outcome"))]
    words = CLOSE_WORDS[CloseReason(facts.text("reason"))]
    yield f"{mark} {_headline(stored.signal)} {words}: {facts.number('r_multiple'):+.2f}R"
    yield f"{signal_name(stored.id)} · {facts.number('pnl_pct'):+.2f} % after costs, unleveraged"
    held = duration(facts.at_ms - round(facts.number("opened_ms")))
    best, worst = facts.number("mfe_r"), facts.number("mae_r")
    yield f"held {held} · best {best:+.2f}R, worst {-worst:+.2f}R · {clock(facts.at_ms)}"


class _Facts:
    """The payload of a row, each fact read as what it is; KeyError or TypeError when the writer forgot it."""

    def __init__(self, item: OutboxItem) -> None:
        self._payload = item.payload
        self._created_ms = item.created_ms

    @property
    def at_ms(self) -> int:
        return self._created_ms

    def number(self, name: str) -> float:
        value = self._payload[name]
        if not isinstance(value, int | float):
            raise TypeError(f"{name} is {value!r}, not a number")
        return value

    def text(self, name: str) -> str:
        return str(self._payload[name])


def _headline(signal: Signal) -> str:
    symbol = _escaped(signal.symbol)
    return f"{ARROWS[signal.direction]} <b>{signal.direction.value} #{symbol} {signal.timeframe.text}</b>"


def _change_pct(start: float, end: float) -> float:
    return 100.0 * (end - start) / start


def _escaped(value: object) -> str:
    return html.escape(str(value), quote=False)
