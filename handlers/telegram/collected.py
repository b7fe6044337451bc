"""Collected signals in words: the new ones with their levels, the ended ones with their result at 1R."""

from collections.abc import Iterator

from engine.vocabulary import Outcome, PortfolioKind, SignalStatus
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.figures import Voice, in_r, price, signal_name
from handlers.telegram.texts_signal import headline
from services.collected import collection_of
from storage.outbox import OutboxItem
from storage.signals import StoredSignal
from storage.stores import Stores

MARKS = {Outcome.WIN: "✅", Outcome.LOSS: "❌", Outcome.BREAKEVEN: "➖"}
NO_TRADE = "⚪"


def collected_text(stores: Stores, item: OutboxItem, voice: Voice) -> Markup:
    """A message of kind collected."""
    return joined(_lines(stores, item, voice))


def _lines(stores: Stores, item: OutboxItem, voice: Voice) -> Iterator[Markup]:
    collection = collection_of(stores, item)
    if collection.signals:
        yield voice.say("collected.new", count=len(collection.signals))
        for stored in collection.signals:
            yield _signal(stored, voice)
    if collection.signals and collection.ended:
        yield Markup("")
    if collection.ended:
        yield voice.say("collected.over", count=len(collection.ended))
        for stored in collection.ended:
            yield _end(stores, stored, voice)


def _signal(stored: StoredSignal, voice: Voice) -> Markup:
    signal = stored.signal
    line = voice.say(
        "collected.signal",
        head=headline(stored.signal, voice),
        name=signal_name(stored.id),
        score=f"{signal.confidence:.0f}",
        entry=price(signal.entry),
        stop=price(signal.stop_loss),
        target=price(signal.targets[-1].price),
        until=voice.clock(signal.valid_until_ms),
    )
    return voice.say("collected.filled", line=line) if stored.status is SignalStatus.EXECUTED else line


def _end(stores: Stores, stored: StoredSignal, voice: Voice) -> Markup:
    shadow = stores.portfolios.of_kind(PortfolioKind.SHADOW).id
    results = [
        (position.outcome, position.r_multiple)
        for position in stores.positions.of_signal(stored.id)
        if position.portfolio_id == shadow and position.outcome is not None and position.r_multiple is not None
    ]
    mark, result = NO_TRADE, voice.say(f"status.{stored.status.value}")
    for outcome, r_multiple in results:
        mark, result = MARKS[outcome], Markup(in_r(r_multiple))
    return voice.say(
        "collected.end", mark=mark, head=headline(stored.signal, voice), name=signal_name(stored.id), result=result
    )
