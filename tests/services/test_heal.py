"""What the live bot does about each fault of an exchange: bounded, said once, the others go on, and resumed by itself."""

import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from engine.vocabulary import CloseReason, ConditionStatus, Position, Stage
from services.heal import PAUSE_MS
from services.live import MarketSilent
from storage.events import EventType
from storage.identities import identities, integrity
from storage.job_runs import JobStatus
from storage.portfolios import FOLLOWED_KINDS
from storage.positions import ExitQuality
from tests.fakes.exchange_faults import Delisted, Frozen, Gap, Hanging, Refused, WrongClock
from tests.services.rig import Rig, ms, started, world_at

SYMBOLS = ("ADAUSDT", "XRPUSDT")
QUARTERS = (Timeframe.M15,)
BEGIN_MS = ms("2026-01-01T00:50")
FIRST_CLOSE_MS, SECOND_CLOSE_MS = ms("2026-01-01T01:00"), ms("2026-01-01T01:15")


@pytest.fixture
async def world(tmp_path):
    async with world_at(BEGIN_MS, tmp_path) as world:
        yield world


@pytest.fixture
async def rig(world):
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await rig.play(ms("2026-01-01T00:55"))
        yield rig


async def play(rig: Rig, until: str) -> None:
    """Minute by minute: a knock of the market and, after it, a round of healing."""
    until_ms = ms(until)
    while rig.world.clock.ms < until_ms:
        await rig.play(rig.world.clock.ms + MINUTE_MS, step_ms=MINUTE_MS)
        await rig.healer.run()


async def ask_in_vain(rig: Rig) -> None:
    """Rounds over an hour, after which a pair may be taken for gone."""
    for _ in range(7):
        rig.world.clock.ms += PAUSE_MS
        await rig.healer.run()


def told(rig: Rig, type: EventType) -> list[str]:
    with rig.book.reading() as view:
        return [event.message or "" for event in reversed(view.events.latest(100, type))]


def looked_at(rig: Rig, symbol: str, close_ms: int) -> str | None:
    """Why a look was refused; None when the engine decided."""
    with rig.book.reading() as view:
        scan = view.scans.at(symbol, "15m", close_ms)
    assert scan is not None, f"{symbol} was not looked at"
    return None if scan.rejected is None or scan.rejected.stage is not Stage.DATA else scan.rejected.reason


async def test_a_feed_that_freezes_for_two_minutes_is_fetched_again_and_nothing_is_missed(rig):
    rig.world.exchange.troubles = (
        Frozen(since_ms=FIRST_CLOSE_MS - MINUTE_MS, until_ms=FIRST_CLOSE_MS + 2 * MINUTE_MS),
    )

    await play(rig, "2026-01-01T01:05")

    assert looked_at(rig, "ADAUSDT", FIRST_CLOSE_MS) is None
    assert [message.partition(":")[0] for message in told(rig, EventType.HEALED)][-1] == "fetched again"
    assert told(rig, EventType.FEED_SILENT) == []


async def test_one_frozen_series_is_waited_for_once_then_left_out_and_taken_in_when_it_comes(rig):
    frozen = Frozen(symbol="ADAUSDT", since_ms=FIRST_CLOSE_MS - MINUTE_MS, until_ms=ms("2026-01-01T01:40"))
    rig.world.exchange.troubles = (frozen,)

    await play(rig, "2026-01-01T01:04")
    assert looked_at(rig, "ADAUSDT", FIRST_CLOSE_MS) == "ADAUSDT 15m is stale"
    assert looked_at(rig, "XRPUSDT", FIRST_CLOSE_MS) is None
    assert len(told(rig, EventType.FEED_SILENT)) == 1

    await play(rig, "2026-01-01T01:16")
    assert looked_at(rig, "XRPUSDT", SECOND_CLOSE_MS) is None, "the others do not wait a second time"
    assert "left out" in looked_at(rig, "ADAUSDT", SECOND_CLOSE_MS)

    await play(rig, "2026-01-01T01:46")
    assert looked_at(rig, "ADAUSDT", ms("2026-01-01T01:45")) is None
    healed = [message.partition(":")[0] for message in told(rig, EventType.HEALED)]
    assert healed.count("client made anew") == 1
    assert "series comes again" in healed


async def test_a_series_left_out_is_known_after_a_restart(world):
    async with started(world, SYMBOLS, QUARTERS) as rig:
        world.exchange.troubles = (Frozen(symbol="ADAUSDT", since_ms=FIRST_CLOSE_MS - MINUTE_MS),)
        await play(rig, "2026-01-01T01:05")
    async with started(world, SYMBOLS, QUARTERS) as rig:
        await play(rig, "2026-01-01T01:16")
        assert looked_at(rig, "XRPUSDT", SECOND_CLOSE_MS) is None
        world.exchange.troubles = ()
        await play(rig, "2026-01-01T01:31")

        assert looked_at(rig, "ADAUSDT", ms("2026-01-01T01:30")) is None


