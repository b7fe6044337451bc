"""Brings a live book up to now: looks and settlement of everything since the last commit, strictly in order of time.

A decision at instant T sees the book settled exactly up to T, and nothing is settled beyond an instant that is still to
be decided. So the book does not depend on how often the bot was stopped: after a restart, what was missed is decided as
of its own close and settled on its own candles, and the rows are those of a bot that never slept.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.params import Params
from engine.timeframes import MINUTE_MS, Timeframe, duration_text
from gateways.market import MarketData
from services.announce import Announcements
from services.blackouts import NO_BLACKOUTS, Blackout, BlackoutFile
from services.booked_windows import booked_readings
from services.checkpoints import Checkpoints
from services.feed import Feed, SeriesKey, names, note_missing, note_silent
from services.heal import Mend, healed
from services.live_scan import LiveScan, Taken, Watch, chart_reader
from services.live_settle import Minutes, keep, minutes_since, unsettled
from services.position_manager import Settlement
from services.protections import tell
from services.record import Circumstances, Recorder
from services.rules import in_force
from storage.account import open_account
from storage.book import Book
from storage.job_runs import JobStatus
from storage.stores import Stores
from storage.writer import Writer

AFTER_CLOSE_MS = 3_000
PATIENCE_MS = 3 * MINUTE_MS
"""How long one symbol without candles holds up all the others, on the wall's clock: a network never runs faster."""

logger = logging.getLogger(__name__)


