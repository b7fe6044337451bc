"""The bot itself in its owner's hands, and backtests asked for in the chat."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.timeframes import Timeframe
from handlers.live import _facts
from handlers.settings import LiveSettings
from handlers.telegram.desk import Machine
from services.backtest_desk import BacktestBusy, BacktestDesk, Failed, Found, Wanted, outcome_of
from services.split import plain
from storage.backtests import Backtests
from storage.chats import ChatKind
from tests.handlers.telegram.test_commands import press, told
from tests.services.rig import LIVELY, OWNER, ms, started, world_at

BEGIN_MS = ms("2026-01-01T00:50")
TOKEN = "12345:a-secret-that-nobody-is-shown-0123456789"


@pytest.fixture
async def rig(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world, started(world, ("ADAUSDT",), (Timeframe.M15,)) as rig:
        yield rig


async def test_settings_show_what_was_changed_and_no_secret(rig, tmp_path):
    environment = {"ONEBOOK_TOKEN": TOKEN, "ONEBOOK_OWNERS": str(OWNER)}
    facts = _facts(LiveSettings.read(environment, tmp_path / "none"))
    rig.desk = replace(rig.desk, machine=Machine(facts))
    await rig.ask("/risk set account.risk_ratio 0.005")
    await rig.ask("/blackout 2026-01-28T19:00 30 60 FOMC")
    shown = await told(rig, "/settings")

    assert f"ONEBOOK_OWNERS {OWNER}" in shown
    assert f"params.account.risk_ratio 0.005 – telegram:{OWNER}, 2026-01-01 00:50 UTC" in shown
    assert "blackouts after 1 h 0 min, at 2026-01-28 19:00 UTC, before 30 min, event FOMC – telegram" in shown
    assert "ONEBOOK_SYMBOLS BTCUSDT, ETHUSDT, SOLUSDT" in shown
    assert "ONEBOOK_CHANNEL –" in shown
    assert "ONEBOOK_CLOCK the wall's time" in shown
    assert TOKEN not in shown
    assert "buttons.secret" not in shown


async def test_logs_show_the_last_lines(rig, tmp_path):
    rig.desk = replace(rig.desk, machine=Machine(log_dir=tmp_path))
    assert await told(rig, "/logs") == "There is no log yet."
    (tmp_path / "onebook.log").write_text("one\ntwo <b>\nthree\n", encoding="utf-8")

    assert await told(rig, "/logs 2") == "two <b>\nthree"


async def test_restart_asks_twice(rig):
    restarts = []
    rig.desk = replace(rig.desk, machine=Machine(restart=lambda: restarts.append(1)))
    second = await press(rig, await rig.ask("/restart"), "Restart")
    assert restarts == []

    assert plain((await press(rig, second, "Yes, do it")).html) == "Restarting."
    await press(rig, second, "Yes, do it")
    assert restarts == [1]


async def test_a_backtest_runs_on_the_candles_of_the_book_and_says_when_it_is_done(rig):
    await rig.play(ms("2026-01-01T01:05"))
    desk = BacktestDesk(rig.world.path, rig.desk.writer, LIVELY, rig.world.clock.now_ms)
    rig.desk = replace(rig.desk, backtests=desk)

    assert "I say when it is done" in await told(rig, "/backtest adausdt 15m")
    assert "One runs already" in await told(rig, "/backtest")
    await desk.wait()
    await rig.sender.drain()

    assert "The backtest is done: /backtest_results 1" in plain(rig.world.api.messages(OWNER)[-1].text)
    assert (await told(rig, "/backtest_results")).splitlines()[1].startswith("1    260101")
    assert "ADAUSDT 15m" in await told(rig, "/backtest_results 1 1")
    with rig.book.reading() as view:
        assert Backtests(view.connection).get(1).run.params_hash == LIVELY.hash


async def test_what_has_no_candles_gives_a_reason(rig):
    await rig.play(ms("2026-01-01T01:05"))
    path, now_ms = rig.world.path, rig.world.clock.ms

    assert outcome_of(path, Wanted(symbol="NOPEUSDT"), LIVELY, now_ms) == Failed("there are no candles of that")
    assert isinstance(outcome_of(path, Wanted("ADAUSDT", Timeframe.M15), LIVELY, now_ms), Found)


async def test_files_are_read_below_one_folder_alone(rig, tmp_path):
    rig.desk = replace(
        rig.desk, backtests=BacktestDesk(rig.world.path, rig.desk.writer, LIVELY, rig.world.clock.now_ms)
    )
    outside = tmp_path / "BTCUSDT-1h.csv"
    outside.write_text("time,open,high,low,close,volume\n")

    assert "There is no such file below data" in await told(rig, f"/backtest {outside}")
    assert "There is no such file below data" in await told(rig, "/backtest ../pyproject.csv")


async def test_a_second_backtest_has_to_wait(rig):
    desk = BacktestDesk(Path("nowhere.db"), rig.desk.writer, LIVELY, rig.world.clock.now_ms)
    with rig.book.transaction() as tx:
        chat = tx.chats.ensure(OWNER, ChatKind.PRIVATE)
    desk.start(Wanted(), chat.id)
    with pytest.raises(BacktestBusy):
        desk.start(Wanted(), chat.id)
    await desk.wait()
    await rig.sender.drain()

    assert "The backtest gave nothing" in rig.world.api.messages(OWNER)[-1].text
