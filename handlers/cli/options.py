"""What the commands have in common: their options, where things lie, and how arguments are read."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from engine.candles import Candles
    from engine.params import Params

EXIT_FINDING = 1
EXIT_USAGE = 2
DEFAULT_DB = Path("data/positions.db")
DEFAULT_REPLAY_DB = Path("data/replay.db")

Db = Annotated[
    Path | None, typer.Option("--db", envvar="ONEBOOK_DB", help="The book.", show_default="data/positions.db")
]
ParamsFile = Annotated[
    Path | None, typer.Option("--params", help="params.toml with values that differ from the defaults.")
]
# every command takes --db and --params (DESIGN 6), so that scripts may pass them blindly; where they mean nothing they hide
NoDb = Annotated[Path | None, typer.Option("--db", envvar="ONEBOOK_DB", hidden=True)]
NoJson = Annotated[bool, typer.Option("--json", hidden=True)]
NoParams = Annotated[Path | None, typer.Option("--params", hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
CandlePaths = Annotated[
    list[Path], typer.Argument(help="Candle files SYMBOL-TIMEFRAME[-anything].csv[.gz], or directories.")
]
FromTime = Annotated[str | None, typer.Option("--from", help="First close decided, ISO date or time, UTC.")]
Blackouts = Annotated[
    Path | None,
    typer.Option("--blackouts", envvar="ONEBOOK_BLACKOUTS", help="CSV of dated events around which nothing is sent."),
]
ToTime = Annotated[str | None, typer.Option("--to", help="Closes from here on are not decided.")]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What bot.py hands in: the clock and the live bot."""

    now_ms: Callable[[], int]
    run_live: Callable[[str | None, str | None], int]


class UsageError(ValueError):
    """Something asked of the command line that it cannot do; the message is one sentence."""


def params_in(path: Path | None) -> "Params":
    """The parameters of a params.toml, the defaults without one."""
    from handlers.params_file import read_params

    return read_params(path)


def series_in(paths: list[Path]) -> "list[Candles]":
    """The series of files and directories, at least one; gaps are told on stderr."""
    from gateways.candle_files import candle_paths, read_series

    series = read_series([file for path in paths for file in candle_paths(path)])
    for candles in series:
        tell_gaps(f"{candles.symbol} {candles.timeframe.text}", candles.gaps())
    return series


def tell_gaps(name: str, gaps: tuple[tuple[int, int], ...]) -> None:
    """Say on stderr what is missing of a series, if anything is."""
    if gaps:
        missing = sum(count for _, count in gaps)
        holes = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
        print(f"onebook: {name} has {holes}, {missing} candles missing", file=sys.stderr)


def json_object_in(path: Path) -> dict[str, Any]:
    """The JSON object of a file; UsageError where it holds none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no JSON object.")
    return document


def range_of(from_time: str | None, to_time: str | None) -> tuple[int | None, int | None]:
    """What `--from` and `--to` name, epoch ms; UsageError where nothing lies between them."""
    from_ms, to_ms = instant_of("--from", from_time), instant_of("--to", to_time)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise UsageError("--from lies at or after --to.")
    return from_ms, to_ms


def instant_of(option: str, text: str | None) -> int | None:
    """Epoch ms of an ISO date (00:00) or time, UTC where it names no zone."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} takes an ISO date or time such as 2024-02-01, not {text!r}.") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return int(instant.timestamp() * 1000)
