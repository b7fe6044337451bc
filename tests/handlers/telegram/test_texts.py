"""What the channel reads: one text of each kind as it looks, and no value that can break it."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vocabulary import BookKind, SignalStatus
from handlers.telegram.texts import clock_of, duration, renderer, signal_lines
from services.announce import Announcements, MessageKind, about
from services.send import NOTICE, TEXT_LIMIT, plain
from storage.book import Book
from storage.chats import ChatKind
from tests.storage.samples import DAY_MS, HOUR_MS, LONG, NOW_MS, SHORT, recorded

CLOSED = {
    "reason": "TAKE_PROFIT",
    "outcome": "WIN",
    "r_multiple": 2.531,
    "pnl_pct": 5.061,
    "mfe_r": 3.2,
    "mae_r": 0.41,
    "opened_ms": NOW_MS - 27 * HOUR_MS,
    "targets_hit": 3,
}
KINDS = [
    (
        MessageKind.ENTRY,
        {"price": 99.9},
        "▶️ 🟢 <b>LONG #BTCUSDT 1h</b> filled at 99.9\nS-1 · 2025-10-09 09:00 UTC",
    ),
    (
        MessageKind.TARGET,
        {"no": 2, "price": 106.0, "share_ratio": 0.35},
        "🎯 🟢 <b>LONG #BTCUSDT 1h</b> target 2 at 106\nS-1 · 35% taken off · 2025-10-09 09:00 UTC",
    ),
    (
        MessageKind.STOP_MOVED,
        {"stop": 100.0, "entry": 100.0},
        "🛡 🟢 <b>LONG #BTCUSDT 1h</b> stop moved to break-even, 100\nS-1 · 2025-10-09 09:00 UTC",
    ),
    (
        MessageKind.CLOSE,
        CLOSED,
        "✅ 🟢 <b>LONG #BTCUSDT 1h</b> last target reached: +2.53R\n"
        "S-1 · +5.06 % after costs, unleveraged\n"
        "held 1 d 3 h · best +3.20R, worst -0.41R · 2025-10-09 09:00 UTC",
    ),
    (
        MessageKind.EXPIRED,
        {"reason": "the entry was not reached in time"},
        "⌛ 🟢 <b>LONG #BTCUSDT 1h</b> expired: the entry was not reached in time\nS-1 · 2025-10-09 09:00 UTC",
    ),
    (
        MessageKind.CANCELLED,
        {"reason": "the first target came before the entry"},
        "🚫 🟢 <b>LONG #BTCUSDT 1h</b> cancelled: the first target came before the entry\nS-1 · 2025-10-09 09:00 UTC",
    ),
]


@pytest.fixture
def book():
    with Book.temporary(BookKind.LIVE, now_ms=NOW_MS) as book:
        yield book


def told(book, signal=LONG, kind=MessageKind.SIGNAL, facts=None, zone="UTC", status=SignalStatus.ACCEPTED):
    """The text of a signal's post, or of one update under it."""
    with book.transaction() as tx:
        chat = tx.chats.ensure(-100, ChatKind.CHANNEL).id
        signal_id = recorded(tx, signal, status)
        Announcements((chat,)).signal(tx, signal_id, signal, NOW_MS)
        if kind is not MessageKind.SIGNAL:
            told = {**about(signal.symbol, signal.direction), **facts}
            Announcements((chat,)).update(tx, kind, signal_id, NOW_MS, told)
        [item] = tx.outbox.of_message(tx.messages.all()[-1].id)
        return renderer(zone)(tx, item).html


def test_a_signal_post_tells_levels_promise_and_reasons(book):
    assert told(book) == "\n".join(
        [
            "🟢 <b>LONG #BTCUSDT 1h</b>",
            "S-1 · sweep + displacement · score 72",
            "",
            "Entry <b>100</b> (zone 99.5 – 100.5)",
            "Stop <b>98</b> (-2.00 %)",
            "Target 1 <b>103</b> · 1.50R · 40% · equal highs",
            "Target 2 <b>106</b> · 3.00R · 35% · previous day high",
            "Target 3 <b>110</b> · 5.00R · 25%",
            "RR 5.00, whole plan 2.90R, round trip costs 0.07R",
            "",
            "• yesterday's low was taken",
            "• displacement up",
            "Invalid beyond 98; the entry is valid until 2025-10-10 09:00 UTC",
            "usdt-m, candle closed 2025-10-09 09:00 UTC",
        ]
    )


def test_a_short_says_so_on_the_lock_screen_and_times_follow_the_zone(book):
    text = told(book, SHORT, zone="Europe/Sofia")

    assert plain(text).startswith("🔴 SHORT #BTCUSDT 1h\n")
    assert "2025-10-09 12:00 EEST (2025-10-09 09:00 UTC)" in text


def test_a_signal_sent_too_late_warns_and_shows_no_levels(book):
    text = told(book, status=SignalStatus.MISSED)

    assert text.startswith("⚪ MISSED 🟢 <b>LONG #BTCUSDT 1h</b>")
    assert "Do not trade it" in text
    assert "Entry" not in text


def test_a_signal_whose_price_went_on_before_it_could_be_sent_says_so(book):
    text = told(book, status=SignalStatus.EXECUTED)

    assert text.endswith("\n⚠️ Sent late: it was already filled when this could be sent.")


@pytest.mark.parametrize(("kind", "facts", "expected"), KINDS, ids=[kind.value for kind, *_ in KINDS])
def test_each_thing_that_becomes_of_a_signal_has_its_words(book, kind, facts, expected):
    assert told(book, kind=kind, facts=facts) == expected


def test_a_demo_says_that_its_market_is_invented():
    with Book.temporary(BookKind.DEMO, now_ms=NOW_MS) as book:
        assert told(book).endswith("<i>simulated market, not a real one</i>")


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_string_from_outside_breaks_the_html(text):
    hostile = replace(
        LONG,
        symbol=text or "X",
        setup=text,
        reasons=(text,),
        targets=(replace(LONG.targets[0], share_ratio=1.0, reason=text),),
    )
    post = "\n".join(signal_lines(hostile, "S-1", clock_of("UTC")))

    assert tags_of(post) == ["b", "/b"] * 4
    assert len(post.encode("utf-16-le")) // 2 <= TEXT_LIMIT


def test_a_notice_is_escaped(book):
    with book.transaction() as tx:
        chat = tx.chats.ensure(1, ChatKind.PRIVATE).id
        tx.outbox.queue(NOTICE, {"text": "<script> & more"}, "n", (chat,), NOW_MS)
        [item] = tx.outbox.due(NOW_MS, 1)

        assert renderer()(tx, item).html == "&lt;script&gt; &amp; more"


@pytest.mark.parametrize(
    ("ms", "text"), [(5 * 60_000, "5 min"), (HOUR_MS, "1 h 0 min"), (2 * DAY_MS + 3 * HOUR_MS, "2 d 3 h")]
)
def test_a_duration_shows_its_two_largest_units(ms, text):
    assert duration(ms) == text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_endtag(self, tag):
        self.found.append(f"/{tag}")


def tags_of(text: str) -> list[str]:
    parser = _Tags()
    parser.feed(text)
    return parser.found
