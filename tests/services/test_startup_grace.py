"""Start-up grace: what closed before anybody watched is no news, whatever the engine would have said of it."""

from pathlib import Path

from engine.timeframes import Timeframe
from storage.job_runs import JobStatus
from tests.services.rig import CHANNEL, Rig, ms, started, world_at

SIGNAL_AT = "2026-01-01T01:00"
"""A close at which a bot that watches sends a signal (tests/services/test_live.py)."""
SYMBOLS = ("ADAUSDT", "XRPUSDT")


def signals(rig: Rig, timeframe: str) -> list[int]:
    """The closes that were decided on a timeframe."""
    with rig.book.reading() as view:
        return [
            stored.signal.candle_close_ms
            for stored in view.signals.latest(100)
            if stored.signal.timeframe.text == timeframe
        ]


async def test_a_bot_that_starts_right_after_a_close_sends_nothing_of_it(tmp_path: Path):
    async with world_at(ms(SIGNAL_AT) + 30_000, tmp_path) as world, started(world, SYMBOLS, (Timeframe.M15,)) as rig:
        await rig.knock()
        await rig.play(ms("2026-01-01T01:14"))

        assert world.api.messages(CHANNEL) == []
        assert signals(rig, "15m") == []
        with rig.book.reading() as view:
            [run] = view.job_runs.last_of_each()
        assert (run.slot_ms, run.status) == (ms(SIGNAL_AT), JobStatus.SKIPPED)


async def test_a_timeframe_that_is_watched_from_now_on_has_a_start_of_its_own(tmp_path: Path):
    async with world_at(ms("2026-01-01T00:50"), tmp_path) as world:
        async with started(world, SYMBOLS, (Timeframe.M30,)) as rig:
            await rig.play(ms(SIGNAL_AT) + 60_000)
        async with started(world, SYMBOLS, (Timeframe.M15, Timeframe.M30)) as rig:
            await rig.play(ms("2026-01-01T01:14"))
            assert signals(rig, "15m") == []


async def test_what_closed_while_a_watching_bot_was_down_is_decided_as_of_its_close(tmp_path: Path):
    async with world_at(ms("2026-01-01T00:50"), tmp_path) as world:
        async with started(world, SYMBOLS, (Timeframe.M15,)):
            pass
        world.clock.advance(ms(SIGNAL_AT) + 30_000 - world.clock.ms)
        async with started(world, SYMBOLS, (Timeframe.M15,)) as rig:
            await rig.knock()

            assert signals(rig, "15m") == [ms(SIGNAL_AT)]
            assert len(world.api.messages(CHANNEL)) == 1