class MarketSilent(Exception):
    """The market does not give the candles that are due; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment at which candles close, and the timeframes that are to be decided then."""

    at_ms: int
    timeframes: tuple[Timeframe, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """By what an instant is decided: the parameters in force then, and the blackouts of the calendar."""

    params: Params
    blackouts: tuple[Blackout, ...]


def scan_job(timeframe: Timeframe) -> str:
    """The name of a timeframe's scans among the job runs."""
    return f"scan {timeframe.text}"


class Live:
    """The live pipeline over one book; one `advance` at a time, the others wait their turn."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        market: MarketData,
        watch: Watch,
        scan: LiveScan,
        params: Params,
        announcements: Announcements,
        owner: str,
        now_ms: Callable[[], int],
        after_commit: Callable[[], None],
        patience_ms: int = PATIENCE_MS,
        blackouts: BlackoutFile = NO_BLACKOUTS,
        feed: Feed | None = None,
        *,
        checkpoints_to_channel: bool = False,
    ) -> None:
        self._book = book
        self._writer = writer
        self._market = market
        self._watch = watch
        self._scan = scan
        self._params = params
        self._announcements = announcements
        readings_at = booked_readings(market.source, params, chart_reader(params, watch.series))
        self._checkpoints = Checkpoints(readings_at, checkpoints_to_channel)
        self._owner = owner
        self._now_ms = now_ms
        self._after_commit = after_commit
        self._patience_ms = patience_ms
        self._blackouts = blackouts
        self._feed = feed or Feed()
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """At start: the account's deposit, where watching begins, and what was missed for too long to be caught up."""
        now_ms = self._now_ms()

        def open_book(tx: Stores) -> None:
            open_account(tx, self._params.account.deposit, now_ms)
            for timeframe in self._watch.timeframes:
                _begin_watching(tx, timeframe, self._params.levels.valid_bars, self._owner, now_ms)

        await self._writer.run(open_book)

    async def advance(self) -> None:
        """Decide and settle everything up to now; MarketSilent when the market does not give what is due."""
        async with self._turn:
            while True:
                now_ms = self._now_ms()
                instant = self._next_instant()
                if instant.at_ms + AFTER_CLOSE_MS > now_ms:
                    break
                await self._decide(instant)
            await self._settle(min(int(Timeframe.M1.floor(now_ms)), instant.at_ms))

    def _next_instant(self) -> Instant:
        """The earliest close that is not decided yet."""
        with self._book.reading() as view:
            due = {timeframe: _next_close(view, timeframe) for timeframe in self._watch.timeframes}
        at_ms = min(due.values())
        return Instant(at_ms, tuple(timeframe for timeframe, close_ms in due.items() if close_ms == at_ms))

    async def _decide(self, instant: Instant) -> None:
        params = await self._writer.run(lambda tx: self._claim(tx, instant))
        taken = await self._scan.at(instant.at_ms, instant.timeframes, params)
        minutes = await self._minutes(instant.at_ms)
        why_not = self._holds_up(taken, minutes)
        if why_not is not None:
            self._feed.wait(why_not, self._now_ms())
            await self._writer.run(lambda tx: self._give_back(tx, instant, why_not))
            raise MarketSilent(why_not)
        blackouts = self._blackouts.calendar().blackouts
        await self._writer.run(lambda tx: self._book_instant(tx, instant, taken, minutes, Terms(params, blackouts)))
        self._scan.booked()
        self._feed.go_on(self._given_up(instant.at_ms, minutes, taken), self._now_ms())
        self._after_commit()

    async def _settle(self, until_ms: int) -> None:
        minutes = await self._minutes(until_ms)
        if not minutes.reach_ms:
            return
        covered_ms = minutes.covered_ms(until_ms)
        waited_for_ms = self._now_ms() - self._patience_ms
        # where no symbol has come so far, it is the market that stands still, or our clock that runs ahead of it
        patient = covered_ms > waited_for_ms or not minutes.has_come_to(min(waited_for_ms, until_ms))
        settled_ms = covered_ms if patient else until_ms
        given_up = {} if patient else self._given_up(until_ms, minutes)
        if minutes.candles or given_up:
            await self._writer.run(lambda tx: self._book_settlement(tx, minutes, settled_ms, given_up))
            self._after_commit()
        waiting = [why for symbol, why in minutes.errors.items() if (symbol, Timeframe.M1) not in given_up]
        if not waiting:
            self._feed.go_on(given_up, self._now_ms())
            return
        self._feed.wait(waiting[0], self._now_ms())
        raise MarketSilent(f"{waiting[0]} ({len(waiting)} symbols wait)")

    async def _minutes(self, until_ms: int) -> Minutes:
        with self._book.reading() as view:
            since = {
                symbol: since_ms
                for symbol, since_ms in unsettled(view).items()
                if self._feed.why_silent((symbol, Timeframe.M1)) is None
            }
        return await minutes_since(self._market, since, until_ms)

    def _holds_up(self, taken: Taken, minutes: Minutes) -> str | None:
        """Why an instant cannot be decided yet; None when it can, with what is still missing left out."""
        lacking = [*taken.waiting, *minutes.errors.values()]
        if not lacking and minutes.covered_ms(taken.at_ms) < taken.at_ms:
            lacking.append("minute candles are behind")
        if not lacking and taken.saw_nothing:
            lacking.extend(taken.lacking.values())
        if not lacking:
            return None
        nothing_at_all = taken.saw_nothing and not minutes.has_come_to(taken.at_ms)
        if self._now_ms() - taken.at_ms < self._patience_ms or nothing_at_all:
            return f"{lacking[0]} ({len(lacking)} series wait)"
        return None

    def _given_up(self, until_ms: int, minutes: Minutes, taken: Taken | None = None) -> Mapping[SeriesKey, str]:
        """What is waited for no longer, and why."""
        lacking = minutes.lacking(min(until_ms - 1, self._now_ms() - self._patience_ms))
        return {**(taken.lacking if taken else {}), **lacking}

    def _note(self, tx: Stores, given_up: Mapping[SeriesKey, str]) -> None:
        """Say what is left out from now on, or that what was waited for has come."""
        note_silent(tx, given_up, self._market.source, self._now_ms())
        if (waited := self._feed.waiting) and not given_up:
            now_ms = self._now_ms()
            healed(tx, Mend.FETCHED_AGAIN, f"after {duration_text(now_ms - waited.since_ms)} of: {waited.why}", now_ms)

    def _claim(self, tx: Stores, instant: Instant) -> Params:
        """Take the slots, those of a run that came to nothing too, and say which parameters are in force.

        The lock of the book keeps other bots away.
        """
        now_ms = self._now_ms()
        for timeframe in instant.timeframes:
            job = scan_job(timeframe)
            if not tx.job_runs.claim(job, instant.at_ms, self._owner, now_ms):
                tx.job_runs.retake(job, instant.at_ms, self._owner, now_ms)
        return in_force(tx, self._params)

    def _give_back(self, tx: Stores, instant: Instant, why: str) -> None:
        for timeframe in instant.timeframes:
            tx.job_runs.finish(scan_job(timeframe), instant.at_ms, JobStatus.FAILED, why, self._now_ms())

    def _book_instant(self, tx: Stores, instant: Instant, taken: Taken, minutes: Minutes, terms: Terms) -> None:
        """One transaction: settle up to the instant, record its looks, keep the candles, finish the slots."""
        now_ms, candles = self._now_ms(), minutes.until(instant.at_ms)
        settlement = Settlement(tx, candles, terms.params, self._announcements, self._checkpoints)
        settlement.until(instant.at_ms)
        circumstances = Circumstances(self._announcements, terms.blackouts)
        Recorder(tx, settlement, terms.params, circumstances).instant(taken.looks, instant.at_ms)
        settlement.rest(instant.at_ms)
        tell(tx, instant.at_ms, terms.params, self._announcements, terms.blackouts)
        keep(tx, candles, minutes.missing, self._market.source, now_ms)
        for fetched in taken.fetched:
            tx.candles.store(fetched, self._market.source, now_ms)
        note_missing(tx, taken.missing, now_ms)
        if taken.filled:
            healed(tx, Mend.REFILLED, names(taken.filled), now_ms)
        self._note(tx, self._given_up(instant.at_ms, minutes, taken))
        for timeframe in instant.timeframes:
            looks = [look for look in taken.looks if look.timeframe is timeframe]
            tx.job_runs.finish(scan_job(timeframe), instant.at_ms, JobStatus.OK, f"{len(looks)} looks", now_ms)

    def _book_settlement(self, tx: Stores, minutes: Minutes, until_ms: int, given_up: Mapping[SeriesKey, str]) -> None:
        candles = minutes.until(until_ms)
        params = in_force(tx, self._params)
        Settlement(tx, candles, params, self._announcements, self._checkpoints).rest(until_ms)
        keep(tx, candles, minutes.missing, self._market.source, self._now_ms())
        self._note(tx, given_up)


def _next_close(view: Stores, timeframe: Timeframe) -> int:
    done_ms = view.job_runs.last_done_ms(scan_job(timeframe))
    assert done_ms is not None, "`begin` leaves a slot for every timeframe"
    return int(timeframe.floor(done_ms)) + timeframe.ms


def _begin_watching(tx: Stores, timeframe: Timeframe, valid_bars: int, owner: str, now_ms: int) -> None:
    """A new timeframe is watched from now on; of a known one, closes older than a signal's life are given up."""
    job, last_ms = scan_job(timeframe), int(timeframe.floor(now_ms))
    done_ms = tx.job_runs.last_done_ms(job)
    if done_ms is None:
        if not tx.job_runs.claim(job, last_ms, owner, now_ms):
            tx.job_runs.retake(job, last_ms, owner, now_ms)
        tx.job_runs.finish(job, last_ms, JobStatus.SKIPPED, "watching begins after this close", now_ms)
        return
    oldest_ms = last_ms - valid_bars * timeframe.ms
    if done_ms < oldest_ms:
        missed = (oldest_ms - done_ms) // timeframe.ms
        if not tx.job_runs.miss(job, oldest_ms, f"{missed} closes passed while the bot was down", now_ms):
            tx.job_runs.finish(job, oldest_ms, JobStatus.MISSED, f"{missed} closes passed", now_ms)
        logger.warning("%s: %d closes passed while the bot was down; they are not looked at", job, missed)
