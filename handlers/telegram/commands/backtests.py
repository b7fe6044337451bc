"""Backtests: /backtest begins one, /backtest_results lists and compares those that were kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.commands.words import timeframe_of
from handlers.telegram.desk import Answer, Asked, Command, CommandError, Desk
from handlers.telegram.tables import Column, Table
from services.backtest_desk import BacktestBusy, Wanted
from storage.backtests import Backtests, StoredRun
from storage.codec import Json
from storage.users import Role

ALL = "all"
CANDLE_FILE_ENDINGS = (".csv", ".csv.gz")
FILES_BELOW = Path("data")
"""Files are named below this folder alone: a chat must not read what else lies on the machine."""
RUNS_SHOWN = 10
COMPARED = 2
MS_PER_SECOND = 1000
METRICS = ("signals", "sent", "filled", "n", "wins", "losses", "breakeven")

RUNS = Table(
    (
        Column("table.id", 4),
        Column("table.day", 8),
        Column("table.n", 5, right=True),
        Column("table.mean", 6, right=True),
        Column("table.sum", 7, right=True),
    )
)
COMPARISON = Table(
    (Column("table.what", 12), Column("table.first", 10, right=True), Column("table.second", 10, right=True))
)


async def backtest(desk: Desk, asked: Asked) -> Answer:
    """Begin a backtest of the book's candles, of all, of a symbol or a series, or of candle files."""
    if desk.backtests is None:
        raise CommandError("backtest.nobody")
    wanted = _wanted(asked)
    chat = await desk.writer.run(lambda tx: tx.chats.ensure(asked.chat.id, asked.chat.kind, asked.chat.topic_id))
    try:
        desk.backtests.start(wanted, chat.id)
    except BacktestBusy as error:
        raise CommandError("backtest.busy") from error
    return Answer(asked.say("backtest.begun"))


async def backtest_results(desk: Desk, asked: Asked) -> Answer:
    """The newest runs, one of them whole, or two beside each other."""
    if len(asked.words) > COMPARED or not all(word.isdecimal() for word in asked.words):
        raise CommandError("ask.backtest_results")
    with desk.book.reading() as view:
        if not asked.words:
            runs = Backtests(view.connection).latest(RUNS_SHOWN)
        else:
            try:
                runs = tuple(Backtests(view.connection).get(int(word)) for word in asked.words)
            except LookupError as error:
                raise CommandError("ask.backtest_results") from error
    if not runs:
        return Answer(asked.say("backtest.none"))
    if not asked.words:
        return Answer(joined([RUNS.html(asked.user.language, map(_row, runs)), asked.say("backtest.how")]))
    return Answer(_compared(asked, runs))


def run_line(asked: Asked, run: StoredRun) -> Markup:
    """What one run was."""
    return asked.say(
        "backtest.run", id=run.id, name=run.run.name, since=_day(run.run.from_ms), until=_day(run.run.to_ms)
    )


def _wanted(asked: Asked) -> Wanted:
    words = asked.words
    if words and all(word.endswith(CANDLE_FILE_ENDINGS) for word in words):
        files = tuple((FILES_BELOW / word).resolve() for word in words)
        if not all(file.is_relative_to(FILES_BELOW.resolve()) and file.is_file() for file in files):
            raise CommandError("backtest.no_file", folder=str(FILES_BELOW))
        return Wanted(files=files)
    match words:
        case () | ("all",):
            return Wanted()
        case (symbol,):
            return Wanted(symbol=symbol.upper())
        case (symbol, timeframe):
            return Wanted(None if symbol == ALL else symbol.upper(), timeframe_of(timeframe))
    raise CommandError("ask.backtest")


def _row(run: StoredRun) -> tuple[str, ...]:
    day = _day(run.created_ms)[2:].replace("-", "")
    mean, total = _number(_mean(run.metrics), "+.3f"), _number(run.metrics.get("total_r"), "+.1f")
    return str(run.id), day, _number(run.metrics.get("n"), "g"), mean, total


def _compared(asked: Asked, runs: tuple[StoredRun, ...]) -> Markup:
    first, second = runs[0], runs[-1]
    rows = [(name, _number(first.metrics.get(name), "g"), _number(second.metrics.get(name), "g")) for name in METRICS]
    rows += [("R/trade", _number(_mean(first.metrics), "+.3f"), _number(_mean(second.metrics), "+.3f"))]
    for name in ("total_r", "profit_factor", "max_drawdown_r"):
        rows.append((name, _number(first.metrics.get(name), ".2f"), _number(second.metrics.get(name), ".2f")))
    return joined([*(run_line(asked, run) for run in runs), COMPARISON.html(asked.user.language, rows)])


def _mean(metrics: Mapping[str, Json]) -> Json:
    expectancy = metrics.get("expectancy_r")
    return expectancy["value"] if isinstance(expectancy, Mapping) else None


def _number(value: Json, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "–"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / MS_PER_SECOND, UTC):%Y-%m-%d}"


COMMANDS = (
    Command("backtest", "[SYMBOL|all|FILE...] [TF]", "about.backtest", Role.OPERATOR, backtest, changes=True),
    Command("backtest_results", "[ID] [ID]", "about.backtest_results", Role.OPERATOR, backtest_results),
)
