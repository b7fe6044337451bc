"""What checkpoints advise and what was done by hand, in words; advice comes with the buttons that answer it."""

from collections.abc import Callable, Mapping

from engine.checkpoints import Recommendation
from engine.vocabulary import Direction, Signal
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import ENGLISH, Markup, joined, text
from handlers.telegram.tables import short_price
from services.announce import MessageKind
from services.audience import is_silent
from services.post import Button, Post
from storage.codec import Json
from storage.outbox import OutboxItem
from storage.stores import Stores
from storage.users import User

ClockText = Callable[[int], str]
"""Writes an instant, epoch ms, for people."""

CLOSE, PART, STOP, HOLD = "cp_close", "cp_part", "cp_stop", "cp_hold"
"""The actions of the buttons under an advice."""
PRICE_WIDTH = 12
AT = "@"
"""Stands between position and level in what a button carries."""
MARKS = {Direction.LONG: "🟢", Direction.SHORT: "🔴"}
MANAGED = (MessageKind.HAND_CLOSE, MessageKind.HAND_PART, MessageKind.HAND_STOP)
ADVISED = frozenset(kind.value for kind in (MessageKind.ADVICE, MessageKind.CHECKPOINT, *MANAGED))
"""The kinds of messages that are worded here."""


def advised(stores: Stores, item: OutboxItem, clock: ClockText) -> Post:
    """The wording of a row of one of the kinds in ADVISED, in its reader's language."""
    assert item.signal_id is not None
    signal, name = stores.signals.get(item.signal_id).signal, f"S-{item.signal_id}"
    if item.kind == MessageKind.ADVICE.value:
        reader = stores.users.by_telegram_id(item.chat_telegram_id)
        assert reader is not None, "those who handle positions are people of the book"
        foot = text(
            reader.language, "advice.foot", name=name, position=_word(item, "position_id"), at=clock(item.created_ms)
        )
        lines = _advice_lines(reader.language, signal, item.payload)
        return Post(joined([*lines, foot]), _buttons(stores, reader, item), silent=is_silent(item))
    language = stores.chats.get(item.chat_id).preferences.language or ENGLISH
    if item.kind == MessageKind.CHECKPOINT.value:
        told = text(language, "advice.told", name=name, at=clock(item.created_ms))
        return Post(joined([*_advice_lines(language, signal, item.payload), told]), silent=is_silent(item))
    foot = text(language, "managed.foot", name=name, at=clock(item.created_ms))
    return Post(joined([_managed_line(language, signal, item), foot]), silent=is_silent(item))


def rule_text(language: str, rule: str, reason: Json) -> Markup:
    """Why an advice was given; `reason` says it where the chart could not be read."""
    return text(language, f"rule.{rule}", reason="" if reason is None else str(reason))


def price_text(value: Json) -> str:
    """A price in the digits that people read; stops behind a swing have no tick of their own."""
    assert isinstance(value, int | float)
    return short_price(value, PRICE_WIDTH)


def _advice_lines(language: str, signal: Signal, facts: Mapping[str, Json]) -> list[Markup]:
    levels = facts["levels"]
    assert isinstance(levels, list)
    recommendation = Recommendation(facts["recommendation"])
    lines = [
        text(
            language,
            "advice.head",
            level=str(levels[-1]),
            advice=text(language, f"advice.{recommendation.value}"),
            **_headline(signal),
        ),
        rule_text(language, str(facts["rule"]), facts["reason"]),
        text(
            language,
            "advice.numbers",
            price=price_text(facts["price"]),
            stop=price_text(facts["stop"]),
            r_now=_signed(facts["r_now"], 2),
        ),
    ]
    if facts["confidence"] is not None:
        judged = {
            "confidence": _number(facts["confidence"], 0),
            "delta": _signed(facts["delta"], 0),
            "rr_left": _number(facts["rr_left"], 2),
        }
        lines.append(text(language, "advice.judged", **judged))
    if recommendation is Recommendation.MOVE_SL:
        lines.append(text(language, "advice.place", better_stop=price_text(facts["better_stop"])))
    if len(levels) > 1:
        lines.append(text(language, "advice.passed", levels=", ".join(map(str, levels))))
    return lines


def _managed_line(language: str, signal: Signal, item: OutboxItem) -> Markup:
    facts, head = item.payload, _headline(signal)
    key = f"managed.{item.kind}"
    match MessageKind(item.kind):
        case MessageKind.HAND_CLOSE:
            how = text(language, f"close_reason.{facts['reason']}")
            price, result = price_text(facts["price"]), _signed(facts["r_multiple"], 2)
            return text(language, key, how=how, price=price, result=result, **head)
        case MessageKind.HAND_PART:
            assert isinstance(facts["share_ratio"], int | float)
            share = f"{facts['share_ratio']:.0%}"
            return text(language, key, share=share, price=price_text(facts["price"]), **head)
        case _:
            return text(language, key, stop=price_text(facts["stop"]), **head)


def _buttons(stores: Stores, reader: User, item: OutboxItem) -> tuple[tuple[Button, ...], ...]:
    """Close and part above, stop and hold below; only the reader's own, for as long as buttons live."""
    facts, language = item.payload, reader.language
    levels = facts["levels"]
    assert isinstance(levels, list)
    about = f"{facts['position_id']}{AT}{levels[-1]}"
    mint = Mint.ensured(stores, item.created_ms)

    def button(key: str, action: str, **values: str) -> Button:
        return mint.button(text(language, key, **values), action, about, reader.telegram_id)

    second = [button("advice.hold", HOLD)]
    if facts["better_stop"] is not None:
        second.insert(0, button("advice.stop", STOP, stop=price_text(facts["better_stop"])))
    return (button("advice.close", CLOSE), button("advice.part", PART)), tuple(second)


def _headline(signal: Signal) -> dict[str, str]:
    return {
        "mark": MARKS[signal.direction],
        "direction": signal.direction.value,
        "symbol": signal.symbol,
        "timeframe": signal.timeframe.text,
    }


def _word(item: OutboxItem, name: str) -> str:
    return str(item.payload[name])


def _number(value: Json, digits: int) -> str:
    assert isinstance(value, int | float)
    return f"{value:.{digits}f}"


def _signed(value: Json, digits: int) -> str:
    assert isinstance(value, int | float)
    return f"{value:+.{digits}f}"
