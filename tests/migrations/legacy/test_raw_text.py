import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations.legacy.raw_text import DICTIONARY, packed, unpacked

SQUEEZED_BEFORE_THERE_WAS_A_DICTIONARY = zlib.compress(b'{"id": 1}', 1)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=3000))
def test_the_text_of_a_record_comes_back_as_it_was_found(text: str):
    assert unpacked(packed(text)) == text


def test_half_a_character_is_kept_as_its_escape():
    assert unpacked(packed('"\ud83d"')) == '"\\ud83d"'


def test_a_receipt_written_without_the_dictionary_is_read():
    assert unpacked(SQUEEZED_BEFORE_THERE_WAS_A_DICTIONARY) == '{"id": 1}'


@pytest.mark.parametrize("cut", [1, 5])
def test_a_receipt_that_lost_its_end_is_no_text(cut: int):
    with pytest.raises(zlib.error):
        unpacked(packed('{"id": 1}')[:-cut])


def test_the_dictionary_is_the_one_that_books_were_written_with():
    assert hashlib.sha256(DICTIONARY).hexdigest() == (
        "e9a5b868408259757e64ccdaeeb37901ada4e5dc2e8c2400f3a519bec3fddb74"
    )
