"""What checkpoints advise and what was done by hand, in words; advice comes with the buttons that answer it.

Those who handle positions read prices. The channel reads R alone, so that no program that copies channels can take a
reply for a new signal.
"""

from collections.abc import Iterator

from engine.checkpoints import Recommendation
from engine.vocabulary import Signal
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.figures import Voice, in_r, share, signal_name
from handlers.telegram.phrases import phrase
from handlers.telegram.tables import short_price
from handlers.telegram.texts_signal import headline
from services.announce import MessageKind
from services.audience import is_silent
from services.hands import STALE_AFTER_MS
from services.post import Button, Post
from storage.codec import Json
from storage.outbox import OutboxItem
from storage.stores import Stores

CLOSE, PART, STOP, HOLD = "cp_close", "cp_part", "cp_stop", "cp_hold"
"""The actions of the buttons under an advice."""
AT = "@"
"""Stands between position and level in what a button carries."""
PRICE_WIDTH = 12
ADVISED = frozenset(
    kind.value
    for kind in (
        MessageKind.ADVICE,
        MessageKind.CHECKPOINT,
        MessageKind.HAND_CLOSE,
        MessageKind.HAND_PART,
        MessageKind.HAND_STOP,
    )
)
"""The kinds of messages that are worded here."""


def advised(stores: Stores, item: OutboxItem, voice: Voice) -> Post:
    """The wording of a row of one of the kinds in ADVISED."""
    assert item.signal_id is not None
    signal = stores.signals.get(item.signal_id).signal
    told = _Told(item, signal, voice)
    match MessageKind(item.kind):
        case MessageKind.ADVICE:
            return Post(joined(told.advice()), _buttons(stores, item, voice), silent=is_silent(item))
        case MessageKind.CHECKPOINT:
            return Post(joined(told.checkpoint()), silent=is_silent(item))
        case _:
            return Post(joined(told.managed()), silent=is_silent(item))


def rule_text(voice: Voice, rule: str, reason: str = "") -> Markup:
    """Why an advice was given; `reason` says it where the chart could not be read."""
    return voice.say(f"rule.{rule}", reason=phrase(voice, reason))


def price_text(value: Json) -> str:
    """A price in the digits that people read; a stop behind a swing has no tick of its own."""
    assert isinstance(value, int | float)
    return short_price(value, PRICE_WIDTH)


class _Told:
    """One row of the outbox, its facts read as what they are."""

    def __init__(self, item: OutboxItem, signal: Signal, voice: Voice) -> None:
        self._item = item
        self._signal = signal
        self._voice = voice

    def advice(self) -> Iterator[Markup]:
        """For those who handle positions: the advice with every number it rests on."""
        yield from self._head()
        yield self._voice.say(
            "advice.numbers",
            price=price_text(self._fact("price")),
            stop=price_text(self._fact("stop")),
            r_now=in_r(self._number("r_now")),
        )
        yield from self._judged()
        if self._recommendation is Recommendation.MOVE_SL:
            yield self._voice.say("advice.place", better_stop=price_text(self._fact("better_stop")))
        yield self._voice.say("advice.foot", position=str(self._fact("position_id")), **self._when())

    def checkpoint(self) -> Iterator[Markup]:
        """For the channel: the advice and what it is about, without a price."""
        yield from self._head()
        yield self._voice.say("advice.r_now", r_now=in_r(self._number("r_now")))
        yield from self._judged()
        yield self._voice.say("advice.told", **self._when())

    def managed(self) -> Iterator[Markup]:
        """What was done to the account's position."""
        head = headline(self._signal, self._voice)
        match MessageKind(self._item.kind):
            case MessageKind.HAND_CLOSE:
                how = self._voice.say(f"close_reason.{self._fact('reason')}")
                yield self._voice.say("managed.hand_close", head=head, how=how, result=in_r(self._number("r_multiple")))
                yield from self._late()
            case MessageKind.HAND_PART:
                yield self._voice.say("managed.hand_part", head=head, share=share(self._number("share_ratio")))
            case _:
                moved = (self._number("stop") - self._number("entry")) * self._signal.direction.sign
                yield self._voice.say("managed.hand_stop", head=head, result=in_r(moved / self._signal.risk))
        yield self._voice.say("managed.foot", **self._when())

    def _late(self) -> Iterator[Markup]:
        """That a close was booked at a price of long ago."""
        priced_ms = round(self._number("priced_ms"))
        if self._item.created_ms - priced_ms > STALE_AFTER_MS:
            yield self._voice.say("managed.late", at=self._voice.clock(priced_ms))

    @property
    def _recommendation(self) -> Recommendation:
        return Recommendation(self._fact("recommendation"))

    def _head(self) -> Iterator[Markup]:
        yield self._voice.say(
            "advice.head",
            head=headline(self._signal, self._voice),
            level=str(_levels(self._item)[-1]),
            advice=self._voice.say(f"advice.{self._recommendation.value}"),
        )
        reason = self._fact("reason")
        yield rule_text(self._voice, str(self._fact("rule")), "" if reason is None else str(reason))
        if len(_levels(self._item)) > 1:
            yield self._voice.say("advice.passed", levels=", ".join(map(str, _levels(self._item))))

    def _judged(self) -> Iterator[Markup]:
        if self._fact("confidence") is not None:
            yield self._voice.say(
                "advice.judged",
                confidence=f"{self._number('confidence'):.0f}",
                delta=f"{self._number('delta'):+.0f}",
                rr_left=f"{self._number('rr_left'):.2f}",
            )

    def _when(self) -> dict[str, str]:
        assert self._item.signal_id is not None
        return {"name": signal_name(self._item.signal_id), "at": self._voice.clock(self._item.created_ms)}

    def _fact(self, name: str) -> Json:
        return self._item.payload[name]

    def _number(self, name: str) -> float:
        value = self._fact(name)
        assert isinstance(value, int | float)
        return value


def _levels(item: OutboxItem) -> list[Json]:
    levels = item.payload["levels"]
    assert isinstance(levels, list)
    return levels


def _buttons(stores: Stores, item: OutboxItem, voice: Voice) -> tuple[tuple[Button, ...], ...]:
    """Close and part above, stop and hold below; the reader's own, for as long as buttons live."""
    about = f"{item.payload['position_id']}{AT}{_levels(item)[-1]}"
    mint = Mint.ensured(stores, item.created_ms)

    def button(key: str, action: str, **values: str) -> Button:
        return mint.button(voice.say(key, **values), action, about, item.chat_telegram_id)

    better_stop = item.payload["better_stop"]
    second = [button("advice.hold", HOLD)]
    if better_stop is not None:
        second.insert(0, button("advice.stop", STOP, stop=price_text(better_stop)))
    return (button("advice.close", CLOSE), button("advice.part", PART)), tuple(second)
