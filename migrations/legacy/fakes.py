"""Rows that never were trades: the old bot's own test and demonstration data, known by how they were made up."""

import math
import re
from collections.abc import Mapping

from migrations.legacy.words import shown

# what a coin could cost at any time a legacy bot ran; a price outside was made up
PLAUSIBLE_PRICES = {
    "BTCUSDT": (1_000.0, 1_000_000.0),
    "ETHUSDT": (50.0, 20_000.0),
    "BNBUSDT": (5.0, 10_000.0),
    "SOLUSDT": (0.5, 2_000.0),
    "XRPUSDT": (0.05, 50.0),
    "ADAUSDT": (0.01, 50.0),
    "DOGEUSDT": (0.001, 20.0),
}
ROUND_TEST_PRICES = {"BTCUSDT": (45_000.0, 50_000.0)}
CACHE_TEST_PRICES = {**ROUND_TEST_PRICES, "ETHUSDT": (3_500.0,)}
TEST_USER_ID = 123_456_789
TEST_SOURCES = frozenset({"AUTO_TEST", "TEST"})

LADDER_FIRST_PRICE = 50_000
LADDER_STEP = 100
LADDER_ROWS = 20
ANY_PRICE = (0.0, math.inf)
# all demonstration rows of the old statistics were written within 200 microseconds, back-dated by whole hours
_LADDER_INSTANT = re.compile(r"2025-11-\d\dT\d\d:29:32\.737[234]\d\d")


def made_up(fields: Mapping[str, object], symbol: str, entry: float) -> str | None:
    """Why this row is no trade anybody was offered; None when nothing speaks against it."""
    if fields.get("source") in TEST_SOURCES:
        return f"test row: its source is {shown(fields['source'])}"
    if _is_on_ladder(fields, entry):
        return f"synthetic row: one of a ladder of made-up entries, {LADDER_FIRST_PRICE} + {LADDER_STEP} a row"
    if (reason := implausible(symbol, entry)) is not None:
        return reason
    if entry in ROUND_TEST_PRICES.get(symbol, ()):
        return f"test row: {symbol} at the round test price {entry:g}"
    return None


def implausible(symbol: str, price: float) -> str | None:
    """Why this coin never had this price; None when it may have had it."""
    low, high = PLAUSIBLE_PRICES.get(symbol, ANY_PRICE)
    return None if low <= price <= high else f"impossible price: {symbol} never cost {price:g}"


def _is_on_ladder(fields: Mapping[str, object], entry: float) -> bool:
    number = fields.get("id")
    if not isinstance(number, int):
        return False
    if 1 <= number <= LADDER_ROWS and entry == LADDER_FIRST_PRICE + (number - 1) * LADDER_STEP:
        return True
    written = fields.get("timestamp")
    return isinstance(written, str) and _LADDER_INSTANT.fullmatch(written) is not None
