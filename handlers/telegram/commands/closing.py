"""Closing a position of the account by hand: /close, which asks twice."""

from collections.abc import Callable

from engine.follow import NotPossible
from engine.timeframes import duration_text
from engine.vocabulary import PortfolioKind, Position
from handlers.telegram.buttons import Mint
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.account import result_in_r, side
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.figures import in_r, price
from services.hands import HandOrder, LastPrice, last_price
from storage.stores import Stores
from storage.users import Role

CLOSE, CLOSE_AT_LAST = "close", "at_last"
LAST = "last"


async def close(desk: Desk, asked: Asked) -> Answer:
    """The position as it stands, with the button that closes it; without candles, at what price that still can be done."""
    match asked.words:
        case (word,) if word.isdecimal():
            wants_last = False
        case (word, price_wanted) if word.isdecimal() and price_wanted.lower() == LAST:
            wants_last = True
        case _:
            raise CommandError("ask.close")
    now_ms = desk.now_ms()
    with desk.book.reading() as view:
        position, mint = _open_one(view, int(word)), Mint.of(view, now_ms)
        last = last_price(view, position, now_ms)
    lines = [_standing(asked, position)]
    if last is not None:
        lines.append(_last(asked, last, now_ms))
        if not wants_last:
            return Answer(joined([*lines, asked.say("close.offer", id=position.id)]))
    action = CLOSE if last is None else CLOSE_AT_LAST
    button = mint.button(asked.say("close.button"), action, str(position.id), asked.user.telegram_id)
    return Answer(joined(lines), ((button,),))


def _standing(asked: Asked, position: Position) -> Markup:
    return asked.say(
        "close.question",
        id=position.id,
        symbol=position.symbol,
        side=side(position.direction),
        entry=price(position.entry_price),
        result=in_r(result_in_r(position)),
    )


def _last(asked: Asked, last: LastPrice, now_ms: int) -> Markup:
    return asked.say(
        "close.last",
        price=price(last.price),
        at=asked.clock(last.at_ms),
        age=duration_text(now_ms - last.at_ms),
        why=last.why,
    )


async def close_pressed(desk: Desk, press: Pressed) -> Answer:
    """Close what is open of it at the last settled price, once."""
    return await _closed(desk, press, desk.hands.close)


async def close_at_last_pressed(desk: Desk, press: Pressed) -> Answer:
    """Close what is open of it at the last price that is known, however old, once."""
    return await _closed(desk, press, desk.hands.close_at_last)


async def _closed(desk: Desk, press: Pressed, lever: Callable[[Stores, HandOrder], Position | None]) -> Answer:
    position_id, now_ms = int(press.argument), desk.now_ms()
    order = HandOrder(position_id, press.asked.by, f"{CLOSE}:{position_id}", now_ms)
    try:
        position = await desk.writer.run(lambda tx: lever(tx, order))
    except LookupError as error:
        raise CommandError("close.none", id=position_id) from error
    except NotPossible as error:
        raise CommandError(f"hand.{error.obstacle.name}", standing=price(error.standing)) from error
    if position is None:
        return Answer(press.asked.say("close.again", id=position_id))
    assert position.r_multiple is not None
    assert position.exit_price is not None
    exit_price, result = price(position.exit_price), in_r(position.r_multiple)
    return Answer(press.asked.say("close.done", id=position_id, price=exit_price, result=result))


def _open_one(view: Stores, position_id: int) -> Position:
    try:
        position = view.positions.get(position_id)
    except LookupError as error:
        raise CommandError("close.none", id=position_id) from error
    if not position.is_open or position.portfolio_id != view.portfolios.of_kind(PortfolioKind.PAPER).id:
        raise CommandError("close.none", id=position_id)
    return position


COMMANDS = (Command("close", "ID [last]", "about.close", Role.OPERATOR, close, changes=True),)
ACTIONS = (
    Action(CLOSE, Role.OPERATOR, close_pressed, changes=True, destructive=True),
    Action(CLOSE_AT_LAST, Role.OPERATOR, close_at_last_pressed, changes=True, destructive=True),
)
