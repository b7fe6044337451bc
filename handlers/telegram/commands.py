"""The commands of the chat: one table that routing, /help, Telegram's menu and the docs are made of.

A command gets the words behind it and gives an answer in HTML; what is wrong with a question is one helpful sentence.
"""

import html
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from diagnostics.checks import Status, run_checks
from engine.timeframes import Timeframe
from engine.vocabulary import Direction, PortfolioKind, Position, Rejected, Signal
from gateways.market import MarketError
from handlers.settings import WATCHABLE
from handlers.telegram.texts import ClockText, signal_lines, signal_name
from services.pause import pause, paused_reason, resume
from storage.book import Book
from storage.conditions import Condition
from storage.events import EventType
from storage.journal import JournalRow
from storage.writer import Writer

JOURNAL_ROWS = 15
JOURNAL_ROWS_MOST = 50
HEALTH_MARKS = {Status.OK: "✅", Status.IDLE: "💤", Status.WARN: "⚠️", Status.FAIL: "❌"}
LOGGED_COMMAND_CHARACTERS = 200

Look = Callable[[str, Timeframe], Awaitable[tuple[int, Signal | Rejected]]]
"""What the engine says now about a symbol on a timeframe, and at which close; MarketError when it cannot be had."""


class CommandError(ValueError):
    """A question that cannot be answered; the message says in one sentence how to ask."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands are answered from."""

    book: Book
    writer: Writer
    look: Look
    now_ms: Callable[[], int]
    clock: ClockText


@dataclass(frozen=True, slots=True)
class Asked:
    """The words behind a command, and who gave it."""

    words: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    arguments: str
    description: str
    answer: Callable[[Desk, Asked], Awaitable[str]]

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.arguments}".rstrip()


async def answered(desk: Desk, command: Command, asked: Asked) -> str:
    """The answer to a command, whose author is kept as an event; an error is told as one sentence."""
    text = " ".join((f"/{command.name}", *asked.words))[:LOGGED_COMMAND_CHARACTERS]
    at_ms = desk.now_ms()
    await desk.writer.run(lambda tx: tx.events.add(EventType.COMMAND, at_ms, actor=asked.by, message=text))
    try:
        return await command.answer(desk, asked)
    except (CommandError, MarketError) as error:
        return html.escape(str(error), quote=False)


def find(name: str) -> Command | None:
    return next((command for command in COMMANDS if command.name == name), None)


async def start(desk: Desk, asked: Asked) -> str:
    with desk.book.reading() as view:
        paused = paused_reason(view)
    state = f"I am paused: {html.escape(paused, quote=False)}." if paused else "I am running."
    return (
        "This is Onebook. I watch pairs on closed candles, post ICT setups, follow each to its end on paper, and"
        f" keep everything in one book. {state}\n\n{_help()}"
    )


async def help_(desk: Desk, asked: Asked) -> str:
    return _help()


async def signal(desk: Desk, asked: Asked) -> str:
    symbol, timeframe = _series(asked.words)
    close_ms, result = await desk.look(symbol, timeframe)
    if isinstance(result, Rejected):
        facts = ", ".join(
            f"{word} {html.escape(value, quote=False)}"
            for word, value in (("has", result.value), ("limit", result.limit))
            if value is not None
        )
        why = html.escape(result.reason, quote=False) + (f" ({facts})" if facts else "")
        return (
            f"No signal on <b>#{html.escape(symbol)} {timeframe.text}</b> at the close of {desk.clock(close_ms)}.\n"
            f"{result.stage.value}: {why}"
        )
    with desk.book.reading() as view:
        stored = view.signals.of_setup(result.symbol, result.timeframe, result.setup_key)
    name = "not in the book" if stored is None else f"{signal_name(stored.id)} {stored.status.value.lower()}"
    return "\n".join(signal_lines(result, name, desk.clock))


async def positions(desk: Desk, asked: Asked) -> str:
    _nothing_behind(asked, "positions")
    with desk.book.reading() as view:
        paper = view.portfolios.of_kind(PortfolioKind.PAPER).id
        opened = view.positions.open_positions(paper)
        waiting = [order for order in view.conditions.active() if order.portfolio_id == paper]
    if not opened and not waiting:
        return "No open positions and no waiting orders."
    parts = []
    if opened:
        parts.append(_table("open       entry       now      R", map(_position_line, opened)))
    if waiting:
        parts.append(_table("waiting    entry  valid until", (_order_line(order, desk.clock) for order in waiting)))
    return "\n".join(parts)


async def journal(desk: Desk, asked: Asked) -> str:
    count = _count(asked)
    with desk.book.reading() as view:
        rows = view.journal.rows(newest_first=True, limit=count)
        total = view.journal.count()
    if not rows:
        return "The journal is empty: no signal was decided yet."
    return f"The last {len(rows)} of {total} signals:\n" + _table(
        "id    symbol    tf      became of", map(_row_line, rows)
    )


