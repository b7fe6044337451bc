"""What the fake takes for HTML is what Telegram does, with its complaints."""

import pytest

from tests.fakes.telegram_html import Format, Unreadable, read


def test_formats_lie_on_what_is_read_and_entities_are_one_character():
    found = read("😀 <b>a &lt; <i>b</i></b> &amp;c &nbsp;")

    assert found.text == "😀 a < b &c &nbsp;"
    assert found.formats == (Format("i", 7, 1), Format("b", 3, 5))


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("ä <x>", 'Unsupported start tag "x" at byte offset 3'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b" at byte offset 0'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
    ],
)
def test_what_cannot_be_read_is_refused_in_telegrams_words(html, complaint):
    with pytest.raises(Unreadable, match="can't parse entities") as refusal:
        read(html)

    assert complaint in str(refusal.value)
