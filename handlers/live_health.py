"""The watchman of the live bot: writes its pulse, looks through the book, and lets an illness be told once."""

import asyncio
from collections.abc import Callable, Sequence

from diagnostics.checks import CheckResult, Health, Status, place_of, run_checks
from engine.params import Params
from engine.timeframes import MINUTE_MS
from gateways.binance import Binance
from services.live import scan_job
from services.live_scan import Watch
from services.pace import MS_PER_SECOND, Pace
from services.rules import in_force
from services.schedule import Job
from services.soundness import check_newest_backup
from services.verify import verify_book
from services.vitals import vitals
from services.watch_health import Symptom, watch
from storage.book import Book
from storage.lock import BookLock
from storage.pulse import Cadence, ExchangeState, Pulse, beat
from storage.verified import keep_verified
from storage.writer import Writer

LOOK_HOLDS_MS = 6 * MINUTE_MS
"""How long the health of a look counts: looks are taken every five minutes, and the dead-man's sign is given behind each."""


class Watchman:
    """What the jobs heartbeat, health, verify and soundness do; `heard_ms` is when Telegram last gave updates."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        lock: BookLock,
        market: Binance,
        params: Params,
        now_ms: Callable[[], int],
        heard_ms: Callable[[], int | None],
        wake_sender: Callable[[], None],
    ) -> None:
        self._book = book
        self._writer = writer
        self._lock = lock
        self._market = market
        self._params = params
        self._now_ms = now_ms
        self._heard_ms = heard_ms
        self._wake_sender = wake_sender
        self._started_ms = now_ms()
        self._watch: Watch | None = None
        self._jobs: tuple[Cadence, ...] = ()
        self._speed = 1.0
        self._seen: tuple[Status, int] | None = None

    def watching(self, watch: Watch) -> None:
        """From now on these series are to be looked at."""
        self._watch = watch

    def running(self, table: Sequence[Job], pace: Pace) -> None:
        """From now on these jobs are to be done; of interest are those that leave runs in the book."""
        self._speed = pace.speed
        scans = {scan_job(timeframe) for timeframe in self._watch.timeframes} if self._watch else set()
        self._jobs = tuple(
            Cadence(job.name, job.period.ms, job.after_ms, round(job.timeout_s * pace.speed * MS_PER_SECOND))
            for job in table
            if job.claims or job.name in scans
        )

    async def beat(self) -> None:
        """A sign of life, in the lock for those who want to start another bot, in the book for whoever asks."""
        self._lock.beat(self._now_ms())
        pulse = self._pulse()
        await self._writer.run(lambda tx: beat(tx.meta, pulse))

    async def verify(self) -> None:
        """Look through the whole book in a thread and keep what was found."""
        found = await asyncio.to_thread(verify_book, self._book, self._params, self._now_ms())
        await self._writer.run(lambda tx: keep_verified(tx.meta, found))

    async def check_backup(self) -> None:
        """Let SQLite look over the newest backup."""
        await check_newest_backup(self._book, self._writer, self._now_ms)

    async def look(self) -> None:
        """Ask every check, and tell what has turned ill or well."""
        found = await asyncio.to_thread(self.health)
        symptoms = [_symptom(check) for check in found.checks if check.status.is_ill]
        now_ms = self._now_ms()
        self._seen = found.status, now_ms
        if await self._writer.run(lambda tx: watch(tx, symptoms, now_ms)):
            self._wake_sender()

    def health(self) -> Health:
        """Every check, asked now; reads the book, so not for the event loop."""
        with self._book.reading() as view:
            params = in_force(view, self._params)
            return run_checks(view, self._now_ms(), params, place_of(self._book.path))

    def is_failing(self) -> bool:
        """Whether any check says FAIL, by the last look; where that failed or took too long, by one taken now."""
        if self._seen is None or self._now_ms() - self._seen[1] >= LOOK_HOLDS_MS:
            return self.health().status is Status.FAIL
        return self._seen[0] is Status.FAIL

    def _pulse(self) -> Pulse:
        market, watched = self._market, self._watch
        return Pulse(
            at_ms=self._now_ms(),
            started_ms=self._started_ms,
            heard_ms=self._heard_ms(),
            vitals=vitals(),
            exchange=ExchangeState(market.ahead_ms, market.used_weight, market.most_weight, market.blocked_until_ms),
            symbols=() if watched is None else watched.symbols,
            timeframes=() if watched is None else tuple(timeframe.text for timeframe in watched.timeframes),
            jobs=self._jobs,
            speed=self._speed,
        )


def _symptom(check: CheckResult) -> Symptom:
    return Symptom(check.name, check.status.value, check.value, check.detail, check.remedy)
