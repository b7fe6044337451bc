"""The files that hold trades: journals of three generations, bot statistics, active signals, replay caches."""

from collections.abc import Iterable, Iterator

from migrations.legacy import words
from migrations.legacy.json_stream import Broken, Member, Piece
from migrations.legacy.normal_form import Reading, System
from migrations.legacy.outline import Fields, Outline, Source
from migrations.legacy.reading import Found, Judge, Judged, found_records, judged, judged_one, quarantined, raw_of
from migrations.legacy.rows import Row
from migrations.legacy.times import Clock
from migrations.legacy.trades import TradeRules, read_trade

JOURNAL_NAMES = frozenset({"trades", "metadata", "patterns", "ml_insights", "statistics"})
COUNTERS = frozenset({"total_signals", "by_symbol", "by_timeframe", "by_confidence"})
FEWEST_COUNTERS = 2
COUNTERS_ONLY = "counters only: there is no signal among them to import"
ACTIVE_MARKS = ("tp_80_alerted", "result_sent")
REPLAY_MARK = "original_signal"


def is_journal(outline: Outline, _: str) -> bool:
    if "trades" not in outline.names:
        return any(_looks_like_a_trade(row) for row in (*outline.rows(None), *outline.records()))
    if any(_looks_like_a_trade(row) for row in (*outline.rows("trades"), *outline.keyed("trades"))):
        return True
    return isinstance(outline.members.get("trades", []), dict | list) and outline.names <= JOURNAL_NAMES


def read_journal(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    return judged(found_records(pieces, source.holder("trades")), trade_judge(source.clock))


def is_statistics(outline: Outline, _: str) -> bool:
    if len(outline.names & COUNTERS) >= FEWEST_COUNTERS:
        return True
    rows = (*outline.rows("signals"), *outline.keyed("signals"), *outline.rows(None))
    return any(_looks_like_a_statistic(row) for row in rows)


def read_statistics(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """The signals of a statistic; one that keeps no list of them is a single record of counters."""
    judge = trade_judge(source.clock)
    holder = "signals" if source.outline.is_object else None
    counters: dict[str, object] = {}
    has_list = False
    for piece in pieces:
        if isinstance(piece, Member) and piece.key is not None and piece.key != "signals":
            counters[piece.key] = piece.value
        elif not isinstance(piece, Broken):
            has_list = True
        yield from judged(found_records((piece,), holder), judge)
    if not has_list:
        yield quarantined(Found("/", counters, raw_of(counters)), COUNTERS_ONLY)


def is_active_signals(outline: Outline, _: str) -> bool:
    return any(mark in row for row in outline.rows(None) for mark in ACTIVE_MARKS)


def read_active_signals(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    return judged(found_records(pieces, None), trade_judge(source.clock))


def is_replay_cache(outline: Outline, _: str) -> bool:
    return any(REPLAY_MARK in row for row in outline.rows("signals"))


def read_replay_cache(pieces: Iterable[Piece], source: Source) -> Iterator[Reading]:
    """Signals kept with their candles: the levels stand in the inner record, the instant in the outer one."""
    judge = trade_judge(source.clock)
    for found in found_records(pieces, "signals"):
        if isinstance(found, Found) and isinstance(found.value, dict):
            inner = found.value.get(REPLAY_MARK)
            merged = {**inner, **found.value} if isinstance(inner, dict) else found.value
            yield judged_one(Found(found.place, merged, found.raw), judge)
        else:
            yield from judged((found,), judge)


def trade_judge(clock: Clock, system: System = System.SIGNAL_BOT, *, needs_timeframe: bool = True) -> Judge:
    """Judges rows as trades of a system."""
    rules = TradeRules(system, clock, needs_timeframe)

    def judge(row: Row, _: Found) -> Judged:
        row.null_nonfinite("conditions")
        trade = read_trade(row, rules)
        return Judged(trade, trade.natural_key)

    return judge


def _looks_like_a_trade(row: Fields) -> bool:
    return "symbol" in row and any(name in row for name in words.ENTRY_FIELDS)


def _looks_like_a_statistic(row: Fields) -> bool:
    return "symbol" in row and "type" in row and "timestamp" in row
