"""The fake exchange's troubles: each begins and ends by the fake's clock, with one symbol or with all, over HTTP."""

import httpx
import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from tests.fakes.clock import ManualClock
from tests.fakes.exchange import Exchange, SimulatedBars

NOON_MS = 1_757_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS
HALF_PAST_MS = NOON_MS + 30 * MINUTE_MS
HOUR_OF_TROUBLE = {"since_ms": HALF_PAST_MS, "until_ms": HALF_PAST_MS + HOUR_MS}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(HALF_PAST_MS)


@pytest.fixture
def http(clock):
    with Exchange(SimulatedBars(7), clock).running() as url, httpx.Client(base_url=url) as client:
        yield client


def begin(http: httpx.Client, kind: str, **fields: object) -> None:
    http.post("/test/troubles", json=[{"kind": kind, **HOUR_OF_TROUBLE, **fields}]).raise_for_status()


def open_times(http: httpx.Client, symbol: str = "BTCUSDT", limit: int = 4) -> list[int]:
    rows = http.get("/fapi/v1/klines", params={"symbol": symbol, "interval": "1h", "limit": limit}).json()
    return [row[0] for row in rows]


def test_a_trouble_lasts_from_its_beginning_to_its_end(http, clock):
    begin(http, "Refused", status=503)
    clock.ms = HALF_PAST_MS - 1
    before = http.get("/fapi/v1/time").status_code
    clock.ms = HALF_PAST_MS
    during = http.get("/fapi/v1/time").status_code
    clock.ms += HOUR_MS
    after = http.get("/fapi/v1/time").status_code

    assert (before, during, after) == (200, 503, 200)


@pytest.mark.parametrize(("status", "retry_after"), [(418, 120), (429, 30), (451, None), (503, None)])
def test_it_refuses_as_the_real_one_does(http, status, retry_after):
    begin(http, "Refused", status=status, retry_after_s=retry_after)
    answer = http.get("/fapi/v1/klines", params={"symbol": "BTCUSDT", "interval": "1h"})

    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))


def test_a_frozen_feed_answers_with_what_it_had_and_moves_on_afterwards(http, clock):
    begin(http, "Frozen", symbol="BTCUSDT", until_ms=HALF_PAST_MS + 2 * HOUR_MS)
    clock.ms += HOUR_MS + MINUTE_MS
    frozen, moving = open_times(http), open_times(http, "ETHUSDT")
    clock.ms += HOUR_MS

    assert frozen[-1] == NOON_MS, "the candle that formed when it froze"
    assert moving[-1] == NOON_MS + HOUR_MS
    assert open_times(http)[-1] == NOON_MS + 2 * HOUR_MS


def test_a_gap_is_a_hole_in_the_rows_until_it_is_mended(http, clock):
    begin(http, "Gap", first_ms=NOON_MS - 2 * HOUR_MS, end_ms=NOON_MS - HOUR_MS)
    holed = open_times(http)
    clock.ms += HOUR_MS

    assert holed == [NOON_MS - 4 * HOUR_MS, NOON_MS - 3 * HOUR_MS, NOON_MS - HOUR_MS, NOON_MS]
    assert len(open_times(http, limit=5)) == 5


def test_a_line_that_hangs_is_cut_in_the_end(http):
    begin(http, "Hanging", symbol="BTCUSDT", seconds=0.05)

    with pytest.raises(httpx.RemoteProtocolError):
        open_times(http)
    assert open_times(http, "ETHUSDT")


def test_a_wrong_clock_is_told_and_the_candles_are_right(http):
    begin(http, "WrongClock", ahead_ms=-HOUR_MS)

    assert http.get("/fapi/v1/time").json() == {"serverTime": HALF_PAST_MS - HOUR_MS}
    assert open_times(http)[-1] == NOON_MS


def test_a_delisted_symbol_is_gone_from_the_list_and_its_candles_are_refused(http):
    begin(http, "Delisted", symbol="XRPUSDT")
    listed = {one["symbol"] for one in http.get("/fapi/v1/exchangeInfo").json()["symbols"]}
    refused = http.get("/fapi/v1/klines", params={"symbol": "XRPUSDT", "interval": "1h"})

    assert "XRPUSDT" not in listed
    assert "BTCUSDT" in listed
    assert (refused.status_code, refused.json()["code"]) == (400, -1121)


def test_troubles_are_read_back_and_taken_away(http):
    begin(http, "Frozen", symbol="BTCUSDT")
    [told] = http.get("/test/troubles").json()
    http.post("/test/troubles", json=[])

    assert (told["kind"], told["symbol"]) == ("Frozen", "BTCUSDT")
    assert http.get("/test/troubles").json() == []
