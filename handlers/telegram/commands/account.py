"""What the account holds and did: /positions, /journal, /account."""

from engine.vocabulary import Direction, PortfolioKind, Position
from handlers.telegram.catalogue import joined
from handlers.telegram.commands.words import alone, count_of
from handlers.telegram.desk import Answer, Asked, Command, Desk
from handlers.telegram.tables import Column, Table, short_price
from handlers.telegram.texts import signal_name
from storage.conditions import Condition
from storage.journal import JournalRow
from storage.users import Role

JOURNAL_ROWS = 15
JOURNAL_ROWS_MOST = 50
PRICE_WIDTH = 9

OPEN = Table(
    (
        Column("table.id", 4),
        Column("table.open", 10),
        Column("table.entry", PRICE_WIDTH, right=True),
        Column("table.r", 7, right=True),
    )
)
WAITING = Table(
    (
        Column("table.waiting", 10),
        Column("table.entry", PRICE_WIDTH, right=True),
        Column("table.until", 13, right=True),
    )
)
JOURNAL = Table(
    (
        Column("table.id", 6),
        Column("table.symbol", 8),
        Column("table.tf", 3),
        Column("", 1),
        Column("table.became", 11, right=True),
    )
)
ACCOUNT = Table((Column("table.account", 11), Column("", 20, right=True)))


async def positions(desk: Desk, asked: Asked) -> Answer:
    """Open positions of the paper account, and its orders that wait for their price."""
    alone(asked, "positions")
    with desk.book.reading() as view:
        paper = view.portfolios.of_kind(PortfolioKind.PAPER).id
        opened = view.positions.open_positions(paper)
        waiting = [order for order in view.conditions.active() if order.portfolio_id == paper]
    parts = []
    if opened:
        parts.append(OPEN.html(asked.user.language, map(_position_row, opened)))
    if waiting:
        parts.append(WAITING.html(asked.user.language, (_order_row(order, asked) for order in waiting)))
    return Answer(joined(parts) if parts else asked.say("positions.none"))


async def journal(desk: Desk, asked: Asked) -> Answer:
    """The newest signals, and what became of them."""
    count = count_of(asked.words, "journal", JOURNAL_ROWS, JOURNAL_ROWS_MOST)
    with desk.book.reading() as view:
        rows = view.journal.rows(newest_first=True, limit=count)
        total = view.journal.count()
    if not rows:
        return Answer(asked.say("journal.empty"))
    head = asked.say("journal.head", shown=len(rows), total=total)
    return Answer(joined([head, JOURNAL.html(asked.user.language, (_journal_row(row, asked) for row in rows))]))


async def account(desk: Desk, asked: Asked) -> Answer:
    """What the paper account is worth."""
    alone(asked, "account")
    with desk.book.reading() as view:
        paper = view.portfolios.of_kind(PortfolioKind.PAPER)
        money = view.journal.account(paper.id)
    amounts = (
        ("account.balance", money.balance),
        ("account.unrealized", money.unrealized),
        ("account.equity", money.equity),
        ("account.realized", money.realized),
    )
    counts = (("account.open", money.n_open), ("account.closed", money.n_closed))
    rows = [
        *((asked.say(key), f"{amount:,.2f} {paper.currency}") for key, amount in amounts),
        *((asked.say(key), str(count)) for key, count in counts),
    ]
    return Answer(ACCOUNT.html(asked.user.language, rows))


def side(direction: Direction) -> str:
    """A direction in one letter."""
    return direction.value[0]


def result_in_r(position: Position) -> float:
    """Where an open position stands at its last mark, in R, before costs."""
    if position.mark_price is None or not position.risk_amount:
        return 0.0
    moved = (position.mark_price - position.entry_price) * position.direction.sign
    return moved * position.qty / position.risk_amount


def _position_row(position: Position) -> tuple[str, ...]:
    name = f"{position.symbol[:8]} {side(position.direction)}"
    return str(position.id), name, short_price(position.entry_price, PRICE_WIDTH), f"{result_in_r(position):+.2f}"


def _order_row(order: Condition, asked: Asked) -> tuple[str, ...]:
    return order.symbol, short_price(order.trigger_price, PRICE_WIDTH), asked.clock(order.valid_until_ms)[5:16]


def _journal_row(row: JournalRow, asked: Asked) -> tuple[str, ...]:
    became = asked.say(f"status.{row.status.value}") if row.r_multiple is None else f"{row.r_multiple:+.2f}R"
    return signal_name(row.signal_id), row.symbol, row.timeframe, side(row.direction), became


COMMANDS = (
    Command("positions", "", "about.positions", Role.OPERATOR, positions),
    Command("journal", "[N]", "about.journal", Role.OPERATOR, journal),
    Command("account", "", "about.account", Role.OPERATOR, account),
)
