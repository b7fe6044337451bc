"""The watchman of the live bot: what only the running process knows reaches the book, and an illness its owner."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from engine.params import Params
from engine.timeframes import MINUTE_MS, Timeframe
from engine.vocabulary import Market
from gateways.binance import Binance
from handlers.live_health import Watchman
from services.live_scan import Watch
from services.pace import WALL_TIME
from services.schedule import Job
from services.watch_health import HEALTH_OPENED
from storage.lock import BookLock
from storage.pulse import Cadence, pulse_of
from storage.verified import last_verified
from tests.services.rig import Rig, ms, started, world_at

BEGIN_MS = ms("2026-01-01T00:50")
WATCH = Watch(("ADAUSDT",), (Timeframe.M15,), {"ADAUSDT": 0.0001}, has_btc=True)


async def nothing() -> None:
    """What a job of the table below does."""


TABLE = (
    Job("scan 15m", Timeframe.M15, 3_000, 55.0, False, nothing),
    Job("settle", Timeframe.M1, 2_000, 55.0, True, nothing),
    Job("heartbeat", Timeframe.M1, 30_000, 10.0, False, nothing),
)


@dataclass(slots=True)
class Post:
    """A watchman at work beside a bot."""

    rig: Rig
    market: Binance
    watchman: Watchman
    woken: list[int]

    def pass_minutes(self, count: int) -> None:
        self.rig.world.clock.advance(count * MINUTE_MS)


@pytest.fixture
async def post(tmp_path) -> AsyncIterator[Post]:
    woken: list[int] = []
    async with world_at(BEGIN_MS, tmp_path) as world, started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
        market = Binance(Market.USDT_M, world.clock.now_ms, base_url=world.exchange_url)
        with BookLock.acquire(world.path, "bot 1", world.clock.ms) as lock:
            watchman = Watchman(
                rig.book,
                rig.desk.writer,
                lock,
                market,
                Params(),
                world.clock.now_ms,
                lambda: BEGIN_MS,
                lambda: woken.append(1),
            )
            watchman.watching(WATCH)
            watchman.running(TABLE, WALL_TIME)
            yield Post(rig, market, watchman, woken)
        await market.aclose()


async def test_the_pulse_tells_what_only_the_running_bot_knows(post: Post):
    await post.market.candles("ADAUSDT", Timeframe.M15, 3, post.rig.world.clock.ms)
    post.pass_minutes(1)
    await post.watchman.beat()

    with post.rig.book.reading() as view:
        pulse = pulse_of(view.meta)
    assert pulse is not None
    assert (pulse.at_ms, pulse.started_ms, pulse.heard_ms) == (BEGIN_MS + MINUTE_MS, BEGIN_MS, BEGIN_MS)
    assert (pulse.symbols, pulse.timeframes) == (("ADAUSDT",), ("15m",))
    assert (pulse.vitals.memory_bytes or 0) > 10_000_000
    assert pulse.exchange.ahead_ms == 0
    assert 0 < pulse.exchange.used_weight < pulse.exchange.most_weight


async def test_the_jobs_that_leave_runs_are_known_by_their_cadence(post: Post):
    await post.watchman.beat()

    with post.rig.book.reading() as view:
        pulse = pulse_of(view.meta)
    assert pulse is not None
    assert pulse.jobs == (
        Cadence("scan 15m", 15 * MINUTE_MS, 3_000, 55_000),
        Cadence("settle", MINUTE_MS, 2_000, 55_000),
    )


async def test_an_illness_is_told_after_the_second_look_and_the_sender_is_woken(post: Post):
    await post.watchman.beat()
    post.pass_minutes(30)
    await post.watchman.look()
    assert post.woken == []
    await post.watchman.look()

    with post.rig.book.reading() as view:
        told = [kind for (kind,) in view.connection.execute("SELECT kind FROM messages WHERE payload LIKE '%process%'")]
    assert told == [HEALTH_OPENED]
    assert post.woken == [1]
    assert post.watchman.is_failing()


async def test_the_sign_of_life_goes_by_the_look_before_it_and_by_no_older_one(post: Post):
    await post.watchman.beat()
    await post.watchman.look()
    post.pass_minutes(5)
    assert not post.watchman.is_failing(), "the book is not looked through twice"

    post.pass_minutes(1)
    assert post.watchman.is_failing(), "nobody has looked since, and no pulse came"


async def test_the_hourly_look_is_kept(post: Post):
    await post.watchman.verify()

    with post.rig.book.reading() as view:
        kept = last_verified(view.meta)
    assert kept is not None
    assert kept.at_ms == BEGIN_MS
    assert all(truth.holds for truth in kept.truths)


async def test_a_new_watch_is_in_the_next_pulse(post: Post):
    post.watchman.watching(replace(WATCH, symbols=("BTCUSDT",)))
    await post.watchman.beat()

    with post.rig.book.reading() as view:
        pulse = pulse_of(view.meta)
    assert pulse is not None
    assert pulse.symbols == ("BTCUSDT",)
