"""Candle files: CSV or CSV.gz named SYMBOL-TIMEFRAME[-anything] become `Candles`, or one sentence that says why not."""

import bisect
import gzip
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.candles import Candles, InputError
from engine.timeframes import Timeframe

SUFFIXES = (".csv.gz", ".csv")
COLUMNS = ("time", "open", "high", "low", "close", "volume")
DUMP_COLUMNS = 12  # an exchange's kline dump: our six, close time, quote volume, trades, two taker volumes, ignore

_GZIP_MAGIC = b"\x1f\x8b"
_TIME_NAMES = ("time", "open_time")
_TIME_WIDTH = 40  # bytes kept of a time; the longest ISO form has 32
_ISO_WIDTH = len("2025-01-31T23:59:59Z")
_FIRST_EPOCH_MS = 10**11  # 1973; smaller whole numbers are seconds or no time at all
_FIRST_EPOCH_US = 10**14  # as microseconds 1973, as milliseconds the year 5138
_END_EPOCH_US = 10**17  # beyond lie nanoseconds, which no candle file uses
_US_PER_MS = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROW = np.dtype([("time", f"S{_TIME_WIDTH}"), *((name, np.float64) for name in COLUMNS[1:])])


class CandleFileError(ValueError):
    """A candle file that cannot be used; one sentence names the file and, where it can, the line."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The text of one file, how many columns its first line has and whether that line is a header."""

    path: Path
    text: str
    columns: int
    header_lines: int

    @property
    def rows(self) -> list[str]:
        return self.text.splitlines()[self.header_lines :]

    def fault(self, row: int, reason: str) -> CandleFileError:
        return CandleFileError(f"{self.path}, line {row + self.header_lines + 1}: {reason}")


def candle_paths(path: Path) -> list[Path]:
    """`path` itself, or every candle file directly inside that directory, sorted; hidden files are passed by."""
    if not path.is_dir():
        return [path]
    try:
        found = sorted(entry for entry in path.iterdir() if entry.name.endswith(SUFFIXES) and entry.name[0] != ".")
    except OSError as error:
        raise CandleFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not found:
        raise CandleFileError(f"{path}: this directory holds no .csv or .csv.gz file")
    return found


def series_named(path: Path) -> tuple[str, Timeframe]:
    """Symbol and timeframe out of a file's name; CandleFileError when the name does not say them."""
    suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    if suffix is None:
        raise CandleFileError(f"{path}: a candle file ends in .csv or .csv.gz")
    words = path.name.removesuffix(suffix).split("-")
    for position, word in enumerate(words[1:], start=1):  # a symbol may hold hyphens: the first timeframe ends it
        try:
            timeframe = Timeframe.parse(word)
        except ValueError:
            continue
        symbol = "-".join(words[:position]).strip()
        if symbol:
            return symbol, timeframe
    raise CandleFileError(
        f"{path}: the name must be SYMBOL-TIMEFRAME[-anything], for example BTCUSDT-1h.csv, "
        f"with one of the timeframes {', '.join(timeframe.text for timeframe in Timeframe)}"
    )


def read_file(path: Path) -> Candles:
    """The candles of one file, a repeated time keeping its last row; holes in time are no error, see `Candles.gaps`.

    CandleFileError when the file is missing, unreadable, empty or truncated, when its header, a row or a number is
    malformed, or when `Candles` refuse a bar (their InputError is the cause).
    """
    symbol, timeframe = series_named(path)
    sheet = _sheet(path, _text(path))
    table = _table(sheet)
    open_ms = _epoch_ms(sheet, table["time"])
    columns = (open_ms, *(table[name] for name in COLUMNS[1:]))
    try:
        return Candles.checked(symbol, timeframe, *columns)
    except InputError:
        row, refusal = _first_refusal(symbol, timeframe, columns)
        raise sheet.fault(row, str(refusal)) from refusal


def read_series(paths: Iterable[Path]) -> list[Candles]:
    """One `Candles` per series in the order its first file comes; of bars found in several files the last is kept.

    A directory among `paths` stands for all of its candle files. CandleFileError as in `read_file`.
    """
    parts: dict[tuple[str, Timeframe], list[Candles]] = {}
    for path in paths:
        for file in candle_paths(path):
            candles = read_file(file)
            parts.setdefault((candles.symbol, candles.timeframe), []).append(candles)
    return [_joined(series) for series in parts.values()]


def _joined(parts: Sequence[Candles]) -> Candles:
    if len(parts) == 1:
        return parts[0]
    open_ms = np.concatenate([part.open_ms for part in parts])
    order = np.argsort(open_ms, kind="stable")  # stable: of equal times the later file stays behind, and is kept
    columns = (
        np.concatenate([part.open for part in parts])[order],
        np.concatenate([part.high for part in parts])[order],
        np.concatenate([part.low for part in parts])[order],
        np.concatenate([part.close for part in parts])[order],
        np.concatenate([part.volume for part in parts])[order],
    )
    joined = Candles.checked(parts[0].symbol, parts[0].timeframe, open_ms[order], *columns)
    return replace(joined, dropped=())  # an overlap of two files is how dumps are cut, not a defect to report


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CandleFileError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CandleFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if data.startswith(_GZIP_MAGIC):
        data = _unzipped(path, data)
    elif path.name.endswith(".gz"):
        raise CandleFileError(f"{path}: is empty" if not data else f"{path}: is no gzip file, though its name says so")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CandleFileError(f"{path}, line {line}: is no text") from error


