"""Tables fit a phone: every one there is, and whatever stands in their cells."""

import html
import importlib
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.telegram import commands
from handlers.telegram.catalogue import LANGUAGES
from handlers.telegram.tables import WIDEST, Column, Table, fit, short_price, width_of


def tables() -> list[Table]:
    """Every table of every module of commands."""
    modules = [
        importlib.import_module(f"{commands.__name__}.{m.name}") for m in pkgutil.iter_modules(commands.__path__)
    ]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Table)]


def width(line: str) -> int:
    return sum(map(width_of, line))


def lines_of(told: str) -> list[str]:
    return html.unescape(told.removeprefix("<pre>").removesuffix("</pre>")).split("\n")


def test_a_table_wider_than_a_phone_cannot_be_made():
    with pytest.raises(ValueError, match="at most 34"):
        Table((Column("", 20), Column("", 14)))
    assert Table((Column("", 20), Column("", 13)))


@given(st.data())
def test_every_table_fits_whatever_is_in_it(data: st.DataObject):
    table = data.draw(st.sampled_from(tables()))
    cells = [data.draw(st.text(max_size=40)) for _ in table.columns]

    for language in LANGUAGES:
        shown = lines_of(table.html(language, [cells]))
        assert len(shown) == 2
        assert max(map(width, shown)) <= WIDEST


def test_a_cell_that_is_too_long_says_so():
    assert fit("1000PEPEUSDT", Column("", 8)) == "1000PEP…"
    assert fit("ab", Column("", 4, right=True)) == "  ab"
    assert fit("日本語", Column("", 4)) == "日… "


@given(st.floats(1e-7, 1e6))
def test_a_price_has_no_exponent(value: float):
    shown = short_price(value, 9)

    assert "e" not in shown.lower()
    assert float(shown) == pytest.approx(value, rel=0.05)
