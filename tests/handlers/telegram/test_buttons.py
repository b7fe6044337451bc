"""Buttons: what they carry comes back as it was given, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.timeframes import HOUR_MS, MINUTE_MS
from engine.vocabulary import BookKind
from handlers.telegram.actions import ACTIONS
from handlers.telegram.buttons import CONFIRMED, EVERYBODY, MOST_BYTES, ButtonError, Mint, in_36
from storage.book import Book
from tests.storage.samples import NOW_MS

ANN, BEN = 77, 88
LARGEST_ID = 2**52 - 1
MINT = Mint(b"secret", NOW_MS)


def refused(data: str, user_id: int = ANN, mint: Mint = MINT) -> str:
    with pytest.raises(ButtonError) as error:
        mint.read(data, user_id)
    return error.value.key


def test_what_a_button_carries_comes_back():
    press = MINT.read(MINT.button("Close", "close", "12", ANN, is_confirmed=True).data, ANN)

    assert (press.action, press.argument, press.owner, press.is_confirmed) == ("close", "12", ANN, True)


def test_every_action_fits_into_what_telegram_carries():
    for action in ACTIONS:
        assert (
            len(MINT.button("x", action.name, str(LARGEST_ID), LARGEST_ID, is_confirmed=True).data.encode())
            <= MOST_BYTES
        )
        assert not action.name.endswith(CONFIRMED)


def test_what_does_not_fit_is_not_made():
    with pytest.raises(ValueError, match="64 bytes"):
        MINT.button("x", "a", "long" * 10)
    with pytest.raises(ValueError, match="cannot stand"):
        MINT.button("x", "a", "one:two")


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_button_with_any_character_changed_is_not_believed(at: int, character: str):
    data = MINT.button("Close", "close", "12", ANN).data
    changed = data[: at % len(data)] + character + data[at % len(data) + 1 :]
    if changed == data:
        return

    assert refused(changed) in ("button.forged", "button.old")


@given(st.text())
def test_no_text_is_taken_for_a_button(text: str):
    assert refused(text) in ("button.forged", "button.old")


def test_a_button_of_another_book_is_not_believed():
    assert refused(MINT.button("x", "close", "12", ANN).data, mint=Mint(b"other", NOW_MS)) == "button.forged"


def test_a_button_obeys_its_owner_alone_unless_it_is_everybodys():
    assert refused(MINT.button("x", "close", "12", ANN).data, BEN) == "button.not_yours"
    assert MINT.read(MINT.button("x", "why", "12", EVERYBODY).data, BEN).argument == "12"


def test_a_button_expires():
    data = MINT.button("x", "close", "12", ANN, lasts_ms=HOUR_MS).data

    assert Mint(b"secret", NOW_MS + HOUR_MS - MINUTE_MS).read(data, ANN).argument == "12"
    assert refused(data, mint=Mint(b"secret", NOW_MS + HOUR_MS + MINUTE_MS)) == "button.expired"


def test_two_buttons_of_one_kind_are_told_apart():
    assert MINT.button("x", "close", "12", ANN) != MINT.button("x", "close", "12", ANN)


def test_the_secret_is_made_once_and_stays():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        with book.transaction() as tx:
            first = Mint.ensured(tx, NOW_MS).secret
        with book.transaction() as tx:
            assert Mint.ensured(tx, NOW_MS + 1).secret == first
        with book.reading() as view:
            assert Mint.of(view, NOW_MS).secret == first


@given(st.integers(0, LARGEST_ID))
def test_numbers_are_read_back(number: int):
    assert int(in_36(number), 36) == number


def test_a_number_below_0_is_refused_and_not_written_for_ever():
    with pytest.raises(ValueError, match="-100 is below 0"):
        in_36(-100)
