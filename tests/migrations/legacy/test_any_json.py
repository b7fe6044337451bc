"""Whatever JSON is thrown at the readers: never a traceback, never a record without its one verdict."""

import io
import json
from collections.abc import Callable
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from migrations.legacy.json_stream import Broken, pieces
from migrations.legacy.normal_form import ORIGINALS, RecordVerdict
from migrations.legacy.outline import Source, outline
from migrations.legacy.position_tables import TableRow, read_tables
from migrations.legacy.raw_text import unpacked
from migrations.legacy.shapes import shape_of
from migrations.legacy.times import Clock
from tests.migrations.legacy.documents import FIRST_GENERATION, NOW_MS, SECOND_GENERATION, THIRD_GENERATION
from tests.migrations.legacy.test_files import ENDING, POSITION, RUN, SNIPER

EXAMPLES = 300

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["BUY", "SHORT", "WIN", "PENDING", "4h", "SOLUSDT", "2026-01-10T10:00:00", "1e999", 10**400])
)
names = st.text(max_size=6) | st.sampled_from(
    ["trades", "signals", "reports", "backtests", "results", "conditions", "positions", "tasks", "symbol", "timestamp",
     "entry_price", "sl_price", "tp_price", "outcome", "SOLUSDT_BUY_4h", "2026-01-10", "total_trades", "timeframe"]
)  # fmt: skip
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=20
)

REPORT = {"date": "2026-01-02", "timestamp": "2026-01-02T10:00:00", "total_signals": 3, "win_rate": 50.0,
          "best_trade": {"symbol": "SOLUSDT", "entry_price": 140.0, "sl_price": 138.0, "type": "BUY"}}  # fmt: skip
ENTRY = {"timestamp": "2026-01-14T16:37:43", "entry_price": 143.2, "confidence": 85}
STATISTIC = {"symbol": "SOLUSDT", "timeframe": "4h", "type": "BUY", "confidence": 70.5, "timestamp": "2026-01-10T10:00:00",
             "entry_price": 140.0, "tp_price": 146.0, "sl_price": 138.0}  # fmt: skip
DOCUMENTS: tuple[object, ...] = (
    {"metadata": {}, "trades": [FIRST_GENERATION, SECOND_GENERATION, THIRD_GENERATION]},
    {"trades": {"a": FIRST_GENERATION, "b": SECOND_GENERATION}},
    [FIRST_GENERATION, THIRD_GENERATION],
    {"total_signals": 2, "by_symbol": {}, "by_timeframe": {}, "signals": [STATISTIC, STATISTIC]},
    {"reports": [REPORT, REPORT]},
    {"2026-01-02": REPORT, "2026-01-03": REPORT},
    {"SOLUSDT_BUY_4h": ENTRY, "XRPUSDT_STRONG_SELL_1h": ENTRY},
    {"signals": [{**STATISTIC, "hash": "a"}], "last_updated": 1768408663},
    {"backtests": [RUN, RUN]},
    RUN,
    {"timestamp": "2026-01-10T10:00:00", "results": {"SOLUSDT_5m": {"total_trades": 0, "win_rate": 0}}},
    SNIPER,
)


def count_of(value: object) -> int:
    """How many places of a document can be changed."""
    match value:
        case dict():
            return 1 + sum(count_of(inner) for inner in value.values())
        case list() | tuple():
            return 1 + sum(count_of(inner) for inner in value)
        case _:
            return 1


def changed(value: object, place: int, change: Callable[[object], object]) -> object:
    """The document with the value at one place changed; places are numbered from the outside in."""
    if place == 0:
        return change(value)
    place -= 1
    if isinstance(value, dict):
        out: dict[object, object] = {}
        for name, inner in value.items():
            size = count_of(inner)
            out[name] = changed(inner, place, change) if 0 <= place < size else inner
            place -= size
        return out
    assert isinstance(value, list | tuple)
    rows: list[object] = []
    for inner in value:
        size = count_of(inner)
        rows.append(changed(inner, place, change) if 0 <= place < size else inner)
        place -= size
    return rows


@st.composite
def mutated_documents(draw: st.DrawFn) -> str:
    document = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        value = draw(anything)
        document = changed(document, draw(st.integers(0, count_of(document) - 1)), lambda _, value=value: value)
    text = json.dumps(document)
    if draw(st.booleans()):
        return text
    cut = draw(st.integers(0, len(text)))
    return (
        text[:cut]
        + draw(st.sampled_from(["", "}", "]", '"', "\x00", "NaN", "[[", ","]))
        + text[cut + draw(st.integers(0, 3)) :]
    )


def check(text: str) -> None:
    """Read the text as the importer does; every reading is whole, every place its own."""
    read_pieces = list(pieces(io.StringIO(text)))
    seen = outline(read_pieces)
    shape = shape_of(seen, "allowed_users.json")
    if shape is None:
        return
    readings = list(shape.read(iter(read_pieces), Source("x.json", seen, Clock(UTC, NOW_MS))))

    assert len({reading.place for reading in readings}) == len(readings)
    for reading in readings:
        unpacked(reading.raw)
        reading.place.encode()
        "".join(reading.reasons).encode()
        if reading.verdict in ORIGINALS:
            assert reading.content is not None
            assert reading.natural_key is not None
            reading.natural_key.encode()
        else:
            assert reading.reasons
            assert reading.content is None
    if any(isinstance(piece, Broken) for piece in read_pieces):
        assert any(reading.verdict is RecordVerdict.QUARANTINED for reading in readings)


@settings(max_examples=EXAMPLES, deadline=None)
@given(anything)
def test_arbitrary_json_is_read_or_is_none_of_ours(document: object):
    check(json.dumps(document))


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_documents())
def test_mutated_shapes_give_every_record_a_verdict(text: str):
    check(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_to_its_break(text: str):
    check(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.sampled_from(DOCUMENTS[0]["trades"]), max_size=6), st.data())  # type: ignore[index]
def test_as_many_verdicts_as_records(rows: list[object], data: st.DataObject):
    mutated = [data.draw(anything) if data.draw(st.booleans()) else row for row in rows]
    text = json.dumps({"metadata": {}, "trades": mutated})
    read_pieces = list(pieces(io.StringIO(text)))
    seen = outline(read_pieces)
    shape = shape_of(seen, "x.json")

    if shape is not None and shape.name == "journal":
        readings = list(shape.read(iter(read_pieces), Source("x.json", seen, Clock(UTC, NOW_MS))))
        assert len(readings) == len(mutated)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.dictionaries(st.sampled_from(list(POSITION)), scalars, max_size=4),
    st.dictionaries(st.sampled_from(list(ENDING)), scalars, max_size=4),
)
def test_any_row_of_a_position_table_gets_its_verdict(position: dict[str, object], ending: dict[str, object]):
    storable = {**POSITION, **position}, {**ENDING, **ending}
    rows = [TableRow("open_positions", 4, storable[0]), TableRow("position_history", 1, storable[1])]  # type: ignore[arg-type]

    assert len(list(read_tables(rows, Clock(UTC, NOW_MS)))) == 2
