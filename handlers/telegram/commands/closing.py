"""Closing a position of the account by hand: /close, which asks twice."""

from engine.follow import NotPossible
from engine.vocabulary import PortfolioKind, Position
from handlers.telegram.buttons import Mint
from handlers.telegram.commands.account import result_in_r, side
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.figures import in_r, price
from services.hands import HandOrder
from storage.stores import Stores
from storage.users import Role

CLOSE = "close"


async def close(desk: Desk, asked: Asked) -> Answer:
    """The position as it stands, with the button that closes it."""
    if len(asked.words) != 1 or not asked.words[0].isdecimal():
        raise CommandError("ask.close")
    with desk.book.reading() as view:
        position, mint = _open_one(view, int(asked.words[0])), Mint.of(view, desk.now_ms())
    button = mint.button(asked.say("close.button"), CLOSE, str(position.id), asked.user.telegram_id)
    told = asked.say(
        "close.question",
        id=position.id,
        symbol=position.symbol,
        side=side(position.direction),
        entry=price(position.entry_price),
        result=in_r(result_in_r(position)),
    )
    return Answer(told, ((button,),))


async def close_pressed(desk: Desk, press: Pressed) -> Answer:
    """Close what is open of it at the last settled price, once."""
    position_id, now_ms = int(press.argument), desk.now_ms()
    order = HandOrder(position_id, press.asked.by, f"{CLOSE}:{position_id}", now_ms)
    try:
        position = await desk.writer.run(lambda tx: desk.hands.close(tx, order))
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


COMMANDS = (Command("close", "ID", "about.close", Role.OPERATOR, close, changes=True),)
ACTIONS = (Action(CLOSE, Role.OPERATOR, close_pressed, changes=True, destructive=True),)
