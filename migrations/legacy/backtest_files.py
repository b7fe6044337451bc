"""Results of old backtests: lists of runs, one file a series in its generations, tables by series, comparisons."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from engine.vocabulary import Outcome
from migrations.legacy import words
from migrations.legacy.fakes import made_up
from migrations.legacy.json_stream import Broken, Element, Member, Piece
from migrations.legacy.normal_form import Json, LegacyBacktest, LegacyBacktestTrade, Reading, System, Unusable
from migrations.legacy.outline import Fields, Outline, Source
from migrations.legacy.reading import (
    Found,
    Judge,
    Judged,
    broken,
    found_records,
    judged,
    judged_one,
    quarantined,
    raw_of,
)
from migrations.legacy.rows import Row
from migrations.legacy.times import US_PER_DAY, Clock, EpochUnit
from migrations.legacy.trades import parsed_timeframe

TOTAL_FIELDS = ("total_trades",)
WIN_FIELDS = ("wins", "total_win")
LOSS_FIELDS = ("losses", "total_loss")
FIGURES = {
    "win_rate_pct": ("win_rate",),
    "pnl_pct": ("total_pnl", "total_profit_pct"),
    "average_pnl_pct": ("avg_profit_per_trade",),
    "average_rr": ("avg_rr",),
}
NO_SERIES = "a comparison of two runs that names neither symbol nor period: kept to be read"
LONGEST_PERIOD_DAYS = 10_000
TRADE_TIME_FIELDS = ("timestamp", "entry_time", "opened_at")


def is_run_list(outline: Outline, _: str) -> bool:
    rows = (*outline.rows("backtests"), *outline.rows(None))
    return any(_looks_like_a_run(row) for row in rows) or (
        outline.names == {"backtests"} and not outline.arrays.get("backtests")
    )


def read_run_list(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    return judged(found_records(pieces, source.holder("backtests")), _run_judge(source.clock, EpochUnit.MILLISECONDS))


def is_single_run(outline: Outline, _: str) -> bool:
    return _looks_like_a_run(dict.fromkeys(outline.names)) and outline.is_object


def read_single_run(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """The one run of a file, put together from its pieces."""
    document: dict[str, object] = {}
    arrays: dict[str, list[object]] = {}
    for piece in pieces:
        match piece:
            case Broken():
                yield broken(piece)
            case Member(key=str(key)):
                document[key] = piece.value
            case Element(key=str(key)):
                arrays.setdefault(key, []).append(piece.value)
            case _:
                pass
    document |= arrays
    judge = _run_judge(source.clock, EpochUnit.SECONDS)
    yield judged_one(Found("/", document, raw_of(document)), judge)


def is_result_table(outline: Outline, _: str) -> bool:
    return any("total_trades" in row and "win_rate" in row for row in outline.keyed("results"))


def read_result_table(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """One run per series, all of the instant that the file names beside them."""
    ran = source.outline.members.get("timestamp")
    judge_run = _run_judge(source.clock, EpochUnit.SECONDS)

    def judge(row: Row, found: Found) -> Judged:
        symbol, _, timeframe = (found.key or "").rpartition("_")
        named = {"symbol": symbol, "timeframe": timeframe, "timestamp": ran, **row.fields}
        return judge_run(Row(named, row.repairs), found)

    return judged(found_records(pieces, "results"), judge)


def is_comparison(outline: Outline, _: str) -> bool:
    return {"improvements", "baseline_summary", "enhanced_summary"} <= outline.names


def read_comparison(pieces: Iterable[Piece], _: Source) -> Iterator[Reading]:
    document: dict[str, object] = {}
    for piece in pieces:
        if isinstance(piece, Broken):
            yield broken(piece)
        elif isinstance(piece, Member) and piece.key is not None:
            document[piece.key] = piece.value
    yield quarantined(Found("/", document, raw_of(document)), NO_SERIES)


def _run_judge(clock: Clock, unit: EpochUnit) -> Judge:
    # times of trades are the candles' own, and those are UTC
    candle_clock = clock.in_utc().of(unit)

    def judge(row: Row, found: Found) -> Judged:
        symbol = words.symbol_of(row.required_word(("symbol",)), System.SIGNAL_BOT)
        timeframe = parsed_timeframe(row.required_word(words.TIMEFRAME_FIELDS))
        trades = _trades(row, symbol, candle_clock)
        named_us = row.instant_if_any(("timestamp",), clock)
        ran_us = clock.now_us if named_us is None else named_us
        if named_us is None:
            row.repairs.append("no time noted: placed at the time of this import")
        from_us, to_us = _period(row, trades, ran_us)
        run = LegacyBacktest(symbol, timeframe, from_us, to_us, ran_us, _metrics(row), trades)
        instant = hashlib.sha256(found.raw.encode()).hexdigest() if named_us is None else str(named_us)
        return Judged(run, f"backtest|{symbol}|{timeframe.text}|{instant}")

    return judge


def _period(row: Row, trades: tuple[LegacyBacktestTrade, ...], ran_us: int) -> tuple[int, int]:
    days = row.number(("period_days",))
    if days is not None:
        if not 0 <= days <= LONGEST_PERIOD_DAYS:
            raise Unusable(f"impossible period of {days:g} days")
        return ran_us - round(days * US_PER_DAY), ran_us
    instants = [trade.decided_us for trade in trades] or [ran_us]
    return min(instants), max(instants)


def _metrics(row: Row) -> Mapping[str, Json]:
    total, wins, losses = (_count(row, names) for names in (TOTAL_FIELDS, WIN_FIELDS, LOSS_FIELDS))
    if total is None:
        raise Unusable("total_trades is missing")
    if wins is not None and losses is not None and wins + losses > total:
        raise Unusable(f"contradiction: {wins} wins and {losses} losses in {total} trades")
    figures: dict[str, Json] = {"trades": total, "wins": wins, "losses": losses}
    for name, fields in FIGURES.items():
        figures[name] = row.number(fields)
    alerts = row.fields.get("alerts_80")
    figures["alerts_80"] = len(alerts) if isinstance(alerts, list) else None
    return {name: value for name, value in figures.items() if value is not None}


def _count(row: Row, names: tuple[str, ...]) -> int | None:
    value = row.number(names)
    if value is None:
        return None
    if value < 0 or value != int(value):
        raise Unusable(f"{names[0]} {value:g} is no count")
    return int(value)


def _trades(row: Row, symbol: str, clock: Clock) -> tuple[LegacyBacktestTrade, ...]:
    """The trades that can be placed in time; a made-up one makes the whole run a test."""
    listed = row.fields.get("trades")
    if not isinstance(listed, list):
        return ()
    read: list[LegacyBacktestTrade] = []
    for fields in listed:
        if not isinstance(fields, dict):
            continue
        _refuse_made_up(fields, symbol)
        try:
            read.append(_trade(Row(fields), clock))
        except Unusable:
            continue  # counted below, kept in the raw record
    if left_out := len(listed) - len(read):
        row.repairs.append(f"{left_out} of {len(listed)} trades without time or direction: left out")
    return tuple(read)


def _refuse_made_up(fields: Fields, symbol: str) -> None:
    entry = Row(fields).first(words.ENTRY_FIELDS)
    if isinstance(entry, int | float) and (reason := made_up(fields, symbol, float(entry))) is not None:
        raise Unusable(f"test output: {reason}")


def _trade(row: Row, clock: Clock) -> LegacyBacktestTrade:
    direction = words.direction_of(row.required_word(words.DIRECTION_FIELDS))
    word = (row.word(words.OUTCOME_FIELDS) or "").upper()
    return LegacyBacktestTrade(
        decided_us=row.instant(TRADE_TIME_FIELDS, clock),
        direction=direction,
        outcome=words.OUTCOMES.get(word),
        r_multiple=_result_r(row, words.OUTCOMES.get(word)),
    )


def _result_r(row: Row, outcome: Outcome | None) -> float | None:
    pnl_pct = row.number(words.PNL_FIELDS)
    if pnl_pct is None or outcome is None or not (row.has(words.ENTRY_FIELDS) and row.has(words.STOP_FIELDS)):
        return None
    entry, stop = row.price(words.ENTRY_FIELDS, "entry"), row.price(words.STOP_FIELDS, "stop")
    return None if entry == stop else pnl_pct / (abs(entry - stop) / entry * 100)


def _looks_like_a_run(row: Fields) -> bool:
    return {"symbol", "timeframe", "total_trades"} <= set(row)
