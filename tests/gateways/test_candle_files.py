import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.candles import InputError
from engine.timeframes import Timeframe
from gateways.candle_files import CandleFileError, candle_paths, read_file, read_series, series_named
from tests.shared import SHARED, needs_shared

HEADER = "time,open,high,low,close,volume\n"
HOURS = (
    "2025-01-31T22:00:00Z,10,12,9,11,100",
    "2025-01-31T23:00:00Z,11,13,10,12.5,150",
    "2025-02-01T00:00:00Z,12.5,14,12,13,90.5",
)
FIRST_MS = 1_738_360_800_000
HOUR_MS = 3_600_000
PLAIN = HEADER + "\n".join(HOURS) + "\n"


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes, name: str = "BTCUSDT-1h.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def dump(unit_per_ms: int, header: str = "") -> str:
    """Three hours in the twelve columns of an exchange's kline dump."""
    rows = []
    for hour, line in enumerate(HOURS):
        open_ms = FIRST_MS + hour * HOUR_MS
        prices = line.split(",", 1)[1]
        rows.append(f"{open_ms * unit_per_ms},{prices},{(open_ms + HOUR_MS) * unit_per_ms - 1},1100.5,42,50,550.2,0")
    return header + "\n".join(rows)


def test_a_file_becomes_checked_candles(written):
    candles = read_file(written(PLAIN))

    assert (candles.symbol, candles.timeframe) == ("BTCUSDT", Timeframe.H1)
    assert candles.open_ms.tolist() == [FIRST_MS, FIRST_MS + HOUR_MS, FIRST_MS + 2 * HOUR_MS]
    assert (candles.open[1], candles.high[1], candles.low[1], candles.close[1], candles.volume[1]) == (
        11.0,
        13.0,
        10.0,
        12.5,
        150.0,
    )


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        PLAIN.upper(),
        PLAIN + "\n\n",
        PLAIN.rstrip(),
        PLAIN.replace("Z", "+00:00"),
        PLAIN.replace("Z", ""),
        PLAIN.replace("T", " ").replace("Z", ".000000+00:00"),
        PLAIN.replace("2025-01-31T22:00:00Z", "2025-02-01T00:00:00+02:00"),
        HEADER + "\n".join(f"{FIRST_MS + n * HOUR_MS},{line.split(',', 1)[1]}" for n, line in enumerate(HOURS)),
        dump(unit_per_ms=1),
        dump(unit_per_ms=1000),
        dump(1, "open_time,open,high,low,close,volume,close_time,quote_volume,count,buys,quote_buys,ignore\n"),
    ],
)
def test_every_documented_spelling_says_the_same_candles(written, text):
    expected, candles = read_file(written(PLAIN)), read_file(written(text))

    assert candles.open_ms.tolist() == expected.open_ms.tolist()
    assert candles.close.tolist() == expected.close.tolist()
    assert candles.volume.tolist() == expected.volume.tolist()


def test_a_gzip_file_is_read_like_the_plain_one(written):
    candles = read_file(written(gzip.compress(PLAIN.encode()), "BTCUSDT-1h.csv.gz"))

    assert candles.close.tolist() == [11.0, 12.5, 13.0]


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe"),
    [
        ("BTCUSDT-30m.csv.gz", "BTCUSDT", Timeframe.M30),
        ("BTCUSDT-1h-2025q4.csv", "BTCUSDT", Timeframe.H1),
        ("BTC-USDT-4h-2025-01.csv", "BTC-USDT", Timeframe.H4),
        ("币安人生USDT-1d.csv", "币安人生USDT", Timeframe.D1),
        ("BTCUSDT-1h-4h.csv", "BTCUSDT", Timeframe.H1),
    ],
)
def test_the_name_says_symbol_and_timeframe(name, symbol, timeframe):
    assert series_named(Path(name)) == (symbol, timeframe)