async def account(desk: Desk, asked: Asked) -> str:
    _nothing_behind(asked, "account")
    with desk.book.reading() as view:
        paper = view.portfolios.of_kind(PortfolioKind.PAPER)
        money = view.journal.account(paper.id)
    amounts = (
        ("balance", money.balance),
        ("unrealized", money.unrealized),
        ("equity", money.equity),
        ("realized", money.realized),
    )
    lines = [f"{name:<11}{amount:>14,.2f} {paper.currency}" for name, amount in amounts]
    return _table("paper account", [*lines, f"{'open':<11}{money.n_open:>14}", f"{'closed':<11}{money.n_closed:>14}"])


async def health(desk: Desk, asked: Asked) -> str:
    _nothing_behind(asked, "health")
    with desk.book.reading() as view:
        found = run_checks(view, desk.now_ms())
    lines = [f"<b>{found.status.value}</b>"]
    for check in found.checks:
        detail = "" if check.status is Status.OK else f" – {html.escape(check.detail, quote=False)}"
        name, value = html.escape(check.name, quote=False), html.escape(check.value, quote=False)
        lines.append(f"{HEALTH_MARKS[check.status]} {name}: {value}{detail}")
    return "\n".join(lines)


async def pause_(desk: Desk, asked: Asked) -> str:
    reason = " ".join(asked.words)
    await desk.writer.run(lambda tx: pause(tx, reason, asked.by, desk.now_ms()))
    return "Paused: signals are decided and kept, none is sent. /resume goes on."


async def resume_(desk: Desk, asked: Asked) -> str:
    _nothing_behind(asked, "resume")
    was_paused = await desk.writer.run(lambda tx: resume(tx, asked.by, desk.now_ms()))
    return "Running again." if was_paused else "I was not paused."


COMMANDS = (
    Command("start", "", "what this bot does, and whether it runs", start),
    Command("help", "", "every command", help_),
    Command("signal", "SYMBOL TF", "what the engine sees now, like /signal BTCUSDT 1h", signal),
    Command("positions", "", "open positions and waiting orders", positions),
    Command("journal", "[N]", "the last signals and what became of them", journal),
    Command("account", "", "the paper account", account),
    Command("health", "", "whether everything works", health),
    Command("pause", "[REASON]", "send no signals until /resume", pause_),
    Command("resume", "", "send signals again", resume_),
)


def _help() -> str:
    return "\n".join(f"{html.escape(command.usage)} – {command.description}" for command in COMMANDS)


def _series(words: Sequence[str]) -> tuple[str, Timeframe]:
    if len(words) != 2:
        raise CommandError("Write it like /signal BTCUSDT 1h: a symbol and a timeframe.")
    symbol, text = words
    known = ", ".join(timeframe.text for timeframe in WATCHABLE)
    try:
        timeframe = Timeframe.parse(text)
    except ValueError as error:
        raise CommandError(f"{text} is no timeframe; ask for one of {known}.") from error
    if timeframe not in WATCHABLE:
        raise CommandError(f"Signals are not made on {timeframe.text}; ask for one of {known}.")
    return symbol.upper(), timeframe


def _count(asked: Asked) -> int:
    if not asked.words:
        return JOURNAL_ROWS
    [word, *more] = asked.words
    if more or not word.isdecimal() or not 1 <= int(word) <= JOURNAL_ROWS_MOST:
        raise CommandError(f"Write it like /journal 20: how many signals, 1 to {JOURNAL_ROWS_MOST}.")
    return int(word)


def _nothing_behind(asked: Asked, name: str) -> None:
    if asked.words:
        raise CommandError(f"/{name} stands alone; there is nothing to write behind it.")


def _table(head: str, lines: Iterable[str]) -> str:
    """Monospace lines of at most 34 columns, as wide as a phone shows without wrapping."""
    return "<pre>" + html.escape("\n".join([head, *lines]), quote=False) + "</pre>"


def _position_line(position: Position) -> str:
    mark = position.entry_price if position.mark_price is None else position.mark_price
    moved = (mark - position.entry_price) * position.direction.sign * position.qty
    in_r = moved / position.risk_amount if position.risk_amount else 0.0
    name = f"{position.symbol[:8]:<8}{_side(position.direction)}"
    return f"{name}{position.entry_price:>9.7g}{mark:>9.7g}{in_r:>+7.2f}"


def _order_line(order: Condition, clock: ClockText) -> str:
    return f"{order.symbol[:8]:<8}{order.trigger_price:>9.7g}  {clock(order.valid_until_ms)[5:16]}"


def _row_line(row: JournalRow) -> str:
    became = f"{row.r_multiple:+.2f}R" if row.r_multiple is not None else row.status.value.lower()
    return f"{signal_name(row.signal_id):<6}{row.symbol[:9]:<9} {row.timeframe:<4}{_side(row.direction)} {became:>11}"


def _side(direction: Direction) -> str:
    return "L" if direction is Direction.LONG else "S"
