"""The full pipeline over history: every series decided at every bar, settled and booked as if it were live.

Decisions are pure and are worked out on all cores, ahead of the booking, which walks all series together in the order of
time, some days of bars a transaction, with the cursor in the same transaction. Killed anywhere, the next replay goes on
from the last commit and books the same rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from engine.candles import Candles, resampled
from engine.decide import Readings
from engine.looks import Looks, Stack, chart_reader
from engine.params import Params
from engine.runner import compiled
from engine.timeframes import Timeframe, context_of
from engine.vocabulary import Rejected
from ml.acting import Acting
from services.announce import Announcements
from services.blackouts import Blackout
from services.checkpoints import Checkpoints, ReadingsAt
from services.deciding import bars_between, looks_between
from services.position_manager import Settlement
from services.predict import with_word
from services.record import Circumstances, Looked, Recorder
from storage.account import open_account
from storage.book import Book
from storage.stores import Stores
from storage.summary import Summary, summary_of

INSTANTS_A_TRANSACTION = 96
BTC = "BTCUSDT"
FROM_KEY, UNTIL_KEY, SERIES_KEY, PARAMS_KEY = "replay.from_ms", "replay.until_ms", "replay.series", "replay.params_hash"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is; a replay counts ms of history."""

ModelAt = Callable[[int], Acting | None]
"""The model that is asked about decisions of an instant; None = the rules alone."""


class ReplayError(ValueError):
    """A replay that cannot be done on this book; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The book after a replay; `decided` counts the looks of this run alone."""

    summary: Summary
    decided: int


def replay(
    book: Book,
    series: Sequence[Candles],
    params: Params,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Progress = lambda *_: None,
    all_looks: bool = True,
    model_at: ModelAt = lambda at_ms: None,
    beside: Sequence[Candles] = (),
    to_the_end: bool = False,
    blackouts: Sequence[Blackout] = (),
) -> Replayed:
    """Decide at every bar of `series` that closes in [from_ms, to_ms) and was not decided yet; book what follows.

    Without `all_looks` only looks at which a setup completed leave their row. The series `beside` are not decided on, but
    read as BTC's and settled on like the others. `to_the_end` follows what was decided beyond `to_ms`, as far as there are
    candles. Around `blackouts` nothing would have been sent, as live.
    """
    refuse_unreadable(series)
    stacks = [_stack(candles, (*series, *beside)) for candles in series]
    last_ms = max(stack.own.closed_at_ms for stack in stacks)
    end_ms = min(last_ms + 1, to_ms if to_ms is not None else last_ms + 1)
    begin_ms = _begin(book, series, params, from_ms, end_ms)
    span_ms = max(0, end_ms - begin_ms)
    progress("replaying", 0, span_ms)
    slices = looks_between(stacks, params, begin_ms, end_ms, all_looks=all_looks)
    settle_on, checkpoints = _settled_on((*series, *beside)), Checkpoints(_readings_of(stacks, params))
    circumstances = Circumstances(Announcements(), tuple(blackouts))
    for looks in slices:
        for batch in _batches(looks):
            with book.transaction() as stores:
                _book_batch(stores, batch, settle_on, params, checkpoints, model_at, circumstances)
            progress("replaying", batch[-1].candle_close_ms - begin_ms, span_ms)
    with book.transaction() as stores:
        rest_ms = last_ms if to_the_end else end_ms - 1
        Settlement(stores, settle_on, params, Announcements(), checkpoints).rest(rest_ms)
        stores.meta.set(UNTIL_KEY, str(max(end_ms, begin_ms)))
    progress("replaying", span_ms, span_ms)
    with book.reading() as stores:
        return Replayed(summary_of(stores.connection), bars_between(stacks, begin_ms, end_ms))


def refuse_unreadable(series: Sequence[Candles]) -> None:
    """ReplayError when a series cannot be decided on at all; asked before a book is made for it."""
    for candles in series:
        if context_of(candles.timeframe) is None:
            raise ReplayError(f"{candles.symbol} {candles.timeframe.text} has no higher timeframe to be read in.")


