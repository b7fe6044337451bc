import numpy as np
import pytest

from engine.candles import resampled
from engine.timeframes import DAY_MS, HOUR_MS, Timeframe
from engine.vocabulary import Market
from gateways.market import UnknownSymbol
from gateways.simulated_market import DEFAULT_SYMBOLS, SimulatedMarket

NOON_MS = 1_757_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS
WEEK_MS = 7 * DAY_MS


def market(seed: int = 7, now_ms: int = NOON_MS) -> SimulatedMarket:
    return SimulatedMarket(seed, lambda: now_ms)


def rows(candles) -> list[tuple]:
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_seed_tells_one_story_and_another_seed_another():
    one, same, other = (market(seed).bars("BTCUSDT", Timeframe.H1, NOON_MS - WEEK_MS, NOON_MS) for seed in (7, 7, 8))

    assert rows(one) == rows(same)
    assert rows(one) != rows(other)


def test_a_bar_is_the_same_whatever_range_it_is_asked_in():
    simulated = market()
    week = simulated.bars("ETHUSDT", Timeframe.M15, NOON_MS - WEEK_MS, NOON_MS)
    hour = market().bars("ETHUSDT", Timeframe.M15, NOON_MS - DAY_MS, NOON_MS - DAY_MS + HOUR_MS)

    assert len(hour) == 4
    assert set(rows(hour)) <= set(rows(week))


@pytest.mark.parametrize("timeframe", [Timeframe.M5, Timeframe.M30, Timeframe.H3, Timeframe.H4, Timeframe.D1])
def test_every_timeframe_is_made_of_the_same_minutes(timeframe):
    simulated = market()
    since_ms = NOON_MS - NOON_MS % DAY_MS - 3 * DAY_MS
    minutes = simulated.bars("SOLUSDT", Timeframe.M1, since_ms, NOON_MS)

    assert rows(simulated.bars("SOLUSDT", timeframe, since_ms, NOON_MS)) == rows(resampled(minutes, timeframe))


async def test_the_last_bars_asked_for_are_all_closed_and_without_gaps():
    candles = await market(now_ms=NOON_MS + 1).candles("BTCUSDT", Timeframe.H4, 300, NOON_MS + WEEK_MS)

    assert len(candles) == 300
    assert candles.closed_at_ms == NOON_MS
    assert candles.gaps() == ()


async def test_a_week_is_open_until_its_monday_and_starts_on_one():
    candles = await market().candles("BTCUSDT", Timeframe.W1, 10, NOON_MS)

    assert len(candles) == 10
    assert candles.closed_at_ms <= NOON_MS < candles.closed_at_ms + WEEK_MS
    assert Timeframe.W1.floor(candles.open_ms).tolist() == candles.open_ms.tolist()


async def test_candles_since_an_instant_begin_with_the_first_bar_that_opens_after_it():
    candles = await market().candles_since("BTCUSDT", Timeframe.H1, NOON_MS - 3 * HOUR_MS + 1, NOON_MS + DAY_MS)

    assert candles.open_ms.tolist() == [NOON_MS - 2 * HOUR_MS, NOON_MS - HOUR_MS]


async def test_outside_its_years_the_market_is_empty():
    assert len(await market().candles("BTCUSDT", Timeframe.H1, 10, 10 * DAY_MS)) == 0


def test_the_next_bar_opens_where_the_last_one_closed_across_midnight_too():
    candles = market().bars("XRPUSDT", Timeframe.M1, NOON_MS - 2 * DAY_MS, NOON_MS)

    assert candles.open[1:].tolist() == candles.close[:-1].tolist()


@pytest.mark.parametrize("known", DEFAULT_SYMBOLS, ids=lambda known: known.symbol)
async def test_prices_lie_on_the_tick_the_instrument_names(known):
    simulated = market()
    instrument = await simulated.instrument(known.symbol)
    candles = await simulated.candles(known.symbol, Timeframe.M1, 500, NOON_MS)
    ticks = candles.high / instrument.tick_size

    assert instrument.market is Market.USDT_M
    assert np.abs(ticks - np.rint(ticks)).max() < 1e-6
    assert known.price / 10 < candles.close[-1] < known.price * 10


def test_returns_have_fat_tails_and_symbols_move_together():
    simulated = market()
    bitcoin, ether = (
        np.diff(np.log(simulated.bars(symbol, Timeframe.H1, NOON_MS - 40 * DAY_MS, NOON_MS).close))
        for symbol in ("BTCUSDT", "ETHUSDT")
    )
    kurtosis = ((bitcoin - bitcoin.mean()) ** 4).mean() / bitcoin.var() ** 2

    assert kurtosis > 4.0  # a normal distribution has 3
    assert np.corrcoef(bitcoin, ether)[0, 1] > 0.25


def test_the_overlap_of_london_and_new_york_is_livelier_than_the_asian_night():
    candles = market().bars("BTCUSDT", Timeframe.H1, NOON_MS - 60 * DAY_MS, NOON_MS)
    hours = candles.open_ms % DAY_MS // HOUR_MS
    loud, quiet = np.isin(hours, (13, 14, 15)), np.isin(hours, (3, 4, 5))
    ranges = (candles.high - candles.low) / candles.close

    assert ranges[loud].mean() > 1.3 * ranges[quiet].mean()
    assert candles.volume[loud].mean() > 1.5 * candles.volume[quiet].mean()


async def test_a_symbol_it_does_not_simulate_is_refused_with_the_nearest():
    with pytest.raises(UnknownSymbol, match="did you mean BTCUSDT") as refusal:
        await market().candles("BTCUSD", Timeframe.H1, 10, NOON_MS)

    assert refusal.value.nearest[0] == "BTCUSDT"


async def test_its_clock_is_the_one_it_was_given():
    assert await market().server_time_ms() == NOON_MS
    assert market().source == "simulated"
