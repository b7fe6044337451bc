"""Signals as people ask for them: /signals, /open, /why, /chart, and the buttons Chart and Why under a post."""

from collections.abc import Iterator

from diagnostics.explain import Explanation, explain
from engine.gates import GATE_ORDER
from engine.vocabulary import Contribution, PortfolioKind, Position, SignalStatus
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.account import result_in_r, side
from handlers.telegram.commands.words import series_of, signal_word
from handlers.telegram.desk import Action, Answer, Asked, Command, CommandError, Desk, Pressed
from handlers.telegram.figures import price as price_text
from handlers.telegram.figures import signal_name
from handlers.telegram.phrases import phrase, setup_words
from handlers.telegram.tables import Column, Table, short_price
from handlers.telegram.texts import CHART, WHY
from services.post import ChartKind, ChartRequest
from storage.signals import AmbiguousSignal, StoredSignal, StoredVerdict, UnknownSignal
from storage.stores import Stores
from storage.users import Role

PRICE_WIDTH = 9
WAITING = (SignalStatus.ACCEPTED, SignalStatus.SENT)

LIVE = Table(
    (
        Column("table.id", 6),
        Column("table.symbol", 8),
        Column("table.tf", 3),
        Column("", 1),
        Column("table.entry", PRICE_WIDTH, right=True),
    )
)
OPEN = Table(
    (
        Column("table.id", 6),
        Column("table.symbol", 8),
        Column("table.tf", 3),
        Column("", 1),
        Column("table.r", 7, right=True),
    )
)
PARTS = Table((Column("table.part", 13), Column("table.points", 6, right=True), Column("table.of", 6, right=True)))


async def signals(desk: Desk, asked: Asked) -> Answer:
    """Signals whose entry is still waited for."""
    with desk.book.reading() as view:
        waiting = [stored for stored in view.signals.live() if stored.status in WAITING]
    if not waiting:
        return Answer(asked.say("signals.none"))
    head = asked.say("signals.head", count=len(waiting))
    return Answer(joined([head, LIVE.html(asked.user.language, map(_live_row, waiting)), asked.say("signals.how")]))


async def open_(desk: Desk, asked: Asked) -> Answer:
    """Sent signals that are filled and not closed, in R as the record counts them."""
    with desk.book.reading() as view:
        shadow = view.portfolios.of_kind(PortfolioKind.SHADOW).id
        filled = {stored.id: stored for stored in view.signals.live() if stored.status is SignalStatus.EXECUTED}
        opened = [
            (filled[position.signal_id], position)
            for position in view.positions.open_positions(shadow)
            if position.signal_id in filled
        ]
    if not opened:
        return Answer(asked.say("open.none"))
    rows = (_open_row(stored, position) for stored, position in opened)
    return Answer(joined([asked.say("open.head", count=len(opened)), OPEN.html(asked.user.language, rows)]))


async def why(desk: Desk, asked: Asked) -> Answer:
    """Why a signal is what it is, with its chart; without a name the newest one."""
    with desk.book.reading() as view:
        return _explained(view, asked, _named(view, asked.words))


async def why_pressed(desk: Desk, press: Pressed) -> Answer:
    """The same, by the button under its post."""
    with desk.book.reading() as view:
        return _explained(view, press.asked, view.signals.get(int(press.argument)))


async def chart(desk: Desk, asked: Asked) -> Answer:
    """The chart of a series with its zones as they are read now, and the name of its newest signal."""
    symbol, timeframe = series_of(asked.words, "chart")
    picture = await desk.series(symbol, timeframe)
    with desk.book.reading() as view:
        stored = view.signals.latest_of(symbol, timeframe)
    price = price_text(float(picture.candles.close[-1]))
    series = {"symbol": symbol, "timeframe": timeframe.text, "closed": asked.clock(picture.closed_ms)}
    lines = [asked.say("chart.head", **series, price=price)]
    if stored is not None:
        status = asked.say(f"status.{stored.status.value}")
        lines.append(asked.say("chart.signal", name=signal_name(stored.id), status=status))
    return Answer(joined(lines), chart=picture)


