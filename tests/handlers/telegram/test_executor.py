"""The executor block is read back to the identical order by a parser written from the executors' rules alone.

The parser knows nothing of the module that writes the block: a pair with a slash behind a hash, headings, prices in
plain decimals; exponents, thousands separators and anything else make it refuse.
"""

import re
from dataclasses import dataclass, replace
from string import ascii_uppercase, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.leverage import most_leverage
from engine.vocabulary import BookKind, Direction, Market, Signal, Target
from handlers.telegram.executor import executor_lines, pair
from handlers.telegram.figures import Voice
from handlers.telegram.texts_signal import Frame, signal_card
from services.announce import MessageKind
from services.split import plain
from storage.book import Book
from tests.handlers.telegram.test_texts import CASES, NOW_MS, post_of
from tests.storage.samples import LONG, SHORT

NUMBER = r"\d+(?:\.\d+)?"


@dataclass(frozen=True)
class Order:
    pair: str
    direction: str
    zone: tuple[float, float]
    targets: tuple[float, ...]
    stops: tuple[float, ...]
    leverage: int | None


def parse(text: str) -> Order | None:
    """The order that a program which copies channels would place; None when it sees no signal."""
    found = re.search(r"#([A-Z0-9]+/[A-Z0-9]+)", text)
    parts = {
        heading: re.search(rf"^{heading}:\n((?:.+\n?)+)", text, re.MULTILINE)
        for heading in ("Entry Zone", "Take-Profit Targets", "Stop Targets")
    }
    if found is None or not all(parts.values()):
        return None
    zone, targets, stops = (part[1].splitlines() for part in parts.values() if part is not None)
    both = re.fullmatch(rf"({NUMBER}) - ({NUMBER})", zone[0])
    if both is None or len(zone) != 1:
        raise ValueError(f"no zone: {zone}")
    low, high = float(both[1]), float(both[2])
    aims, ends = numbered(targets), numbered(stops)
    sign = re.search(r"^Signal Type: Regular \((Long|Short)\)$", text, re.MULTILINE)
    assert sign is not None
    assert (sign[1] == "Long") == (ends[0] < low) == (aims[0] > high)
    lever = re.search(r"^Leverage: Isolated \((\d+)X\)$", text, re.MULTILINE)
    return Order(found[1], sign[1], (low, high), aims, ends, None if lever is None else int(lever[1]))


def numbered(lines: list[str]) -> tuple[float, ...]:
    prices = []
    for no, line in enumerate(lines, 1):
        found = re.fullmatch(rf"{no}\) ({NUMBER})", line)
        if found is None:
            raise ValueError(f"not line {no} of a list: {line}")
        prices.append(float(found[1]))
    return tuple(prices)


def block(signal: Signal, *, leverage: bool = True) -> str:
    return "\n".join(executor_lines(MessageKind.ORDER, signal, leverage=leverage))


@st.composite
def orders(draw: st.DrawFn) -> Signal:
    """Signals from 1e-7 to 1e6 in both directions, their prices any floats at all."""
    direction = draw(st.sampled_from(Direction))
    stop, low, high, *aims = sorted(
        draw(st.lists(st.floats(1e-7, 1e6), min_size=4, max_size=6, unique=True).filter(spread)),
        reverse=direction is Direction.SHORT,
    )
    zone = sorted((low, high))
    share = 1 / len(aims)
    return replace(
        LONG,
        direction=direction,
        symbol=draw(st.text(ascii_uppercase + digits, min_size=1, max_size=12)) + "USDT",
        market=draw(st.sampled_from(Market)),
        stop_loss=stop,
        entry=sum(zone) / 2,
        zone_low=zone[0],
        zone_high=zone[1],
        targets=tuple(Target(no, price, share) for no, price in enumerate(aims, 1)),
    )


def spread(prices: list[float]) -> bool:
    """Whether the middle of the two that make the zone lies strictly between its neighbours."""
    ordered = sorted(prices)
    return all(before < (low + high) / 2 < after for before, low, high, after in (ordered[:4], ordered[-4:]))


@pytest.mark.long
@settings(max_examples=3_000, deadline=None)
@given(signal=orders())
def test_a_program_reads_the_identical_order(signal: Signal):
    assert parse(block(signal)) == Order(
        signal.symbol.removesuffix("USDT") + "/USDT",
        signal.direction.value.capitalize(),
        (signal.zone_low, signal.zone_high),
        tuple(target.price for target in signal.targets),
        (signal.stop_loss,),
        most_leverage(signal),
    )


def test_prices_are_plain_decimals():
    tiny = replace(LONG, stop_loss=9e-8, zone_low=1e-7, entry=1.05e-7, zone_high=1.1e-7)
    huge = replace(tiny, targets=(Target(1, 1_000_000.0, 1.0),))

    assert "\n0.0000001 - 0.00000011\n" in block(huge)
    assert "\n1) 1000000\n" in block(huge)
    assert "\n1) 0.00000009" in block(huge)


def test_leverage_is_one_where_none_is_suggested_and_missing_on_spot():
    assert "Leverage: Isolated (1X)" in block(LONG, leverage=False)
    assert "Leverage" not in block(replace(LONG, market=Market.SPOT))


@pytest.mark.parametrize(
    ("symbol", "text"),
    [("BTCUSDT", "BTC/USDT"), ("ETHBTC", "ETH/BTC"), ("1000PEPEFDUSD", "1000PEPE/FDUSD"), ("X", "X")],
)
def test_a_symbol_is_split_at_its_quote(symbol: str, text: str):
    assert pair(symbol) == text


@pytest.mark.parametrize("name", CASES)
def test_nothing_that_people_read_is_taken_for_an_order(name: str):
    """A post neither: in a chat with both, the block alone places the order."""
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book, book.transaction() as tx:
        assert parse(plain(post_of(tx, CASES[name]).html)) is None


@pytest.mark.parametrize("signal", [LONG, SHORT])
def test_a_card_is_not_taken_for_an_order(signal: Signal):
    assert parse(plain(signal_card(signal, Frame("S-1"), Voice()))) is None