@pytest.mark.parametrize(
    "refusal", [Refused(status=418), Refused(status=429), Refused(status=451), Refused(status=503)]
)
async def test_a_refusing_exchange_holds_everything_up_and_everything_is_decided_when_it_is_over(rig, refusal):
    rig.world.exchange.troubles = (refusal,)
    rig.world.clock.ms = FIRST_CLOSE_MS + 4_000
    with pytest.raises(MarketSilent):
        await rig.live.advance()
    asked = len(rig.world.exchange.requests)
    with rig.book.reading() as view:
        assert view.job_runs.last("scan 15m").status is JobStatus.FAILED

    rig.world.exchange.troubles = ()
    await play(rig, "2026-01-01T01:16")

    assert asked < 60, "a bounded number of questions"
    assert looked_at(rig, "ADAUSDT", FIRST_CLOSE_MS) is None
    assert looked_at(rig, "ADAUSDT", SECOND_CLOSE_MS) is None
    assert told(rig, EventType.FEED_SILENT) == []


async def test_a_symbol_whose_answers_hang_does_not_keep_the_others_waiting_for_ever(rig):
    rig.world.exchange.troubles = (Hanging(symbol="ADAUSDT", seconds=0.01),)

    await play(rig, "2026-01-01T01:16")

    assert looked_at(rig, "XRPUSDT", SECOND_CLOSE_MS) is None
    assert "ADAUSDT 15m" in told(rig, EventType.FEED_SILENT)[0]


async def test_a_wrong_clock_of_the_exchange_lets_nothing_forming_through_and_heals_with_the_client(rig):
    wrong = WrongClock(ahead_ms=-HOUR_MS, since_ms=ms("2026-01-01T00:58"), until_ms=ms("2026-01-01T01:01"))
    rig.world.exchange.troubles = (wrong,)
    rig.world.clock.ms = ms("2026-01-01T01:00") + 500  # the offset was learned ten minutes ago: it is asked anew

    await play(rig, "2026-01-01T01:06")

    assert looked_at(rig, "ADAUSDT", FIRST_CLOSE_MS) is None


async def test_a_hole_is_refilled_when_the_exchange_finds_the_candles(rig):
    hole = Gap(symbol="ADAUSDT", first_ms=ms("2026-01-01T00:30"), end_ms=ms("2026-01-01T00:45"), timeframe="15m")
    async with started_again(rig, hole) as again:
        await play(again, "2026-01-01T01:01")
        assert looked_at(again, "ADAUSDT", FIRST_CLOSE_MS) == "ADAUSDT 15m has holes in time"
        again.world.exchange.troubles = ()
        await play(again, "2026-01-01T01:16")

        assert looked_at(again, "ADAUSDT", SECOND_CLOSE_MS) is None


async def test_a_hole_of_the_exchange_itself_is_named_once_and_does_not_end_looks_for_ever(rig):
    hole = Gap(symbol="ADAUSDT", first_ms=ms("2026-01-01T00:30"), end_ms=ms("2026-01-01T00:45"), timeframe="15m")
    async with started_again(rig, hole) as again:
        await play(again, "2026-01-01T02:01")

        assert "holes" in looked_at(again, "ADAUSDT", ms("2026-01-01T01:30"))
        assert looked_at(again, "ADAUSDT", ms("2026-01-01T01:45")) is None
        assert looked_at(again, "XRPUSDT", FIRST_CLOSE_MS) is None
        [named] = told(again, EventType.CANDLES_MISSING)
        assert "ADAUSDT 15m: the exchange lacks 1 bars from 2026-01-01 00:30" in named


async def test_a_delisted_symbol_with_an_open_position_leaves_the_others_alone_and_the_position_as_it_is(rig):
    await play(rig, "2026-01-01T01:10")
    with rig.book.reading() as view:
        before = [one for one in view.positions.open_positions() if one.symbol == "ADAUSDT"]
    assert before, "ADAUSDT was entered"

    rig.world.exchange.troubles = (Delisted(symbol="ADAUSDT"),)
    await play(rig, "2026-01-01T01:46")

    with rig.book.reading() as view:
        after = [one for one in view.positions.open_positions() if one.symbol == "ADAUSDT"]
        last = view.job_runs.last("scan 15m")
    assert [one.id for one in after] == [one.id for one in before]
    assert (last.slot_ms, last.status) == (ms("2026-01-01T01:45"), JobStatus.OK)
    assert looked_at(rig, "XRPUSDT", ms("2026-01-01T01:45")) is None
    assert 1 <= len(told(rig, EventType.FEED_SILENT)) <= 2


