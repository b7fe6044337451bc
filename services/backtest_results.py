"""Kept backtests side by side: what each came to in R, as a whole, by setup and by timeframe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluation import Performance, performance
from storage.backtests import Backtests, BacktestTrade, StoredRun
from storage.stores import Stores


class NoSuchBacktest(ValueError):
    """A backtest that was never kept is asked for; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A run with its figures, all drawn anew from its trades; what a trade cost is not kept, so that figure is NaN."""

    stored: StoredRun
    overall: Performance
    by_setup: Mapping[str, Performance]
    by_timeframe: Mapping[str, Performance]


def compare(view: Stores, ids: Sequence[int]) -> tuple[Compared, ...]:
    """The runs of these ids in the order given; NoSuchBacktest where one is not kept."""
    return tuple(_compared(view, run_id) for run_id in ids)


def latest(view: Stores, count: int) -> tuple[StoredRun, ...]:
    """The newest runs, the newest first, without the parts that hold what was not sent."""
    return Backtests(view.connection).latest(count)


def _compared(view: Stores, run_id: int) -> Compared:
    backtests = Backtests(view.connection)
    try:
        stored = backtests.get(run_id)
    except LookupError as error:
        raise NoSuchBacktest(str(error)) from error
    closed = [trade for trade in backtests.trades(run_id) if trade.r_multiple is not None]
    return Compared(
        stored=stored,
        overall=_performance(closed),
        by_setup=_parted(closed, lambda trade: trade.setup),
        by_timeframe=_parted(closed, lambda trade: trade.timeframe),
    )


def _parted(closed: Sequence[BacktestTrade], part_of: Callable[[BacktestTrade], str]) -> dict[str, Performance]:
    return {
        name: _performance([trade for trade in closed if part_of(trade) == name])
        for name in sorted({part_of(trade) for trade in closed})
    }


def _performance(closed: Sequence[BacktestTrade]) -> Performance:
    return performance(
        np.array([trade.r_multiple for trade in closed], dtype=float),
        np.array([trade.closed_ms for trade in closed], dtype=np.int64),
        np.full(len(closed), np.nan),
    )
