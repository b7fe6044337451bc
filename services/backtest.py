"""The backtest: history replayed into a scratch book, and every signal it would have sent judged in R at a fixed 1R."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from engine.candles import Candles
from engine.evaluation import Performance, performance
from engine.params import Params
from engine.vocabulary import ENGINE_VERSION, BookKind, Signal
from services.blackouts import Blackout, digest_of
from services.past_models import PastModels
from services.replay import Progress, replay
from storage.backtests import (
    NOT_SENT_OF,
    BacktestRun,
    Backtests,
    BacktestTrade,
    ambiguous_of_replay,
    trades_of_replay,
)
from storage.book import Book
from storage.codec import Json, json_of
from storage.stores import Stores
from storage.summary import Summary

RULES_ALONE = PastModels()


@dataclass(frozen=True, slots=True)
class Tested:
    """What a backtest decided and what became of it.

    `trades` and `signals` are the sent ones, in the same order; `not_sent` is what the shadow book made of the others.
    """

    looks: int
    summary: Summary
    from_ms: int
    to_ms: int
    signals: tuple[Signal, ...]
    trades: tuple[BacktestTrade, ...]
    not_sent: tuple[BacktestTrade, ...]
    ambiguous: int
    performance: Performance
    models: tuple[int, ...] = ()
    """The models that were asked where they stood; none = the rules alone."""
    blackouts: str | None = None
    """Digits that name the blackouts around which nothing was sent."""

    @property
    def filled(self) -> int:
        return sum(trade.opened_ms is not None for trade in self.trades)


def backtest(
    series: Sequence[Candles],
    params: Params,
    *,
    now_ms: int,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Progress = lambda *_: None,
    past: PastModels = RULES_ALONE,
    blackouts: Sequence[Blackout] = (),
) -> Tested:
    """Replay `series` in a scratch book and judge what it would have sent, whether or not an account had room.

    The models of `past` are asked about every signal, each for the time in which it stood; around `blackouts` nothing is
    sent.
    """
    with Book.temporary(BookKind.REPLAY, now_ms=now_ms) as book:
        adopt(book, past)
        done = replay(
            book,
            series,
            params,
            from_ms=from_ms,
            to_ms=to_ms,
            progress=progress,
            all_looks=False,
            model_at=past.at,
            blackouts=blackouts,
        )
        with book.reading() as view:
            trades = trades_of_replay(view.connection)
            not_sent = trades_of_replay(view.connection, sent=False)
            signals = tuple(stored.signal for stored in view.signals.given_to_the_channel())
            ambiguous = ambiguous_of_replay(view.connection)
            models = view.predictions.models_asked()
    first_ms = min(int(candles.closed_ms[0]) for candles in series)
    last_ms = max(candles.closed_at_ms for candles in series) + 1
    begin_ms, end_ms = max(first_ms, from_ms or first_ms), min(last_ms, to_ms or last_ms)
    return Tested(
        looks=done.decided,
        summary=done.summary,
        from_ms=begin_ms,
        to_ms=end_ms,
        signals=signals,
        trades=trades,
        not_sent=not_sent,
        ambiguous=ambiguous,
        performance=performance_of(trades, signals),
        models=models,
        blackouts=digest_of(blackouts, begin_ms, end_ms),
    )


def adopt(book: Book, past: PastModels) -> None:
    """Give a scratch book the models whose predictions it is to keep."""
    with book.transaction() as stores:
        for model in past.stored:
            stores.models.adopt(model)


def performance_of(trades: Sequence[BacktestTrade], signals: Sequence[Signal]) -> Performance:
    """The performance of the closed ones among `trades`; the costs are those their signals named."""
    closed = [(t, s) for t, s in zip(trades, signals, strict=True) if t.r_multiple is not None]
    return performance(
        np.array([trade.r_multiple for trade, _ in closed], dtype=float),
        np.array([trade.closed_ms for trade, _ in closed], dtype=np.int64),
        np.array([signal.cost_r for _, signal in closed], dtype=float),
    )


def keep(stores: Stores, tested: Tested, name: str, files: Sequence[str], params: Params, at_ms: int) -> int:
    """Write a backtest's result and trades into the live book and return its id."""
    run = BacktestRun(
        name=name,
        params_hash=params.hash,
        engine_version=ENGINE_VERSION,
        files=tuple(files),
        from_ms=tested.from_ms,
        to_ms=tested.to_ms,
        metrics=metrics_of(tested),
    )
    return keep_run(stores, run, tested.trades, tested.not_sent, at_ms)


def keep_run(
    stores: Stores, run: BacktestRun, sent: Sequence[BacktestTrade], not_sent: Sequence[BacktestTrade], at_ms: int
) -> int:
    """Write a run and return its id.

    What was decided but not sent becomes a run of its own that names this one: training learns from it, and nobody takes
    it for trades of the channel.
    """
    backtests = Backtests(stores.connection)
    run_id = backtests.record(run, sent, at_ms)
    rest: dict[str, Json] = {NOT_SENT_OF: run_id, "decided": len(not_sent)}
    backtests.record(replace(run, name=f"{run.name}, not sent", metrics=rest), not_sent, at_ms)
    return run_id


def metrics_of(tested: Tested) -> dict[str, Json]:
    """The result as the JSON document of the command; what has no value (no trades) is null."""
    return {
        "looks": tested.looks,
        "signals": tested.summary.signals,
        "sent": len(tested.trades),
        "filled": tested.filled,
        "ambiguous": tested.ambiguous,
        "models": list(tested.models),
        "blackouts": tested.blackouts,
        "stopped_by_gate": dict(tested.summary.stopped_by_gate),
        **performance_json(tested.performance),
    }


def performance_json(measured: Performance) -> dict[str, Json]:
    """A performance as JSON."""
    return {name: json_of(value) for name, value in asdict(measured).items()}