async def chart_pressed(desk: Desk, press: Pressed) -> Answer:
    """The chart of the post the button hangs under."""
    with desk.book.reading() as view:
        return _drawn(press.asked, view.signals.get(int(press.argument)))


def _named(view: Stores, words: tuple[str, ...]) -> StoredSignal:
    if len(words) > 1:
        raise CommandError("ask.why")
    try:
        if words:
            return view.signals.find(signal_word(words[0]))
        [newest] = view.signals.latest(1)
    except (UnknownSignal, AmbiguousSignal, ValueError) as error:
        raise CommandError("ask.why") from error
    return newest


def _drawn(asked: Asked, stored: StoredSignal) -> Answer:
    return Answer(_head(asked, stored), chart=ChartRequest(stored.id, ChartKind.SIGNAL))


def _explained(view: Stores, asked: Asked, stored: StoredSignal) -> Answer:
    return Answer(joined(_why_lines(explain(view, str(stored.id)), asked)), chart=ChartRequest(stored.id))


def _why_lines(found: Explanation, asked: Asked) -> Iterator[Markup]:
    stored, signal = found.stored, found.stored.signal
    yield _head(asked, stored)
    for reason in signal.reasons:
        yield asked.say("why.reason", reason=phrase(asked.voice, reason))
    yield asked.say("why.score", score=f"{signal.confidence:.0f}")
    yield PARTS.html(asked.user.language, (_part_row(part, asked) for part in signal.contributions))
    stopped = [held for held in found.verdicts if held.verdict.blocks]
    passed = len({held.verdict.gate for held in found.verdicts} - {held.verdict.gate for held in stopped})
    yield asked.say("why.gates", passed=passed)
    for held in sorted(stopped, key=lambda held: (held.at_ms, GATE_ORDER.get(held.verdict.gate, 0))):
        yield _stopped(asked, held)


def _head(asked: Asked, stored: StoredSignal) -> Markup:
    signal = stored.signal
    return asked.say(
        "why.head",
        direction=asked.say(f"direction.{signal.direction.value}"),
        symbol=signal.symbol,
        timeframe=signal.timeframe.text,
        name=signal_name(stored.id),
        setup=setup_words(asked.voice, signal.setup),
        status=asked.say(f"status.{stored.status.value}"),
        closed=asked.clock(signal.candle_close_ms),
    )


def _stopped(asked: Asked, held: StoredVerdict) -> Markup:
    verdict = held.verdict
    return asked.say("why.stopped", gate=verdict.gate, value=verdict.value or "–", limit=verdict.limit or "–")


def _part_row(part: Contribution, asked: Asked) -> tuple[str, ...]:
    points = "–" if part.points is None else f"{part.points:.1f}"
    return part.name, points, f"{part.possible:.0f}"


def _live_row(stored: StoredSignal) -> tuple[str, ...]:
    signal = stored.signal
    entry = short_price(signal.entry, PRICE_WIDTH)
    return signal_name(stored.id), signal.symbol, signal.timeframe.text, side(signal.direction), entry


def _open_row(stored: StoredSignal, position: Position) -> tuple[str, ...]:
    signal = stored.signal
    result = f"{result_in_r(position):+.2f}"
    return signal_name(stored.id), signal.symbol, signal.timeframe.text, side(signal.direction), result


COMMANDS = (
    Command("signals", "", "about.signals", Role.SUBSCRIBER, signals),
    Command("open", "", "about.open", Role.SUBSCRIBER, open_),
    Command("why", "[S-ID]", "about.why", Role.SUBSCRIBER, why),
    Command("chart", "SYMBOL TF", "about.chart", Role.SUBSCRIBER, chart),
)
ACTIONS = (Action(CHART, Role.SUBSCRIBER, chart_pressed), Action(WHY, Role.SUBSCRIBER, why_pressed))
