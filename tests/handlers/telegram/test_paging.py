"""Pages: nothing is lost between them, and each is whole HTML that Telegram takes."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.telegram.catalogue import Markup, escaped
from handlers.telegram.paging import PAGE_LINES, PAGE_UNITS, PRE, PRE_END, pages
from services.split import plain

LINES = st.lists(st.text(max_size=60).map(escaped), min_size=1, max_size=120)


@given(LINES)
def test_the_pages_of_a_text_joined_are_the_text(lines: list[str]):
    whole = "\n".join(lines)

    assert "\n".join(pages(Markup(whole))) == whole


@given(LINES, LINES)
def test_a_table_that_is_cut_goes_on_as_a_table_and_loses_no_row(before: list[str], rows: list[str]):
    whole = "\n".join([*before, PRE + "\n".join(rows) + PRE_END])
    parts = pages(Markup(whole))

    assert plain("\n".join(parts)) == plain(whole)
    for part in parts:
        assert part.count(PRE) == part.count(PRE_END)
        assert len(part.split("\n")) <= PAGE_LINES
        assert len(plain(part)) <= PAGE_UNITS + 60