def _begin(book: Book, series: Sequence[Candles], params: Params, from_ms: int | None, end_ms: int) -> int:
    """Where this run goes on; writes the range, the series and the parameters of a new replay."""
    first_ms = min(int(candles.closed_ms[0]) for candles in series)
    wanted_ms = max(first_ms, from_ms) if from_ms is not None else first_ms
    names = [f"{candles.symbol} {candles.timeframe.text}" for candles in series]
    with book.transaction() as stores:
        meta = stores.meta
        begun, until, known = meta.get(FROM_KEY), meta.get(UNTIL_KEY), meta.get(SERIES_KEY)
        if begun is None or until is None or known is None:
            meta.set(FROM_KEY, str(wanted_ms))
            meta.set(UNTIL_KEY, str(wanted_ms))
            meta.set(SERIES_KEY, "\n".join(names))
            meta.set(PARAMS_KEY, params.hash)
            open_account(stores, params.account.deposit, wanted_ms)
            return wanted_ms
        if meta.get(PARAMS_KEY) != params.hash:
            raise ReplayError(f"{book.path} was replayed with other parameters; replay into another book.")
        if wanted_ms < int(begun):
            raise ReplayError(
                f"{book.path} begins at {_day(int(begun))}; an earlier range cannot be decided into it any more."
            )
        lacking = [name for name in known.split("\n") if name not in names]
        if lacking:
            raise ReplayError(
                f"{book.path} knows {lacking[0]} too; give its candles as well, or replay into another book."
            )
        new = [name for name in names if name not in known.split("\n")]
        if new and wanted_ms < int(until):
            raise ReplayError(
                f"{book.path} is decided up to {_day(int(until))} without {new[0]}; replay into another book,"
                " or name a later --from."
            )
        if new:
            meta.set(SERIES_KEY, "\n".join([known, *new]))
        return max(wanted_ms, int(until))


def _book_batch(
    stores: Stores,
    batch: Sequence[Looked],
    settle_on: Mapping[str, Candles],
    params: Params,
    checkpoints: Checkpoints,
    model_at: ModelAt,
    circumstances: Circumstances,
) -> None:
    settlement = Settlement(stores, settle_on, params, Announcements(), checkpoints)
    recorder = Recorder(stores, settlement, params, circumstances)
    at_ms = batch[0].candle_close_ms
    for at_ms, instant in groupby(batch, key=lambda look: look.candle_close_ms):
        settlement.until(at_ms)
        recorder.decided(with_word(list(instant), model_at(at_ms)), at_ms)
    recorder.looked(batch)
    settlement.rest(at_ms)
    stores.meta.set(UNTIL_KEY, str(at_ms + 1))


def _batches(looks: Sequence[Looked]) -> Iterator[list[Looked]]:
    """The looks in batches of whole instants."""
    batch: list[Looked] = []
    instants = 0
    for _, instant in groupby(looks, key=lambda look: look.candle_close_ms):
        batch += instant
        instants += 1
        if instants == INSTANTS_A_TRANSACTION:
            yield batch
            batch, instants = [], 0
    if batch:
        yield batch


def _readings_of(stacks: Sequence[Stack], params: Params) -> ReadingsAt:
    """What the looks of a replay see, for re-analyses; a series is read when it is first asked for."""
    looks = {
        (stack.own.symbol, stack.own.timeframe): Looks(stack, params, chart_reader(params, compiled()))
        for stack in stacks
    }

    def readings_at(stores: Stores, symbol: str, timeframe: Timeframe, at_ms: int) -> Readings | Rejected:
        return looks[symbol, timeframe].readings_at(at_ms)

    return readings_at


def _stack(candles: Candles, series: Sequence[Candles]) -> Stack:
    context = context_of(candles.timeframe)
    assert context is not None, "refused before"
    btc = next((other for other in series if other.symbol == BTC and other.timeframe is candles.timeframe), None)
    return Stack(candles, resampled(candles, context), None if candles.symbol == BTC else btc)


def _settled_on(series: Sequence[Candles]) -> dict[str, Candles]:
    """By symbol, the finest of its series that reaches over all the others."""
    finest: dict[str, Candles] = {}
    for symbol in {candles.symbol for candles in series}:
        own = [candles for candles in series if candles.symbol == symbol]
        first, last = min(int(c.open_ms[0]) for c in own), max(c.closed_at_ms for c in own)
        whole = [
            c for c in own if int(c.open_ms[0]) <= first + c.timeframe.ms and c.closed_at_ms >= last - c.timeframe.ms
        ]
        finest[symbol] = min(whole or own, key=lambda c: c.timeframe.ms)
    return finest


def _day(ms: int) -> str:
    return f"{np.datetime64(ms, 'ms')}Z"