async def test_orders_of_a_symbol_without_candles_end_when_nobody_can_tell_any_more(rig):
    await play(rig, "2026-01-01T01:01")
    with rig.book.reading() as view:
        [*waiting] = view.conditions.active(symbol="ADAUSDT")
    assert waiting, "an order waits"
    rig.world.exchange.troubles = (Delisted(symbol="ADAUSDT"),)
    await play(rig, "2026-01-01T01:20")
    rig.world.clock.ms = max(one.valid_until_ms for one in waiting) + 25 * HOUR_MS

    await ask_in_vain(rig)

    with rig.book.reading() as view:
        assert view.conditions.active(symbol="ADAUSDT") == ()
        assert {view.conditions.get(one.id).status for one in waiting} == {ConditionStatus.CANCELLED}
    assert any(message.startswith("orders ended") for message in told(rig, EventType.HEALED))


async def delisted(rig: Rig) -> list[Position]:
    """The open positions of a pair whose candles end, a quarter of an hour after they did."""
    await play(rig, "2026-01-01T01:10")
    with rig.book.reading() as view:
        positions = [one for one in view.positions.open_positions() if one.symbol == "ADAUSDT"]
    assert {one.portfolio_id for one in positions} == set(followed_portfolios(rig)), "the account and the record have one"
    rig.world.exchange.troubles = (Delisted(symbol="ADAUSDT"),)
    await play(rig, "2026-01-01T01:25")
    return positions


def followed_portfolios(rig: Rig) -> list[int]:
    with rig.book.reading() as view:
        return [view.portfolios.of_kind(kind).id for kind in FOLLOWED_KINDS]


async def test_positions_of_a_pair_that_left_the_exchange_end_after_a_week_at_the_last_price(rig):
    positions = await delisted(rig)
    with rig.book.reading() as view:
        stood = {one.id: view.positions.get(one.id) for one in positions}
    rig.world.clock.ms += 6 * DAY_MS
    await ask_in_vain(rig)
    with rig.book.reading() as view:
        assert all(view.positions.get(number).is_open for number in stood), "they may still come"

    rig.world.clock.ms += DAY_MS
    await ask_in_vain(rig)

    with rig.book.reading() as view:
        for number, before in stood.items():
            after = view.positions.get(number)
            assert (after.is_open, after.close_reason) == (False, CloseReason.TIME_LIMIT)
            assert after.exit_price == pytest.approx(before.mark_price, rel=0.01), "less slippage"
            assert after.closed_ms == rig.world.clock.ms
        [told_of] = [m for m in view.messages.all() if m.kind == "close" and m.payload["reason"] == "TIME_LIMIT"]
        assert told_of.payload["priced_ms"] == next(iter(stood.values())).settled_ms
        assert all(truth.holds for truth in (*identities(view), *integrity(view)))
        qualities = view.connection.execute("SELECT exit_quality FROM positions WHERE status='CLOSED'").fetchall()
        assert [tuple(row) for row in qualities] == [(ExitQuality.POLL.value,)] * 2, "kept out of training"
    assert any(message.startswith("positions ended: 2") for message in told(rig, EventType.HEALED))


async def test_a_machine_that_slept_for_days_takes_no_pair_for_gone_before_it_has_asked_for_an_hour(rig):
    positions = await delisted(rig)
    rig.world.clock.ms += 8 * DAY_MS
    for _ in range(6):
        rig.world.clock.ms += PAUSE_MS
        await rig.healer.run()
        with rig.book.reading() as view:
            assert all(view.positions.get(one.id).is_open for one in positions)

    rig.world.exchange.troubles = ()
    await ask_in_vain(rig)

    with rig.book.reading() as view:
        assert all(view.positions.get(one.id).is_open for one in positions), "its candles tell what became of it"
    assert any(message.startswith("series comes again") for message in told(rig, EventType.HEALED))


async def test_no_position_ends_while_no_other_pair_has_candles_either(rig):
    positions = await delisted(rig)
    rig.world.exchange.troubles = (Refused(status=503),)
    await play(rig, "2026-01-01T01:35")
    rig.world.clock.ms += 30 * DAY_MS

    await ask_in_vain(rig)

    with rig.book.reading() as view:
        assert all(view.positions.get(one.id).is_open for one in positions)


def started_again(rig: Rig, trouble: Gap):
    """The same bot on a book that has not seen these candles yet."""
    world = rig.world
    world.exchange.troubles = (trouble,)
    world.path = world.path.with_name("again.db")
    return started(world, SYMBOLS, QUARTERS)
