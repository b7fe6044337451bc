"""Checkpoints in the chat: how far a position is and what was advised, what advice was worth, and the buttons under it."""

from collections.abc import Callable, Sequence
from statistics import fmean

from engine.checkpoints import LEVELS, Recommendation, level_price
from engine.follow import NotPossible
from engine.vocabulary import PortfolioKind, Position
from handlers.telegram.advice import AT, CLOSE, HOLD, PART, STOP, price_text, rule_text
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.figures import in_r, signal_name
from handlers.telegram.tables import Column, Table, short_price
from services.checkpoints import advised_stop
from services.hands import HandOrder
from storage.checkpoints import Checkpoint, Worth
from storage.signals import StoredSignal
from storage.stores import Stores
from storage.users import Role

ENOUGH = 30
"""Fewer advices than this say nothing about what they are worth."""
STATS = "stats"
BAR_CELLS = 10
PRICE_WIDTH = 9

PASSED = Table(
    (
        Column("table.way", 3, right=True),
        Column("table.price", PRICE_WIDTH, right=True),
        Column("table.delta", 5, right=True),
        Column("table.rr", 5, right=True),
        Column("table.advice", 8),
    )
)
WORTH = Table(
    (
        Column("table.advice", 8),
        Column("table.n", 5, right=True),
        Column("table.then", 8, right=True),
        Column("table.end", 8, right=True),
    )
)


async def checkpoints(desk: Desk, asked: Asked) -> Answer:
    """One position's way, or what all advice was worth."""
    match asked.words:
        case (word,) if word.lower() == STATS:
            with desk.book.reading() as view:
                return Answer(_stats(asked, view.checkpoints.worth()))
        case (word,) if word.isdecimal():
            with desk.book.reading() as view:
                return Answer(_way(asked, view, int(word)))
    raise CommandError("ask.checkpoints")


async def close(desk: Desk, press: Pressed) -> Answer:
    """Close what is open of the position."""
    return await _ordered(desk, press, CLOSE, desk.hands.close, _closed)


async def part(desk: Desk, press: Pressed) -> Answer:
    """Take a part of what is open."""
    return await _ordered(desk, press, PART, desk.hands.take_part, _part_taken)


async def stop(desk: Desk, press: Pressed) -> Answer:
    """Move the stop to where the advice said."""

    def moved(tx: Stores, order: HandOrder) -> Position | None:
        assert order.level is not None, "the button names the checkpoint"
        return desk.hands.move_stop(tx, order, advised_stop(tx, order.position_id, order.level))

    return await _ordered(desk, press, STOP, moved, _stop_moved)


async def hold(desk: Desk, press: Pressed) -> Answer:
    """Leave it as it is."""
    return await _ordered(desk, press, HOLD, desk.hands.hold, _held)


async def _ordered(
    desk: Desk,
    press: Pressed,
    action: str,
    lever: Callable[[Stores, HandOrder], Position | None],
    said: Callable[[Asked, Position], Markup],
) -> Answer:
    """Pull a lever; the same answer to the same advice counts once, whoever pressed and however often."""
    position_id, level = map(int, press.argument.split(AT))
    order = HandOrder(position_id, press.asked.by, f"{action}:{position_id}:{level}", desk.now_ms(), level)
    try:
        position = await desk.writer.run(lambda tx: lever(tx, order))
    except LookupError as error:
        raise CommandError("hand.gone", id=position_id) from error
    except NotPossible as error:
        raise CommandError(f"hand.{error.obstacle.name}", standing=price_text(error.standing)) from error
    return Answer(press.asked.say("hand.again") if position is None else said(press.asked, position))


def _closed(asked: Asked, position: Position) -> Markup:
    assert position.r_multiple is not None
    result = in_r(position.r_multiple)
    return asked.say("hand.closed", id=position.id, price=price_text(position.exit_price), result=result)


def _part_taken(asked: Asked, position: Position) -> Markup:
    return asked.say("hand.part", id=position.id, left=round(100 * (1 - position.closed_ratio)))


