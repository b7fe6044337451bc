"""What becomes of a signal: the line under its post's head, and the replies, one event each.

A reply tells results in R and percent. No price of the plan stands in it, so that no program that copies channels can
take it for a new signal; the one price that may is that of a stop moved somewhere else than to the entry.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from engine.timeframes import duration_text
from engine.vocabulary import CloseReason, FillKind, Outcome, PortfolioKind, Position, SignalStatus
from handlers.telegram.catalogue import Markup
from handlers.telegram.figures import Voice, cut_markup, in_r, percent, price, share, signal_name
from handlers.telegram.phrases import phrase
from handlers.telegram.texts_signal import change_pct, headline
from services.announce import MessageKind
from storage.outbox import OutboxItem
from storage.signals import StoredSignal
from storage.stores import Stores

Fact = TypeVar("Fact")

OUTCOME_MARKS: Mapping[Outcome | None, str] = {
    Outcome.WIN: "✅",
    Outcome.LOSS: "❌",
    Outcome.BREAKEVEN: "➖",
    None: "▪️",
}
REASON_UNITS = 80
SAME_PRICE_PCT = 0.005
"""A fill this near to the plan is at the plan as far as two decimals tell."""
AFTER_TARGET = (CloseReason.BREAK_EVEN, CloseReason.TRAILING_STOP)


def state_line(stores: Stores, stored: StoredSignal, voice: Voice) -> Markup:
    """Where a signal stands now."""
    match stored.status:
        case SignalStatus.EXECUTED | SignalStatus.CLOSED:
            return _position_line(stores, stored, voice)
        case SignalStatus.EXPIRED | SignalStatus.CANCELLED:
            key = f"state.{stored.status.value.lower()}"
            return voice.say(key, reason=_reason(voice, stored.status_reason or ""))
        case _:
            return voice.say("state.waiting")


def late_line(stores: Stores, stored: StoredSignal, voice: Voice, sent_ms: int | None) -> Markup | None:
    """The warning of a post whose price went on before it was sent; None when it did not.

    It stays with the post: `sent_ms` is when that was sent, None while it is being sent.
    """
    status = stored.status if sent_ms is None else _status_at(stores, stored, sent_ms)
    match status:
        case SignalStatus.EXECUTED | SignalStatus.CLOSED | SignalStatus.EXPIRED | SignalStatus.CANCELLED:
            return voice.say("state.late", what=voice.say(f"late.{status.value}"))
        case _:
            return None


def missed_lines(stored: StoredSignal, voice: Voice) -> Iterator[Markup]:
    """Instead of a post that came too late: no levels, so that nobody trades it."""
    yield voice.say("post.missed_head", head=headline(stored.signal, voice))
    closed = voice.clock(stored.signal.candle_close_ms)
    yield voice.say("post.missed", name=signal_name(stored.id), closed=closed)


def life_lines(kind: MessageKind, stored: StoredSignal, item: OutboxItem, voice: Voice) -> Iterator[Markup]:
    """The reply that tells one event; KeyError or TypeError when the writer of the row forgot a fact."""
    told = _Told(stored, item, voice)
    match kind:
        case MessageKind.ENTRY:
            yield from told.entry()
        case MessageKind.TARGET:
            yield from told.target()
        case MessageKind.STOP_MOVED:
            yield told.stop()
            yield told.when()
        case MessageKind.CLOSE:
            yield from told.close()
        case MessageKind.EXPIRED | MessageKind.CANCELLED:
            yield told.headed(f"life.{kind.value}", reason=_reason(voice, told.word("reason")))
            yield told.when()
        case _:
            raise ValueError(f"{kind.value} is no event of a signal's life")


class _Told:
    """An event in words: its facts, each read as what it is, and the signal it belongs to."""

    def __init__(self, stored: StoredSignal, item: OutboxItem, voice: Voice) -> None:
        self._stored = stored
        self._payload = item.payload
        self._at_ms = round(self.number("at_ms"))
        self._voice = voice

    def entry(self) -> Iterator[Markup]:
        signal, filled = self._stored.signal, self.number("price")
        yield self.headed("life.entry")
        change = change_pct(signal.entry, filled)
        if abs(change) < SAME_PRICE_PCT:
            yield self._say("life.entry_planned")
            return
        better = change * signal.direction.sign < 0
        yield self._say("life.entry_better" if better else "life.entry_worse", change=f"{abs(change):.2f} %")

    def target(self) -> Iterator[Markup]:
        signal = self._stored.signal
        reward = (self.number("price") - signal.entry) * signal.direction.sign / signal.risk
        yield self.headed("life.target", no=round(self.number("no")), reward=in_r(reward))
        yield self._say("life.target_share", share=share(self.number("share_ratio")))

    def close(self) -> Iterator[Markup]:
        mark = OUTCOME_MARKS[Outcome(self.word("outcome"))]
        how = close_words(self._voice, CloseReason(self.word("reason")), round(self.number("targets_hit")))
        yield self.headed("life.close", mark=mark, how=how, result=in_r(self.number("r_multiple")))
        yield self._say("life.result", change=percent(self.number("pnl_pct")))
        if "priced_ms" in self._payload:
            yield self._voice.say("managed.late", at=self._voice.clock(round(self.number("priced_ms"))))
        yield self._say(
            "life.path",
            held=duration_text(self._at_ms - round(self.number("opened_ms"))),
            best=in_r(self.number("mfe_r")),
            worst=in_r(-self.number("mae_r")),
        )

    def stop(self) -> Markup:
        if self.number("stop") == self.number("entry"):
            return self.headed("life.break_even")
        return self.headed("life.stop_moved", stop=price(self.number("stop")))

    def when(self) -> Markup:
        return self._say("life.when")

    def headed(self, key: str, /, **values: str | int) -> Markup:
        return self._voice.say(key, head=headline(self._stored.signal, self._voice), **values)

    def number(self, name: str) -> float:
        return _typed(self._payload[name], (int, float), name)

    def word(self, name: str) -> str:
        return _typed(self._payload[name], str, name)

    def _say(self, key: str, /, **values: str | int) -> Markup:
        at = self._voice.clock(self._at_ms)
        return self._voice.say(key, name=signal_name(self._stored.id), at=at, **values)


def close_words(voice: Voice, reason: CloseReason, targets_hit: int) -> Markup:
    """How a position ended; a stop behind a target names the target."""
    how = voice.say(f"close_reason.{reason.value}")
    if targets_hit and reason in AFTER_TARGET:
        return voice.say("life.after_target", how=how, no=targets_hit)
    return how


def _position_line(stores: Stores, stored: StoredSignal, voice: Voice) -> Markup:
    """The line of a filled signal, by the position that speaks for it."""
    position = _speaking_for(stores, stored.id)
    if position is None:
        return voice.say("state.open")
    hit = sum(fill.kind is FillKind.TARGET for fill in stores.fills.of_position(position.id))
    if position.close_reason is not None:
        how = close_words(voice, position.close_reason, hit)
        result = in_r(position.r_multiple) if position.r_multiple is not None else percent(position.pnl_pct or 0.0)
        return voice.say("state.closed", mark=OUTCOME_MARKS[position.outcome], how=how, result=result)
    if hit:
        return voice.say("state.target", no=hit, count=len(stored.signal.targets))
    return voice.say("state.open")


def _status_at(stores: Stores, stored: StoredSignal, at_ms: int) -> SignalStatus:
    """How far a signal that was sent had come by then, on the candles that had closed."""
    if stored.status in (SignalStatus.EXPIRED, SignalStatus.CANCELLED):
        return stored.status if stored.status_ms <= at_ms else SignalStatus.SENT
    position = _speaking_for(stores, stored.id)
    if position is None or position.opened_ms > at_ms:
        return SignalStatus.SENT
    is_closed = position.closed_ms is not None and position.closed_ms <= at_ms
    return SignalStatus.CLOSED if is_closed else SignalStatus.EXECUTED


def _speaking_for(stores: Stores, signal_id: int) -> Position | None:
    """The shadow position: every sent signal has it, whether or not the account had room."""
    shadow = stores.portfolios.of_kind(PortfolioKind.SHADOW).id
    return next((one for one in stores.positions.of_signal(signal_id) if one.portfolio_id == shadow), None)


def _reason(voice: Voice, reason: str) -> Markup:
    return cut_markup(phrase(voice, reason), REASON_UNITS)


def _typed(value: object, wanted: type[Fact] | tuple[type[Fact], ...], name: str) -> Fact:
    if not isinstance(value, wanted):
        raise TypeError(f"{name} is {value!r}")
    return value
