"""Checks imported trades against candle files: the verdicts are stored beside the records, which stay as they are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.candles import Candles
from gateways.candle_files import CandleFileError, candle_paths, read_file, series_named
from migrations.legacy.candle_check import Agreement, Touch, TradeToCheck, agreement, covers, first_touch
from migrations.legacy.normal_form import Json
from storage.events import EventType
from storage.legacy import LegacyRecords
from storage.stores import Stores

ACTOR = "import"
MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class CandleSummary:
    """How many imported trades the candles confirm, contradict, or say nothing about; `problems` name bad files."""

    checked: int
    without_candles: int
    agreements: Mapping[Agreement, int]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Json]:
        counts = {verdict.value.lower(): self.agreements.get(verdict, 0) for verdict in Agreement}
        return {"checked": self.checked, "without_candles": self.without_candles, **counts}


def check_against_candles(tx: Stores, directory: Path, now_ms: int) -> CandleSummary:
    """Ask the candle files of a directory about every imported trade and store each verdict as an event.

    Of several series of a symbol the finest that holds the trade's time answers. CandleFileError when the directory
    holds no candle files.
    """
    trades = LegacyRecords(tx.connection).trades_to_check()
    series, problems = _series(directory, {trade.symbol for trade in trades})
    agreements: Counter[Agreement] = Counter()
    without_candles = 0
    for trade in trades:
        candles = _finest(series.get(trade.symbol, ()), trade.opened_ms)
        if candles is None:
            without_candles += 1
            continue
        touch = first_touch(trade, candles)
        verdict = agreement(trade.outcome, touch)
        agreements[verdict] += 1
        _store(tx, trade, candles, touch, verdict, now_ms)
    return CandleSummary(agreements.total(), without_candles, agreements, problems)


def _series(directory: Path, symbols: set[str]) -> tuple[dict[str, list[Candles]], tuple[str, ...]]:
    series: dict[str, list[Candles]] = {}
    problems: list[str] = []
    for path in candle_paths(directory):
        try:
            symbol, _ = series_named(path)
            if symbol in symbols:
                series.setdefault(symbol, []).append(read_file(path))
        except CandleFileError as error:
            problems.append(str(error))
    return series, tuple(problems)


def _finest(series: Iterable[Candles], opened_ms: int) -> Candles | None:
    covering: Sequence[Candles] = [candles for candles in series if covers(candles, opened_ms)]
    return min(covering, key=lambda candles: candles.timeframe.ms, default=None)


def _store(tx: Stores, trade: TradeToCheck, candles: Candles, touch: Touch, verdict: Agreement, now_ms: int) -> None:
    recorded = "no outcome" if trade.outcome is None else trade.outcome.value
    met = touch.first.value.lower().replace("_", " ")
    when = "" if touch.at_ms is None else f" by {_utc(touch.at_ms)}"
    tx.events.add(
        EventType.LEGACY_CHECKED,
        now_ms,
        signal_id=trade.signal_id,
        position_id=trade.position_id,
        symbol=trade.symbol,
        actor=ACTOR,
        message=f"{verdict.value}: recorded {recorded}, {candles.timeframe.text} candles show {met}{when}",
        decision_context={
            "agreement": verdict.value,
            "first": touch.first.value,
            "first_ms": touch.at_ms,
            "timeframe": candles.timeframe.text,
        },
        idem_key=f"legacy check:{trade.signal_id}:{verdict.value}:{candles.timeframe.text}",
    )


def _utc(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / MS_PER_SECOND, UTC).isoformat(sep=" ", timespec="minutes")