@pytest.mark.parametrize("name", ["BTCUSDT.csv", "BTCUSDT-7q.csv", "BTCUSDT-1M.csv", "-1h.csv", "BTCUSDT-1h.txt"])
def test_a_name_that_says_no_series_is_refused_with_the_form_it_should_have(name):
    with pytest.raises(CandleFileError, match=r"SYMBOL-TIMEFRAME|ends in \.csv"):
        series_named(Path(name))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER, "has a header but no candles"),
        ("date,o,h,l,c,v\n" + HOURS[0], "line 1: the header must be time,open,high,low,close,volume"),
        (HOURS[0], "line 1: the header must be"),
        (PLAIN + "2025-02-01T01:00:00Z,13,14", "line 5: has 3 of 6 columns"),
        (PLAIN.replace("150", "150,7"), "line 3: has 7 of 6 columns"),
        (PLAIN.replace("150", "150,7").replace(",90.5", ""), "line 3: has 7 of 6 columns"),
        (PLAIN.replace("150", "150,,,,,").replace("\n2025-02", "\n\n2025-02"), "line 3: has 11 of 6 columns"),
        (PLAIN.replace("\n2025-02", "\n\n2025-02"), "line 4: has 1 of 6 columns"),
        (PLAIN.replace("12.5,150", "twelve,150"), "line 3: the close 'twelve' is not a number"),
        (PLAIN.replace("12.5,150", "1_2,150"), "line 3: the close '1_2' is not a number"),
        (PLAIN.replace("12.5,150", "１２,150"), "line 3: the close '１２' is not a number"),
        (PLAIN.replace("12.5,150", ",150"), "line 3: the close '' is not a number"),
        (PLAIN.replace("12.5,150", "nan,150"), "line 3: Bar 1 .*close is not a number"),
        (PLAIN.replace("13,10,12.5", "11,10,12.5"), "line 3: Bar 1 .*its high 11 is below its body"),
        (PLAIN.replace("02-01T00", "01-31T20"), "line 4: Bar 2 .*time goes back"),
        (PLAIN.replace("02-01T00", "02-30T00"), "line 4: the time '2025-02-30T00:00:00Z' is neither ISO nor epoch"),
        (PLAIN.replace("2025-02-01T00:00:00Z", "noon"), "line 4: the time 'noon' is neither ISO nor epoch"),
        (HEADER + "1738360800,10,12,9,11,100", "line 2: the time 1738360800 is neither ISO nor epoch milliseconds"),
        (dump(1).replace("1738364400000,11", "x,11"), "line 2: the time 'x' is no epoch time"),
        (b"\x00\x01\xff\xfe", "line 1: is no text"),
    ],
)
def test_a_malformed_file_is_refused_with_file_and_line(written, text, complaint):
    path = written(text)

    with pytest.raises(CandleFileError, match=complaint) as refusal:
        read_file(path)

    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


def test_a_price_that_candles_refuse_keeps_their_own_error_as_the_cause(written):
    with pytest.raises(CandleFileError) as refusal:
        read_file(written(PLAIN.replace("12.5,150", "nan,150")))

    assert isinstance(refusal.value.__cause__, InputError)


def test_of_two_faults_the_earlier_line_is_named(written):
    text = PLAIN.replace("T23:00:00Z,11", "T21:00:00Z,11").replace("13,90.5", "nan,90.5")

    with pytest.raises(CandleFileError, match=r"line 3: .*time goes back"):
        read_file(written(text))


def test_an_empty_volume_is_a_missing_one(written):
    candles = read_file(written(PLAIN.replace("12.5,150", "12.5,")))

    assert np.isnan(candles.volume[1])
    assert candles.close.tolist() == [11.0, 12.5, 13.0]


def test_a_truncated_gzip_file_is_refused(written):
    whole = gzip.compress(PLAIN.encode())

    with pytest.raises(CandleFileError, match="truncated"):
        read_file(written(whole[:-10], "BTCUSDT-1h.csv.gz"))


