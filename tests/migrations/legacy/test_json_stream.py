import io
import json

import pytest

from migrations.legacy import json_stream
from migrations.legacy.json_stream import Broken, Element, Member, Piece, pieces


def read(text: str) -> list[Piece]:
    return list(pieces(io.StringIO(text)))


def broken(text: str) -> Broken:
    last = read(text)[-1]
    assert isinstance(last, Broken)
    return last


def test_members_come_one_by_one_and_arrays_element_by_element():
    assert read('{"a": {"b": 1}, "c": [1, {"d": 2}], "e": []}') == [
        Member("a", {"b": 1}, '{"b": 1}'),
        Element("c", "/c/0", 1, "1"),
        Element("c", "/c/1", {"d": 2}, '{"d": 2}'),
        Member("e", [], "[]"),
    ]


def test_a_document_may_be_a_list_or_a_bare_value():
    assert read("[1]") == [Element(None, "/0", 1, "1")]
    assert read("[]") == [Member(None, [], "[]")]
    assert read(" 7 ") == [Member(None, 7, "7")]
    assert read("{}") == []


def test_a_record_is_kept_as_it_was_written():
    [element] = read('[ {"price":1.50,  "x":NaN} ]')
    assert element.raw == '{"price":1.50,  "x":NaN}'


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_where_the_chunks_are_cut_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch):
    document = {"trades": [{"text": 'a "quoted" \\ word \u00e9', "n": -12.5e-3, "ok": True}] * 3, "last": 123456}
    text = json.dumps(document, ensure_ascii=False)
    whole = read(text)
    monkeypatch.setattr(json_stream, "CHUNK_CHARS", chunk)

    assert read(text) == whole


def test_what_stands_before_a_cut_is_read_and_the_cut_is_named():
    *whole, last = read('{"trades": [{"id": 1}, {"id": 2}, {"id"')

    assert [piece.place for piece in whole] == ["/trades/0", "/trades/1"]
    assert isinstance(last, Broken)
    assert "truncated" in last.reason
    assert (last.place, last.raw) == ("after /trades/1", '{"id"')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ("{", "truncated"),
        ('{"a"', "the file ends too early"),
        ("[tru", "truncated"),
        ('{"a" 1}', "stands where ':' should"),
        ('{"a": 1 "b": 2}', "stands where ',' should"),
        ("{1: 2}", "stands where '\"' should"),
        ("[1, }", "not JSON"),
        ("[1] x", "something follows"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"a": ' * 50_000, "nested too deeply"),
        ("[" + "9" * 5_000 + "]", "unreadable value"),
    ],
)
def test_what_is_no_json_is_named_and_never_raised(text: str, reason: str):
    assert reason in broken(text).reason


def test_text_of_another_encoding_is_named():
    file = io.TextIOWrapper(io.BytesIO('["цена"]'.encode("cp1251")), encoding="utf-8-sig")
    last = list(pieces(file))[-1]

    assert isinstance(last, Broken)
    assert last.reason == "not UTF-8 text"


def test_names_that_stand_twice_and_names_with_slashes_have_places_of_their_own():
    places = [piece.place for piece in read('{"a": [1], "a": [2], "a/0": 3, "a~30": 4, "\\ud800": 5, "\\\\ud800": 6}')]
    assert len(set(places)) == 6
    assert all(place.encode() for place in places)


def test_a_value_without_an_end_does_not_take_all_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_stream, "MAX_VALUE_CHARS", 1_000)
    monkeypatch.setattr(json_stream, "CHUNK_CHARS", 100)

    assert "longer than" in broken('["' + "x" * 10_000).reason
