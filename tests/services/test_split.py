"""A long text is cut without losing a character or a format, and every part is one Telegram takes."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.split import plain, shortened, split, units
from tests.fakes.telegram_html import read

TAGS = ("b", "i", "u", "s", "code", "pre", 'a href="https://example.org/?a=1&amp;b=2"', "tg-spoiler", "blockquote")
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=30).map(lambda text: html.escape(text, quote=False))


def tagged(inner):
    return st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=4)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0].split()[0]}>"
    )


texts = st.lists(st.recursive(words, tagged, max_leaves=12), max_size=8).map("".join)


def formatted(text):
    """Every unit of what is read, with the formats that lie on it."""
    found = read(text)
    formats = [set() for _ in range(units(found.text))]
    for one in found.formats:
        for place in range(one.offset, one.offset + one.length):
            formats[place].add(one.tag)
    return found.text, formats


@settings(max_examples=150, deadline=None)
@given(texts, st.integers(2, 60))
def test_all_parts_together_are_the_text_with_its_formats_and_none_is_too_long(text, limit):
    parts = [formatted(part) for part in split(text, limit)]
    whole, formats = formatted(text)

    assert "".join(shown for shown, _ in parts) == whole == plain(text)
    assert [unit for _, part in parts for unit in part] == formats
    assert all(units(shown) <= limit for shown, _ in parts)


def test_a_short_text_stays_as_it_is():
    assert split("<b>one</b> &amp; two", 9) == ("<b>one</b> &amp; two",)


def test_lines_go_before_words_and_words_before_letters():
    assert split("one two\nthree four", 12) == ("one two\n", "three four")
    assert split("one two three", 9) == ("one two ", "three")
    assert split("abcdefgh", 3) == ("abc", "def", "gh")


def test_open_formats_are_closed_and_opened_again():
    assert split('<pre><code class="language-sql">one\ntwo</code></pre>', 4) == (
        '<pre><code class="language-sql">one\n</code></pre>',
        '<pre><code class="language-sql">two</code></pre>',
    )


def test_no_entity_and_no_character_of_many_parts_is_cut():
    assert split("&lt;&gt;&amp;", 2) == ("&lt;&gt;", "&amp;")
    assert split("ab👩\u200d🚀cd", 5) == ("ab", "👩\u200d🚀", "cd")
    assert split("abce\u0301f", 4) == ("abc", "e\u0301f")


def test_a_limit_that_holds_no_character_is_refused():
    with pytest.raises(ValueError, match="does not hold"):
        split("😀", 1)


def test_plain_text_has_no_tags_and_no_entities():
    assert plain("<b>a &lt; b</b> <i>x</i>") == "a < b x"


def test_shortening_keeps_whole_lines_and_counts_as_telegram_does():
    assert shortened("one\ntwo\nthree", 10) == "one\ntwo\n…"
    assert shortened("one\ntwo", 10) == "one\ntwo"
    assert shortened("😀" * 10, 8) == "😀😀😀\n…"
