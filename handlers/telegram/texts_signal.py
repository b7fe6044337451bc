"""The card of a signal: levels, what they promise after costs, and why, in what fits under a picture.

Where it would be too long, words give way in a fixed order; levels never do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.leverage import most_leverage
from engine.vocabulary import Direction, Signal, Target
from handlers.telegram.catalogue import Markup, escaped, joined
from handlers.telegram.figures import Voice, cut, cut_markup, decimals_of, in_r, percent, price, share
from handlers.telegram.phrases import phrase, setup_words
from services.split import CAPTION_UNITS, plain, units

SYMBOL_UNITS = 24
SETUP_UNITS = 48
SOURCE_UNITS = 32
ARROWS = {Direction.LONG: "🟢", Direction.SHORT: "🔴"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a card says besides the signal itself; an empty `state` or `record` is left out."""

    name: str | Markup
    state: str | Markup = ""
    source: str = ""
    record: str = ""
    footnotes: tuple[Markup, ...] = ()
    leverage: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told beyond the levels; lengths in UTF-16 units."""

    reasons: int
    reason_units: int
    target_units: int


DETAILS = (Detail(3, 110, 40), Detail(3, 70, 24), Detail(2, 60, 0), Detail(1, 40, 0), Detail(0, 0, 0))
"""Tried in this order until a card fits."""


def signal_card(signal: Signal, frame: Frame, voice: Voice) -> Markup:
    """The card in at most 1024 UTF-16 units of text, whatever stands in the signal."""
    cards = (joined(_card(signal, frame, voice, detail)) for detail in DETAILS)
    card = next(cards)
    while units(plain(card)) > CAPTION_UNITS and (shorter := next(cards, None)) is not None:
        card = shorter
    return card


def headline(signal: Signal, voice: Voice) -> Markup:
    """What a locked phone shows: direction, #SYMBOL, timeframe."""
    return voice.say(
        "post.head",
        arrow=ARROWS[signal.direction],
        direction=voice.say(f"direction.{signal.direction.value}"),
        symbol=cut(signal.symbol, SYMBOL_UNITS),
        timeframe=signal.timeframe.text,
    )


def change_pct(start: float, end: float) -> float:
    """The way from one price to another in percent of the first."""
    return 100.0 * (end - start) / start


def _card(signal: Signal, frame: Frame, voice: Voice, detail: Detail) -> Iterator[Markup]:
    yield headline(signal, voice)
    setup = cut_markup(setup_words(voice, signal.setup), SETUP_UNITS)
    yield voice.say("post.subject", name=frame.name, setup=setup, score=f"{signal.confidence:.0f}")
    if frame.state:
        yield escaped(frame.state)
    yield escaped("")
    yield from _levels(signal, voice, detail)
    if frame.leverage and (most := most_leverage(signal)) is not None:
        yield voice.say("post.leverage", most=most)
    yield escaped("")
    for reason in signal.reasons[: detail.reasons]:
        yield voice.say("post.reason", reason=cut_markup(phrase(voice, reason), detail.reason_units))
    yield escaped("")
    yield from _terms(signal, frame, voice)


def _decimals(signal: Signal) -> int:
    """As many as the level needs that needs the most, so that prices stand below each other with the tick's digits."""
    levels = (signal.entry, signal.zone_low, signal.zone_high, signal.stop_loss)
    return max(decimals_of(price(level)) for level in (*levels, *(target.price for target in signal.targets)))


def _levels(signal: Signal, voice: Voice, detail: Detail) -> Iterator[Markup]:
    decimals = _decimals(signal)
    low, high = price(signal.zone_low, decimals), price(signal.zone_high, decimals)
    yield voice.say("post.entry", entry=price(signal.entry, decimals), low=low, high=high)
    change = percent(change_pct(signal.entry, signal.stop_loss))
    yield voice.say("post.stop", stop=price(signal.stop_loss, decimals), change=change)
    for target in signal.targets:
        yield _target(signal, target, voice, detail, decimals)
    yield voice.say(
        "post.promise",
        rr=f"{signal.rr:.2f}",
        plan=in_r(signal.plan_r),
        cost=f"{signal.cost_r:.2f}R",
        market=voice.say(f"market.{signal.market.value}"),
    )


def _target(signal: Signal, target: Target, voice: Voice, detail: Detail, decimals: int) -> Markup:
    reward = in_r(abs(target.price - signal.entry) / signal.risk)
    facts = {"price": price(target.price, decimals), "reward": reward, "share": share(target.share_ratio)}
    if not target.reason or not detail.target_units:
        return voice.say("post.target", no=target.no, **facts)
    why = cut_markup(phrase(voice, target.reason), detail.target_units)
    return voice.say("post.target_why", no=target.no, why=why, **facts)


def _terms(signal: Signal, frame: Frame, voice: Voice) -> Iterator[Markup]:
    key = "post.invalid_below" if signal.direction is Direction.LONG else "post.invalid_above"
    yield voice.say(key, stop=price(signal.stop_loss, _decimals(signal)))
    yield voice.say("post.valid", until=voice.clock(signal.valid_until_ms))
    source = cut(frame.source or voice.say(f"source.{signal.source.value}"), SOURCE_UNITS)
    yield voice.say("post.source", source=source, closed=voice.clock(signal.candle_close_ms))
    if frame.record:
        yield voice.say("post.record", head=frame.record)
    yield from frame.footnotes
