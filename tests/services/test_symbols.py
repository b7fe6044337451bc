"""The pairs to watch: named ones, or the most traded of the day, the same after every restart of that day."""

import pytest

from engine.timeframes import DAY_MS
from engine.vocabulary import BookKind, Market
from gateways.binance import Binance
from services.symbols import Wanted, most_traded, still_listed, watched_symbols
from storage.book import Book
from storage.writer import Writer
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars
from tests.times import ms

NOON_MS = ms("2026-01-05T12:00")


def test_pairs_are_named_or_the_most_traded_or_both():
    assert Wanted.parse(["ethusdt", "BTCUSDT", "ETHUSDT"]) == Wanted(("ETHUSDT", "BTCUSDT"))
    assert Wanted.parse(["top:20"]) == Wanted((), 20)
    assert Wanted.parse(["ADAUSDT", "Top:5"]) == Wanted(("ADAUSDT",), 5)


@pytest.mark.parametrize("words", [[], ["top:0"], ["top:101"], ["top:many"], ["top:"]])
def test_what_means_no_pairs_is_refused(words: list[str]):
    with pytest.raises(ValueError, match=r"at least one pair|written like top:20"):
        Wanted.parse(words)


def test_the_most_traded_are_coins_against_usdt():
    volumes = {
        "BTCUSDT": 9.0, "USDCUSDT": 8.0, "BTCUPUSDT": 7.0, "ETHBTC": 6.0, "JUPUSDT": 5.0, "ETHUSDT": 4.0,
        "BTCUSDT_260327": 3.0, "ADAUSDT": 4.0, "USDT": 10.0,
    }  # fmt: skip

    assert most_traded(volumes, 10) == ("BTCUSDT", "JUPUSDT", "ADAUSDT", "ETHUSDT")
    assert most_traded(volumes, 2) == ("BTCUSDT", "JUPUSDT")


def test_what_was_delisted_is_left_out_and_what_nobody_knows_stays_to_be_refused():
    assert still_listed(("ADAUSDT", "XRPUSDT"), ["XRPUSDT"], {"ADAUSDT", "XRPUSDT"}) == ("XRPUSDT",)
    assert still_listed(("ADAUSD", "XRPUSDT"), ["XRPUSDT"], {"XRPUSDT"}) == ("ADAUSD", "XRPUSDT")
    assert still_listed(("ADAUSDT",), ["XRPUSDT"], {"ADAUSDT"}) == ("ADAUSDT",)


@pytest.fixture
async def chosen(tmp_path):
    """Chooses pairs as at an instant, against the fake exchange over HTTP; `chosen.requests` are those for volumes."""
    clock = ManualClock(NOON_MS)
    exchange = Exchange(SimulatedBars(7), clock)

    class Chooser:
        @property
        def requests(self) -> int:
            return sum("/ticker/24hr" in request for request in exchange.requests)

        async def at(self, now_ms: int, wanted: Wanted) -> tuple[str, ...]:
            clock.ms = now_ms
            market = Binance(Market.USDT_M, clock.now_ms, base_url=url)
            try:
                with Book.open(tmp_path / "live.db", BookKind.LIVE, now_ms=now_ms) as book, Writer(book) as writer:
                    return await watched_symbols(wanted, market, book, writer, now_ms)
            finally:
                await market.aclose()

    with exchange.running() as url:
        yield Chooser()


async def test_the_choice_of_a_day_outlives_restarts_and_not_the_day(chosen):
    first = await chosen.at(NOON_MS, Wanted((), 3))
    assert (len(first), chosen.requests) == (3, 1)

    assert await chosen.at(NOON_MS + DAY_MS // 2 - 1, Wanted((), 3)) == first
    assert chosen.requests == 1

    assert len(await chosen.at(NOON_MS + DAY_MS // 2, Wanted((), 3))) == 3
    assert chosen.requests == 2


async def test_another_wish_is_asked_for_anew_and_named_pairs_stand_first(chosen):
    [most] = await chosen.at(NOON_MS, Wanted((), 1))
    both = await chosen.at(NOON_MS, Wanted(("ADAUSDT",), 2))

    assert both[:2] == ("ADAUSDT", most)
    assert chosen.requests == 2


async def test_named_pairs_ask_nobody(chosen):
    assert await chosen.at(NOON_MS, Wanted(("ADAUSDT",))) == ("ADAUSDT",)
    assert chosen.requests == 0