def _stop_moved(asked: Asked, position: Position) -> Markup:
    return asked.say("hand.stop", id=position.id, stop=price_text(position.stop_loss))


def _held(asked: Asked, position: Position) -> Markup:
    return asked.say("hand.hold", id=position.id)


def _way(asked: Asked, view: Stores, position_id: int) -> Markup:
    try:
        position = view.positions.get(position_id)
    except LookupError as error:
        raise CommandError("checkpoints.none", id=position_id) from error
    if position.portfolio_id != view.portfolios.of_kind(PortfolioKind.PAPER).id or position.signal_id is None:
        raise CommandError("checkpoints.none", id=position_id)
    stored, passed = view.signals.get(position.signal_id), view.checkpoints.of_position(position_id)
    lines = [_head(asked, position, stored), _progress(asked, position, stored)]
    if not position.is_open and position.r_multiple is not None:
        lines.append(asked.say("checkpoints.closed", result=in_r(position.r_multiple)))
    if passed:
        last = passed[-1]
        rule, *why = last.reasons
        reason = rule_text(asked.voice, rule, *why)
        lines += [PASSED.html(asked.user.language, (_row(row, asked) for row in passed)), reason]
    elif position.is_open:
        first = level_price(position.entry_price, stored.signal.targets[-1].price, LEVELS[0])
        lines.append(asked.say("checkpoints.not_yet", price=price_text(first)))
    return joined(lines)


def _head(asked: Asked, position: Position, stored: StoredSignal) -> Markup:
    return asked.say(
        "checkpoints.head",
        id=position.id,
        direction=position.direction.value,
        symbol=position.symbol,
        timeframe=stored.signal.timeframe.text,
        name=signal_name(stored.id),
    )


def _progress(asked: Asked, position: Position, stored: StoredSignal) -> Markup:
    last_target, entry = stored.signal.targets[-1].price, position.entry_price
    price = position.mark_price if position.mark_price is not None else entry
    way = (price - entry) / (last_target - entry)
    filled = round(BAR_CELLS * min(max(way, 0.0), 1.0))
    return asked.say(
        "checkpoints.progress",
        entry=price_text(entry),
        stop=price_text(position.stop_loss),
        price=price_text(price),
        bar="▰" * filled + "▱" * (BAR_CELLS - filled),
        way=round(100 * way),
        target=price_text(last_target),
    )


def _row(row: Checkpoint, asked: Asked) -> tuple[str, ...]:
    return (
        str(row.level),
        short_price(row.price, PRICE_WIDTH),
        "–" if row.confidence_delta is None else f"{row.confidence_delta:+.0f}",
        f"{row.rr_now:.2f}",
        asked.say(f"advice.short.{row.recommendation.value}"),
    )


def _stats(asked: Asked, worth: Sequence[Worth]) -> Markup:
    """By recommendation: how often, mean R if closed then, mean R at the end; a star where that is too few."""
    if not worth:
        return asked.say("checkpoints.no_stats")
    rows = []
    for recommendation in Recommendation:
        given = [one for one in worth if one.recommendation is recommendation]
        if given:
            then, end = fmean(one.r_then for one in given), fmean(one.r_end for one in given)
            count = f"{len(given)}{'*' if len(given) < ENOUGH else ''}"
            rows.append((asked.say(f"advice.short.{recommendation.value}"), count, in_r(then), in_r(end)))
    lines = [asked.say("checkpoints.stats"), WORTH.html(asked.user.language, rows)]
    if any(count.endswith("*") for _, count, *_ in rows):
        lines.append(asked.say("checkpoints.few", least=ENOUGH))
    return joined(lines)


COMMANDS = (Command("checkpoints", "ID|stats", "about.checkpoints", Role.OPERATOR, checkpoints),)
ACTIONS = (
    Action(CLOSE, Role.OPERATOR, close, changes=True, destructive=True),
    Action(PART, Role.OPERATOR, part, changes=True, destructive=True),
    Action(STOP, Role.OPERATOR, stop, changes=True),
    Action(HOLD, Role.OPERATOR, hold, changes=True),
)
