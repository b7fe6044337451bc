"""The live pipeline over real HTTP: signals are posted and followed to their end, and no restart changes the book."""

from urllib.parse import parse_qs, urlsplit

import pytest

from engine.timeframes import HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import PortfolioKind, SignalStatus, Stage
from gateways.binance import Binance
from gateways.market import UnknownSymbol
from services.live import MarketSilent
from services.live_scan import flaw_of, watch_of
from services.pause import pause, resume
from storage.job_runs import JobStatus
from tests.drawing import random_walk
from tests.fakes.http import Refuse, json_response
from tests.services.bookrows import differences, rows
from tests.services.rig import CHANNEL, LIVELY, Rig, ms, started, world_at

SYMBOLS = ("ADAUSDT", "XRPUSDT")
QUARTERS = (Timeframe.M15,)
BEGIN_MS = ms("2026-01-01T00:50")


@pytest.fixture
async def world(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world:
        yield world


@pytest.fixture
async def rig(world):
    async with started(world, SYMBOLS, QUARTERS) as rig:
        yield rig


def first_lines(rig: Rig) -> list[tuple[int, int | None, str]]:
    return [(m.message_id, m.reply_to, m.text.splitlines()[0]) for m in rig.world.api.messages(CHANNEL)]


async def test_a_signal_is_posted_and_followed_to_its_end_in_replies_under_it(rig):
    await rig.play(ms("2026-01-01T02:40"))

    told = first_lines(rig)
    assert told[0] == (1, None, "🟢 <b>LONG #ADAUSDT 15m</b>")
    assert [line for _, reply_to, line in told if reply_to == 1] == [
        "▶️ 🟢 <b>LONG #ADAUSDT 15m</b> filled",
        "🎯 🟢 <b>LONG #ADAUSDT 15m</b> target 1 reached: +1.00R",
        "🛡 🟢 <b>LONG #ADAUSDT 15m</b> stop moved to break-even",
        "✅ 🟢 <b>LONG #ADAUSDT 15m</b> stopped at break-even after target 1: +0.33R",
    ]
    with rig.book.reading() as view:
        [closed] = view.positions.closed_since(view.portfolios.of_kind(PortfolioKind.PAPER).id, 0)
        assert closed.r_multiple == pytest.approx(0.334, abs=1e-3)
        assert view.signals.get(1).status is SignalStatus.CLOSED


async def test_the_candles_that_decisions_saw_and_settlement_used_are_in_the_book(rig):
    await rig.play(ms("2026-01-01T01:35"))

    with rig.book.reading() as view:
        kept = {(one.symbol, one.timeframe): one.candles for one in view.candles.series()}
    assert kept["ADAUSDT", "15m"] == LIVELY.window.window_bars + 2
    assert kept["ADAUSDT", "1h"] == LIVELY.window.window_bars
    assert kept["BTCUSDT", "15m"] == LIVELY.window.window_bars + 2
    assert kept["ADAUSDT", "1m"] >= 30


async def test_stops_and_pauses_of_any_length_leave_the_same_book(world, tmp_path):
    end_ms = ms("2026-01-01T06:00")
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await rig.play(end_ms)
        uninterrupted = rows(rig.book)

    async with world_at(BEGIN_MS, tmp_path / "other") as other:
        other.path.parent.mkdir()
        for run_ms, down_ms in ((3, 4), (6, 60), (31, 2), (1, 133), (20, 17), (0, 16), (100, 0)):
            async with started(other, SYMBOLS, QUARTERS) as rig:
                await rig.play(min(other.clock.ms + run_ms * MINUTE_MS, end_ms), step_ms=MINUTE_MS)
            other.clock.advance(min(down_ms * MINUTE_MS, end_ms - other.clock.ms))
        async with started(other, SYMBOLS, QUARTERS) as rig:
            await rig.play(end_ms)
            await rig.knock()
            assert differences(uninterrupted, rows(rig.book)) == []
    assert len(uninterrupted["fills"]) > 4


async def test_the_restart_checklist(world):
    """Eleven steps: three signals, a restart, a close, a restart, and everything is there each time."""
    async with started(world, SYMBOLS, QUARTERS) as rig:  # 1 start fresh
        await rig.play(ms("2026-01-01T02:05"))  # 2 three signals
        before = rows(rig.book)
        assert [row[2] for row in before["signals"]] == ["ADAUSDT", "XRPUSDT", "XRPUSDT"]  # 3 in the book

    async with started(world, SYMBOLS, QUARTERS) as rig:  # 4 restart
        assert differences(before, rows(rig.book)) == []
        shown = await ask(rig, "journal")
        assert all(f"S-{number} " in shown for number in (1, 2, 3))  # 5 still shown
        assert "ADAUSDT" in await ask(rig, "positions")
        balance = before["balance"]
        await rig.play(ms("2026-01-01T02:45"))  # 6 a stop or target is hit
        after = rows(rig.book)
        assert after["journal"][0][4] == "BREAK_EVEN"  # 7 the closure is in the book
        assert after["balance"] != balance  # 8 the balance is updated
        assert "+0.33R" in await ask(rig, "journal")  # 9 the journal has its row

    async with started(world, SYMBOLS, QUARTERS) as rig:  # 10 restart
        assert differences(after, rows(rig.book)) == []  # 11 all there
        assert "+0.33R" in await ask(rig, "journal")


async def test_after_a_restart_only_what_is_new_is_asked_of_the_exchange(world):
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await rig.play(ms("2026-01-01T01:05"))
    world.exchange.requests.clear()
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await rig.play(ms("2026-01-01T01:20"))

    limits = {parse_qs(urlsplit(one).query)["limit"][0] for one in world.exchange.requests if "klines" in one}
    assert limits <= {str(count) for count in range(1, 20)}


async def test_a_silent_market_holds_decisions_up_and_nothing_is_lost(rig):
    await rig.play(ms("2026-01-01T00:55"))
    rig.world.exchange.script("klines", Refuse(json_response({"code": -1003, "msg": "no"}, 418, {"Retry-After": "60"})))
    rig.world.clock.advance(6 * MINUTE_MS)  # past the close of 01:00

    with pytest.raises(MarketSilent):
        await rig.live.advance()
    with rig.book.reading() as view:
        assert view.job_runs.last("scan 15m").status is JobStatus.FAILED
    rig.world.clock.advance(2 * HOUR_MS)
    await rig.knock()

    with rig.book.reading() as view:
        assert view.scans.at("ADAUSDT", "15m", ms("2026-01-01T01:00")).signals == 1
        assert view.job_runs.last("scan 15m", JobStatus.OK).slot_ms == ms("2026-01-01T03:00")


async def test_a_look_that_has_to_be_taken_again_keeps_the_candles_of_its_first_try(rig):
    await rig.play(ms("2026-01-01T00:55"))
    rig.world.exchange.script("klines", Refuse(json_response({"code": -1000, "msg": "no"}, 400)))
    rig.world.clock.advance(6 * MINUTE_MS)  # past the close of 01:00
    with pytest.raises(MarketSilent):
        await rig.live.advance()
    await rig.knock()

    with rig.book.reading() as view:
        assert view.job_runs.last("scan 15m").status is JobStatus.OK
        last = {one.symbol: one.last_open_ms for one in view.candles.series() if one.timeframe == "15m"}
    assert last == dict.fromkeys((*SYMBOLS, "BTCUSDT"), ms("2026-01-01T00:45"))


async def test_while_paused_signals_are_kept_and_none_is_sent(rig):
    with rig.book.transaction() as tx:
        pause(tx, "holiday", "test", BEGIN_MS)
    await rig.play(ms("2026-01-01T01:05"))

    locked = "🔒 <b>All pairs</b>: paused: holiday, until somebody lifts it"
    assert [line for _, _, line in first_lines(rig)] == [locked]
    with rig.book.reading() as view:
        assert view.signals.get(1).status_reason == "protections: pause holiday, limit running"
    with rig.book.transaction() as tx:
        assert resume(tx, "test", rig.world.clock.ms)
    await rig.play(ms("2026-01-01T01:20"))
    _, freed, signal = [line for _, _, line in first_lines(rig)]
    assert {freed.split()[0], signal.split()[0]} == {"🔓", "🟢"}


async def test_closes_older_than_a_signals_life_are_given_up_and_said_so(world):
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await rig.play(ms("2026-01-01T01:05"))
    world.clock.advance(48 * HOUR_MS)
    async with started(world, SYMBOLS, QUARTERS) as rig:
        with rig.book.reading() as view:
            missed = view.job_runs.last("scan 15m")
    assert missed.status is JobStatus.MISSED
    assert missed.slot_ms == ms("2026-01-02T19:00")


async def test_a_symbol_the_exchange_does_not_list_is_refused_with_the_nearest(world):
    market = Binance(LIVELY.costs.market, world.clock.now_ms, base_url=world.exchange_url)

    with pytest.raises(UnknownSymbol, match="did you mean BTCUSDT"):
        await watch_of(market, ("BTCUSD",), QUARTERS)
    await market.aclose()


def test_a_window_is_refused_when_it_is_stale_forming_empty_or_has_holes():
    window = random_walk(1, 50)
    closed_ms, quarter = window.closed_at_ms, window.timeframe.ms

    assert flaw_of(window, closed_ms) is None
    assert flaw_of(window, closed_ms + quarter - 1) is None
    assert flaw_of(window, closed_ms + quarter).rejected.reason == "WALK 15m is stale"
    assert flaw_of(window, closed_ms - 1).rejected.reason == "WALK 15m ends with a forming candle"
    assert flaw_of(window.window(0, 0), closed_ms).passes
    holed = random_walk(1, 200, holes=True)
    young = holed.window(holed.gaps()[0][0] + 1, 200)
    assert flaw_of(young, young.closed_at_ms).rejected.stage is Stage.DATA
    assert not flaw_of(young, young.closed_at_ms).passes
    assert flaw_of(holed, holed.closed_at_ms) is None, "a hole that stays is the exchange's own"


async def ask(rig: Rig, name: str, *words: str) -> str:
    answer = await rig.ask(" ".join((f"/{name}", *words)))
    assert answer is not None
    return answer.html