def test_a_damaged_gzip_file_is_refused(written):
    whole = bytearray(gzip.compress(PLAIN.encode() * 50))
    whole[40] ^= 0xFF

    with pytest.raises(CandleFileError, match=r"damaged|truncated|column|not a number|no text"):
        read_file(written(bytes(whole), "BTCUSDT-1h.csv.gz"))


def test_a_gz_name_on_plain_text_is_refused(written):
    with pytest.raises(CandleFileError, match="no gzip file"):
        read_file(written(PLAIN, "BTCUSDT-1h.csv.gz"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CandleFileError, match="there is no such file"):
        read_file(tmp_path / "BTCUSDT-1h.csv")


def test_a_directory_named_like_a_file_cannot_be_read(tmp_path):
    path = tmp_path / "BTCUSDT-1h.csv"
    path.mkdir()

    with pytest.raises(CandleFileError, match="cannot be read"):
        read_file(path)


def test_a_hole_in_time_is_reported_and_not_refused(written):
    candles = read_file(written(PLAIN.replace(HOURS[1] + "\n", "")))

    assert candles.gaps() == ((1, 1),)


def test_a_repeated_time_keeps_its_last_row_and_is_reported(written):
    candles = read_file(written(PLAIN.replace(HOURS[1], HOURS[1] + "\n" + HOURS[1].replace("150", "151"))))

    assert candles.volume.tolist() == [100.0, 151.0, 90.5]
    assert candles.dropped == (2,)


def test_a_directory_stands_for_its_candle_files_in_order(written, tmp_path):
    for name in ("ETHUSDT-1h.csv", "BTCUSDT-1h.csv", ".hidden-1h.csv", "notes.txt"):
        written(PLAIN, name)

    assert [path.name for path in candle_paths(tmp_path)] == ["BTCUSDT-1h.csv", "ETHUSDT-1h.csv"]


def test_a_directory_without_candle_files_is_refused(tmp_path):
    with pytest.raises(CandleFileError, match="holds no"):
        candle_paths(tmp_path)


def test_files_of_one_series_are_joined_and_the_last_file_wins_an_overlap(written):
    late = written(HEADER + HOURS[2] + "\n" + HOURS[2].replace("02-01T00", "02-01T01"), "BTCUSDT-1h-2025-02.csv")
    early = written(PLAIN.replace("90.5", "80"), "BTCUSDT-1h-2025-01.csv")

    [forward] = read_series([early, late])
    [backward] = read_series([late, early])

    assert forward.volume.tolist() == [100.0, 150.0, 90.5, 90.5]
    assert backward.volume.tolist() == [100.0, 150.0, 80.0, 90.5]
    assert forward.dropped == ()


def test_different_timeframes_of_one_symbol_stay_apart(written, tmp_path):
    written(PLAIN, "BTCUSDT-1h.csv")
    written(PLAIN, "BTCUSDT-30m.csv")

    assert [series.timeframe for series in read_series([tmp_path])] == [Timeframe.H1, Timeframe.M30]


@given(st.lists(st.floats(min_value=1e-9, max_value=1e12), min_size=1, max_size=20))
def test_prices_are_read_as_exactly_as_python_reads_them(tmp_path_factory, prices):
    path = tmp_path_factory.mktemp("exact") / "BTCUSDT-1h.csv"
    rows = [f"{FIRST_MS + n * HOUR_MS},{price!r},{price!r},{price!r},{price!r},1" for n, price in enumerate(prices)]
    path.write_text(HEADER + "\n".join(rows))

    assert read_file(path).close.tolist() == prices


@needs_shared
def test_the_real_candles_are_read():
    universe = read_series([SHARED / "candles" / "universe"])
    [forex] = read_series([SHARED / "candles" / "forex"])

    assert len(universe) == 200
    assert {len(series) for series in universe} == {1000}
    assert len(forex.gaps()) > 40
