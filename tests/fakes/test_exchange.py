import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from engine.timeframes import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from gateways.simulated_market import SimulatedMarket
from tests.fakes.clock import ManualClock, VirtualClock
from tests.fakes.exchange import Exchange, GivenBars, SimulatedBars

REPOSITORY = Path(__file__).resolve().parents[2]
NOON_MS = 1_757_000_000_000 // DAY_MS * DAY_MS + 12 * HOUR_MS
HALF_PAST_MS = NOON_MS + 30 * MINUTE_MS
KLINES = {"symbol": "BTCUSDT", "interval": "1h"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(HALF_PAST_MS)


@pytest.fixture
def http(clock):
    with Exchange(SimulatedBars(7), clock).running() as url, httpx.Client(base_url=url) as client:
        yield client


def hours(since_ms: int, until_ms: int):
    return SimulatedMarket(7, lambda: until_ms).bars("BTCUSDT", Timeframe.H1, since_ms, until_ms)


def test_the_last_candle_is_forming_and_grows_into_the_true_one(http, clock):
    forming = http.get("/fapi/v1/klines", params=KLINES).json()[-1]
    clock.advance(30 * MINUTE_MS)
    closed, next_one = http.get("/fapi/v1/klines", params={**KLINES, "limit": 2}).json()
    [truth] = hours(NOON_MS, NOON_MS + HOUR_MS).close.tolist()

    assert (forming[0], forming[6]) == (NOON_MS, NOON_MS + HOUR_MS - 1)
    assert float(forming[5]) < float(closed[5])
    assert (closed[0], float(closed[4])) == (NOON_MS, truth)
    assert next_one[0] == NOON_MS + HOUR_MS


@pytest.mark.parametrize(
    ("window", "first_ms", "last_ms"),
    [
        ({}, HALF_PAST_MS - 500 * HOUR_MS + 30 * MINUTE_MS, NOON_MS),
        ({"limit": 2}, NOON_MS - HOUR_MS, NOON_MS),
        ({"limit": 2, "endTime": NOON_MS - 1}, NOON_MS - 2 * HOUR_MS, NOON_MS - HOUR_MS),
        ({"limit": 2, "startTime": NOON_MS - 5 * HOUR_MS}, NOON_MS - 5 * HOUR_MS, NOON_MS - 4 * HOUR_MS),
        ({"startTime": NOON_MS - 5 * HOUR_MS + 1}, NOON_MS - 4 * HOUR_MS, NOON_MS),
        (
            {"startTime": NOON_MS - 5 * HOUR_MS, "endTime": NOON_MS - 3 * HOUR_MS},
            NOON_MS - 5 * HOUR_MS,
            NOON_MS - 3 * HOUR_MS,
        ),
    ],
)
def test_pages_are_cut_like_the_real_ones(http, window, first_ms, last_ms):
    rows = http.get("/fapi/v1/klines", params={**KLINES, **window}).json()

    assert (rows[0][0], rows[-1][0]) == (first_ms, last_ms)
    assert {len(row) for row in rows} == {12}


def test_a_start_in_the_future_has_no_candles(http):
    assert http.get("/fapi/v1/klines", params={**KLINES, "startTime": HALF_PAST_MS}).json() == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"symbol": "NOPE", "interval": "1h"}, -1121),
        ({"symbol": "BTCUSDT", "interval": "3h"}, -1120),
        ({"interval": "1h"}, -1102),
    ],
)
def test_a_wrong_question_gets_binances_own_refusal(http, query, code):
    answer = http.get("/api/v3/klines", params=query)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_used_weight_is_counted_by_the_minute(http, clock):
    first = http.get("/fapi/v1/klines", params={**KLINES, "limit": 500}).headers["X-MBX-USED-WEIGHT-1M"]
    second = http.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"]
    clock.advance(MINUTE_MS)
    third = http.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"]

    assert (first, second, third) == ("5", "6", "1")


def test_given_series_are_served_and_built_upwards(clock):
    single = hours(NOON_MS - 48 * HOUR_MS, NOON_MS)
    with Exchange(GivenBars([single]), clock).running() as url, httpx.Client(base_url=url) as client:
        built = client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "4h"}).json()
        finer = client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m"}).json()

    assert len(built) == 12
    assert finer == []


def test_a_virtual_clock_runs_an_hour_in_seconds():
    real = ManualClock(1_000)
    virtual = VirtualClock(NOON_MS, anchor_real_ms=1_000, speed=600, real_ms=real.now_ms)
    real.advance(6_000)

    assert virtual.now_ms() == NOON_MS + HOUR_MS


def test_it_runs_as_a_process_and_its_clock_is_wound_from_outside():
    command = [sys.executable, "-m", "tests.fakes.exchange", "--anchor-virtual-ms", str(HALF_PAST_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{process.stdout.readline().strip()}") as client:
                client.post("/test/clock", json={"advance_ms": HOUR_MS})
                now_ms = client.get("/api/v3/time").json()["serverTime"]
                requests = client.get("/test/requests").json()
        finally:
            process.kill()

    assert NOON_MS + HOUR_MS < now_ms < NOON_MS + 2 * HOUR_MS
    assert requests == ["/api/v3/time?"]
