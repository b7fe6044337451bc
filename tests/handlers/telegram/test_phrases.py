"""What the engine says is known in every language: the sentences of a whole simulated market, none left in English."""

import pytest

from engine.candles import resampled
from engine.looks import Looks, Stack, chart_reader
from engine.params import Params
from engine.runner import INTERPRETED
from engine.timeframes import DAY_MS, Timeframe
from engine.vocabulary import Rejected, Signal
from gateways.simulated_market import SimulatedMarket
from handlers.telegram.figures import Voice
from handlers.telegram.phrases import phrase, setup_words
from services.demo import BEGIN_MS

ENGLISH, BULGARIAN = Voice(), Voice("bg")
END_MS = BEGIN_MS + 60 * DAY_MS
LATIN_ON_PURPOSE = ("BOS", "CHoCH", "MSS", "ETHUSDT")


def sentences() -> set[str]:
    """Every reason of two months of one simulated market: of signals, their targets, and looks that gave none."""
    params, market = Params(), SimulatedMarket(7, lambda: END_MS)
    own = market.bars("ETHUSDT", Timeframe.H1, BEGIN_MS, END_MS)
    stack = Stack(own, resampled(own, Timeframe.H4), None)
    looks = Looks(stack, params, chart_reader(params, INTERPRETED), 0.01)
    said: set[str] = set()
    for index in range(len(own)):
        match looks.at(index):
            case Rejected(reason=reason):
                said.add(reason)
            case Signal() as signal:
                said |= {*signal.reasons, *(target.reason for target in signal.targets if target.reason)}
    return said


def test_every_sentence_of_a_market_has_its_bulgarian():
    said = sentences()
    english = {sentence for sentence in said if is_english(phrase(BULGARIAN, sentence))}

    assert sum(" taken at " in sentence for sentence in said) > 5
    assert english == set()


def is_english(text: str) -> bool:
    words = (word.strip("():,") for word in text.split())
    return any(word.isascii() and word.isalpha() and len(word) > 1 and word not in LATIN_ON_PURPOSE for word in words)


@pytest.mark.parametrize(
    ("english", "bulgarian"),
    [
        ("previous day low taken at 6.3e-05", "взета ликвидност: дъно от предния ден при 0.000063"),
        ("CHOCH through 63950", "CHoCH през 63950"),
        ("4h swing high", "връх на 4h"),
        ("BTCUSDT 1h needs 200 bars, has 12", "BTCUSDT 1h: нужни са 200 свещи, има 12"),
        ("something <new>", "something &lt;new&gt;"),
    ],
)
def test_a_sentence_keeps_its_numbers_and_what_is_unknown_stays(english: str, bulgarian: str):
    assert phrase(BULGARIAN, english) == bulgarian


def test_english_stays_as_the_engine_says_it_but_for_exponents():
    assert phrase(ENGLISH, "no liquidity was taken lately") == "no liquidity was taken lately"
    assert phrase(ENGLISH, "buy-side liquidity taken at 1.2e-07") == "buy-side liquidity taken at 0.00000012"


def test_a_setup_of_another_version_keeps_its_name():
    assert setup_words(BULGARIAN, "old_setup") == "old setup"