def _unzipped(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except EOFError as error:
        raise CandleFileError(f"{path}: the gzip file is truncated; copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CandleFileError(f"{path}: the gzip file is damaged ({error}); copy or download it again") from error


def _sheet(path: Path, text: str) -> _Sheet:
    text = text.rstrip()
    if not text:
        raise CandleFileError(f"{path}: is empty")
    first_line, _, rest = text.partition("\n")
    first = [cell.strip().lower() for cell in first_line.split(",")]
    if first[0] in _TIME_NAMES and tuple(first[1:6]) == COLUMNS[1:]:
        if not rest:
            raise CandleFileError(f"{path}: has a header but no candles")
        return _Sheet(path, text, len(first), header_lines=1)
    if len(first) == DUMP_COLUMNS and first[0].isdecimal():
        return _Sheet(path, text, len(first), header_lines=0)
    raise CandleFileError(f"{path}, line 1: the header must be {','.join(COLUMNS)}, found '{first_line.strip()[:80]}'")


def _table(sheet: _Sheet) -> NDArray[np.void]:
    """The six columns as one structured array; the fast reader does the work, the slow one finds the fault."""
    lines = sheet.text.count("\n") + 1
    if sheet.text.count(",") != lines * (sheet.columns - 1) or not sheet.text.isascii():
        raise _faulty_row(sheet)
    try:
        table = np.loadtxt(
            io.StringIO(sheet.text),
            dtype=_ROW,
            delimiter=",",
            comments=None,
            skiprows=sheet.header_lines,
            usecols=range(len(COLUMNS)),
            ndmin=1,
        )
    except ValueError as error:
        return _table_cell_by_cell(sheet, error)
    if len(table) != lines - sheet.header_lines:  # the fast reader passes by blank lines without a word
        raise _faulty_row(sheet)
    return table


def _table_cell_by_cell(sheet: _Sheet, error: ValueError) -> NDArray[np.void]:
    """What the fast reader refused: an empty volume is a missing one, anything else is the fault to name."""
    lines = sheet.rows
    if any("_" in line for line in lines):  # Python reads 1_000, no candle file means it
        raise _faulty_row(sheet) from error
    cells = [line.split(",")[: len(COLUMNS)] for line in lines]
    try:
        return np.array([(row[0], *map(float, row[1:-1]), float(row[-1] or "nan")) for row in cells], dtype=_ROW)
    except ValueError:
        raise _faulty_row(sheet) from error


def _faulty_row(sheet: _Sheet) -> CandleFileError:
    for row, line in enumerate(sheet.rows):
        cells = line.split(",")
        if len(cells) != sheet.columns:
            return sheet.fault(row, f"has {len(cells)} of {sheet.columns} columns: '{line[:80]}'")
        for name, cell in zip(COLUMNS[1:], cells[1:], strict=False):
            if not _is_number(cell) and not (name == "volume" and not cell):
                return sheet.fault(row, f"the {name} '{cell[:40]}' is not a number")
        if not line.isascii():
            return sheet.fault(row, f"holds foreign characters: '{line[:80]}'")
    return CandleFileError(f"{sheet.path}: cannot be read as candles")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def _epoch_ms(sheet: _Sheet, times: NDArray[np.bytes_]) -> NDArray[np.int64]:
    if times[0].isdigit():
        return _from_epoch(sheet, times)
    characters = np.ascontiguousarray(times).view("S1").reshape(len(times), _TIME_WIDTH)
    if (characters[:, _ISO_WIDTH - 1] == b"Z").all() and (characters[:, _ISO_WIDTH] == b"").all():
        try:
            return times.astype(f"S{_ISO_WIDTH - 1}").astype("datetime64[ms]").astype(np.int64)
        except ValueError:
            pass  # the general reader below names the line
    return np.array([_iso_ms(sheet, row, time.decode()) for row, time in enumerate(times.tolist())], dtype=np.int64)


def _from_epoch(sheet: _Sheet, times: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """Epoch milliseconds out of milliseconds or, in dumps from 2025 on, microseconds."""
    try:
        values = times.astype(np.int64)
    except (ValueError, OverflowError):
        row = next(row for row, time in enumerate(times.tolist()) if not (time.isdigit() and len(time) < 19))
        raise sheet.fault(row, f"the time '{times[row].decode()}' is no epoch time") from None
    strange = (values < _FIRST_EPOCH_MS) | (values >= _END_EPOCH_US)
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        raise sheet.fault(row, f"the time {values[row]} is neither ISO nor epoch milliseconds")
    return np.where(values >= _FIRST_EPOCH_US, values // _US_PER_MS, values)


def _iso_ms(sheet: _Sheet, row: int, time: str) -> int:
    try:
        at = datetime.fromisoformat(time.strip())
    except ValueError:
        raise sheet.fault(row, f"the time '{time}' is neither ISO nor epoch milliseconds") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _first_refusal(
    symbol: str, timeframe: Timeframe, columns: Sequence[NDArray[np.int64] | NDArray[np.float64]]
) -> tuple[int, InputError | None]:
    """The first row that `Candles` refuse and why, found by halving: a prefix is refused when it holds a bad row."""

    def refusal(rows: int) -> InputError | None:
        try:
            Candles.checked(symbol, timeframe, *(column[:rows] for column in columns))
        except InputError as error:
            return error
        return None

    rows = bisect.bisect_left(range(len(columns[0])), True, key=lambda rows: refusal(rows) is not None)
    return rows - 1, refusal(rows)
