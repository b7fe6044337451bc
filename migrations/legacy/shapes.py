"""Every shape a legacy file may have, in the order they are asked for and the order their files are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrations.legacy import backtest_files, cache_files, other_files, report_files, signal_files
from migrations.legacy.json_stream import Broken, Piece
from migrations.legacy.normal_form import Reading
from migrations.legacy.outline import Outline, Source
from migrations.legacy.reading import broken


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of file: how to know it, how to read it. Lower `order` is read first, as the more truthful source."""

    name: str
    order: int
    claims: Callable[[Outline, str], bool]
    read: Callable[[Iterable[Piece], Source], Iterator[Reading]]


def _is_empty(outline: Outline, _: str) -> bool:
    return not outline.members and not outline.arrays and not outline.is_value


def _read_nothing(pieces: Iterable[Piece], _: Source) -> Iterator[Reading]:
    return (broken(piece) for piece in pieces if isinstance(piece, Broken))


JOURNAL = Shape("journal", 0, signal_files.is_journal, signal_files.read_journal)
EMPTY = Shape("empty", 9, _is_empty, _read_nothing)
POSITION_TABLES = "positions database"
POSITION_TABLES_ORDER = 1
UNREADABLE = "unreadable"
UNREADABLE_ORDER = 10

# the first that claims a file reads it: what is told by certain marks comes before what is told by likeness
SHAPES = (
    Shape("replay cache", 4, signal_files.is_replay_cache, signal_files.read_replay_cache),
    Shape("sniper state", 1, other_files.is_sniper_state, other_files.read_sniper_state),
    Shape("monitor state", 6, other_files.is_monitor_state, other_files.read_monitor_state),
    Shape("monitor day", 6, other_files.is_monitor_day, other_files.read_monitor_day),
    Shape("monitor counters", 6, other_files.is_monitor_counters, other_files.read_monitor_counters),
    Shape("paper results", 6, other_files.is_paper_results, other_files.read_paper_results),
    Shape("backtest comparison", 7, backtest_files.is_comparison, backtest_files.read_comparison),
    Shape("backtest list", 7, backtest_files.is_run_list, backtest_files.read_run_list),
    Shape("backtest result", 7, backtest_files.is_single_run, backtest_files.read_single_run),
    Shape("backtest table", 7, backtest_files.is_result_table, backtest_files.read_result_table),
    Shape("sent cache", 5, cache_files.is_cache, cache_files.read_cache),
    Shape("active signals", 3, signal_files.is_active_signals, signal_files.read_active_signals),
    Shape("bot statistics", 2, signal_files.is_statistics, signal_files.read_statistics),
    JOURNAL,
    Shape("daily reports", 6, report_files.is_reports, report_files.read_reports),
    Shape("risk settings", 8, other_files.is_risk_settings, other_files.read_risk_settings),
    Shape("allowed users", 8, other_files.is_user_list, other_files.read_user_list),
    Shape("task list", 8, other_files.is_task_list, other_files.read_task_list),
    EMPTY,
)

_NO_RECORDS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"archive_date", "files_archived"}), "the index of a backtest archive, no result"),
    (frozenset({"seen_titles"}), "titles of news that were seen, no trading data"),
    (frozenset({"auto_alerts_enabled", "monitoring"}), "switches of the old bot, no trading data"),
    (frozenset({"hierarchies", "validation_rules"}), "the timeframe table of the old bot, no trading data"),
)
NOT_KNOWN = "no shape of a legacy file"


def shape_of(outline: Outline, file: str) -> Shape | None:
    """The shape that claims this file; None when it is no legacy data."""
    if any(names <= outline.names for names, _ in _NO_RECORDS):
        return None
    return next((shape for shape in SHAPES if shape.claims(outline, file)), None)


def why_not_legacy(outline: Outline) -> str:
    """What a file without a shape is, as far as it can be told."""
    return next((why for names, why in _NO_RECORDS if names <= outline.names), NOT_KNOWN)
